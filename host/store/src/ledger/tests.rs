//! The ledger against a map, with few hashes and small and large rows, over
//! closing and opening.

use std::collections::HashMap;
use std::path::Path;

use duijie_record::{Scope, SourceKey};
use proptest::prelude::*;

use super::{EncodedRow, Index, Ledger};
use crate::LedgerRow;
use crate::conformance::ledger_row;
use crate::key::{Key, Kind};
use crate::table::{Batch, Table};

fn table(folder: &Path) -> Table {
    Table::open(folder, 1 << 20, true).unwrap()
}

fn write(table: &Table, ledger: &mut Ledger, rows: &[LedgerRow]) {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| EncodedRow::new(row).unwrap())
        .collect();
    let mut batch = Batch::default();
    ledger.stage(table, &mut batch, &rows).unwrap();
    table.apply(batch).unwrap();
}

fn open(table: &Table, hash: Option<fn(&str, u64) -> u64>) -> Ledger {
    let index = hash.map_or_else(Index::default, Index::with_hash);
    Ledger::open_with(table, &Scope::from("orders"), index).unwrap()
}

/// How many blocks are in the table.
fn blocks(table: &Table) -> usize {
    let mut count = 0;
    let prefix = Key::new(Kind::LedgerBlock);
    let counted = table.scan(&prefix, |_, _| {
        count += 1;
        Ok(true)
    });
    counted.unwrap();
    count
}

fn row(key: u8, at_ms: u64, part: usize) -> LedgerRow {
    let mut row = ledger_row(&key.to_string(), at_ms);
    row.documents[0].part = "p".repeat(part);
    row
}

/// Three hashes for all keys.
fn few(key: &str, _seed: u64) -> u64 {
    key.len() as u64
}

fn check(commits: &[Vec<(u8, usize)>], hash: Option<fn(&str, u64) -> u64>) {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let mut ledger = open(&table, hash);
    let mut model = HashMap::new();
    for (number, commit) in commits.iter().enumerate() {
        let rows = commit
            .iter()
            .map(|(key, part)| row(*key, number as u64, *part));
        let rows: Vec<_> = rows.collect();
        write(&table, &mut ledger, &rows);
        model.extend(rows.into_iter().map(|row| (row.source_key.clone(), row)));
    }
    let keys: Vec<_> = (0..=u8::MAX)
        .map(|key| SourceKey(key.to_string()))
        .collect();
    let expected: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
    assert_eq!(ledger.rows(&table, &keys).unwrap(), expected);
    assert_eq!(ledger.blocks.len(), blocks(&table));
    let mut again = open(&table, hash);
    assert_eq!(again.rows(&table, &keys).unwrap(), expected);
    assert_eq!(again.blocks.len(), blocks(&table));
    write(&table, &mut again, &[row(7, u64::MAX, 1)]);
    let found = again.rows(&table, &[SourceKey::from("7")]).unwrap();
    assert_eq!(found, [Some(row(7, u64::MAX, 1))]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn holds_what_a_map_holds(
        commits in prop::collection::vec(
            prop::collection::vec((any::<u8>(), prop_oneof![9 => 0..300_usize, 1 => 3000..9000_usize]), 1..40),
            1..12,
        ),
        collide in any::<bool>(),
    ) {
        check(&commits, collide.then_some(few as fn(&str, u64) -> u64));
    }
}

#[test]
fn keys_of_one_hash_are_told_apart() {
    check(
        &[
            vec![(1, 1), (2, 2), (3, 3)],
            vec![(2, 5)],
            vec![(1, 6), (2, 7)],
        ],
        Some(few),
    );
}

#[test]
fn space_of_overwritten_rows_is_reclaimed() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let mut ledger = open(&table, None);
    for round in 0..50 {
        let rows: Vec<_> = (0..=u8::MAX).map(|key| row(key, round, 10)).collect();
        write(&table, &mut ledger, &rows);
    }
    let full = blocks(&table);
    assert!(full < 120, "{full} blocks for 256 rows");
    // Overwriting all but one row of each block moves those that are left.
    let rows: Vec<_> = (0..=u8::MAX).filter(|key| key % 10 != 0).collect();
    let rows: Vec<_> = rows.into_iter().map(|key| row(key, 50, 10)).collect();
    write(&table, &mut ledger, &rows);
    assert!(blocks(&table) <= full, "{} blocks", blocks(&table));
}
