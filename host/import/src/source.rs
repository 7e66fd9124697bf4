//! The source's call as settings of its connector: filters as they are, window
//! and pages to the connector, which reads on by itself.

use crate::offer::{Offer, Setting};
use crate::report::{Note, Report};
use crate::scheme::{Row, Side};

/// Names and values of settings, as YAML scalars.
pub(crate) type Settings = Vec<(String, String)>;

pub(crate) struct Reading<'a> {
    pub(crate) offer: &'a Offer<'a>,
    /// Where the first run begins if the scheme does not say it.
    pub(crate) start: &'a str,
    pub(crate) wished_start: Option<&'a str>,
}

impl Reading<'_> {
    pub(crate) fn settings(&self, source: &Side, report: &mut Report) -> Settings {
        let mut settings = Settings::new();
        let groups = [
            ("source.request", &source.request),
            ("source.otherRequest", &source.other_request),
        ];
        for (group, rows) in groups {
            for row in rows {
                let place = format!("{group} {}", row.shown());
                self.row(row, place, &mut settings, report);
            }
        }
        self.columns(source, &mut settings, report);
        self.fold_rest(&mut settings);
        let from = self.offer.window("from");
        if let Some(from) = from.filter(|from| settings.iter().all(|(name, _)| name != from)) {
            let start = self.wished_start.unwrap_or(self.start);
            settings.insert(0, (from.to_owned(), quoted(start)));
            let why = "the scheme reads on from its last run, which is not known here";
            let todo = format!("set `{from}` to the time of that run");
            let note = Note::new(format!("{from}: {start}"), why, todo);
            report.changed("source window", note);
        }
        settings
    }

    /// Fields that the call lists as rows: the value of each is its own name.
    fn columns(&self, source: &Side, settings: &mut Settings, report: &mut Report) {
        let Some(name) = self.offer.columns() else {
            return;
        };
        let rows = source.request.iter().filter(|row| self.is_column(row));
        let fields: Vec<String> = rows.map(|row| quoted(&row.value)).collect();
        if fields.is_empty() || settings.iter().any(|(known, _)| known == name) {
            return;
        }
        let what = format!("source.settings.{name}: {} fields", fields.len());
        let why = "rows of one document become one record, with its rows in a list";
        let todo = "put the list's name before the fields of rows, such as `FEntity.FQty`, and group no more";
        settings.push((name.to_owned(), format!("[{}]", fields.join(", "))));
        report.changed("source.request fields", Note::new(what, why, todo));
    }

    /// What the setting for all other fields takes becomes one object.
    fn fold_rest(&self, settings: &mut Settings) {
        let Some(rest) = self.offer.rest() else {
            return;
        };
        let prefix = format!("{rest}.");
        let taken = settings.extract_if(.., |(name, _)| name.starts_with(&prefix));
        let fields: Vec<String> = taken
            .map(|(name, value)| format!("{}: {value}", name.trim_start_matches(&prefix)))
            .collect();
        if !fields.is_empty() {
            settings.push((rest.to_owned(), format!("{{ {} }}", fields.join(", "))));
        }
    }

    fn is_column(&self, row: &Row) -> bool {
        let same = |text: &str| text.replace(['.', '_'], "");
        let unknown = self.offer.setting(row.name()) == Setting::Unknown;
        unknown && !row.value.is_empty() && same(&row.value) == same(&row.path)
    }

    fn row(&self, row: &Row, place: String, settings: &mut Settings, report: &mut Report) {
        let value = row.value.as_str();
        if value.is_empty() {
            report.carried(place, "no value, no setting");
            return;
        }
        if value.contains("PAGINATION_") {
            report.carried(place, "the connector turns the pages");
            return;
        }
        if self.offer.names_collection(row.name()) {
            report.carried(place, format!("source.collection: {value}"));
            return;
        }
        if self.offer.columns().is_some() && self.is_column(row) {
            report.carried(place, "a field to read");
            return;
        }
        let name = match self.offer.setting(row.name()) {
            Setting::Named(name) => name,
            Setting::Own => {
                report.carried(place, "the connector does it by itself");
                return;
            }
            Setting::Unknown => {
                self.unknown(row, place, settings, report);
                return;
            }
        };
        if settings.iter().any(|(known, _)| known == name) {
            report.carried(place, format!("`{name}` is set by another field"));
            return;
        }
        let time = self.offer.time().filter(|(filter, _)| *filter == name);
        if let Some((_, field)) = time.filter(|_| value.contains("{{")) {
            self.filter(name, field, value, place, settings, report);
        } else if Some(name) == self.offer.window("from") {
            self.start(name, value, place, settings, report);
        } else if Some(name) == self.offer.window("to") {
            end(name, value, place, report);
        } else if is_worked_out(value) {
            let why = "a setting of the source is fixed, and this value is not";
            report.left(
                place,
                Note::new(value, why, format!("set `{name}` to a fixed value")),
            );
        } else {
            let scalar = self.scalar(name, value);
            report.carried(place, format!("source.settings.{name}: {scalar}"));
            settings.push((name.to_owned(), scalar));
        }
    }

    /// A field that is no setting by its name: one for all others may take it.
    fn unknown(&self, row: &Row, place: String, settings: &mut Settings, report: &mut Report) {
        let (name, value) = (row.name(), row.value.as_str());
        if let Some(rest) = self.offer.rest().filter(|_| !is_worked_out(value)) {
            report.carried(place, format!("source.settings.{rest}.{name}: {value}"));
            settings.push((format!("{rest}.{name}"), quoted(value)));
            return;
        }
        let what = format!("`{}` = `{value}`", row.path);
        let why = format!("the connector `{}` has no such setting", self.offer.name());
        let todo = "if it decides which records are read, write a `condition` in the mapping";
        report.left(place, Note::new(what, why, todo));
    }

    /// `FApproveDate>='{{LAST_SYNC_TIME|datetime}}' and FDocumentStatus='C'`: the
    /// window's field is a setting, the rest stays a filter.
    fn filter(
        &self,
        name: &str,
        field: &str,
        value: &str,
        place: String,
        settings: &mut Settings,
        report: &mut Report,
    ) {
        let Some((found, rest)) = windowed(value) else {
            let why = "the window of time in it cannot be told from the rest";
            let todo = format!("set `{field}` and `{name}` yourself");
            report.left(place, Note::new(value, why, todo));
            return;
        };
        let mut what = format!("{field}: {found}");
        settings.push((field.to_owned(), quoted(&found)));
        if !rest.is_empty() {
            what.push_str(&format!("; {name}: {rest}"));
            settings.push((name.to_owned(), quoted(&rest)));
        }
        let why = "the connector makes the windows, and the host keeps where they end";
        report.changed(place, Note::new(what, why, ""));
    }

    /// Where the first run begins, and how far each goes back.
    fn start(
        &self,
        name: &str,
        value: &str,
        place: String,
        settings: &mut Settings,
        report: &mut Report,
    ) {
        let fixed = !is_worked_out(value);
        let wished = self.wished_start;
        let start = match (fixed, wished) {
            (true, None) => value,
            (_, wished) => wished.unwrap_or(self.start),
        };
        settings.push((name.to_owned(), quoted(start)));
        if fixed && wished.is_none() {
            report.carried(
                place,
                format!("{name}: {start}, where the first run begins"),
            );
            return;
        }
        let mut what = format!("{name}: {start}, where the first run begins");
        let back = seconds_back(value);
        match back.filter(|_| self.offer.property("overlap").is_some()) {
            Some(seconds) => {
                settings.push((String::from("overlap"), format!("{seconds}s")));
                what.push_str(&format!("; overlap: {seconds}s"));
            }
            None if back.is_some() => what.push_str("; the connector has no `overlap`"),
            None => {}
        }
        let why = "later runs go on where the last one ended, which the host keeps";
        let todo = format!("set `{name}` to the time of the scheme's last run");
        report.changed(place, Note::new(what, why, todo));
    }

    /// In the form that the setting's schema wants.
    fn scalar(&self, name: &str, value: &str) -> String {
        let property = self.offer.property(name);
        let kind = property.and_then(|property| property.get("type"));
        let wants = |word: &str| kind.and_then(|kind| kind.as_str()) == Some(word);
        match value {
            "1" | "true" if wants("boolean") => String::from("true"),
            "0" | "false" if wants("boolean") => String::from("false"),
            digits if wants("integer") && is_digits(digits) => digits.to_owned(),
            list if wants("array") => {
                let items: Vec<String> = list.split(',').map(|item| quoted(item.trim())).collect();
                format!("[{}]", items.join(", "))
            }
            text => quoted(text),
        }
    }
}

/// Whether it is another value each time.
fn is_worked_out(value: &str) -> bool {
    value.contains("{{") || value.starts_with("_function")
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn end(name: &str, value: &str, place: String, report: &mut Report) {
    if is_worked_out(value) {
        report.carried(place, "a run reads up to now");
        return;
    }
    let why = "with a fixed end nothing that comes later would be read";
    let todo = format!("set `{name}: {value}` if it should end there");
    report.changed(
        place,
        Note::new("not set: a run reads up to now", why, todo),
    );
}

/// The field of a window, and what else the filter asks for. None where one
/// field is not all that the window is on, or where there is an "or" or a bracket.
fn windowed(filter: &str) -> Option<(String, String)> {
    let lower = filter.to_ascii_lowercase();
    if lower.contains(" or ") || filter.contains(['(', ')']) {
        return None;
    }
    let (mut field, mut rest, mut from) = (None, Vec::new(), 0);
    let ends = lower
        .match_indices(" and ")
        .map(|(at, word)| (at, at + word.len()));
    for (end, next) in ends.chain([(filter.len(), filter.len())]) {
        let part = filter.get(from..end)?.trim();
        from = next;
        if !part.contains("{{") {
            rest.push(part);
            continue;
        }
        let name = part.split(['>', '<', '=', ' ']).next()?.to_owned();
        if name.contains('{') || field.as_ref().is_some_and(|known| *known != name) {
            return None;
        }
        field = Some(name);
    }
    Some((field?, rest.join(" and ")))
}

/// `{{LAST_SYNC_TIME}}-600` in an expression: 600.
fn seconds_back(value: &str) -> Option<u64> {
    let (_, rest) = value.split_once("{{LAST_SYNC_TIME}}")?;
    let rest = rest.trim_start().strip_prefix('-')?.trim_start();
    let end = rest
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// As YAML takes any text.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
