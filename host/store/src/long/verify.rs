//! Looks at everything in the long ledger without changing it, for `duijie
//! doctor`. It believes no page: what is walked over must also be found by
//! its key, for a damaged page may lead past a row.

use std::path::Path;

use redb::{
    ReadOnlyDatabase, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    ReadableTableMetadata as _,
};

use super::{FILE, NUMBERS, ROWS, VALUES, entry_key, failed, indexed, row_key};
use crate::Error;
use crate::codec::{self, DeadLetterV1, LongRowV1, MemberV1, RunRowV1, TableRowV1};
use crate::key::{Key, Kind};
use crate::table::{damaged, without_panic};

/// How many rows and dead letters there are, where all of them are sound.
pub(crate) fn verify(folder: &Path) -> Result<(u64, u64), Error> {
    let place = folder.join(FILE);
    without_panic(&place, || {
        let db = ReadOnlyDatabase::open(&place).map_err(failed(&place))?;
        let transaction = db.begin_read().map_err(failed(&place))?;
        Ok((rows(&place, &transaction)?, values(&place, &transaction)?))
    })
}

fn rows(place: &Path, transaction: &ReadTransaction) -> Result<u64, Error> {
    let io = || failed(place);
    let table = match transaction.open_table(ROWS) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
        table => table.map_err(failed(place))?,
    };
    let entries = transaction.open_table(NUMBERS).map_err(failed(place))?;
    let (mut rows, mut numbers) = (0, 0);
    for entry in table.iter().map_err(io())? {
        let (key, value) = entry.map_err(io())?;
        let key = key.value();
        let stored: LongRowV1<'_> = decode(place, value.value())?;
        let scope = key.first_chunk().copied().map_or(0, u32::from_be_bytes);
        let named = stored.row.source_key;
        if key != row_key(scope, named) || table.get(key).map_err(io())?.is_none() {
            let reason = format!("the row of `{named}` is not where it is looked for");
            return Err(damaged(place, reason));
        }
        for number in indexed(named, stored.row.numbers()) {
            let found = entries.get(entry_key(number, key).as_slice());
            if found.map_err(io())?.is_none() {
                let reason = format!("the row of `{named}` is not found by `{number}`");
                return Err(damaged(place, reason));
            }
            numbers += 1;
        }
        rows += 1;
    }
    let counted = [
        ("rows", rows, table.len().map_err(io())?),
        ("numbers of rows", numbers, entries.len().map_err(io())?),
    ];
    for (what, found, expected) in counted {
        if found != expected {
            let reason = format!("{found} {what} were found, and {expected} were written");
            return Err(damaged(place, reason));
        }
    }
    Ok(rows)
}

/// How many dead letters there are; the runs beside them are sound too.
fn values(place: &Path, transaction: &ReadTransaction) -> Result<u64, Error> {
    let io = || failed(place);
    let table = match transaction.open_table(VALUES) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
        table => table.map_err(failed(place))?,
    };
    let (mut letters, mut values) = (0, 0);
    for entry in table.iter().map_err(io())? {
        let (key, value) = entry.map_err(io())?;
        if Key::stored(key.value()).is(Kind::Run) {
            decode::<RunRowV1<'_>>(place, value.value())?;
        } else if Key::stored(key.value()).is(Kind::Member) {
            decode::<MemberV1<'_>>(place, value.value())?;
        } else if Key::stored(key.value()).is(Kind::TableRow) {
            decode::<TableRowV1<'_>>(place, value.value())?;
        } else {
            decode::<DeadLetterV1<'_>>(place, value.value())?;
            letters += 1;
        }
        values += 1;
    }
    let expected = table.len().map_err(io())?;
    if values == expected {
        return Ok(letters);
    }
    let reason = format!(
        "{values} dead letters, runs, members and table rows were found, and {expected} were written"
    );
    Err(damaged(place, reason))
}

fn decode<'bytes, T: serde::Deserialize<'bytes>>(
    place: &Path,
    bytes: &'bytes [u8],
) -> Result<T, Error> {
    codec::decode(bytes).map_err(|reason| damaged(place, reason))
}
