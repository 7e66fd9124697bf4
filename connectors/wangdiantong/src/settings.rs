//! Settings as an admin wrote them, and the query that they make. Every
//! problem is found, not only the first.

use duijie_sdk::{Fault, Problem, Settings, settings::Secret, time};
use serde::Deserialize;

use crate::collection::{COLLECTIONS, Collection, Time};
use crate::dialect::Dialect;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connection {
    base_url: String,
    dialect: Dialect,
    sid: String,
    appkey: Option<String>,
    appsecret: Option<Secret>,
    app_key: Option<String>,
    app_secret: Option<Secret>,
    target_app_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pipeline {
    start_time: String,
    end_time: Option<String>,
    status: Option<Status>,
    #[serde(default)]
    is_by_modified: bool,
    shop_no: Option<String>,
    warehouse_no: Option<String>,
    stockout_no: Option<String>,
    src_order_no: Option<String>,
    src_tid: Option<String>,
    window: Option<String>,
    overlap: Option<String>,
    settle: Option<String>,
    page_size: Option<u32>,
}

/// `status: 95` and `status: "95,105"` are both natural in a manifest.
#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Number(u32),
    Text(String),
}

/// What to read, checked.
pub(crate) struct Query {
    pub(crate) collection: &'static Collection,
    pub(crate) dialect: Dialect,
    /// Without a slash at its end.
    pub(crate) base_url: String,
    pub(crate) sid: String,
    /// `appkey` or `app_key`, as the dialect calls it.
    pub(crate) key: String,
    pub(crate) target_app_key: String,
    /// First second to read, unix.
    pub(crate) start_s: i64,
    /// Last second to read, unix.
    pub(crate) end_s: Option<i64>,
    /// How many seconds a window covers, both of its bounds counted.
    pub(crate) window_s: i64,
    pub(crate) overlap_s: i64,
    pub(crate) settle_s: i64,
    pub(crate) page_size: u32,
    /// Parameters beside window and page; none is empty.
    pub(crate) filters: Vec<(&'static str, String)>,
}

/// A window shorter than this makes no sense beside a settle time, and the
/// vendor refuses one whose bounds are equal.
const MIN_WINDOW_S: i64 = 60;

impl Query {
    pub(crate) fn resolve(settings: &Settings, collection: &str) -> Result<Self, Vec<Problem>> {
        let connection = settings.connection::<Connection>().map_err(problems);
        let pipeline = settings.pipeline::<Pipeline>().map_err(problems);
        let (connection, pipeline) = match (connection, pipeline) {
            (Ok(connection), Ok(pipeline)) => (connection, pipeline),
            (connection, pipeline) => {
                let mut all = connection.err().unwrap_or_default();
                all.extend(pipeline.err().unwrap_or_default());
                return Err(all);
            }
        };
        let Some(collection) = Collection::by_name(collection) else {
            let names: Vec<_> = COLLECTIONS
                .iter()
                .map(|known| format!("`{}`", known.name))
                .collect();
            let problem = Problem::new("", format!("collection `{collection}` is not known"));
            return Err(vec![
                problem.hint(format!("known are {}", names.join(", "))),
            ]);
        };
        let mut found = Found(Vec::new());
        let query = found.query(connection, pipeline, collection);
        if found.0.is_empty() {
            Ok(query)
        } else {
            Err(found.0)
        }
    }

    /// The field that a window's bounds are compared with.
    pub(crate) fn time_field(&self) -> &'static str {
        let filter = |name| self.filters.iter().find(|filter| filter.0 == name);
        let shipped = filter("status")
            .and_then(|(_, status)| status.split(',').next()?.trim().parse().ok())
            .is_none_or(|status: u32| status >= 95);
        let consign = self.collection.time == Time::ConsignOrModified
            && shipped
            && filter("is_by_modified").is_none();
        if consign { "consign_time" } else { "modified" }
    }

    /// The last second that may be read now.
    pub(crate) fn until_s(&self, now_ms: u64) -> i64 {
        let now_s = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let settled = now_s - self.settle_s;
        self.end_s.map_or(settled, |end_s| end_s.min(settled))
    }
}

fn problems(fault: Fault) -> Vec<Problem> {
    match fault {
        Fault::InvalidSettings(problems) => problems,
        other => vec![Problem::new("", format!("{other:?}"))],
    }
}

/// The problems found so far. Where one is found, any value stands in.
struct Found(Vec<Problem>);

impl Found {
    fn query(
        &mut self,
        connection: Connection,
        pipeline: Pipeline,
        collection: &'static Collection,
    ) -> Query {
        let key = self.credentials(&connection);
        let start_s = self.instant("/pipeline/start_time", &pipeline.start_time);
        let end_s = pipeline
            .end_time
            .as_deref()
            .map(|text| self.instant("/pipeline/end_time", text));
        if let (Some(start_s), Some(Some(end_s))) = (start_s, end_s)
            && end_s <= start_s
        {
            let message = "`end_time` is not later than `start_time`";
            self.0.push(Problem::new("/pipeline/end_time", message));
        }
        let overlap = pipeline.overlap.as_deref().unwrap_or(collection.overlap);
        let settle = pipeline.settle.as_deref().unwrap_or("60s");
        Query {
            collection,
            dialect: connection.dialect,
            base_url: connection.base_url.trim_end_matches('/').to_owned(),
            sid: connection.sid,
            key,
            target_app_key: connection
                .target_app_key
                .unwrap_or_else(|| "21363512".to_owned()),
            start_s: start_s.unwrap_or_default(),
            end_s: end_s.flatten(),
            window_s: self.window(pipeline.window.as_deref(), collection),
            overlap_s: self
                .duration("/pipeline/overlap", overlap)
                .unwrap_or_default(),
            settle_s: self
                .duration("/pipeline/settle", settle)
                .unwrap_or_default(),
            page_size: self.page_size(pipeline.page_size, collection),
            filters: self.filters(pipeline, collection),
        }
    }

    fn credentials(&mut self, connection: &Connection) -> String {
        let base_url = &connection.base_url;
        if !base_url.starts_with("https://") && !base_url.starts_with("http://") {
            let problem = Problem::new(
                "/connection/base_url",
                format!("`{base_url}` is no address"),
            );
            let example = connection.dialect.production();
            self.0
                .push(problem.hint(format!("write one such as `{example}`")));
        }
        if connection.sid.is_empty() {
            self.0
                .push(Problem::new("/connection/sid", "`sid` is empty"));
        }
        let (key_name, key, secret_name, secret) = match connection.dialect {
            Dialect::Openapi2 => (
                "appkey",
                &connection.appkey,
                "appsecret",
                &connection.appsecret,
            ),
            Dialect::Qimen => (
                "app_key",
                &connection.app_key,
                "app_secret",
                &connection.app_secret,
            ),
        };
        let dialect = connection.dialect.name();
        let mut missing = |name: &str| {
            let message = format!("`{name}` is missing, which dialect `{dialect}` signs with");
            let problem = Problem::new(&format!("/connection/{name}"), message);
            let other = "`openapi2` takes `appkey` and `appsecret`, `qimen` takes `app_key` and `app_secret`";
            self.0.push(problem.hint(other));
        };
        if secret.as_ref().is_none_or(|secret| secret.name.is_empty()) {
            missing(secret_name);
        }
        match key.as_deref() {
            Some(key) if !key.is_empty() => key.to_owned(),
            _ => {
                missing(key_name);
                String::new()
            }
        }
    }

    fn instant(&mut self, at: &str, text: &str) -> Option<i64> {
        let instant = time::parse(text);
        if instant.is_none() {
            let problem = Problem::new(at, format!("`{text}` is no date and time"));
            self.0
                .push(problem.hint("write `yyyy-MM-dd HH:mm:ss` in China time"));
        }
        instant
    }

    fn duration(&mut self, at: &str, text: &str) -> Option<i64> {
        let duration = time::parse_duration_s(text);
        if duration.is_none() {
            let problem = Problem::new(at, format!("`{text}` is no length of time"));
            self.0
                .push(problem.hint("write a whole number and `s`, `m`, `h` or `d`, such as `10m`"));
        }
        duration
    }

    fn window(&mut self, text: Option<&str>, collection: &Collection) -> i64 {
        let most_s = collection.max_window_s;
        let Some(text) = text else { return most_s };
        let Some(window_s) = self.duration("/pipeline/window", text) else {
            return most_s;
        };
        let most = time::format_duration(most_s);
        let name = collection.name;
        if window_s > most_s {
            let message =
                format!("`{text}` is longer than `{most}`, the most that `{name}` allows");
            let problem = Problem::new("/pipeline/window", message);
            self.0
                .push(problem.hint(format!("write `{most}` or less, or leave it out")));
        } else if window_s < MIN_WINDOW_S {
            let problem =
                Problem::new("/pipeline/window", format!("`{text}` is shorter than `1m`"));
            self.0
                .push(problem.hint(format!("write something between `1m` and `{most}`")));
        }
        window_s
    }

    fn page_size(&mut self, size: Option<u32>, collection: &Collection) -> u32 {
        let most = collection.max_page_size;
        let size = size.unwrap_or(most);
        if size == 0 || size > most {
            let message = format!(
                "{size} records a page, where `{}` gives 1 to {most}",
                collection.name
            );
            let problem = Problem::new("/pipeline/page_size", message);
            self.0
                .push(problem.hint(format!("write at most {most}, or leave it out")));
        }
        size
    }

    fn filters(
        &mut self,
        pipeline: Pipeline,
        collection: &Collection,
    ) -> Vec<(&'static str, String)> {
        let status = pipeline.status.map(|status| match status {
            Status::Number(number) => number.to_string(),
            Status::Text(text) => text,
        });
        let given = [
            ("status", status),
            (
                "is_by_modified",
                pipeline.is_by_modified.then(|| "1".to_owned()),
            ),
            ("shop_no", pipeline.shop_no),
            ("warehouse_no", pipeline.warehouse_no),
            ("stockout_no", pipeline.stockout_no),
            ("src_order_no", pipeline.src_order_no),
            ("src_tid", pipeline.src_tid),
        ];
        let mut filters = Vec::new();
        for (name, value) in given {
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                continue;
            };
            if !collection.filters.contains(&name) {
                let message = format!("`{name}` does not narrow `{}`", collection.name);
                let problem = Problem::new(&format!("/pipeline/{name}"), message);
                self.0
                    .push(problem.hint("leave it out, and filter the records in the pipeline"));
            }
            filters.push((name, value));
        }
        filters
    }
}
