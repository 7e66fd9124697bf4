//! Every operation that the three vendors' connectors offer, held against the same questions; the answers are
//! the table in docs/operations.md. `BLESS=1` writes the table anew, `OPERATION=<name>` asks about one alone, or
//! about one vendor's.

// The lint table exempts unit tests only; helpers of an integration test are test code too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod operations {
    pub(crate) mod read;
    pub(crate) mod table;
    pub(crate) mod vendors;
    pub(crate) mod write;
}

use operations::table::{Row, Table};
use operations::{read, vendors, write};

/// One answer: a word for the table, or what went wrong.
type Answer = Result<&'static str, String>;

#[test]
fn every_operation_stands_every_question() {
    let mut table = Table::new();
    for vendor in vendors::ALL {
        let (sources, targets) = vendors::collections(vendor);
        let mut rows: Vec<Row> = Vec::new();
        rows.extend(
            sources
                .into_iter()
                .map(|name| Row::new(vendor, &name, "read", read::QUESTIONS)),
        );
        rows.extend(
            targets
                .into_iter()
                .map(|name| Row::new(vendor, &name, "write", write::QUESTIONS)),
        );
        table.answer(rows);
    }
    table.check();
}
