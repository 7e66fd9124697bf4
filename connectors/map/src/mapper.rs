//! Batches through the plan: one record a line in, one document a line out,
//! and a verdict for each record. Knows nothing of the component's borders.

mod each;

use std::cell::Cell;

use duijie_sdk::transform::{Line, Output as Batch, Verdict};
use duijie_sdk::{Host, Problem, Rejection, Tables};

use crate::compile::compile;
use crate::layout::HEAD;
use crate::output::Output;
use crate::plan::Plan;
use crate::read::Reader;
use crate::scan::{self, Malformed};
use crate::table::{Filled, fill};
use crate::view::{Fate, NO_ROW, Trouble, View};
use crate::write::{Failure, Writer};

/// A compiled mapping and its buffers. The buffers keep their size from batch
/// to batch, so that a steady stream of records allocates nothing a record.
#[derive(Debug)]
pub struct Mapping {
    plan: Plan,
    reader: Reader,
    current: Vec<Cell<u32>>,
    scratch: Vec<u8>,
    /// Bytes that the batch before gave for each byte that came in, in 256ths.
    growth: usize,
}

impl Mapping {
    /// Compiles settings, or says everything that is wrong with them.
    pub fn open(settings: &str) -> Result<Self, Vec<Problem>> {
        Self::open_with(settings, &Host)
    }

    /// The same with these tables in place of the host's.
    pub fn open_with(settings: &str, tables: &dyn Tables) -> Result<Self, Vec<Problem>> {
        let (mut plan, layout) = compile(settings)?;
        let problems = fill(&mut plan.ground.lookups, tables, Filled::Now);
        if !problems.is_empty() {
            return Err(problems);
        }
        let current = vec![Cell::new(NO_ROW); layout.tables.len()];
        if let Some(head) = current.get(usize::from(HEAD)) {
            head.set(0);
        }
        Ok(Self {
            plan,
            reader: Reader::new(layout),
            current,
            scratch: Vec::new(),
            growth: 128,
        })
    }

    /// Everything that is wrong with the settings. What the rows of other
    /// pipelines' tables are is not known yet.
    pub fn check(settings: &str) -> Vec<Problem> {
        Self::check_with(settings, &Host)
    }

    /// The same with these tables in place of the host's.
    pub fn check_with(settings: &str, tables: &dyn Tables) -> Vec<Problem> {
        match compile(settings) {
            Ok((mut plan, _)) => fill(&mut plan.ground.lookups, tables, Filled::Later),
            Err(problems) => problems,
        }
    }

    /// Maps `count` records in JSON Lines. The error says that the lines are
    /// not that many.
    pub fn apply(&mut self, data: &[u8], count: usize) -> Result<Batch, String> {
        // Places in a batch are kept in 32 bits.
        if u32::try_from(data.len()).is_err() {
            return Err(String::from("the batch is larger than 4 GiB"));
        }
        let mut out = Output::with_capacity(data.len().saturating_mul(self.growth) / 256 + 4096);
        let mut lines = Vec::with_capacity(count);
        let mut verdicts = Vec::with_capacity(count);
        let mut at = 0;
        while at < data.len() {
            let number = verdicts.len() as u32;
            let (end, verdict) = self.record(data, at, number, &mut out, &mut lines);
            verdicts.push(verdict);
            at = end + 1;
        }
        if verdicts.len() != count {
            let found = verdicts.len();
            return Err(format!("the batch has {found} lines for {count} entries"));
        }
        self.growth = (out.len().saturating_mul(264) / data.len().max(1)).clamp(16, 4096);
        Ok(Batch {
            data: out.into_bytes(),
            lines,
            verdicts,
        })
    }

    /// The record that begins at `at`: where its line ends, and what became of it.
    fn record(
        &mut self,
        data: &[u8],
        at: usize,
        number: u32,
        out: &mut Output,
        lines: &mut Vec<Line>,
    ) -> (usize, Verdict) {
        let end = match self.reader.record(data, scan::blanks(data, at)) {
            Ok(end) => end,
            Err(malformed) => {
                let rest = data.get(malformed.at..).unwrap_or_default();
                let end = memchr::memchr(b'\n', rest);
                let end = end.map_or(data.len(), |end| malformed.at + end);
                return (end, Verdict::Reject(not_json(data, at, malformed)));
            }
        };
        let view = View {
            bytes: data,
            slots: self.reader.slots(),
            ground: &self.plan.ground,
            current: &self.current,
        };
        if let Some(each) = self.plan.each {
            let mut parts = each::Parts {
                plan: &self.plan,
                each,
                number,
                out,
                lines,
                scratch: &mut self.scratch,
            };
            return (end, parts.write(view));
        }
        let verdict = document(&self.plan, view, out, &mut self.scratch);
        if matches!(verdict, Verdict::Keep) {
            lines.push(Line {
                sources: vec![number],
                part: String::new(),
            });
        }
        (end, verdict)
    }
}

/// Writes one document with its line's end, or nothing.
fn document(plan: &Plan, view: View<'_>, out: &mut Output, scratch: &mut Vec<u8>) -> Verdict {
    match plan.condition.unmet(&view) {
        Ok(None) => {}
        Ok(Some(reason)) => return Verdict::Drop(reason),
        Err(trouble) => {
            let message = format!("condition: {}", trouble.message);
            return refusal(&trouble, message, None);
        }
    }
    let start = out.len();
    let mut writer = Writer {
        plan,
        view,
        out,
        scratch,
    };
    match writer.document() {
        Ok(()) => {
            out.push(b'\n');
            Verdict::Keep
        }
        Err(failure) => {
            out.truncate(start);
            rejection(plan, &failure)
        }
    }
}

#[cold]
fn refusal(trouble: &Trouble, message: String, field: Option<&str>) -> Verdict {
    let mut rejection = match trouble.fate {
        Fate::Drop => return Verdict::Drop(message),
        Fate::Later => Rejection::later(trouble.code, message),
        Fate::Never => Rejection::never(trouble.code, message),
    };
    rejection.field = field.map(str::to_owned);
    Verdict::Reject(rejection)
}

#[cold]
fn not_json(data: &[u8], start: usize, malformed: Malformed) -> Rejection {
    let rest = data.get(malformed.at..).unwrap_or_default();
    let found = match rest.first() {
        None | Some(b'\n') => String::from("the end of the line"),
        Some(byte) if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
        Some(byte) => format!("the byte 0x{byte:02x}"),
    };
    let place = malformed.at - start + 1;
    let expected = malformed.expected;
    let message =
        format!("the record is no valid JSON: found {found} at byte {place}, expected {expected}");
    Rejection::never("map.malformed", message)
}

/// The rule and the row before what went wrong.
#[cold]
fn rejection(plan: &Plan, failure: &Failure) -> Verdict {
    let name = plan.rules.get(usize::from(failure.rule));
    let (field, label) = name.map_or(("", ""), |name| (&name.field, &name.label));
    let mut message = format!("`{field}`");
    if !label.is_empty() {
        message.push_str(&format!(" ({label})"));
    }
    for (list, row) in failure.rows.iter().rev() {
        let list = plan
            .lists
            .get(usize::from(*list))
            .map_or("", String::as_str);
        message.push_str(&format!(", row {row} of `{list}`"));
    }
    message.push_str(": ");
    message.push_str(&failure.trouble.message);
    refusal(&failure.trouble, message, Some(field))
}
