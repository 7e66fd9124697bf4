//! Writes the long ledger anew with what is to be kept of it. The free pages of
//! the old file have what was removed or replaced long ago; the new one has
//! nothing but what it is given here.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::PoisonError;

use redb::{ReadableTable as _, TableDefinition, WriteTransaction};

use super::read::Read;
use super::{
    Bytes, FOLDED, Long, MARKS, NUMBERS, ROWS, SCOPES, UNFINISHED, VALUES, database, failed,
};
use crate::Error;
use crate::key::Key;
use crate::table::damaged;

/// A copy that has not taken the old file's place.
pub(crate) struct Anew {
    long: Long,
    scopes: HashMap<String, u32>,
}

/// Removes a copy that nothing came of, as far as it can be.
pub(crate) fn discard(folder: &Path) {
    std::fs::remove_file(folder.join(UNFINISHED)).unwrap_or_default();
}

impl Long {
    /// Changes nothing of the file that is there. Nobody may write until the
    /// copy has its place.
    pub(crate) fn copy_anew(
        &self,
        folder: &Path,
        keep: impl Fn(&Key) -> bool,
        keep_scope: impl Fn(&str) -> bool,
    ) -> Result<Anew, Error> {
        let new = Self::unfinished(folder)?;
        let scopes = self.read(|read| {
            let mut scopes = read.scopes()?;
            scopes.retain(|name, _| keep_scope(name));
            new.write(|write| {
                self.copy_scopes(&new, write, &scopes)?;
                let kept: HashSet<u32> = scopes.values().copied().collect();
                self.copy_rows(&new, read, write, &kept)?;
                self.copy_values(&new, read, write, &keep)
            })?;
            Ok(scopes)
        })?;
        Ok(Anew { long: new, scopes })
    }

    /// Cut short, it leaves the old file or the new one, whole.
    pub(crate) fn exchange(&self, folder: &Path, anew: Anew) -> Result<(), Error> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        anew.long.named(folder, &self.place)?;
        *db = database(&self.place, self.cache_bytes)?;
        *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = anew.scopes;
        Ok(())
    }

    fn copy_scopes(
        &self,
        new: &Self,
        write: &WriteTransaction,
        scopes: &HashMap<String, u32>,
    ) -> Result<(), Error> {
        let mut table = write.open_table(SCOPES).map_err(failed(&new.place))?;
        for (name, number) in scopes {
            table
                .insert(name.as_str(), number)
                .map_err(failed(&new.place))?;
        }
        Ok(())
    }

    fn copy_rows(
        &self,
        new: &Self,
        read: &Read<'_>,
        write: &WriteTransaction,
        scopes: &HashSet<u32>,
    ) -> Result<(), Error> {
        let io = || failed(&self.place);
        let kept = |row: Option<&[u8]>| {
            let scope = row.and_then(<[u8]>::first_chunk).copied();
            match scope.map(u32::from_be_bytes) {
                Some(scope) => Ok(scopes.contains(&scope)),
                None => Err(damaged(&self.place, "a row's key has no form".to_owned())),
            }
        };
        self.copy(new, read, write, ROWS, |key| kept(Some(key)))?;
        let Some(table) = read.table(NUMBERS)? else {
            return Ok(());
        };
        let mut copied = write.open_table(NUMBERS).map_err(failed(&new.place))?;
        for entry in table.iter().map_err(io())? {
            let (key, _) = entry.map_err(io())?;
            // The number's length, the number, the row's key.
            let length = key.value().first_chunk().copied().map(u16::from_be_bytes);
            let row = length.and_then(|length| key.value().get(2 + usize::from(length)..));
            if kept(row)? {
                copied.insert(key.value(), ()).map_err(failed(&new.place))?;
            }
        }
        Ok(())
    }

    /// Values, and which record was taken in last. Where the sweep goes on is
    /// a row's key, and it may begin again.
    fn copy_values(
        &self,
        new: &Self,
        read: &Read<'_>,
        write: &WriteTransaction,
        keep: impl Fn(&Key) -> bool,
    ) -> Result<(), Error> {
        let io = || failed(&self.place);
        self.copy(new, read, write, VALUES, |key| Ok(keep(&Key::stored(key))))?;
        let Some(marks) = read.table(MARKS)? else {
            return Ok(());
        };
        if let Some(folded) = marks.get(FOLDED).map_err(io())? {
            let mut copied = write.open_table(MARKS).map_err(failed(&new.place))?;
            copied
                .insert(FOLDED, folded.value())
                .map_err(failed(&new.place))?;
        }
        Ok(())
    }

    fn copy(
        &self,
        new: &Self,
        read: &Read<'_>,
        write: &WriteTransaction,
        definition: TableDefinition<'_, Bytes, Bytes>,
        keep: impl Fn(&[u8]) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let io = || failed(&self.place);
        let Some(table) = read.table(definition)? else {
            return Ok(());
        };
        let mut copied = write.open_table(definition).map_err(failed(&new.place))?;
        for entry in table.iter().map_err(io())? {
            let (key, value) = entry.map_err(io())?;
            if keep(key.value())? {
                copied
                    .insert(key.value(), value.value())
                    .map_err(failed(&new.place))?;
            }
        }
        Ok(())
    }
}
