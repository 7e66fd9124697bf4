//! Forgetting scopes for good: what is kept is written anew without them, and
//! the old files go, since they have what was removed long ago as well. Cut
//! short, it goes on when the store is opened again: what is to be forgotten
//! stands in a file of its own until nothing of it is left.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::Path;

use duijie_record::Scope;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::embedded::{claims, letters, open_intents};
use crate::key::{Key, Owner};
use crate::long::{self, Anew};
use crate::segment::Leaving;
use crate::shared::Shared;
use crate::table::{damaged, io_error};
use crate::{Embedded, Error, Store as _};

const FILE: &str = "forgetting";

/// What is to be forgotten. Nothing at all: then what was removed or replaced
/// before leaves the files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    scopes: BTreeSet<String>,
    tables: BTreeSet<String>,
    /// Scopes and tables whose names begin so; empty for none.
    prefix: String,
}

impl Forgotten {
    fn is(&self, names: &BTreeSet<String>, name: &str) -> bool {
        names.contains(name) || (!self.prefix.is_empty() && name.starts_with(&self.prefix))
    }

    pub(crate) fn scope(&self, name: &str) -> bool {
        self.is(&self.scopes, name)
    }

    pub(crate) fn key(&self, key: &Key) -> bool {
        match key.owner() {
            Owner::Store => false,
            Owner::Scope(name) => self.scope(&name),
            Owner::Table(name) => self.is(&self.tables, &name),
        }
    }

    /// What a forgetting that was cut short had to forget.
    pub(crate) fn unfinished(folder: &Path) -> Result<Option<Self>, Error> {
        let place = folder.join(FILE);
        let bytes = match std::fs::read(&place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(io_error("reading a file", &place))?,
        };
        let read = codec::decode(&bytes).map_err(|reason| damaged(&place, reason))?;
        Ok(Some(read))
    }

    /// Durable before anything is forgotten.
    pub(crate) fn begin(&self, folder: &Path) -> Result<(), Error> {
        let (place, aside) = (folder.join(FILE), folder.join("forgetting.part"));
        let bytes = codec::encode(self)?;
        let written = std::fs::write(&aside, bytes)
            .and_then(|()| File::open(&aside)?.sync_all())
            .and_then(|()| std::fs::rename(&aside, &place));
        written.map_err(io_error("writing a file", &place))?;
        sync(folder)
    }

    /// Nothing of it is left.
    pub(crate) fn end(folder: &Path) -> Result<(), Error> {
        let place = folder.join(FILE);
        std::fs::remove_file(&place).map_err(io_error("removing a file", &place))?;
        sync(folder)
    }

    /// Takes it out of the segment files, and copies the databases without it.
    /// All that was committed lies in them, and nobody commits meanwhile. What
    /// fails here has harmed nothing that is kept.
    pub(crate) fn copy(&self, shared: &Shared) -> Result<Copies, Error> {
        shared.seals.forget(&|scope| self.scope(scope))?;
        if *self != Self::default() {
            self.leave_segments(shared)?;
        }
        let copies = self.copies(shared);
        if copies.is_err() {
            // The room is wanted more than what was copied so far.
            long::discard(&shared.folder);
            shared.table.discard();
        }
        copies
    }

    fn copies(&self, shared: &Shared) -> Result<Copies, Error> {
        let keep = |key: &Key| !self.key(key);
        let long = shared.long.get();
        let long =
            long.map(|long| long.copy_anew(&shared.folder, keep, |scope| !self.scope(scope)));
        let long = long.transpose()?;
        shared.table.copy_anew(keep)?;
        Ok(Copies(long))
    }

    fn leave_segments(&self, shared: &Shared) -> Result<(), Error> {
        let (mut gone, mut staying) = (Vec::new(), Vec::new());
        let (mut scopes, mut named) = (Vec::new(), Vec::new());
        for (scope, _) in claims(shared)? {
            let open = open_intents(shared, &scope)?;
            if !self.scope(scope.as_str()) {
                staying.extend(open);
                continue;
            }
            for intent in open {
                gone.push(intent.id);
                named.push(intent.segment);
                let tries = intent.entries.iter().flat_map(|entry| &entry.tries);
                let tried = tries.filter_map(|tried| tried.exchange.as_ref());
                let records = intent.entries.iter().filter_map(|one| one.record.as_ref());
                named.extend(records.chain(tried).map(|line| line.segment.clone()));
            }
            let letters = letters(shared, &scope)?.into_iter();
            named.extend(letters.filter_map(|letter| Some(letter.exchange?.segment)));
            scopes.push(scope);
        }
        if let Some(long) = shared.long.get() {
            named.extend(long.led_to(&scopes)?);
        }
        let prints = self.scopes.iter().map(|name| Scope(name.clone()));
        let leaving = Leaving::new(&prints.collect::<Vec<_>>(), gone, named);
        shared.segments.forget(&leaving, &staying)
    }
}

/// The databases without what is forgotten, beside those that are there.
pub(crate) struct Copies(Option<Anew>);

impl Copies {
    /// Puts them in the place of those.
    pub(crate) fn exchange(self, shared: &Shared) -> Result<(), Error> {
        if let (Some(long), Some(anew)) = (shared.long.get(), self.0) {
            long.exchange(&shared.folder, anew)?;
        }
        shared.table.exchange()
    }
}

fn sync(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(io_error("syncing the folder", folder))
}

impl Embedded {
    /// Forgets all that is known of a scope, and the value tables that it
    /// fills. No run of it may be under way: a claim of it is lost. What it
    /// sent may be sent again by whoever takes the scope up.
    ///
    /// When it returns, no file of the store's folder has a byte of it, but for
    /// what nobody can tell whose it is: that goes when it is as old as evidence
    /// is kept. Commits of others wait meanwhile; it takes as long as copying
    /// what is kept, and as much room. Where it fails, it is tried again when
    /// the store is tidied or opened.
    pub async fn forget(&self, scope: &Scope) -> Result<(), Error> {
        let fills = self.fills()?.into_iter();
        let tables = fills.filter(|fill| fill.scope == *scope);
        self.forget_all(Forgotten {
            scopes: BTreeSet::from([scope.0.clone()]),
            tables: tables.map(|fill| fill.table).collect(),
            prefix: String::new(),
        })
        .await
    }

    /// The same of everything that a [`crate::TenantStore`] of this name
    /// reaches.
    pub async fn forget_tenant(&self, tenant: &str) -> Result<(), Error> {
        let prefix = crate::tenant::prefix(tenant);
        let scopes: HashSet<String> = self.scopes()?.into_iter().map(|scope| scope.0).collect();
        let own = scopes.into_iter().filter(|name| name.starts_with(&prefix));
        self.forget_all(Forgotten {
            scopes: own.collect(),
            tables: BTreeSet::new(),
            prefix,
        })
        .await
    }

    /// Takes out of the databases' files what was removed or replaced before.
    pub async fn write_anew(&self) -> Result<(), Error> {
        self.forget_all(Forgotten::default()).await
    }
}

#[cfg(test)]
mod tests;
