//! What belongs to neither mapping nor settings: identity, schedules, batches,
//! answers, and whatever nothing here understands.

use crate::draft::Draft;
use crate::report::Note;
use crate::scheme::{Remedy, Row, Side};

impl Draft {
    pub(crate) fn others(&mut self, from: &Side, to: &Side) {
        self.identity(from);
        self.answers(from, to);
        self.batches(to);
        for (name, side) in [("source", from), ("target", to)] {
            self.crontab(name, &side.crontab);
            if let Some(remedy) = &side.remedy {
                self.remedy(name, remedy);
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
        match every(crontab) {
            Some(every) if self.schedule.is_none() => {
                let what = format!("schedule: {every} (the scheme: `{crontab}`)");
                self.schedule = Some(every);
                self.report_mut().carried(place, what);
            }
            _ => {
                let why = "a schedule says how often, not at which hour";
                let todo = format!(
                    "run it by the system's own cron: `{crontab} duijie run {}`",
                    self.name
                );
                self.notes.push(todo.clone());
                self.report_mut().left(place, Note::new(crontab, why, todo));
            }
        }
    }

    /// A second look over a wider window: a backfill, which skips what the
    /// ledger knows.
    fn remedy(&mut self, side: &str, remedy: &Remedy) {
        let days = remedy
            .request
            .iter()
            .filter_map(|row| days_ago(&row.value))
            .max();
        let from = format!("$(date -d '{} day ago' '+%F 00:00:00')", days.unwrap_or(1));
        let command = format!(
            "duijie run {} --from \"{from}\" --to \"$(date '+%F %T')\"",
            self.name
        );
        self.notes.push(format!(
            "omissionRemedy (补漏): every `{}`, while no other run owns the data folder: {command}",
            remedy.crontab
        ));
        let why = "there is no scheduler for backfills yet";
        let todo = format!(
            "run it by the system's own cron at `{}`: {command}",
            remedy.crontab
        );
        self.report_mut().left(
            format!("{side} omissionRemedy"),
            Note::new("a comment", why, todo),
        );
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

/// The crontabs that only say how often: `*/5 * * * *`, `3 * * * *`, `0 */2 * * *`.
fn every(crontab: &str) -> Option<String> {
    let words: Vec<&str> = crontab.split_whitespace().collect();
    let step = |word: &str| {
        word.strip_prefix("*/")?
            .parse::<u32>()
            .ok()
            .filter(|step| *step > 0)
    };
    let number = |word: &str| word.parse::<u32>().is_ok();
    match words.as_slice() {
        ["*", "*", "*", "*", "*"] => Some(String::from("every 1m")),
        [minute, "*", "*", "*", "*"] if number(minute) => Some(String::from("every 1h")),
        [minute, "*", "*", "*", "*"] => step(minute).map(|step| format!("every {step}m")),
        [minute, hour, "*", "*", "*"] if number(minute) => {
            step(hour).map(|step| format!("every {step}h"))
        }
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
