//! Rules and the documents that they give.

use super::{ORDER, SEED, mapped};

/// Rules over a record, and the document or refusal.
fn check(rules: &str, record: &str, expected: &str) {
    assert_eq!(
        mapped(&format!("{{\"rules\":[{rules}]}}"), record),
        expected
    );
}

#[test]
fn the_table_of_the_seed_gives_its_document() {
    let expected = include_str!("../../tests/seed_document.json");
    let document: serde_json::Value = serde_json::from_str(&mapped(SEED, ORDER)).unwrap();
    let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
    assert_eq!(
        serde_json::to_string_pretty(&document).unwrap(),
        serde_json::to_string_pretty(&expected).unwrap()
    );
}
