//! Settings as an admin wrote them, and the query that they make. Every
//! problem is found, not only the first.

use std::collections::BTreeMap;

use duijie_sdk::settings::Secret;
use duijie_sdk::{Fault, Problem, Settings, time};
use serde::Deserialize;

use crate::operation::{Query, Reads, Write};
use crate::window::{DAY_S, Span};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    pub(crate) base_url: String,
    pub(crate) openid: Word,
    appkey: Secret,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pipeline {
    start_time: Option<String>,
    end_time: Option<String>,
    window: Option<String>,
    overlap: Option<String>,
    settle: Option<String>,
    page_size: Option<u32>,
    #[serde(default)]
    filters: BTreeMap<String, Word>,
}

/// A text, or a number that is none: `status: 1`, an openid without quotes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Word {
    Number(i64),
    Text(String),
}

impl std::fmt::Display for Word {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text.trim()),
        }
    }
}

/// What to read, checked.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) query: Query,
    /// First second to read, unix; none where everything is read each time.
    pub(crate) start_s: Option<i64>,
    /// Last second to read, unix.
    pub(crate) end_s: Option<i64>,
    pub(crate) window_s: i64,
    pub(crate) overlap_s: i64,
    pub(crate) settle_s: i64,
    /// 0 where a page's size cannot be asked for.
    pub(crate) page_size: u32,
    /// Parameters beside pages and dates.
    pub(crate) filters: Vec<(String, String)>,
}

pub(crate) fn connection(settings: &Settings) -> Result<Connection, Vec<Problem>> {
    let connection = settings.connection::<Connection>().map_err(problems)?;
    let mut found = Vec::new();
    let base_url = connection.base_url.as_str();
    if !base_url.starts_with("https://") && !base_url.starts_with("http://") {
        let problem = Problem::new(
            "/connection/base_url",
            format!("`{base_url}` is no address"),
        );
        found.push(problem.hint(
            "write the OpenAPI address of your tenant, such as `https://openapi.waiqin365.com`",
        ));
    } else if base_url.trim_end_matches('/').ends_with("/api") {
        let problem = Problem::new("/connection/base_url", "`/api` is added by the connector");
        found.push(problem.hint("leave it out"));
    }
    let openid = connection.openid.to_string();
    if openid.is_empty() || !openid.bytes().all(|byte| byte.is_ascii_digit()) {
        let problem = Problem::new("/connection/openid", format!("`{openid}` is no openid"));
        found.push(problem.hint("write its digits in quotes"));
    }
    if connection.appkey.name.is_empty() {
        found.push(Problem::new("/connection/appkey", "`appkey` is missing"));
    }
    if found.is_empty() {
        Ok(connection)
    } else {
        Err(found)
    }
}

fn problems(fault: Fault) -> Vec<Problem> {
    match fault {
        Fault::InvalidSettings(problems) => problems,
        other => vec![Problem::new("", format!("{other:?}"))],
    }
}

/// The names of all collections of a role, for a hint.
fn known<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    format!("known are {}", names.join(", "))
}

fn unknown<'a>(collection: &str, names: impl Iterator<Item = &'a str>) -> Problem {
    let problem = Problem::new("", format!("collection `{collection}` is not known"));
    problem.hint(known(names))
}

/// The settings of a target: none beside the connection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(crate) fn target(settings: &Settings, collection: &str) -> Result<Write, Vec<Problem>> {
    settings.pipeline::<Nothing>().map_err(problems)?;
    Write::by_name(collection).ok_or_else(|| {
        let names = Write::all().map(|write| write.operation.name);
        vec![unknown(collection, names)]
    })
}

impl Task {
    pub(crate) fn resolve(settings: &Settings, collection: &str) -> Result<Self, Vec<Problem>> {
        let pipeline = settings.pipeline::<Pipeline>().map_err(problems)?;
        let Some(query) = Query::by_name(collection) else {
            let names = Query::all().map(|query| query.operation.name);
            return Err(vec![unknown(collection, names)]);
        };
        let mut found = Found(Vec::new());
        let task = found.task(pipeline, query);
        if found.0.is_empty() {
            Ok(task)
        } else {
            Err(found.0)
        }
    }

    /// The last second of windows that may be opened now.
    pub(crate) fn until_s(&self, now_ms: u64) -> i64 {
        let now_s = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let settled = now_s - self.settle_s;
        self.end_s.map_or(settled, |end_s| end_s.min(settled))
    }

    /// What to read from `next_s` on, and the second that reading goes on at
    /// after it. A run that follows a rest goes back by the overlap, but never
    /// before the start.
    pub(crate) fn span(&self, next_s: i64, rested: bool, now_ms: u64) -> Option<(Span, i64, bool)> {
        let Some(start_s) = self.start_s else {
            return Some((Span::Whole, 0, true));
        };
        let until_s = self.until_s(now_ms);
        if until_s <= next_s {
            return None;
        }
        let overlap_s = if rested { self.overlap_s } else { 0 };
        let from_s = next_s.saturating_sub(overlap_s).max(start_s.min(next_s));
        let exact = self.end_s.is_none() && self.query.dates.after().is_some();
        Some(Span::after(from_s, until_s, self.window_s, exact))
    }
}

/// The problems found so far. Where one is found, any value stands in.
struct Found(Vec<Problem>);

impl Found {
    fn task(&mut self, pipeline: Pipeline, query: Query) -> Task {
        let name = query.operation.name;
        let start_s = pipeline
            .start_time
            .as_deref()
            .and_then(|text| self.instant("/pipeline/start_time", text));
        let end_s = pipeline
            .end_time
            .as_deref()
            .and_then(|text| self.instant("/pipeline/end_time", text));
        match (query.reads, &pipeline.start_time) {
            (Reads::Windows, None) => {
                let problem = Problem::new("/pipeline/start_time", "`start_time` is missing");
                self.0
                    .push(problem.hint("say from when on documents are read: `2025-10-01`"));
            }
            (Reads::Whole, Some(_)) => {
                let message = format!("`{name}` cannot be read by time");
                let problem = Problem::new("/pipeline/start_time", message);
                self.0
                    .push(problem.hint("leave it out: all records are read each time"));
            }
            _ => {}
        }
        match (start_s, end_s) {
            (Some(start_s), Some(end_s)) if end_s <= start_s => {
                let message = "`end_time` is not later than `start_time`";
                self.0.push(Problem::new("/pipeline/end_time", message));
            }
            (None, Some(_)) if pipeline.start_time.is_none() => {
                let problem = Problem::new("/pipeline/end_time", "`end_time` without `start_time`");
                self.0.push(problem.hint("set both or none"));
            }
            _ => {}
        }
        let length =
            |text: &Option<String>, other| text.clone().unwrap_or_else(|| String::from(other));
        Task {
            start_s,
            end_s,
            window_s: self.window(&length(&pipeline.window, "7d")),
            overlap_s: self.duration("/pipeline/overlap", &length(&pipeline.overlap, "10m")),
            settle_s: self.duration("/pipeline/settle", &length(&pipeline.settle, "60s")),
            page_size: self.page_size(pipeline.page_size, &query),
            filters: self.filters(pipeline.filters, &query),
            query,
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

    fn duration(&mut self, at: &str, text: &str) -> i64 {
        let duration = time::parse_duration_s(text);
        if duration.is_none() {
            let problem = Problem::new(at, format!("`{text}` is no length of time"));
            self.0
                .push(problem.hint("write a whole number and `s`, `m`, `h` or `d`, such as `10m`"));
        }
        duration.unwrap_or_default()
    }

    fn window(&mut self, text: &str) -> i64 {
        let before = self.0.len();
        let window_s = self.duration("/pipeline/window", text);
        if self.0.len() == before && (window_s < DAY_S || window_s % DAY_S != 0) {
            let problem = Problem::new("/pipeline/window", format!("`{text}` is not whole days"));
            self.0
                .push(problem.hint("the system's windows are days: write `1d`, `7d`, `30d` …"));
        }
        window_s
    }

    fn page_size(&mut self, size: Option<u32>, query: &Query) -> u32 {
        let most = query.max_page_size;
        let name = query.operation.name;
        let Some(size) = size else { return most };
        if most == 0 {
            let message = format!("`{name}` does not let its page's size be chosen");
            let problem = Problem::new("/pipeline/page_size", message);
            self.0.push(problem.hint("leave it out"));
            return 0;
        }
        if size == 0 || size > most {
            let message = format!("{size} records a page, where `{name}` gives 1 to {most}");
            let problem = Problem::new("/pipeline/page_size", message);
            self.0
                .push(problem.hint(format!("write at most {most}, or leave it out")));
        }
        size
    }

    fn filters(&mut self, given: BTreeMap<String, Word>, query: &Query) -> Vec<(String, String)> {
        let mut filters = Vec::new();
        for (name, value) in given {
            let value = value.to_string();
            if !query.filters().any(|known| known == name) {
                let message = format!("`{name}` does not narrow `{}`", query.operation.name);
                let problem = Problem::new(&format!("/pipeline/filters/{name}"), message);
                self.0.push(problem.hint(known(query.filters())));
            } else if value.is_empty() {
                let at = format!("/pipeline/filters/{name}");
                let problem = Problem::new(&at, format!("`{name}` is empty"));
                self.0.push(
                    problem.hint("what an empty filter finds is not documented: leave it out"),
                );
            }
            filters.push((name, value));
        }
        if let Some((name, value)) = query.fixed.split_once('=')
            && !filters.iter().any(|(given, _)| given == name)
        {
            filters.push((name.to_owned(), value.to_owned()));
        }
        filters
    }
}
