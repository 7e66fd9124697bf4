//! Every operation that the three vendors' connectors offer, held against the same questions; the answers are
//! the table in docs/operations.md. `BLESS=1` writes the table anew, `OPERATION=<name>` asks about one alone, or
//! about one vendor's, as `OPERATION="wangdiantong B"` about those of one dialect.

// The lint table exempts unit tests only; helpers of an integration test are test code too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod operations {
    pub(crate) mod queue;
    pub(crate) mod read;
    pub(crate) mod table;
    pub(crate) mod vendors;
    pub(crate) mod write;
}

use operations::table::{Row, Table};
use operations::{queue, read, vendors, write};

/// One answer: a word for the table, or what went wrong.
type Answer = Result<&'static str, String>;

#[test]
fn every_operation_stands_every_question() {
    let mut rows: Vec<Row> = Vec::new();
    for vendor in vendors::ALL.into_iter().enumerate() {
        let (sources, targets) = vendors::collections(vendor.1);
        for name in sources {
            let is_queue = vendors::QUEUES.iter().any(|(query, _)| *query == name);
            let questions = match is_queue {
                true => queue::QUESTIONS,
                false => read::QUESTIONS,
            };
            rows.push(Row::new(vendor, &name, "read", questions));
        }
        for name in targets {
            rows.push(Row::new(vendor, &name, "write", write::QUESTIONS));
        }
    }
    let mut table = Table::new();
    table.answer(rows);
    table.check();
}
