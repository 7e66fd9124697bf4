//! What belongs to neither mapping nor settings: identity, schedules, batches,
//! answers, and whatever nothing here understands.

use crate::draft::{Draft, Timing};
use crate::offer::Offer;
use crate::report::Note;
use crate::scheme::{Remedy, Row, Side};

impl Draft {
    pub(crate) fn others(&mut self, reader: &Offer<'_>, from: &Side, to: &Side) {
        self.identity(from);
        self.answers(from, to);
        self.batches(to);
        for (name, side) in [("source", from), ("target", to)] {
            self.crontab(name, &side.crontab);
            if let Some(remedy) = &side.remedy {
                self.remedy(reader, name, remedy);
            }
            for (key, text) in &side.unknown {
                let why = "it has no counterpart, or in no scheme that is known to run";
                let todo = match key.as_str() {
                    "callBackStrategy" | "primaryWriteback" => {
                        "write the answer back with a second pipeline"
                    }
                    _ => "see whether the pipeline needs it",
                };
                let what = format!("{key}: {}", shortened(text));
                self.report_mut()
                    .left(format!("{name} {key}"), Note::new(what, why, todo));
            }
        }
    }

    fn identity(&mut self, from: &Side) {
        if from.id_check == Some(false) {
            let why = "the ledger knows every record by the collection's own key, always";
            self.report_mut()
                .changed("source idCheck", Note::new("idCheck: true", why, ""));
        } else if from.id_check.is_some() || !from.id.is_empty() {
            let what = format!(
                "the ledger knows records by the collection's own key (the scheme: {})",
                from.id
            );
            self.report_mut()
                .carried("source idCheck, id, number", what);
        }
    }

    fn answers(&mut self, from: &Side, to: &Side) {
        let count = |side: &Side| side.response.len() + side.other_response.len();
        if count(from) > 0 {
            let what = format!(
                "records come whole; its {} fields need no list",
                count(from)
            );
            self.report_mut().carried("source response", what);
        }
        if count(to) > 0 {
            let what = format!(
                "the ledger keeps the target's answer; its {} fields need no list",
                count(to)
            );
            self.report_mut().carried("target response", what);
        }
        let rows = to.response.iter().chain(&to.other_response);
        let written: Vec<&Row> = rows
            .filter(|row| row.path.starts_with("primaryWriteback"))
            .collect();
        for row in written {
            let why = "a pipeline writes to one target";
            let todo =
                "write the answer back with a second pipeline, from this target to this source";
            let place = format!("target response {}", row.shown());
            self.report_mut()
                .left(place, Note::new(&row.value, why, todo));
        }
    }

    fn batches(&mut self, to: &Side) {
        let Some(operation) = &to.operation else {
            return;
        };
        let rows = operation.rows.parse::<u32>().unwrap_or(0);
        if rows > 1 {
            let what = format!("limits.batch_records: {rows}");
            self.batch_records = Some(rows);
            self.report_mut().carried("target operation", what);
        } else if !operation.method.is_empty() || rows == 1 {
            let why = "documents go in batches, and each has an outcome of its own";
            let todo = "set `limits: { batch_records: 1 }` if the target wants one at a time";
            self.report_mut()
                .changed("target operation", Note::new("batches", why, todo));
        }
    }

    fn crontab(&mut self, side: &str, crontab: &str) {
        if crontab.is_empty() {
            return;
        }
        let place = format!("{side} crontab");
        let timing = match every(crontab) {
            Some(every) => Some(Timing::Every(every)),
            None => is_cron(crontab).then(|| Timing::Cron(crontab.to_owned())),
        };
        match timing {
            Some(timing) if self.schedule.is_none() => {
                let what = match &timing {
                    Timing::Every(every) => format!("every {every}"),
                    Timing::Cron(_) => "cron".to_owned(),
                };
                let what = format!("schedule: {what} (the scheme: `{crontab}`)");
                self.schedule = Some(timing);
                self.report_mut().carried(place, what);
            }
            _ => {
                let why = "it is no crontab of five fields, or the second one";
                let todo = "write `schedule` yourself, as docs/schedule.md says";
                self.report_mut().left(place, Note::new(crontab, why, todo));
            }
        }
    }

    /// A second look over a wider window. Where the scheme looks back to a day's
    /// beginning, one day more has it all, and what the ledger knows is skipped.
    fn remedy(&mut self, reader: &Offer<'_>, side: &str, remedy: &Remedy) {
        let rows = remedy.request.iter();
        let days = rows.filter_map(|row| days_ago(&row.value)).max();
        let days = days.unwrap_or(1).saturating_add(1);
        let place = format!("{side} omissionRemedy");
        let has_window = ["from", "to"]
            .iter()
            .all(|end| reader.window(end).is_some());
        let possible = has_window && is_cron(&remedy.crontab) && self.catch_up.is_none();
        if possible && self.schedule.is_some() {
            let what = format!(
                "schedule.catch_up: the last {days} days (the scheme: `{}`)",
                remedy.crontab
            );
            self.catch_up = Some((remedy.crontab.clone(), days));
            self.report_mut().carried(place, what);
        } else {
            let why = "it needs a source with a window, a crontab, and a schedule of its own";
            let todo = "write `schedule.catch_up` yourself, as docs/schedule.md says";
            let note = Note::new(&remedy.crontab, why, todo);
            self.report_mut().left(place, note);
        }
        for row in &remedy.request {
            let fixed =
                !row.value.is_empty() && !row.value.contains("{{") && !row.value.starts_with('_');
            if fixed {
                let why = "a backfill reads with the settings of the pipeline";
                let todo = "make a second manifest with a scope of its own if it must differ";
                let place = format!("{side} omissionRemedy {}", row.shown());
                self.report_mut()
                    .left(place, Note::new(&row.value, why, todo));
            }
        }
    }
}

/// `{{DAYS_AGO_3|datetime}}`: 3.
fn days_ago(value: &str) -> Option<u32> {
    let (_, rest) = value.split_once("{{DAYS_AGO_")?;
    let end = rest.find(|char: char| !char.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}

/// Five fields of digits and signs; names of days and months are taken as well.
fn is_cron(crontab: &str) -> bool {
    let fields: Vec<&str> = crontab.split_whitespace().collect();
    let known = |letter: char| letter.is_ascii_alphanumeric() || "*/,-?#".contains(letter);
    fields.len() == 5 && fields.iter().all(|field| field.chars().all(known))
}

/// The crontabs that only say how often, at whichever minute: `*/5 * * * *`.
fn every(crontab: &str) -> Option<String> {
    let words: Vec<&str> = crontab.split_whitespace().collect();
    let [minute, "*", "*", "*", "*"] = words.as_slice() else {
        return None;
    };
    if *minute == "*" {
        return Some("1m".to_owned());
    }
    let step: u32 = minute.strip_prefix("*/")?.parse().ok()?;
    // Other steps are no even interval: the last one of an hour is shorter.
    (step > 0 && 60 % step == 0).then(|| format!("{step}m"))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
