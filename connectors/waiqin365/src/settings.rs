//! Settings as an admin wrote them, and the query that they make. Every
//! problem is found, not only the first.

use std::borrow::Cow;

use duijie_sdk::json::{self, Raw};
use duijie_sdk::{Problem, Settings, time};

use crate::operation::{Query, Reads, Write};
use crate::window::{DAY_S, Span};

/// The host holds settings against their schemas first; what is read here is
/// what the schemas cannot say.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) base_url: String,
    pub(crate) openid: String,
}

/// Settings as texts: what is no text or number is none.
struct Texts<'s>(Vec<(Cow<'s, str>, Raw<'s>)>);

impl<'s> Texts<'s> {
    fn read(at: &str, settings: &'s str) -> Result<Self, Vec<Problem>> {
        json::members(settings.as_bytes())
            .map(Self)
            .map_err(|error| vec![Problem::new(at, error.to_string())])
    }

    fn raw(&self, name: &str) -> Option<Raw<'s>> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1).filter(|raw| !raw.is_null())
    }

    fn get(&self, name: &str) -> Option<String> {
        let text = self.raw(name)?.text().ok()?;
        Some(text.trim().to_owned())
    }

    fn unknown(&self, at: &str, known: &[&str]) -> Vec<Problem> {
        let others = self
            .0
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_ref()));
        others
            .map(|(name, _)| {
                Problem::new(
                    &format!("{at}/{name}"),
                    format!("setting `{name}` is not known"),
                )
            })
            .collect()
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
    let texts = Texts::read("/connection", &settings.connection)?;
    let mut found = texts.unknown("/connection", &["base_url", "openid", "appkey"]);
    let base_url = texts.get("base_url").unwrap_or_default();
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
    let openid = texts.get("openid").unwrap_or_default();
    if openid.is_empty() || !openid.bytes().all(|byte| byte.is_ascii_digit()) {
        let problem = Problem::new("/connection/openid", format!("`{openid}` is no openid"));
        found.push(problem.hint("write its digits in quotes"));
    }
    if texts.raw("appkey").is_none() {
        found.push(Problem::new("/connection/appkey", "`appkey` is missing"));
    }
    if found.is_empty() {
        Ok(Connection { base_url, openid })
    } else {
        Err(found)
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

/// A target has no settings beside the connection.
pub(crate) fn target(settings: &Settings, collection: &str) -> Result<Write, Vec<Problem>> {
    let texts = Texts::read("/pipeline", &settings.pipeline)?;
    let mut found = texts.unknown("/pipeline", &[]);
    let write = Write::by_name(collection);
    if write.is_none() {
        let names = Write::all().map(|write| write.operation.name);
        found.push(unknown(collection, names));
    }
    write.filter(|_| found.is_empty()).ok_or(found)
}

const NAMES: [&str; 7] = [
    "start_time",
    "end_time",
    "window",
    "overlap",
    "settle",
    "page_size",
    "filters",
];

impl Task {
    pub(crate) fn resolve(settings: &Settings, collection: &str) -> Result<Self, Vec<Problem>> {
        let texts = Texts::read("/pipeline", &settings.pipeline)?;
        let Some(query) = Query::by_name(collection) else {
            let names = Query::all().map(|query| query.operation.name);
            return Err(vec![unknown(collection, names)]);
        };
        let mut found = Found(texts.unknown("/pipeline", &NAMES));
        let task = found.task(&texts, query);
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

    /// What to read from `next_s` on, the second that reading goes on at after
    /// it, and whether that is all now. A run that follows a rest always reads,
    /// since the last span reaches beyond the settled time; it goes back by the
    /// overlap, but never before the start.
    pub(crate) fn span(&self, next_s: i64, rested: bool, now_ms: u64) -> Option<(Span, i64, bool)> {
        let Some(start_s) = self.start_s else {
            return Some((Span::Whole, 0, true));
        };
        if self.end_s.is_some_and(|end_s| next_s > end_s) {
            return None;
        }
        let until_s = self.until_s(now_ms);
        if until_s <= next_s && !rested {
            return None;
        }
        let until_s = until_s.max(next_s - 1);
        let overlap_s = if rested { self.overlap_s } else { 0 };
        let from_s = next_s.saturating_sub(overlap_s).max(start_s.min(next_s));
        let exact = self.end_s.is_none() && self.query.dates.after().is_some();
        Some(Span::after(from_s, until_s, self.window_s, exact))
    }
}

/// The problems found so far. Where one is found, any value stands in.
struct Found(Vec<Problem>);

impl Found {
    fn task(&mut self, texts: &Texts<'_>, query: Query) -> Task {
        let length = |name, other: &str| texts.get(name).unwrap_or_else(|| other.to_owned());
        let (start_s, end_s) = self.bounds(texts, &query);
        Task {
            start_s,
            end_s,
            window_s: self.window(&length("window", "7d")),
            overlap_s: self.duration("/pipeline/overlap", &length("overlap", "10m")),
            settle_s: self.duration("/pipeline/settle", &length("settle", "60s")),
            page_size: self.page_size(texts.get("page_size"), &query),
            filters: self.filters(texts.raw("filters"), &query),
            query,
        }
    }

    fn bounds(&mut self, texts: &Texts<'_>, query: &Query) -> (Option<i64>, Option<i64>) {
        let name = query.operation.name;
        let (start, end) = (texts.get("start_time"), texts.get("end_time"));
        let is_set = start.is_some();
        let start_s = start.and_then(|text| self.instant("/pipeline/start_time", &text));
        let end_s = end.and_then(|text| self.instant("/pipeline/end_time", &text));
        match (query.reads, is_set) {
            (Reads::Windows, false) => {
                let problem = Problem::new("/pipeline/start_time", "`start_time` is missing");
                let hint = "say from when on documents are read: `2025-10-01`";
                self.0.push(problem.hint(hint));
            }
            (Reads::Whole, true) => {
                let message = format!("`{name}` cannot be read by time");
                let problem = Problem::new("/pipeline/start_time", message);
                let hint = "leave it out: all records are read each time";
                self.0.push(problem.hint(hint));
            }
            _ => {}
        }
        match (start_s, end_s) {
            (Some(start_s), Some(end_s)) if end_s <= start_s => {
                let message = "`end_time` is not later than `start_time`";
                self.0.push(Problem::new("/pipeline/end_time", message));
            }
            (None, Some(_)) if !is_set => {
                let problem = Problem::new("/pipeline/end_time", "`end_time` without `start_time`");
                self.0.push(problem.hint("set both or none"));
            }
            _ => {}
        }
        (start_s, end_s)
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

    fn page_size(&mut self, size: Option<String>, query: &Query) -> u32 {
        let most = query.max_page_size;
        let name = query.operation.name;
        let Some(size) = size else { return most };
        let (message, hint) = match size.parse() {
            _ if most == 0 => (
                format!("`{name}` does not let its page's size be chosen"),
                "leave it out".to_owned(),
            ),
            Ok(size) if (1..=most).contains(&size) => return size,
            _ => (
                format!("{size} records a page, where `{name}` gives 1 to {most}"),
                format!("write at most {most}, or leave it out"),
            ),
        };
        self.0
            .push(Problem::new("/pipeline/page_size", message).hint(hint));
        most
    }

    fn filters(&mut self, given: Option<Raw<'_>>, query: &Query) -> Vec<(String, String)> {
        let given = given.map_or(Ok(Vec::new()), |raw| json::members(raw.0));
        let given = given.unwrap_or_else(|_| {
            let message = "expected names and values";
            self.0.push(Problem::new("/pipeline/filters", message));
            Vec::new()
        });
        let mut filters = Vec::new();
        for (name, raw) in given {
            let at = format!("/pipeline/filters/{name}");
            let value = raw.text().unwrap_or_default().trim().to_owned();
            if !query.filters().any(|known| known == name) {
                let message = format!("`{name}` does not narrow `{}`", query.operation.name);
                self.0
                    .push(Problem::new(&at, message).hint(known(query.filters())));
            } else if value.is_empty() {
                let hint = "what an empty filter finds is not documented: leave it out";
                self.0
                    .push(Problem::new(&at, format!("`{name}` is empty")).hint(hint));
            }
            filters.push((name.into_owned(), value));
        }
        if let Some((name, value)) = query.fixed.split_once('=')
            && !filters.iter().any(|(given, _)| given == name)
        {
            filters.push((name.to_owned(), value.to_owned()));
        }
        filters
    }
}
