//! Settings as an admin wrote them, and the query that they make. Every
//! problem is found, not only the first.

use duijie_sdk::{Problem, Settings, time};

use crate::access::{Access, Argument, Value};
use crate::collection::{Collection, Kind, Side};
use crate::connection;
use crate::texts::Texts;

mod target;

pub(crate) use target::Target;

const NAMES: [&str; 13] = [
    "start_time",
    "end_time",
    "window",
    "overlap",
    "settle",
    "page_size",
    "status",
    "is_by_modified",
    "shop_no",
    "warehouse_no",
    "stockout_no",
    "src_order_no",
    "src_tid",
];
/// Those that narrow a collection.
const FILTERS: usize = 6;

/// What to read, checked.
pub(crate) struct Query {
    pub(crate) collection: Collection,
    pub(crate) side: Side,
    pub(crate) access: Access,
    /// First second to read, unix.
    pub(crate) start_s: i64,
    /// Last second to read, unix.
    pub(crate) end_s: Option<i64>,
    /// How many seconds a window covers, both of its bounds counted; none
    /// where everything is read each time.
    pub(crate) window_s: Option<i64>,
    pub(crate) overlap_s: i64,
    pub(crate) settle_s: i64,
    pub(crate) page_size: u32,
    /// Arguments beside window and page; none is empty.
    pub(crate) filters: Vec<Argument>,
    /// What a window's bounds are compared with.
    pub(crate) time_field: &'static str,
}

/// A window shorter than this makes no sense beside a settle time, and the
/// vendor refuses one whose bounds are equal.
const MIN_WINDOW_S: i64 = 60;

impl Query {
    pub(crate) fn resolve(settings: &Settings, collection: &str) -> Result<Self, Vec<Problem>> {
        let mut found = Found(Vec::new());
        let access = connection::access(settings, &mut found.0);
        let texts = Texts::read("/pipeline", &settings.pipeline, &NAMES, &mut found.0);
        let Some(collection) = Collection::by_name(collection) else {
            let names: Vec<_> = Collection::all()
                .map(|known| format!("`{}`", known.name))
                .collect();
            let message = format!("collection `{collection}` is not known");
            found
                .push("", message)
                .hint(&format!("known are {}", names.join(", ")));
            return Err(found.0);
        };
        let Some(side) = collection.side(access.dialect).cloned() else {
            let (name, dialect) = (collection.name, access.dialect.name());
            let message = format!("dialect `{dialect}` does not offer `{name}`");
            let hint = match collection.kind {
                // `sales.StockSync` tells numbers only, one of which is asked
                // for and answered at a time.
                Kind::Queue => {
                    "of 旗舰版 only `sales.LogisticsSync` is read, by `flagship`; for stock read `stock_query`, which gives what changed"
                }
                _ => "read it over another dialect, or leave it out",
            };
            found.push("/connection/dialect", message).hint(hint);
            return Err(found.0);
        };
        let query = found.query(access, &texts, collection, side);
        if found.0.is_empty() {
            Ok(query)
        } else {
            Err(found.0)
        }
    }

    /// The last second that may be read now.
    pub(crate) fn until_s(&self, now_ms: u64) -> i64 {
        let now_s = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let settled = now_s - self.settle_s;
        self.end_s.map_or(settled, |end_s| end_s.min(settled))
    }
}

/// The problems found so far. Where one is found, any value stands in.
struct Found(Vec<Problem>);

/// A problem that was just found.
struct Last<'a>(&'a mut Problem);

impl Last<'_> {
    fn hint(self, hint: &str) {
        self.0.hint = Some(hint.to_owned());
    }
}

impl Found {
    fn push(&mut self, at: &str, message: impl Into<String>) -> Last<'_> {
        Last(self.0.push_mut(Problem::new(at, message)))
    }

    fn query(
        &mut self,
        access: Access,
        texts: &Texts<'_>,
        collection: Collection,
        side: Side,
    ) -> Query {
        let ((start_s, end_s), window_s) = match side.max_window_s {
            Some(most_s) => (
                self.span(texts, &collection),
                Some(self.window(texts.get("window").as_deref(), &collection, most_s)),
            ),
            None => {
                self.no_span(texts, &collection);
                ((0, None), None)
            }
        };
        let overlap = texts.get("overlap");
        let settle = texts.get("settle");
        Query {
            start_s,
            end_s,
            window_s,
            overlap_s: self
                .duration("/pipeline/overlap", overlap.as_deref().unwrap_or("10m"))
                .unwrap_or_default(),
            settle_s: self
                .duration("/pipeline/settle", settle.as_deref().unwrap_or("60s"))
                .unwrap_or_default(),
            page_size: self.page_size(texts, &collection, &side),
            time_field: time_field(texts, collection.kind, side.is_flagship()),
            filters: self.filters(texts, &collection, &side),
            collection,
            side,
            access,
        }
    }

    fn span(&mut self, texts: &Texts<'_>, collection: &Collection) -> (i64, Option<i64>) {
        let Some(start) = texts.get("start_time") else {
            let message = format!(
                "`start_time` is missing, from which on `{}` is read",
                collection.name
            );
            self.push("/pipeline/start_time", message)
                .hint("write `yyyy-MM-dd HH:mm:ss` in China time");
            return (0, None);
        };
        let start_s = self.instant("/pipeline/start_time", &start);
        let end_s = texts
            .get("end_time")
            .map(|text| self.instant("/pipeline/end_time", &text));
        if let (Some(start_s), Some(Some(end_s))) = (start_s, end_s)
            && end_s <= start_s
        {
            let message = "`end_time` is not later than `start_time`";
            self.push("/pipeline/end_time", message);
        }
        (start_s.unwrap_or_default(), end_s.flatten())
    }

    fn no_span(&mut self, texts: &Texts<'_>, collection: &Collection) {
        // The others have defaults, which stand here although nobody wrote them.
        let names = ["start_time", "end_time", "window"];
        for name in names.into_iter().filter(|name| texts.has(name)) {
            let message = format!(
                "`{name}` does not narrow `{}`, which is read whole",
                collection.name
            );
            self.push(&format!("/pipeline/{name}"), message)
                .hint("leave it out");
        }
    }

    fn instant(&mut self, at: &str, text: &str) -> Option<i64> {
        let instant = time::parse(text);
        if instant.is_none() {
            self.push(at, format!("`{text}` is no date and time"))
                .hint("write `yyyy-MM-dd HH:mm:ss` in China time");
        }
        instant
    }

    fn duration(&mut self, at: &str, text: &str) -> Option<i64> {
        let duration = time::parse_duration_s(text);
        if duration.is_none() {
            self.push(at, format!("`{text}` is no length of time"))
                .hint("write a whole number and `s`, `m`, `h` or `d`, such as `10m`");
        }
        duration
    }

    fn window(&mut self, text: Option<&str>, collection: &Collection, most_s: i64) -> i64 {
        let Some(text) = text else { return most_s };
        let Some(window_s) = self.duration("/pipeline/window", text) else {
            return most_s;
        };
        let most = time::format_duration(most_s);
        let name = collection.name;
        if window_s > most_s {
            let message =
                format!("`{text}` is longer than `{most}`, the most that `{name}` allows");
            self.push("/pipeline/window", message)
                .hint(&format!("write `{most}` or less, or leave it out"));
        } else if window_s < MIN_WINDOW_S {
            self.push("/pipeline/window", format!("`{text}` is shorter than `1m`"))
                .hint(&format!("write something between `1m` and `{most}`"));
        }
        window_s
    }

    fn page_size(&mut self, texts: &Texts<'_>, collection: &Collection, side: &Side) -> u32 {
        let most = side.max_page_size;
        let given = texts.get("page_size");
        let size = given.map_or(most, |size| size.parse().unwrap_or(0));
        if size == 0 || size > most {
            let message = format!(
                "{size} records a page, where `{}` gives 1 to {most}",
                collection.name
            );
            self.push("/pipeline/page_size", message)
                .hint(&format!("write at most {most}, or leave it out"));
        }
        size
    }

    fn filters(
        &mut self,
        texts: &Texts<'_>,
        collection: &Collection,
        side: &Side,
    ) -> Vec<Argument> {
        let mut filters = Vec::new();
        for name in NAMES.into_iter().skip(FILTERS) {
            let value = match (name, texts.get(name).as_deref()) {
                (_, None) | ("is_by_modified", Some("false")) => continue,
                ("is_by_modified", _) => "1".to_owned(),
                (_, Some(value)) => value.to_owned(),
            };
            let Some((_, wire)) = side.filters.iter().find(|filter| filter.0 == name) else {
                let message = format!("`{name}` does not narrow `{}`", collection.name);
                self.push(&format!("/pipeline/{name}"), message)
                    .hint("leave it out, and filter the records in the pipeline");
                continue;
            };
            filters.push(Argument {
                name: wire,
                value: Value::Text(value),
            });
        }
        if side.is_flagship() && collection.kind == Kind::Shipped {
            flagship_states(&mut filters);
        }
        filters
    }
}

/// 旗舰版 chooses a window's time by `status_type`: 0 by shipping, 3 by the
/// last change and the states that are named. 90 and 110 are what 0 gives.
fn flagship_states(filters: &mut Vec<Argument>) {
    let by_modified = filters.iter().position(|one| one.name == "is_by_modified");
    if let Some(at) = by_modified {
        filters.remove(at);
    }
    let named = filters.iter().any(|one| one.name == "status");
    if by_modified.is_some() && !named {
        filters.push(Argument {
            name: "status",
            value: Value::Text("90,110".to_owned()),
        });
    }
    let kind = if named || by_modified.is_some() { 3 } else { 0 };
    filters.push(Argument {
        name: "status_type",
        value: Value::Json(kind.to_string()),
    });
}

/// The field that a window's bounds are compared with.
fn time_field(texts: &Texts<'_>, kind: Kind, is_flagship: bool) -> &'static str {
    let shipped = match texts.get("status") {
        None => true,
        Some(_) if is_flagship => false,
        Some(states) => states
            .split(',')
            .next()
            .and_then(|first| first.trim().parse().ok())
            .is_none_or(|status: u32| status >= 95),
    };
    let by_modified = texts.get("is_by_modified").as_deref() == Some("true");
    match kind == Kind::Shipped && shipped && !by_modified {
        true => "consign_time",
        false => "modified",
    }
}
