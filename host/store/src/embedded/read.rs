//! Values of an embedded store, decoded.

use duijie_record::Scope;

use crate::codec::{self, ClaimV1, DeadLetterV1, IntentMarkV1, IntentV1};
use crate::key::{Key, Kind};
use crate::seal::Held;
use crate::shared::Shared;
use crate::table::damaged;
use crate::{DeadLetter, Error, Intent};

pub(super) type Decode<T> = fn(&[u8]) -> Result<T, String>;

pub(super) fn one<T>(shared: &Shared, key: &Key, decode: Decode<T>) -> Result<Option<T>, Error> {
    let value = shared.value(key)?;
    let decoded = value.map(|bytes| decode(&bytes)).transpose();
    decoded.map_err(|reason| damaged(shared.table.place(), reason))
}

pub(super) fn many<T>(shared: &Shared, prefix: &Key, decode: Decode<T>) -> Result<Vec<T>, Error> {
    all(shared, shared.values(prefix)?, decode)
}

pub(super) fn all<T>(
    shared: &Shared,
    values: Vec<Vec<u8>>,
    decode: Decode<T>,
) -> Result<Vec<T>, Error> {
    let decoded = values.iter().map(|bytes| decode(bytes));
    let decoded: Result<_, _> = decoded.collect();
    decoded.map_err(|reason| damaged(shared.table.place(), reason))
}

/// As they were before they were sealed.
pub(super) fn opened<T: Held>(
    shared: &Shared,
    scope: &Scope,
    mut rows: Vec<T>,
) -> Result<Vec<T>, Error> {
    for row in &mut rows {
        shared.open(scope, row)?;
    }
    Ok(rows)
}

pub(super) fn scoped(kind: Kind, scope: &Scope) -> Key {
    Key::new(kind).text(scope.as_str())
}

pub(crate) fn claims(shared: &Shared) -> Result<Vec<(Scope, u64)>, Error> {
    many(shared, &Key::new(Kind::Claim), |bytes| {
        let stored: ClaimV1<'_> = codec::decode(bytes)?;
        Ok((Scope::from(stored.scope), stored.epoch))
    })
}

/// With what was said of their tries as it lies there.
pub(crate) fn open_intents(shared: &Shared, scope: &Scope) -> Result<Vec<Intent>, Error> {
    many(shared, &scoped(Kind::Intent, scope), |bytes| {
        codec::decode::<IntentV1<'_>>(bytes).map(Intent::from)
    })
}

/// As they lie there.
pub(crate) fn letters(shared: &Shared, scope: &Scope) -> Result<Vec<DeadLetter>, Error> {
    many(shared, &scoped(Kind::DeadLetter, scope), |bytes| {
        codec::decode::<DeadLetterV1<'_>>(bytes).map(DeadLetter::from)
    })
}

pub(super) fn intent_mark(shared: &Shared) -> Result<u64, Error> {
    let mark = one(shared, &Key::new(Kind::IntentMark), |bytes| {
        codec::decode::<IntentMarkV1>(bytes).map(|mark| mark.highest)
    })?;
    Ok(mark.unwrap_or_default())
}
