//! Asks the questions, a few operations side by side, and compares the table with the one in the docs.

use crate::Answer;
use duijie_e2e::Vendor;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// Operations under test at once: most of the time is waiting.
const SIDE_BY_SIDE: usize = 16;

/// A question by its column.
pub(crate) type Question = (&'static str, fn(Vendor, &str) -> Answer);

/// The columns of all operations, in order.
pub(crate) const COLUMNS: [&str; 7] = [
    "request",
    "signature",
    "paging",
    "incremental",
    "errors",
    "outcome",
    "crash",
];

pub(crate) struct Row {
    /// The place of its vendor's dialect among all.
    place: usize,
    vendor: Vendor,
    collection: String,
    direction: &'static str,
    questions: &'static [Question],
    answers: Vec<(&'static str, Answer)>,
}

impl Row {
    pub(crate) fn new(
        (place, vendor): (usize, Vendor),
        collection: &str,
        direction: &'static str,
        questions: &'static [Question],
    ) -> Self {
        Self {
            place,
            vendor,
            collection: collection.to_owned(),
            direction,
            questions,
            answers: Vec::new(),
        }
    }

    fn answer(&mut self) {
        for (column, question) in self.questions {
            let (vendor, collection) = (self.vendor, self.collection.clone());
            let asked = catch_unwind(AssertUnwindSafe(|| question(vendor, &collection)));
            let answer = asked.unwrap_or_else(|panic| {
                let words = panic.downcast_ref::<String>().cloned();
                Err(words.unwrap_or_else(|| "it panicked".to_owned()))
            });
            self.answers.push((column, answer));
        }
    }

    /// Empty where there is one way only.
    fn dialect(&self) -> String {
        let dialect = self.vendor.dialect;
        dialect.map_or(String::new(), |dialect| dialect.letter().to_string())
    }

    /// Whether the name that the caller gave means it: an operation, a vendor, or `wangdiantong B`.
    fn is_called(&self, name: &str) -> bool {
        let spoken = format!("{} {}", self.vendor.name, self.dialect());
        [self.collection.as_str(), self.vendor.name, &spoken].contains(&name)
    }

    fn line(&self) -> String {
        let mut line = format!(
            "| {} | {} | `{}` | {} |",
            self.vendor.name,
            self.dialect(),
            self.collection,
            self.direction
        );
        for column in COLUMNS {
            let answer = self.answers.iter().find(|(asked, _)| *asked == column);
            let word = match answer {
                Some((_, Ok(word))) => word,
                Some((_, Err(_))) => "NO",
                None => "",
            };
            write!(line, " {word} |").unwrap();
        }
        line
    }
}

pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn answer(&mut self, rows: Vec<Row>) {
        let only = std::env::var("OPERATION").ok();
        let wanted = |row: &Row| only.as_deref().is_none_or(|only| row.is_called(only));
        let waiting: Vec<Row> = rows.into_iter().filter(wanted).rev().collect();
        let waiting = Mutex::new(waiting);
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..SIDE_BY_SIDE {
                scope.spawn(|| {
                    loop {
                        let next = waiting.lock().unwrap().pop();
                        let Some(mut row) = next else { return };
                        row.answer();
                        done.lock().unwrap().push(row);
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap();
        done.sort_by(|one, other| {
            let key = |row: &Row| (row.place, row.direction, row.collection.clone());
            key(one).cmp(&key(other))
        });
        self.rows = done;
    }

    fn text(&self) -> String {
        let mut text = format!(
            "| vendor | dialect | operation | | {} |\n",
            COLUMNS.join(" | ")
        );
        text.push_str(&format!("|{}\n", "---|".repeat(COLUMNS.len() + 4)));
        for row in &self.rows {
            writeln!(text, "{}", row.line()).unwrap();
        }
        text
    }

    /// Fails with everything that went wrong, or where the docs show another table.
    #[track_caller]
    pub(crate) fn check(&self) {
        let mut wrong = String::new();
        for row in &self.rows {
            for (column, answer) in &row.answers {
                if let Err(why) = answer {
                    let Row {
                        vendor,
                        direction,
                        collection,
                        ..
                    } = row;
                    let name =
                        format!("{} {} {direction} {collection}", vendor.name, row.dialect());
                    writeln!(wrong, "{name}, {column}: {why}").unwrap();
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong}\n{}", self.text());
        if std::env::var_os("OPERATION").is_some() {
            return;
        }
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
        let known = std::fs::read_to_string(page).unwrap_or_default();
        let (head, _) = known.split_once("| vendor |").unwrap_or((&known, ""));
        let text = format!("{head}{}", self.text());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(page, &text).unwrap();
            return;
        }
        assert!(
            known == text,
            "docs/operations.md is stale: BLESS=1 writes it anew"
        );
    }
}
