//! State in memory that lies on the disk only in the journal: the newest of
//! all, asked before the databases below it. Rows of the ledger are kept
//! encoded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use duijie_record::Scope;

use crate::codec::{self, LedgerRowV1};
use crate::key::Key;
use crate::redo::Op;
use crate::{Error, LedgerRow};

/// A row ready to be written.
#[derive(Clone)]
pub(crate) struct EncodedRow {
    pub(crate) source_key: Arc<str>,
    pub(crate) bytes: Vec<u8>,
    /// Hashes of its target keys and target ids.
    numbers: Vec<u64>,
}

pub(crate) fn hash(number: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(number.as_bytes())
}

impl EncodedRow {
    pub(crate) fn new(row: &LedgerRow) -> Result<Self, Error> {
        let stored = LedgerRowV1::from(row);
        let mut bytes = Vec::with_capacity(256);
        codec::append(&mut bytes, &stored)?;
        Ok(Self::of(&stored, bytes))
    }

    fn of(stored: &LedgerRowV1<'_>, bytes: Vec<u8>) -> Self {
        Self {
            source_key: Arc::from(stored.source_key),
            bytes,
            numbers: stored.numbers().map(hash).collect(),
        }
    }

    fn stored(bytes: &[u8]) -> Result<Self, String> {
        let stored = codec::plain::<LedgerRowV1<'_>>(bytes)?;
        Ok(Self::of(&stored, bytes.to_vec()))
    }

    pub(crate) fn has_one_of(&self, hashes: &HashSet<u64>) -> bool {
        self.numbers.iter().any(|number| hashes.contains(number))
    }
}

/// A row with the number of its writing, which grows over the whole store.
pub(crate) struct Placed {
    pub(crate) order: u64,
    pub(crate) row: EncodedRow,
}

pub(crate) type Rows = HashMap<Arc<str>, Placed>;

#[derive(Default)]
pub(crate) struct Layer {
    /// What each key holds; `None` where it holds nothing any more.
    pub(crate) values: BTreeMap<Key, Option<Vec<u8>>>,
    /// By scope.
    pub(crate) ledgers: HashMap<String, Rows>,
    pub(crate) rows: usize,
    /// Of keys, values and rows, counted as they came.
    pub(crate) bytes: usize,
    /// The newest redo record that is in it.
    pub(crate) last: u64,
}

/// Elements of one record before a row's own number.
const RECORD: u32 = 24;

impl Layer {
    /// Numbers of rows of this record begin here.
    pub(crate) fn first_order(record: u64) -> u64 {
        record << RECORD
    }

    pub(crate) fn put(&mut self, key: Key, value: Option<Vec<u8>>) {
        self.bytes += key.bytes().len() + value.as_ref().map_or(0, Vec::len);
        self.values.insert(key, value);
    }

    pub(crate) fn add_row(&mut self, scope: &str, order: u64, row: EncodedRow) {
        self.bytes += row.bytes.len();
        if !self.ledgers.contains_key(scope) {
            self.ledgers.insert(scope.to_owned(), Rows::new());
        }
        if let Some(rows) = self.ledgers.get_mut(scope) {
            let before = rows.insert(row.source_key.clone(), Placed { order, row });
            self.rows += usize::from(before.is_none());
        }
    }

    /// Takes a record in that was read back.
    pub(crate) fn replay(&mut self, number: u64, ops: &[Op<'_>]) -> Result<(), String> {
        let mut order = Self::first_order(number);
        for op in ops {
            match op {
                Op::Put { key, value } => self.put(Key::stored(key), Some(value.to_vec())),
                Op::Remove { key } => self.put(Key::stored(key), None),
                Op::Row { scope, row } => {
                    self.add_row(scope, order, EncodedRow::stored(row)?);
                    order += 1;
                }
            }
        }
        self.last = number;
        Ok(())
    }

    pub(crate) fn row(&self, scope: &str, key: &str) -> Option<&Placed> {
        self.ledgers.get(scope)?.get(key)
    }

    /// Lays what it says of keys that begin with `prefix` over `found`.
    pub(crate) fn overlay(&self, prefix: &Key, found: &mut BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        let range = self.values.range(prefix.clone()..);
        for (key, value) in range.take_while(|(key, _)| key.bytes().starts_with(prefix.bytes())) {
            found.insert(key.bytes().to_vec(), value.clone());
        }
    }

    /// Rows whose numbers may be one of these hashes.
    pub(crate) fn candidates<'layer>(
        &'layer self,
        scope: &str,
        hashes: &'layer HashSet<u64>,
    ) -> impl Iterator<Item = &'layer Placed> {
        let rows = self.ledgers.get(scope).into_iter().flat_map(Rows::values);
        rows.filter(|placed| placed.row.has_one_of(hashes))
    }

    pub(crate) fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.ledgers.keys().map(|scope| Scope(scope.clone()))
    }
}
