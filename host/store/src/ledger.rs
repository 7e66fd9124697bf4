//! The ledger: one row a source key, looked up for every record and written
//! once. Rows of a commit lie together in blocks; an index in memory leads
//! from a key's hash to its row, and is built from the blocks at open.
//!
//! It knows one scope at a time and nothing of claims, commits or syncs: it
//! stages blocks into a batch that the committer applies.

mod index;

use std::collections::{BTreeSet, HashMap};

use duijie_record::{Scope, SourceKey};

use crate::codec::{self, LedgerRowV1};
use crate::key::{Key, Kind};
use crate::table::{Batch, Table};
use crate::{Error, LedgerRow};
use index::{Index, Location};

/// A block ends before it outgrows this, so that it stays one sled value;
/// a longer row has a block of its own.
const BLOCK: usize = 4096;
/// A block with less than one row in this many alive is written anew.
const SPARSE: u32 = 4;

/// A row ready to be written.
pub(crate) struct EncodedRow {
    pub(crate) source_key: String,
    bytes: Vec<u8>,
}

impl EncodedRow {
    pub(crate) fn new(row: &LedgerRow) -> Result<Self, Error> {
        let mut bytes = Vec::with_capacity(256);
        codec::append(&mut bytes, &LedgerRowV1::from(row))?;
        Ok(Self {
            source_key: row.source_key.0.clone(),
            bytes,
        })
    }
}

struct Rows {
    alive: u32,
    written: u32,
}

/// The ledger of one scope. Between [`Ledger::stage`] and the batch's
/// application it must not be read.
pub(crate) struct Ledger {
    prefix: Key,
    index: Index,
    blocks: HashMap<u64, Rows>,
    next_block: u64,
}

impl Ledger {
    /// Reads every block, oldest first: the newest row of a key wins.
    pub(crate) fn open(table: &Table, scope: &Scope) -> Result<Self, Error> {
        Self::open_with(table, scope, Index::default())
    }

    fn open_with(table: &Table, scope: &Scope, index: Index) -> Result<Self, Error> {
        let prefix = Key::new(Kind::LedgerBlock).text(scope.as_str());
        let mut ledger = Self {
            prefix: prefix.clone(),
            index,
            blocks: HashMap::new(),
            next_block: 0,
        };
        table.scan(&prefix, |key, bytes| {
            let number = key.last_chunk().copied().map(u64::from_be_bytes);
            let number = number.unwrap_or_default();
            ledger.next_block = number + 1;
            let mut placed = Staging::default();
            placed.blocks.insert(number, bytes.to_vec());
            for (offset, row) in rows(table, bytes)? {
                ledger.set(
                    table,
                    &mut placed,
                    row.source_key,
                    Location::new(number, offset),
                )?;
            }
            Ok(true)
        })?;
        Ok(ledger)
    }

    /// One answer a key, in order.
    pub(crate) fn rows(
        &self,
        table: &Table,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<LedgerRow>>, Error> {
        let mut found = vec![None; keys.len()];
        let mut wanted: Vec<_> = keys
            .iter()
            .zip(&mut found)
            .filter_map(|(key, slot)| Some((self.index.candidate(key.as_str())?, key, slot)))
            .collect();
        // Rows that were written together are mostly read together.
        wanted.sort_unstable_by_key(|(location, _, _)| *location);
        let mut block = (u64::MAX, Vec::new());
        for (location, key, slot) in wanted {
            if block.0 != location.block() {
                block = (location.block(), self.block(table, location.block())?);
            }
            let row = row_at(table, &block.1, location)?;
            if row.source_key == key.as_str() {
                *slot = Some(LedgerRow::from(row));
            }
        }
        Ok(found)
    }

    /// Visits every row that counts.
    pub(crate) fn each(
        &self,
        table: &Table,
        mut visit: impl FnMut(LedgerRow),
    ) -> Result<(), Error> {
        table.scan(&self.prefix, |key, bytes| {
            let number = key.last_chunk().copied().map(u64::from_be_bytes);
            for (offset, row) in rows(table, bytes)? {
                let location = Location::new(number.unwrap_or_default(), offset);
                if self.index.candidate(row.source_key) == Some(location) {
                    visit(LedgerRow::from(row));
                }
            }
            Ok(true)
        })
    }

    /// Adds rows to `batch`, of which the last of a key counts, and removes from it the
    /// blocks that they leave without a living row. Sparse blocks go too,
    /// with their living rows written anew: all in the one batch.
    pub(crate) fn stage(
        &mut self,
        table: &Table,
        batch: &mut Batch,
        new_rows: &[EncodedRow],
    ) -> Result<(), Error> {
        let mut staging = Staging::default();
        for row in new_rows {
            self.place(table, &mut staging, &row.source_key, &row.bytes)?;
        }
        for number in std::mem::take(&mut staging.touched) {
            self.reclaim(table, batch, &mut staging, number)?;
        }
        for (number, bytes) in &staging.blocks {
            batch.put_new(&self.prefix.clone().number(*number), bytes);
        }
        Ok(())
    }

    fn reclaim(
        &mut self,
        table: &Table,
        batch: &mut Batch,
        staging: &mut Staging,
        number: u64,
    ) -> Result<(), Error> {
        let Some(count) = self.blocks.get(&number) else {
            return Ok(());
        };
        if staging.blocks.contains_key(&number) || count.alive * SPARSE >= count.written {
            return Ok(());
        }
        if count.alive > 0 {
            let bytes = self.block(table, number)?;
            for (offset, row) in rows(table, &bytes)? {
                if self.index.candidate(row.source_key) == Some(Location::new(number, offset)) {
                    let mut again = Vec::new();
                    codec::append(&mut again, &row)?;
                    self.place(table, staging, row.source_key, &again)?;
                }
            }
        }
        self.blocks.remove(&number);
        table.remove(batch, &self.prefix.clone().number(number))
    }

    /// Writes a row into the open block, or into a new one.
    fn place(
        &mut self,
        table: &Table,
        staging: &mut Staging,
        source_key: &str,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let fits = |block: &Vec<u8>| block.len() + bytes.len() <= BLOCK;
        let open = staging
            .open
            .filter(|number| staging.blocks.get(number).is_some_and(fits));
        let number = open.unwrap_or_else(|| {
            self.next_block += 1;
            self.next_block - 1
        });
        staging.open = Some(number);
        let block = staging
            .blocks
            .entry(number)
            .or_insert_with(|| vec![codec::VERSION]);
        let offset = block.len();
        block.extend_from_slice(bytes);
        self.set(table, staging, source_key, Location::new(number, offset))
    }

    fn set(
        &mut self,
        table: &Table,
        staging: &mut Staging,
        source_key: &str,
        location: Location,
    ) -> Result<(), Error> {
        let count = self.blocks.entry(location.block()).or_insert(Rows {
            alive: 0,
            written: 0,
        });
        count.alive += 1;
        count.written += 1;
        let same = match self.index.candidate(source_key) {
            None => false,
            Some(old) => self.is_row_of(table, staging, source_key, old)?,
        };
        if let Some(old) = self.index.set(source_key, location, same) {
            if let Some(count) = self.blocks.get_mut(&old.block()) {
                count.alive -= 1;
            }
            staging.touched.insert(old.block());
        }
        Ok(())
    }

    fn is_row_of(
        &self,
        table: &Table,
        staging: &Staging,
        source_key: &str,
        location: Location,
    ) -> Result<bool, Error> {
        let number = location.block();
        if let Some(bytes) = staging.blocks.get(&number) {
            return Ok(row_at(table, bytes, location)?.source_key == source_key);
        }
        let bytes = self.block(table, number)?;
        Ok(row_at(table, &bytes, location)?.source_key == source_key)
    }

    fn block(&self, table: &Table, number: u64) -> Result<Vec<u8>, Error> {
        let bytes = table.get(&self.prefix.clone().number(number))?;
        bytes.ok_or_else(|| damaged(table, format!("block {number} is gone")))
    }
}

/// Blocks that are not in the table yet.
#[derive(Default)]
struct Staging {
    blocks: HashMap<u64, Vec<u8>>,
    open: Option<u64>,
    /// Blocks in which a row died.
    touched: BTreeSet<u64>,
}

fn row_at<'bytes>(
    table: &Table,
    block: &'bytes [u8],
    location: Location,
) -> Result<LedgerRowV1<'bytes>, Error> {
    codec::body(block).map_err(|reason| damaged(table, reason))?;
    let row = block.get(location.offset()..).unwrap_or_default();
    let decoded = postcard::take_from_bytes(row);
    let (row, _) = decoded.map_err(|error| damaged(table, error.to_string()))?;
    Ok(row)
}

/// Every row of a block with the place where it begins.
fn rows<'bytes>(
    table: &Table,
    block: &'bytes [u8],
) -> Result<Vec<(usize, LedgerRowV1<'bytes>)>, Error> {
    let mut rest = codec::body(block).map_err(|reason| damaged(table, reason))?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let offset = block.len() - rest.len();
        let decoded = postcard::take_from_bytes(rest);
        let (row, after) = decoded.map_err(|error| damaged(table, error.to_string()))?;
        found.push((offset, row));
        rest = after;
    }
    Ok(found)
}

fn damaged(table: &Table, reason: String) -> Error {
    Error::Damaged {
        what: "the ledger",
        place: table.place().display().to_string(),
        reason,
    }
}

#[cfg(test)]
mod tests;
