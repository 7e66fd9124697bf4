//! The one thread that writes. It takes whatever commits are waiting, makes
//! their segments durable, applies them as one batch, syncs once, and then
//! answers all of them. Claims are checked here, so that no commit of an
//! earlier holder can follow a claim.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError, RwLock};

use duijie_record::Scope;
use tokio::sync::oneshot;

use crate::chaos::{self, Point};
use crate::codec::{self, ClaimV1, IntentMarkV1};
use crate::key::{Key, Kind};
use crate::ledger::{EncodedRow, Ledger};
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
    pub(crate) evidence: Segments,
    pub(crate) ledgers: RwLock<HashMap<String, Arc<RwLock<Ledger>>>>,
}

impl Shared {
    pub(crate) fn ledger(&self, scope: &str) -> Option<Arc<RwLock<Ledger>>> {
        let ledgers = self.ledgers.read().unwrap_or_else(PoisonError::into_inner);
        ledgers.get(scope).cloned()
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

/// A request that was admitted and waits for the sync.
enum Waiting {
    Claim(Claim, Reply<Claim>),
    Commit(Reply<()>),
}

/// Requests that become durable together, as one batch.
#[derive(Default)]
struct Group {
    values: BTreeMap<Key, Option<Vec<u8>>>,
    rows: BTreeMap<String, Vec<EncodedRow>>,
    effects: Effects,
    waiting: Vec<Waiting>,
}

impl Committer {
    pub(crate) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut group = Group::default();
            for request in std::iter::once(first)
                .chain(requests.try_iter())
                .take(GROUP)
            {
                self.admit(request, &mut group);
            }
            self.serve(group);
        }
    }

    /// Adds a request to the group, or refuses it: what comes after it in the
    /// group meets the claims as it left them.
    fn admit(&mut self, request: Request, group: &mut Group) {
        match request {
            Request::Claim(scope, reply) => match self.claim(scope, group) {
                Ok(claim) => group.waiting.push(Waiting::Claim(claim, reply)),
                Err(error) => drop(reply.send(Err(error))),
            },
            Request::Commit(claim, prepared, reply) => match self.check(&claim) {
                Ok(()) => {
                    group.values.extend(prepared.values);
                    if !prepared.rows.is_empty() {
                        let rows = group.rows.entry(claim.scope.0).or_default();
                        rows.extend(prepared.rows);
                    }
                    group.effects.opened.extend(prepared.effects.opened);
                    group.effects.settled.extend(prepared.effects.settled);
                    group.waiting.push(Waiting::Commit(reply));
                }
                Err(error) => drop(reply.send(Err(error))),
            },
        }
    }

    fn claim(&mut self, scope: Scope, group: &mut Group) -> Result<Claim, Error> {
        let epoch = self.epoch(&scope) + 1;
        let stored = codec::encode(&ClaimV1 {
            scope: scope.as_str(),
            epoch,
        })?;
        if epoch == 1 {
            let ledger = Arc::new(RwLock::new(Ledger::open(&self.shared.table, &scope)?));
            let ledgers = self.shared.ledgers.write();
            let mut ledgers = ledgers.unwrap_or_else(PoisonError::into_inner);
            ledgers.insert(scope.0.clone(), ledger);
        }
        let key = Key::new(Kind::Claim).text(scope.as_str());
        group.values.insert(key, Some(stored));
        self.epochs.insert(scope.0.clone(), epoch);
        Ok(Claim { scope, epoch })
    }

    fn check(&self, claim: &Claim) -> Result<(), Error> {
        let current = self.epoch(&claim.scope);
        if current == claim.epoch {
            return Ok(());
        }
        Err(Error::ClaimLost {
            scope: claim.scope.to_string(),
            held: claim.epoch,
            current,
        })
    }

    fn epoch(&self, scope: &Scope) -> u64 {
        self.epochs.get(scope.as_str()).copied().unwrap_or_default()
    }

    fn serve(&mut self, group: Group) {
        if group.waiting.is_empty() {
            return;
        }
        if self.broken.is_none()
            && let Err(error) = self.write(&group)
        {
            self.broken = Some(error);
        }
        let outcome = self.broken.clone().map_or(Ok(()), Err);
        // Nobody may be waiting any more; what was written stays written.
        for waiting in group.waiting {
            match waiting {
                Waiting::Claim(claim, reply) => drop(reply.send(outcome.clone().map(|()| claim))),
                Waiting::Commit(reply) => drop(reply.send(outcome.clone())),
            }
        }
        if outcome.is_ok() && !group.effects.settled.is_empty() {
            self.shared.segments.delete_unneeded();
        }
    }

    fn write(&mut self, group: &Group) -> Result<(), Error> {
        let shared = self.shared.clone();
        if !group.effects.opened.is_empty() {
            shared.segments.sync()?;
        }
        let mut batch = Batch::default();
        for (key, value) in &group.values {
            match value {
                Some(value) => shared.table.put(&mut batch, key, value)?,
                None => shared.table.remove(&mut batch, key)?,
            }
        }
        self.raise_intent_mark(&mut batch, &group.effects)?;
        let scopes = group.rows.keys().filter_map(|scope| shared.ledger(scope));
        let ledgers: Vec<_> = scopes.collect();
        // Held until the blocks are in the table, so that no reader follows
        // an index to a block that is not there.
        let mut held = Vec::with_capacity(ledgers.len());
        for (ledger, rows) in ledgers.iter().zip(group.rows.values()) {
            let mut ledger = ledger.write().unwrap_or_else(PoisonError::into_inner);
            ledger.stage(&shared.table, &mut batch, rows)?;
            held.push(ledger);
        }
        shared.table.apply(batch)?;
        drop(held);
        chaos::reach(Point::BeforeSync);
        shared.table.sync()?;
        chaos::reach(Point::AfterSync);
        shared.segments.committed(&group.effects);
        Ok(())
    }

    fn raise_intent_mark(&mut self, batch: &mut Batch, effects: &Effects) -> Result<(), Error> {
        let highest = effects.opened.iter().map(|(id, _)| id.0).max();
        match highest {
            Some(highest) if highest > self.intent_mark => {
                self.intent_mark = highest;
                let mark = codec::encode(&IntentMarkV1 { highest })?;
                let key = Key::new(Kind::IntentMark);
                self.shared.table.put(batch, &key, &mark)
            }
            _ => Ok(()),
        }
    }
}
