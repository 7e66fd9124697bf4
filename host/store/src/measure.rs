//! How much of the store is whose: bytes by the first part of the names of
//! scopes and tables, which in a store of many tenants is the tenant's name.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::Error;
use crate::change::{LedgerRow, SegmentKind};
use crate::key::Key;
use crate::shared::Shared;

/// Bytes by owner.
pub(crate) type Owned = BTreeMap<String, u64>;

/// A count under way.
#[derive(Default)]
pub(crate) struct Count {
    owned: Owned,
    /// Segments are named by many rows, and count once.
    seen: HashSet<(SegmentKind, u64, u64)>,
}

/// Reads the whole store; what is on its way from the layers into the
/// databases counts twice.
pub(crate) fn owned_bytes(shared: &Shared) -> Result<Owned, Error> {
    let mut count = Count::default();
    shared.table.scan(&Key::everything(), |key, value| {
        count.value(key, value.len());
        Ok(true)
    })?;
    let laid = shared.segments.laid();
    shared.count_layers(&mut count, &laid)?;
    if let Some(long) = shared.long.get() {
        long.count_bytes(&mut count, &laid)?;
    }
    for (owner, bytes) in &laid.by_owner {
        count.add(owner, *bytes);
    }
    Ok(count.owned)
}

/// What the segment files hold, as far as this process knows.
pub(crate) struct Laid {
    /// Of what this process appended to files that are still there.
    pub(crate) by_owner: Owned,
    /// Files that are there, with how many of their first bytes an earlier
    /// process wrote.
    pub(crate) before: HashMap<(SegmentKind, u64), u64>,
}

impl Count {
    /// A value under a key, which begins with two bytes of its kind.
    pub(crate) fn value(&mut self, key: &[u8], bytes: usize) {
        let name = key.get(2..).unwrap_or_default();
        // A name ends with a zero byte.
        let end = name.iter().position(|byte| matches!(byte, b'/' | 0));
        let (owner, rest) = name.split_at(end.unwrap_or(name.len()));
        if rest.first() == Some(&b'/') {
            let owner = String::from_utf8_lossy(owner);
            self.add(&owner, (key.len() + bytes) as u64);
        }
    }

    /// A row of the ledger of `scope`, and the segments that it names.
    pub(crate) fn row(&mut self, scope: &str, bytes: usize, row: &LedgerRow, laid: &Laid) {
        let Some(owner) = owner(scope) else { return };
        self.add(owner, bytes as u64);
        for line in row.lines() {
            let place = &line.segment;
            let before = laid.before.get(&(place.kind, place.file));
            let counts = before.is_some_and(|before| place.offset < *before);
            if counts && self.seen.insert((place.kind, place.file, place.offset)) {
                self.add(owner, place.bytes);
            }
        }
    }

    fn add(&mut self, owner: &str, bytes: u64) {
        match self.owned.get_mut(owner) {
            Some(owned) => *owned = owned.saturating_add(bytes),
            None => {
                self.owned.insert(owner.to_owned(), bytes);
            }
        }
    }
}

/// Whose a scope or a table is: what comes before the first slash of its name.
pub(crate) fn owner(name: &str) -> Option<&str> {
    name.split_once('/').map(|(owner, _)| owner)
}

#[cfg(test)]
mod tests;
