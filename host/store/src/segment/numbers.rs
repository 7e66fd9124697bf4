//! Numbers of segment files. None is given twice, not even when the file that
//! had it is gone: rows of the ledger are kept for longer than the files, and
//! what they lead to must never be another's.

use std::fs::File;
use std::path::Path;

/// An empty file of this kind has the highest number that was ever given.
const LAST: &str = "last";
pub(super) const SEGMENT: &str = "seg";

/// Of the files that are there.
pub(super) fn there(folder: &Path) -> std::io::Result<Vec<u64>> {
    named(folder, SEGMENT)
}

/// The highest that was ever given, 0 for none.
pub(super) fn last(folder: &Path) -> std::io::Result<u64> {
    let numbers = [there(folder)?, named(folder, LAST)?].concat();
    Ok(numbers.into_iter().max().unwrap_or_default())
}

/// From now on this one counts as given, durably.
pub(super) fn keep(folder: &Path, number: u64) -> std::io::Result<()> {
    let place = |number: u64| folder.join(format!("{number}.{LAST}"));
    File::create(place(number))?;
    File::open(folder)?.sync_all()?;
    let lower = named(folder, LAST)?.into_iter();
    for lower in lower.filter(|lower| *lower < number) {
        // One that stays says nothing that is wrong.
        std::fs::remove_file(place(lower)).unwrap_or_default();
    }
    Ok(())
}

fn named(folder: &Path, kind: &str) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_str().and_then(|name| name.rsplit_once('.'));
        let number = name.filter(|(_, found)| *found == kind);
        numbers.extend(number.and_then(|(number, _)| number.parse::<u64>().ok()));
    }
    Ok(numbers)
}
