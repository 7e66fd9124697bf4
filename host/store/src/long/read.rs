//! Questions to the long ledger. Each is one read transaction.

use std::collections::{BTreeMap, HashMap};

use duijie_record::{Scope, SourceKey, TargetKey};
use redb::{
    ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _,
};

use super::{
    Bytes, FOLDED, Long, MARKS, NUMBERS, ROWS, SCOPES, VALUES, failed, number_key, row_key,
};
use crate::codec::LongRowV1;
use crate::key::Key;
use crate::measure::{Count, Laid};
use crate::table::{damaged, without_panic};
use crate::{Error, LedgerRow, SegmentRef};

/// A read transaction.
pub(super) struct Read<'long> {
    long: &'long Long,
    transaction: ReadTransaction,
}

/// A row, its scope, and the number of its writing.
pub(crate) struct Found {
    pub(crate) scope: Scope,
    pub(crate) order: u64,
    pub(crate) row: LedgerRow,
}

impl Read<'_> {
    pub(super) fn table<K: redb::Key + 'static, V: redb::Value + 'static>(
        &self,
        definition: redb::TableDefinition<'_, K, V>,
    ) -> Result<Option<ReadOnlyTable<K, V>>, Error> {
        match self.transaction.open_table(definition) {
            Ok(table) => Ok(Some(table)),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(failed(&self.long.place)(error)),
        }
    }

    pub(super) fn scopes(&self) -> Result<HashMap<String, u32>, Error> {
        let io = || failed(&self.long.place);
        let mut scopes = HashMap::new();
        if let Some(table) = self.table(SCOPES)? {
            for entry in table.iter().map_err(io())? {
                let (name, number) = entry.map_err(io())?;
                scopes.insert(name.value().to_owned(), number.value());
            }
        }
        Ok(scopes)
    }

    /// Scopes and source keys of the rows that have this number.
    fn holders(&self, number: &str) -> Result<Vec<(u32, String)>, Error> {
        let io = || failed(&self.long.place);
        let prefix = number_key(number);
        let mut found = Vec::new();
        let Some(table) = self.table(NUMBERS)? else {
            return Ok(found);
        };
        for entry in table.range(prefix.as_slice()..).map_err(io())? {
            let (key, ()) = entry
                .map(|(key, value)| (key, value.value()))
                .map_err(io())?;
            let Some(row) = key.value().strip_prefix(prefix.as_slice()) else {
                break;
            };
            found.push(self.parts(row)?);
        }
        Ok(found)
    }

    fn parts(&self, row: &[u8]) -> Result<(u32, String), Error> {
        let split = row.split_first_chunk().and_then(|(scope, key)| {
            let key = std::str::from_utf8(key).ok()?;
            Some((u32::from_be_bytes(*scope), key.to_owned()))
        });
        split.ok_or_else(|| damaged(&self.long.place, "a row's key has no form".to_owned()))
    }

    fn row(
        &self,
        table: &ReadOnlyTable<Bytes, Bytes>,
        scope: u32,
        key: &str,
    ) -> Result<Option<(u64, LedgerRow)>, Error> {
        let found = table
            .get(row_key(scope, key).as_slice())
            .map_err(failed(&self.long.place))?;
        let Some(found) = found else {
            return Ok(None);
        };
        let stored: LongRowV1<'_> = self.long.decode(found.value())?;
        if stored.row.source_key != key {
            let reason = format!("the row of `{key}` is another's");
            return Err(damaged(&self.long.place, reason));
        }
        Ok(Some((stored.order, LedgerRow::from(stored.row))))
    }
}

impl Long {
    pub(super) fn read<T>(
        &self,
        ask: impl FnOnce(&Read<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        without_panic(&self.place, || {
            let db = self.db();
            let transaction = db.begin_read().map_err(failed(&self.place))?;
            ask(&Read {
                long: self,
                transaction,
            })
        })
    }

    /// The last redo record that was taken in.
    pub(crate) fn folded(&self) -> Result<u64, Error> {
        self.read(|read| {
            let Some(table) = read.table(MARKS)? else {
                return Ok(0);
            };
            let found = table.get(FOLDED).map_err(failed(&self.place))?;
            let number = found.and_then(|found| found.value().try_into().ok());
            Ok(number.map_or(0, u64::from_be_bytes))
        })
    }

    /// Fills the slots of keys that have a row here.
    pub(crate) fn rows(
        &self,
        scope: &Scope,
        mut wanted: Vec<(&SourceKey, &mut Option<LedgerRow>)>,
    ) -> Result<(), Error> {
        let Some(scope) = self.scope(scope) else {
            return Ok(());
        };
        // Keys beside each other lie on one page.
        wanted.sort_unstable_by_key(|(key, _)| *key);
        self.read(|read| {
            let Some(table) = read.table(ROWS)? else {
                return Ok(());
            };
            for (key, slot) in wanted {
                *slot = read.row(&table, scope, key.as_str())?.map(|(_, row)| row);
            }
            Ok(())
        })
    }

    /// Rows whose source key, target key or target id is this number.
    pub(crate) fn find(&self, number: &str) -> Result<Vec<Found>, Error> {
        self.read(|read| {
            let names: HashMap<u32, String> = read
                .scopes()?
                .into_iter()
                .map(|(name, number)| (number, name))
                .collect();
            let mut holders = read.holders(number)?;
            holders.extend(names.keys().map(|scope| (*scope, number.to_owned())));
            let Some(table) = read.table(ROWS)? else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for (scope, key) in holders {
                let row = read.row(&table, scope, &key)?;
                if let (Some((order, row)), Some(name)) = (row, names.get(&scope)) {
                    let scope = Scope(name.clone());
                    found.push(Found { scope, order, row });
                }
            }
            Ok(found)
        })
    }

    /// For each key the rows of this scope that have it as a target key, with
    /// the numbers of their writing.
    pub(crate) fn owners(
        &self,
        scope: &Scope,
        keys: &[TargetKey],
    ) -> Result<Vec<Vec<(u64, SourceKey)>>, Error> {
        let Some(scope) = self.scope(scope) else {
            return Ok(vec![Vec::new(); keys.len()]);
        };
        self.read(|read| {
            let Some(table) = read.table(ROWS)? else {
                return Ok(vec![Vec::new(); keys.len()]);
            };
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                let mut holders = read.holders(key.as_str())?;
                holders.retain(|(holder, _)| *holder == scope);
                holders.push((scope, key.0.clone()));
                let mut owners = Vec::new();
                for (scope, source_key) in holders {
                    let row = read.row(&table, scope, &source_key)?;
                    owners.extend(
                        row.filter(|(_, row)| {
                            row.documents.iter().any(|one| one.target_key == *key)
                        })
                        .map(|(order, row)| (order, row.source_key)),
                    );
                }
                found.push(owners);
            }
            Ok(found)
        })
    }

    /// The value under `key`.
    pub(crate) fn value(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        self.read(|read| {
            let Some(table) = read.table(VALUES)? else {
                return Ok(None);
            };
            let value = table.get(key.bytes()).map_err(failed(&self.place))?;
            Ok(value.map(|value| value.value().to_vec()))
        })
    }

    /// The values under `prefix`, by key; at most `limit`, the last ones.
    pub(crate) fn values(
        &self,
        prefix: &Key,
        limit: usize,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Error> {
        self.read(|read| {
            let mut found = BTreeMap::new();
            let Some(table) = read.table(VALUES)? else {
                return Ok(found);
            };
            let io = || failed(&self.place);
            let end = prefix.end();
            let range = table.range(prefix.bytes()..end.as_slice()).map_err(io())?;
            for entry in range.rev().take(limit) {
                let (key, value) = entry.map_err(io())?;
                found.insert(key.value().to_vec(), value.value().to_vec());
            }
            Ok(found)
        })
    }

    /// Of every value and row, whose it is and how long.
    pub(crate) fn count_bytes(&self, count: &mut Count, laid: &Laid) -> Result<(), Error> {
        self.read(|read| {
            let io = || failed(&self.place);
            if let Some(table) = read.table(VALUES)? {
                for entry in table.iter().map_err(io())? {
                    let (key, value) = entry.map_err(io())?;
                    count.value(key.value(), value.value().len());
                }
            }
            let names = read.scopes()?.into_iter();
            let names: HashMap<u32, String> = names.map(|(name, number)| (number, name)).collect();
            let Some(table) = read.table(ROWS)? else {
                return Ok(());
            };
            for entry in table.iter().map_err(io())? {
                let (key, value) = entry.map_err(io())?;
                let (scope, _) = read.parts(key.value())?;
                let stored: LongRowV1<'_> = self.decode(value.value())?;
                if let Some(scope) = names.get(&scope) {
                    let bytes = key.value().len() + value.value().len();
                    count.row(scope, bytes, &LedgerRow::from(stored.row), laid);
                }
            }
            Ok(())
        })
    }

    /// Every place that rows of these scopes lead to.
    pub(crate) fn led_to(&self, scopes: &[Scope]) -> Result<Vec<SegmentRef>, Error> {
        let numbers = scopes.iter().filter_map(|scope| self.scope(scope));
        self.read(|read| {
            let io = || failed(&self.place);
            let mut named = Vec::new();
            let Some(table) = read.table(ROWS)? else {
                return Ok(named);
            };
            for scope in numbers {
                let first = row_key(scope, "");
                for entry in table.range(first.as_slice()..).map_err(io())? {
                    let (key, value) = entry.map_err(io())?;
                    if !key.value().starts_with(&first) {
                        break;
                    }
                    let stored: LongRowV1<'_> = self.decode(value.value())?;
                    let row = LedgerRow::from(stored.row);
                    named.extend(row.lines().map(|line| line.segment.clone()));
                }
            }
            Ok(named)
        })
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> Result<u64, Error> {
        self.read(|read| {
            let rows = read.table(ROWS)?.map(|table| table.len());
            let rows = rows.transpose().map_err(failed(&self.place))?;
            Ok(rows.unwrap_or_default())
        })
    }
}
