//! What readers, the committer and the folder share: the layers in memory over
//! the databases below them. A reader asks the layers first and the databases
//! after that: what leaves a layer is in its database before.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use duijie_record::{Scope, SourceKey, TargetKey};

use crate::codec::{self, LedgerRowV1};
use crate::key::Key;
use crate::layer::{Layer, Placed, hash};
use crate::long::Long;
use crate::measure::{Count, Laid};
use crate::seal::{Held, Seals};
use crate::segment::Segments;
use crate::table::{Table, damaged};
use crate::{Error, LedgerRow, Options};

#[derive(Default)]
pub(crate) struct Layers {
    pub(crate) active: Layer,
    /// On its way into the databases.
    pub(crate) folding: Option<Arc<Layer>>,
}

impl Layers {
    /// Newest first.
    fn each(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        std::iter::once(&self.active).chain(self.folding.as_deref())
    }

    pub(crate) fn rows(&self) -> usize {
        self.each().map(|layer| layer.rows).sum()
    }

    fn row(&self, scope: &str, key: &str) -> Option<&Placed> {
        self.each().find_map(|layer| layer.row(scope, key))
    }

    /// What the layers say of keys that begin with `prefix`.
    fn overlay(&self, prefix: &Key) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        for layer in self.each().rev() {
            layer.overlay(prefix, &mut found);
        }
        found
    }
}

pub(crate) struct Shared {
    pub(crate) folder: PathBuf,
    pub(crate) options: Options,
    pub(crate) table: Table,
    pub(crate) segments: Segments,
    pub(crate) seals: Seals,
    pub(crate) layers: RwLock<Layers>,
    /// Made when the first layer is taken in.
    pub(crate) long: OnceLock<Long>,
}

impl Shared {
    /// A layer changes by single insertions; a reader meets no half of one.
    pub(crate) fn layers(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn layers_mut(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open(&self, scope: &Scope, row: &mut impl Held) -> Result<(), Error> {
        self.seals.open_all(scope, self.table.place(), row)
    }

    /// For who looks at it only.
    pub(crate) fn open_or_tell(&self, scope: &Scope, row: &mut (impl Held + Clone)) {
        self.seals.open_or_tell(scope, self.table.place(), row);
    }

    pub(crate) fn value(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        let layers = self.layers();
        let found = layers.each().find_map(|layer| layer.values.get(key));
        if let Some(value) = found {
            return Ok(value.clone());
        }
        drop(layers);
        match self.long.get() {
            Some(long) if key.is_of_many() => long.value(key),
            _ => self.table.get(key),
        }
    }

    /// Every value whose key begins with `prefix`, in the keys' order.
    pub(crate) fn values(&self, prefix: &Key) -> Result<Vec<Vec<u8>>, Error> {
        let overlay = self.layers().overlay(prefix);
        let mut found = BTreeMap::new();
        if prefix.is_of_many() {
            if let Some(long) = self.long.get() {
                found = long.values(prefix, usize::MAX)?;
            }
        } else {
            self.table.scan(prefix, |key, value| {
                found.insert(key.to_vec(), value.to_vec());
                Ok(true)
            })?;
        }
        lay_over(&mut found, overlay);
        Ok(found.into_values().collect())
    }

    /// Values of the long ledger's file under `prefix`, last key first, where
    /// none is ever removed.
    pub(crate) fn last(&self, prefix: &Key, limit: usize) -> Result<Vec<Vec<u8>>, Error> {
        let overlay = self.layers().overlay(prefix);
        let mut found = match self.long.get() {
            Some(long) => long.values(prefix, limit)?,
            None => BTreeMap::new(),
        };
        lay_over(&mut found, overlay);
        Ok(found.into_values().rev().take(limit).collect())
    }

    pub(crate) fn rows(
        &self,
        scope: &Scope,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<LedgerRow>>, Error> {
        let mut found = vec![None; keys.len()];
        let layers = self.layers();
        let mut below = Vec::new();
        for (key, slot) in keys.iter().zip(&mut found) {
            match layers.row(scope.as_str(), key.as_str()) {
                Some(placed) => *slot = Some(self.decoded(placed)?),
                None => below.push((key, slot)),
            }
        }
        drop(layers);
        if let Some(long) = self.long.get() {
            long.rows(scope, below)?;
        }
        Ok(found)
    }

    /// What the layers hold.
    pub(crate) fn count_layers(&self, count: &mut Count, laid: &Laid) -> Result<(), Error> {
        let layers = self.layers();
        for layer in layers.each() {
            for (key, value) in &layer.values {
                count.value(key.bytes(), value.as_ref().map_or(0, Vec::len));
            }
            for (scope, rows) in &layer.ledgers {
                for placed in rows.values() {
                    let row = self.decoded(placed)?;
                    count.row(scope, placed.row.bytes.len(), &row, laid);
                }
            }
        }
        Ok(())
    }

    fn decoded(&self, placed: &Placed) -> Result<LedgerRow, Error> {
        let stored = codec::plain::<LedgerRowV1<'_>>(&placed.row.bytes);
        let stored = stored.map_err(|reason| damaged(self.table.place(), reason))?;
        Ok(LedgerRow::from(stored))
    }

    /// Rows of the layers that count and have one of these numbers.
    fn fresh(
        &self,
        scope: &str,
        hashes: &HashSet<u64>,
        layers: &Layers,
    ) -> Result<Vec<(u64, LedgerRow)>, Error> {
        let mut found = Vec::new();
        for placed in layers
            .each()
            .flat_map(|layer| layer.candidates(scope, hashes))
        {
            let newest = layers.row(scope, &placed.row.source_key);
            if newest.is_some_and(|newest| newest.order == placed.order) {
                found.push((placed.order, self.decoded(placed)?));
            }
        }
        Ok(found)
    }

    pub(crate) fn owners(
        &self,
        scope: &Scope,
        keys: &[TargetKey],
    ) -> Result<Vec<Option<SourceKey>>, Error> {
        let hashes = keys.iter().map(|key| hash(key.as_str())).collect();
        let layers = self.layers();
        let fresh = self.fresh(scope.as_str(), &hashes, &layers)?;
        drop(layers);
        let mut long = match self.long.get() {
            Some(long) => long.owners(scope, keys)?,
            None => vec![Vec::new(); keys.len()],
        };
        for (order, row) in &fresh {
            for (key, owners) in keys.iter().zip(&mut long) {
                if row.documents.iter().any(|one| one.target_key == *key) {
                    owners.push((*order, row.source_key.clone()));
                }
            }
        }
        let layers = self.layers();
        let current = |(order, owner): &(u64, SourceKey)| {
            let newest = layers.row(scope.as_str(), owner.as_str());
            newest.is_none_or(|newest| newest.order == *order)
        };
        let latest = |owners: Vec<(u64, SourceKey)>| {
            let current = owners.into_iter().filter(current);
            current.max_by_key(|(order, _)| *order)
        };
        let owners = long.into_iter().map(|owners| Some(latest(owners)?.1));
        Ok(owners.collect())
    }

    pub(crate) fn find(&self, number: &str) -> Result<Vec<(Scope, LedgerRow)>, Error> {
        let hashes = HashSet::from([hash(number)]);
        let mut found: BTreeMap<(String, SourceKey), (u64, LedgerRow)> = BTreeMap::new();
        let layers = self.layers();
        let scopes: HashSet<_> = layers.each().flat_map(Layer::scopes).collect();
        for scope in scopes {
            let mut rows = self.fresh(scope.as_str(), &hashes, &layers)?;
            if let Some(placed) = layers.row(scope.as_str(), number) {
                rows.push((placed.order, self.decoded(placed)?));
            }
            for (order, row) in rows {
                if row.has_number(number) {
                    found.insert((scope.0.clone(), row.source_key.clone()), (order, row));
                }
            }
        }
        drop(layers);
        if let Some(long) = self.long.get() {
            let below = long.find(number)?;
            let layers = self.layers();
            for one in below {
                let newest = layers.row(one.scope.as_str(), one.row.source_key.as_str());
                if newest.is_none_or(|newest| newest.order == one.order)
                    && one.row.has_number(number)
                {
                    let key = (one.scope.0, one.row.source_key.clone());
                    found.insert(key, (one.order, one.row));
                }
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|(_, (order, _))| std::cmp::Reverse(*order));
        let found = found.into_iter();
        Ok(found
            .map(|((scope, _), (_, row))| (Scope(scope), row))
            .collect())
    }
}

fn lay_over(found: &mut BTreeMap<Vec<u8>, Vec<u8>>, overlay: BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    for (key, value) in overlay {
        match value {
            Some(value) => found.insert(key, value),
            None => found.remove(&key),
        };
    }
}
