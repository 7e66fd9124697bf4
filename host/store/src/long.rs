//! The long ledger, the dead letters, the runs, the members of groups and the
//! rows of value tables, in redb: what is too much to be kept in memory. It takes whole layers in, one
//! transaction each, and is asked after the layers above it. The only module
//! that names redb.

mod anew;
mod read;
mod sweep;
mod verify;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use duijie_record::Scope;
use redb::{Database, TableDefinition, WriteTransaction};

use crate::Error;
use crate::codec::{self, LongRowV1};
use crate::layer::{Layer, Placed};
use crate::table::{damaged, io_error, without_panic};

pub(crate) use anew::{Anew, discard};
pub(crate) use verify::verify;

type Bytes = &'static [u8];
/// A scope's number by its name.
const SCOPES: TableDefinition<'_, &str, u32> = TableDefinition::new("scopes");
/// A row by scope and source key.
const ROWS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("rows");
/// Nothing by number, scope and source key: target keys and target ids that
/// are not the source key itself.
const NUMBERS: TableDefinition<'_, Bytes, ()> = TableDefinition::new("numbers");
/// Dead letters, runs, members of groups and rows of value tables under the
/// keys that they have everywhere.
const VALUES: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("values");
/// The last redo record that was taken in, and how far the sweep has come.
const MARKS: TableDefinition<'_, &str, Bytes> = TableDefinition::new("marks");
const FOLDED: &str = "folded";
const SWEPT: &str = "swept";

pub(crate) const FILE: &str = "long.redb";
const UNFINISHED: &str = "long.redb.unfinished";

pub(crate) struct Long {
    /// Exchanged for another where the file is written anew.
    db: RwLock<Database>,
    cache_bytes: u64,
    place: PathBuf,
    scopes: RwLock<HashMap<String, u32>>,
}

/// Every error of redb, as one of this crate's.
fn failed<E: Into<redb::Error>>(place: &Path) -> impl Fn(E) -> Error + '_ {
    move |error| match error.into() {
        // So it calls a file that is none of its own.
        redb::Error::Io(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof
            ) =>
        {
            damaged(place, error.to_string())
        }
        redb::Error::Io(error) => io_error("using the long ledger", place)(error),
        redb::Error::PreviousIo => Error::Io {
            what: "using the long ledger",
            place: place.display().to_string(),
            reason: "an earlier write failed".to_owned(),
        },
        other => damaged(place, other.to_string()),
    }
}

fn row_key(scope: u32, source_key: &str) -> Vec<u8> {
    [&scope.to_be_bytes(), source_key.as_bytes()].concat()
}

fn database(place: &Path, cache_bytes: u64) -> Result<Database, Error> {
    without_panic(place, || {
        Database::builder()
            .set_cache_size(usize::try_from(cache_bytes).unwrap_or(usize::MAX))
            .create(place)
            .map_err(failed(place))
    })
}

/// What every entry of this number begins with.
fn number_key(number: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(number.len() + 32);
    // A number may hold any text, and none may begin another.
    key.extend_from_slice(&(number.len() as u16).to_be_bytes());
    key.extend_from_slice(number.as_bytes());
    key
}

/// No longer number is found: 65,535 bytes name nothing that a person types.
fn indexed<'row>(source_key: &str, numbers: impl Iterator<Item = &'row str>) -> Vec<&'row str> {
    let mut numbers: Vec<_> = numbers
        .filter(|number| *number != source_key && number.len() <= usize::from(u16::MAX))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn entry_key(number: &str, row: &[u8]) -> Vec<u8> {
    let mut key = number_key(number);
    key.extend_from_slice(row);
    key
}

impl Long {
    pub(crate) fn exists(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Opens it or makes it. Takes no longer when it holds more.
    pub(crate) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Error> {
        let place = folder.join(FILE);
        if !place.exists() {
            Self::make(folder, &place)?;
        }
        let long = Self::at(place, cache_bytes)?;
        let scopes = long.read(|read| read.scopes())?;
        *long.scopes.write().unwrap_or_else(PoisonError::into_inner) = scopes;
        Ok(long)
    }

    /// A new file is laid out in several writes, and what a kill leaves between
    /// two of them never opens; so it gets its name when it is whole.
    fn make(folder: &Path, place: &Path) -> Result<(), Error> {
        let unfinished = Self::unfinished(folder)?;
        unfinished.write(|_| Ok(()))?;
        unfinished.named(folder, place)
    }

    /// A new file under another name.
    fn unfinished(folder: &Path) -> Result<Self, Error> {
        let unfinished = folder.join(UNFINISHED);
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io_error("removing", &unfinished)(error))
            }
            _ => Self::at(unfinished, 0),
        }
    }

    /// Closes it and gives its file this name, in the place of another one.
    fn named(self, folder: &Path, place: &Path) -> Result<(), Error> {
        let unfinished = self.place.clone();
        drop(self);
        let named = std::fs::rename(&unfinished, place)
            .and_then(|()| std::fs::File::open(folder)?.sync_all());
        named.map_err(io_error("naming the long ledger", place))
    }

    fn at(place: PathBuf, cache_bytes: u64) -> Result<Self, Error> {
        let db = database(&place, cache_bytes)?;
        Ok(Self {
            db: RwLock::new(db),
            cache_bytes,
            place,
            scopes: RwLock::default(),
        })
    }

    fn db(&self) -> RwLockReadGuard<'_, Database> {
        self.db.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn scope(&self, scope: &Scope) -> Option<u32> {
        let scopes = self.scopes.read().unwrap_or_else(PoisonError::into_inner);
        scopes.get(scope.as_str()).copied()
    }

    /// One durable transaction. Its allocator state is stored with it, so that
    /// opening after a kill need not walk the file.
    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Error>,
    ) -> Result<T, Error> {
        without_panic(&self.place, || {
            let db = self.db();
            let mut write = db.begin_write().map_err(failed(&self.place))?;
            write.set_quick_repair(true);
            let result = work(&write)?;
            write.commit().map_err(failed(&self.place))?;
            Ok(result)
        })
    }

    /// Takes in what of a layer lives here. Doing so again changes nothing.
    pub(crate) fn take_in(&self, layer: &Layer) -> Result<(), Error> {
        let scopes = self.write(|write| {
            let scopes = self.name_scopes(write, layer)?;
            self.take_rows(write, layer, &scopes)?;
            self.take_values(write, layer)?;
            let mut marks = write.open_table(MARKS).map_err(failed(&self.place))?;
            let folded = layer.last.to_be_bytes();
            marks
                .insert(FOLDED, folded.as_slice())
                .map_err(failed(&self.place))?;
            Ok(scopes)
        })?;
        *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = scopes;
        Ok(())
    }

    fn name_scopes(
        &self,
        write: &WriteTransaction,
        layer: &Layer,
    ) -> Result<HashMap<String, u32>, Error> {
        let known = self.scopes.read().unwrap_or_else(PoisonError::into_inner);
        let mut scopes = known.clone();
        drop(known);
        let mut table = write.open_table(SCOPES).map_err(failed(&self.place))?;
        // Numbers of scopes that were forgotten are free, but for the highest.
        let mut next = scopes.values().max().map_or(0, |highest| highest + 1);
        for scope in layer.ledgers.keys() {
            if !scopes.contains_key(scope) {
                let number = next;
                next += 1;
                table
                    .insert(scope.as_str(), number)
                    .map_err(failed(&self.place))?;
                scopes.insert(scope.clone(), number);
            }
        }
        Ok(scopes)
    }

    fn take_rows(
        &self,
        write: &WriteTransaction,
        layer: &Layer,
        scopes: &HashMap<String, u32>,
    ) -> Result<(), Error> {
        let io = || failed(&self.place);
        let mut rows: Vec<(Vec<u8>, &Placed)> = Vec::with_capacity(layer.rows);
        for (scope, ledger) in &layer.ledgers {
            let number = scopes.get(scope).copied().unwrap_or_default();
            rows.extend(
                ledger
                    .iter()
                    .map(|(key, placed)| (row_key(number, key), placed)),
            );
        }
        rows.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let mut table = write.open_table(ROWS).map_err(failed(&self.place))?;
        let (mut added, mut gone) = (Vec::with_capacity(rows.len() * 2), Vec::new());
        let mut value = Vec::new();
        for (key, placed) in rows {
            value.clear();
            value.push(codec::VERSION);
            codec::append(&mut value, &placed.order)?;
            value.extend_from_slice(&placed.row.bytes);
            value = codec::sealed(value);
            let row: LongRowV1<'_> = self.decode(&value)?;
            let numbers = indexed(&placed.row.source_key, row.row.numbers());
            let before = table
                .insert(key.as_slice(), value.as_slice())
                .map_err(io())?;
            let before = before.map(|before| before.value().to_vec());
            added.extend(numbers.iter().map(|number| entry_key(number, &key)));
            if let Some(before) = before {
                let before: LongRowV1<'_> = self.decode(&before)?;
                let old = indexed(&placed.row.source_key, before.row.numbers());
                let stale = old.iter().filter(|number| !numbers.contains(number));
                gone.extend(stale.map(|number| entry_key(number, &key)));
            }
        }
        added.sort_unstable();
        let mut table = write.open_table(NUMBERS).map_err(failed(&self.place))?;
        for key in gone {
            table.remove(key.as_slice()).map_err(io())?;
        }
        for key in added {
            table.insert(key.as_slice(), ()).map_err(io())?;
        }
        Ok(())
    }

    fn take_values(&self, write: &WriteTransaction, layer: &Layer) -> Result<(), Error> {
        let mut table = write.open_table(VALUES).map_err(failed(&self.place))?;
        for (key, value) in layer.values.iter().filter(|(key, _)| key.is_of_many()) {
            match value {
                Some(value) => table.insert(key.bytes(), value.as_slice()),
                None => table.remove(key.bytes()),
            }
            .map_err(failed(&self.place))?;
        }
        Ok(())
    }

    fn decode<'bytes, T: serde::Deserialize<'bytes>>(
        &self,
        bytes: &'bytes [u8],
    ) -> Result<T, Error> {
        codec::decode(bytes).map_err(|reason| damaged(&self.place, reason))
    }

    pub(crate) fn bytes(&self) -> u64 {
        std::fs::metadata(&self.place).map_or(0, |found| found.len())
    }
}
