//! The one thread that writes. It takes whatever commits are waiting, makes
//! their segments durable, applies each as one batch, syncs once, and then
//! answers all of them. Claims are checked here, so that no commit of an
//! earlier holder can follow a claim.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError, RwLock};

use duijie_record::Scope;
use tokio::sync::oneshot;

use crate::codec::{self, ClaimV1, IntentMarkV1};
use crate::key::{Key, Kind};
use crate::ledger::Ledger;
use crate::prepared::{Effects, Prepared};
use crate::segment::Segments;
use crate::table::{Batch, Table};
use crate::{Claim, Error};

/// How many commits share one sync at most.
const GROUP: usize = 256;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

pub(crate) enum Request {
    Claim(Scope, Reply<Claim>),
    Commit(Claim, Prepared, Reply<()>),
}

/// What readers and the committer share.
pub(crate) struct Shared {
    pub(crate) table: Table,
    pub(crate) segments: Segments,
    pub(crate) ledgers: RwLock<HashMap<String, Arc<RwLock<Ledger>>>>,
}

impl Shared {
    pub(crate) fn ledger(&self, scope: &Scope) -> Option<Arc<RwLock<Ledger>>> {
        let ledgers = self.ledgers.read().unwrap_or_else(PoisonError::into_inner);
        ledgers.get(scope.as_str()).cloned()
    }
}

pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) epochs: HashMap<String, u64>,
    pub(crate) intent_mark: u64,
    /// After a failed write nobody knows what the disk holds: nothing more
    /// is written, and every request gets this answer.
    pub(crate) broken: Option<Error>,
}

/// A request that was applied and waits for the sync.
enum Applied {
    Claim(Claim, Reply<Claim>),
    Commit(Effects, Reply<()>),
}

impl Committer {
    pub(crate) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let waiting = std::iter::once(first).chain(requests.try_iter());
            let group = waiting.take(GROUP).collect();
            self.serve(group);
        }
    }

    fn serve(&mut self, group: Vec<Request>) {
        let opens = |request: &Request| match request {
            Request::Claim(..) => false,
            Request::Commit(_, prepared, _) => !prepared.effects.opened.is_empty(),
        };
        if group.iter().any(opens) {
            let synced = self.shared.segments.sync();
            self.note(synced);
        }
        let applied: Vec<_> = group
            .into_iter()
            .filter_map(|request| self.apply(request))
            .collect();
        if applied.is_empty() {
            return;
        }
        if self.broken.is_none() {
            let synced = self.shared.table.sync();
            self.note(synced);
        }
        let mut settles = false;
        for request in applied {
            match request {
                Applied::Claim(claim, reply) => self.answer(reply, claim),
                Applied::Commit(effects, reply) => {
                    if self.broken.is_none() {
                        self.shared.segments.committed(&effects);
                        settles |= !effects.settled.is_empty();
                    }
                    self.answer(reply, ());
                }
            }
        }
        if settles {
            self.shared.segments.delete_unneeded();
        }
    }

    /// `None` where the request was refused, and answered.
    fn apply(&mut self, request: Request) -> Option<Applied> {
        match request {
            Request::Claim(scope, reply) => match self.claim(scope) {
                Ok(claim) => Some(Applied::Claim(claim, reply)),
                Err(error) => refuse(reply, error),
            },
            Request::Commit(claim, prepared, reply) => match self.commit(&claim, prepared) {
                Ok(effects) => Some(Applied::Commit(effects, reply)),
                Err(error) => refuse(reply, error),
            },
        }
    }

    fn claim(&mut self, scope: Scope) -> Result<Claim, Error> {
        self.unbroken()?;
        let epoch = self.epochs.get(scope.as_str()).copied().unwrap_or_default() + 1;
        let stored = ClaimV1 {
            scope: scope.as_str(),
            epoch,
        };
        let mut batch = Batch::default();
        let table = &self.shared.table;
        let key = Key::new(Kind::Claim).text(scope.as_str());
        table.put(&mut batch, &key, &codec::encode(&stored)?)?;
        let ledger = match self.shared.ledger(&scope) {
            Some(ledger) => ledger,
            None => Arc::new(RwLock::new(Ledger::open(table, &scope)?)),
        };
        let applied = table.apply(batch);
        self.note(applied);
        self.unbroken()?;
        let mut ledgers = self
            .shared
            .ledgers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        ledgers.insert(scope.0.clone(), ledger);
        self.epochs.insert(scope.0.clone(), epoch);
        Ok(Claim { scope, epoch })
    }

    fn commit(&mut self, claim: &Claim, prepared: Prepared) -> Result<Effects, Error> {
        self.unbroken()?;
        let current = self
            .epochs
            .get(claim.scope.as_str())
            .copied()
            .unwrap_or_default();
        if current != claim.epoch {
            return Err(Error::ClaimLost {
                scope: claim.scope.to_string(),
                held: claim.epoch,
                current,
            });
        }
        let written = self.write(claim, &prepared);
        self.note(written);
        self.unbroken()?;
        Ok(prepared.effects)
    }

    fn write(&mut self, claim: &Claim, prepared: &Prepared) -> Result<(), Error> {
        let table = &self.shared.table;
        let mut batch = Batch::default();
        for (key, value) in &prepared.values {
            match value {
                Some(value) => table.put(&mut batch, key, value)?,
                None => table.remove(&mut batch, key)?,
            }
        }
        if let Some(highest) = prepared.effects.opened.iter().map(|(id, _)| id.0).max()
            && highest > self.intent_mark
        {
            self.intent_mark = highest;
            let mark = codec::encode(&IntentMarkV1 { highest })?;
            table.put(&mut batch, &Key::new(Kind::IntentMark), &mark)?;
        }
        match self.shared.ledger(&claim.scope) {
            Some(ledger) if !prepared.rows.is_empty() => {
                // Held until the blocks are in the table, so that a reader
                // never follows the index to a block that is not there.
                let mut ledger = ledger.write().unwrap_or_else(PoisonError::into_inner);
                ledger.stage(table, &mut batch, &prepared.rows)?;
                table.apply(batch)
            }
            _ => table.apply(batch),
        }
    }

    fn note(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.broken.get_or_insert(error);
        }
    }

    fn unbroken(&self) -> Result<(), Error> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn answer<T>(&self, reply: Reply<T>, value: T) {
        // Nobody may be waiting any more; what was written stays written.
        drop(reply.send(self.unbroken().map(|()| value)));
    }
}

fn refuse<T>(reply: Reply<T>, error: Error) -> Option<Applied> {
    drop(reply.send(Err(error)));
    None
}
