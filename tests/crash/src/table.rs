//! The matrix as a table in Markdown.

use crate::case::Row;
use crate::fault::Fault;
use crate::matrix::{Matrix, Total};
use crate::model::Sort;
use crate::shape::Shape;
use std::fmt::Write as _;

const SORTS: [(Sort, &str); 5] = [
    (Sort::Lost, "lost"),
    (Sort::Doubled, "doubled"),
    (Sort::Wrong, "wrong"),
    (Sort::Waits, "waiting wrongly"),
    (Sort::Broke, "not finished"),
];

/// Kills in each cell, with whatever was found there; then the sums.
pub fn markdown(matrix: &Matrix, shape: Shape) -> String {
    let faults: Vec<Fault> = Fault::ALL
        .into_iter()
        .filter(|fault| matrix.cells.keys().any(|(_, played)| played == fault))
        .collect();
    let mut text = String::from("| killed at |");
    for fault in &faults {
        text.push_str(&format!(" {} |", fault.name()));
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(faults.len()));
    text.push('\n');
    for row in Row::all(shape) {
        let name = row.name();
        if !matrix.cells.keys().any(|(played, _)| *played == name) {
            continue;
        }
        text.push_str(&format!("| {name} |"));
        for fault in &faults {
            let cell = matrix.cells.get(&(name.clone(), *fault));
            text.push_str(&format!(" {} |", cell.map(words).unwrap_or_default()));
        }
        text.push('\n');
    }
    let total = &matrix.total;
    // Writing into a text cannot fail.
    _ = write!(
        text,
        "\n{} cases, {} documents, {} runs, {} kills",
        total.cases, total.documents, total.runs, total.kills
    );
    for (sort, name) in SORTS {
        _ = write!(text, ", {} {name}", total.count(sort));
    }
    text.push_str(".\n\nKills by the place where they struck: ");
    let struck: Vec<String> = matrix
        .struck
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    text.push_str(&struck.join(", "));
    text.push_str(".\n");
    text
}

fn words(cell: &Total) -> String {
    let mut text = cell.kills.to_string();
    for (sort, name) in SORTS {
        let count = cell.count(sort);
        if count > 0 {
            text.push_str(&format!(" ({count} {name})"));
        }
    }
    text
}
