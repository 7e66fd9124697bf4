//! Drops rows that are older than the ledger's retention, a stretch of rows
//! at a time, so that no call takes long however many rows there are. It
//! checks every row that it passes.

use super::{Long, MARKS, NUMBERS, ROWS, SWEPT, entry_key, failed, indexed};
use crate::Error;
use crate::codec::LongRowV1;
use crate::table::damaged;

impl Long {
    /// Looks at `stretch` rows, on from where the last call ended, and drops
    /// those that are from before `before_ms` and wait for nobody. Answers how
    /// many it dropped.
    pub(crate) fn sweep(&self, before_ms: u64, stretch: usize) -> Result<u64, Error> {
        let io = || failed(&self.place);
        let (old, next) = self.old_rows(before_ms, stretch)?;
        self.write(|write| {
            let mut rows = write.open_table(ROWS).map_err(failed(&self.place))?;
            let mut numbers = write.open_table(NUMBERS).map_err(failed(&self.place))?;
            let mut dropped = 0;
            for key in old {
                let removed = rows.remove(key.as_slice()).map_err(io())?;
                let Some(removed) = removed.map(|row| row.value().to_vec()) else {
                    continue;
                };
                let stored: LongRowV1<'_> = self.decode(&removed)?;
                for number in indexed(stored.row.source_key, stored.row.numbers()) {
                    numbers
                        .remove(entry_key(number, &key).as_slice())
                        .map_err(io())?;
                }
                dropped += 1;
            }
            let mut marks = write.open_table(MARKS).map_err(failed(&self.place))?;
            marks.insert(SWEPT, next.as_slice()).map_err(io())?;
            Ok(dropped)
        })
    }

    /// Keys of old rows, and where the next call goes on: after the last row
    /// at the first again.
    fn old_rows(&self, before_ms: u64, stretch: usize) -> Result<(Vec<Vec<u8>>, Vec<u8>), Error> {
        let io = || failed(&self.place);
        self.read(|read| {
            let (Some(rows), Some(marks)) = (read.table(ROWS)?, read.table(MARKS)?) else {
                return Ok((Vec::new(), Vec::new()));
            };
            let swept = marks.get(SWEPT).map_err(io())?;
            let swept = swept.map_or(Vec::new(), |swept| swept.value().to_vec());
            let mut old = Vec::new();
            let mut next = Vec::new();
            for (count, entry) in rows.range(swept.as_slice()..).map_err(io())?.enumerate() {
                let (key, value) = entry.map_err(io())?;
                if count == stretch {
                    next = key.value().to_vec();
                    break;
                }
                let stored: LongRowV1<'_> = self.decode(value.value())?;
                // A damaged page may lead past a row.
                if rows.get(key.value()).map_err(io())?.is_none() {
                    let reason = format!("`{}` is there and not found", stored.row.source_key);
                    return Err(damaged(&self.place, reason));
                }
                if stored.row.at_ms < before_ms && stored.row.is_done() {
                    old.push(key.value().to_vec());
                }
            }
            Ok((old, next))
        })
    }
}
