//! The one thread that writes. It takes whatever commits are waiting, makes
//! their segments durable, writes one redo record for all of them, syncs once,
//! and then answers. Claims are checked here, so that no commit of an earlier
//! holder can follow a claim.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use duijie_record::Scope;
use tokio::sync::oneshot;

use crate::acknowledged::Acknowledged;
use crate::chaos::{self, Point};
use crate::codec::{self, ClaimV1, IntentMarkV1};
use crate::fold::Folder;
use crate::forget::Forgotten;
use crate::journal::Journal;
use crate::key::{Key, Kind};
use crate::layer::{EncodedRow, Layer};
use crate::prepared::{Effects, MAX_COMMIT, Prepared};
use crate::redo::{self, Op, Ops};
use crate::segment::Erasing;
use crate::shared::Shared;
use crate::{Claim, Error, Tidied, backup};

/// How many commits share one sync at most.
const GROUP: usize = 256;
/// Below so many rows and bytes, what is in memory stays there when a run ends.
const WORTH_FOLDING: usize = 1024;
const WORTH_FOLDING_BYTES: usize = 1 << 20;
/// So many rows of the long ledger are looked at each time it is tidied.
const STRETCH: usize = 16_384;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

pub(crate) enum Request {
    Claim(Scope, Reply<Claim>),
    Commit(Claim, Prepared, Reply<()>),
    /// Unix milliseconds.
    Tidy(u64, Reply<Tidied>),
    Backup(PathBuf, bool, Reply<()>),
    Forget(Forgotten, Reply<()>),
    Erase(Erasing, Reply<u64>),
}

pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) folder: Folder,
    pub(crate) journal: Journal,
    pub(crate) acknowledged: Acknowledged,
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

/// Requests that become durable together, as one record.
#[derive(Default)]
struct Group {
    ops: Vec<Ops>,
    bytes: usize,
    values: Vec<(Key, Option<Vec<u8>>)>,
    rows: Vec<(String, Vec<EncodedRow>)>,
    effects: Effects,
    waiting: Vec<Waiting>,
}

impl Group {
    fn put(&mut self, key: Key, value: Vec<u8>) {
        let mut ops = Ops::default();
        ops.push(&Op::Put {
            key: key.bytes(),
            value: &value,
        });
        self.ops.push(ops);
        self.values.push((key, Some(value)));
    }

    fn add(&mut self, scope: Scope, prepared: Prepared) {
        self.bytes += prepared.ops.len();
        self.ops.push(prepared.ops);
        self.values.extend(prepared.values);
        if !prepared.rows.is_empty() {
            self.rows.push((scope.0, prepared.rows));
        }
        self.effects.opened.extend(prepared.effects.opened);
        self.effects.settled.extend(prepared.effects.settled);
    }

    fn is_full(&self) -> bool {
        self.waiting.len() >= GROUP || self.bytes >= MAX_COMMIT
    }
}

impl Committer {
    pub(crate) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut group = Group::default();
            let mut next = Some(first);
            while let Some(request) = next.take() {
                match self.admit(request, &mut group) {
                    None if !group.is_full() => next = requests.try_recv().ok(),
                    None => {}
                    Some(alone) => {
                        self.serve(std::mem::take(&mut group));
                        self.serve_alone(alone);
                    }
                }
            }
            self.serve(group);
        }
    }

    /// Adds a request to the group, or refuses it: what comes after it in the
    /// group meets the claims as it left them. Answers with a request that is
    /// no commit.
    fn admit(&mut self, request: Request, group: &mut Group) -> Option<Request> {
        match request {
            Request::Claim(scope, reply) => match self.claim(scope, group) {
                Ok(claim) => group.waiting.push(Waiting::Claim(claim, reply)),
                Err(error) => drop(reply.send(Err(error))),
            },
            Request::Commit(claim, prepared, reply) => match self.check(&claim) {
                Ok(()) => {
                    group.add(claim.scope, prepared);
                    group.waiting.push(Waiting::Commit(reply));
                }
                Err(error) => drop(reply.send(Err(error))),
            },
            other => return Some(other),
        }
        None
    }

    fn claim(&mut self, scope: Scope, group: &mut Group) -> Result<Claim, Error> {
        let epoch = self.epoch(&scope) + 1;
        let stored = codec::encode(&ClaimV1 {
            scope: scope.as_str(),
            epoch,
        })?;
        group.put(Key::new(Kind::Claim).text(scope.as_str()), stored);
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

    fn serve(&mut self, mut group: Group) {
        if group.waiting.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut group.waiting);
        let outcome = self.unless_broken(|committer| committer.write(group));
        // Nobody may be waiting any more; what was written stays written.
        for waiting in waiting {
            match waiting {
                Waiting::Claim(claim, reply) => drop(reply.send(outcome.clone().map(|()| claim))),
                Waiting::Commit(reply) => drop(reply.send(outcome.clone())),
            }
        }
        if outcome.is_ok() {
            // An error breaks the store for whoever commits next.
            self.unless_broken(Self::make_room).unwrap_or_default();
        }
    }

    fn serve_alone(&mut self, request: Request) {
        match request {
            Request::Tidy(now_ms, reply) => {
                self.go_on_forgetting();
                drop(reply.send(self.unless_broken(|committer| committer.tidy(now_ms))));
            }
            Request::Backup(to, evidence, reply) => {
                // A backup that failed has harmed nothing here.
                let waited = self.unless_broken(|committer| committer.folder.wait());
                let shared = &self.shared;
                drop(reply.send(waited.and_then(|()| backup::copy_out(shared, &to, evidence))));
            }
            Request::Forget(forgotten, reply) => {
                drop(reply.send(self.begin_forgetting(&forgotten)));
            }
            Request::Erase(erasing, reply) => {
                // Whatever it fails of, nothing that commits rest on was touched.
                let erased = match &self.broken {
                    Some(error) => Err(error.clone()),
                    None => self.shared.segments.erase(&erasing),
                };
                drop(reply.send(erased));
            }
            Request::Claim(..) | Request::Commit(..) => {}
        }
    }

    fn begin_forgetting(&mut self, forgotten: &Forgotten) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let earlier = Forgotten::unfinished(&self.shared.folder)?;
        // The file has room for one.
        if let Some(earlier) = earlier.filter(|earlier| earlier != forgotten) {
            self.forget(&earlier)?;
        }
        forgotten.begin(&self.shared.folder)?;
        self.forget(forgotten)
    }

    /// Where one was cut short. It may fail again, as it does while the disk is
    /// full: what is to be forgotten stays in its file, and all others go on.
    pub(crate) fn go_on_forgetting(&mut self) {
        let unfinished = Forgotten::unfinished(&self.shared.folder);
        let forgotten = unfinished.and_then(|found| match found {
            Some(forgotten) => self.forget(&forgotten),
            None => Ok(()),
        });
        if let Err(error) = forgotten {
            tracing::error!(%error, "what is to be forgotten is still there; it is tried again");
        }
    }

    /// What is to be forgotten stands in its file already. What fails before
    /// the first exchange harms nobody else.
    fn forget(&mut self, forgotten: &Forgotten) -> Result<(), Error> {
        self.unless_broken(|committer| {
            committer.folder.wait()?;
            // All of the journal, so that its files go.
            committer.fold();
            committer.folder.wait()
        })?;
        let copies = forgotten.copy(&self.shared)?;
        self.unless_broken(|committer| copies.exchange(&committer.shared))?;
        for (scope, epoch) in &mut self.epochs {
            // Whoever still holds a claim commits nothing by it.
            *epoch += u64::from(forgotten.scope(scope));
        }
        Forgotten::end(&self.shared.folder)
    }

    fn unless_broken<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let outcome = work(self);
        if let Err(error) = &outcome {
            self.broken = Some(error.clone());
        }
        outcome
    }

    fn write(&mut self, mut group: Group) -> Result<(), Error> {
        let shared = self.shared.clone();
        if !group.effects.opened.is_empty() {
            shared.segments.sync()?;
            self.raise_intent_mark(&mut group)?;
        }
        let number = shared.layers().active.last + 1;
        let record = redo::record(number, group.ops.iter());
        self.journal.append(number, &record)?;
        chaos::reach(Point::BeforeSync);
        self.journal.sync()?;
        chaos::reach(Point::AfterSync);
        self.acknowledged.write(number)?;
        let mut layers = shared.layers_mut();
        let active = &mut layers.active;
        for (key, value) in group.values {
            active.put(key, value);
        }
        let mut order = Layer::first_order(number);
        for (scope, rows) in group.rows {
            for row in rows {
                active.add_row(&scope, order, row);
                order += 1;
            }
        }
        active.last = number;
        drop(layers);
        shared.segments.committed(&group.effects);
        Ok(())
    }

    fn raise_intent_mark(&mut self, group: &mut Group) -> Result<(), Error> {
        let highest = group.effects.opened.iter().map(|(id, _)| id.0).max();
        if let Some(highest) = highest.filter(|highest| *highest > self.intent_mark) {
            self.intent_mark = highest;
            let mark = codec::encode(&IntentMarkV1 { highest })?;
            group.put(Key::new(Kind::IntentMark), mark);
        }
        Ok(())
    }

    /// Has a full layer laid in its places. Waits for the one before it only
    /// when memory grows to twice what it should hold.
    fn make_room(&mut self) -> Result<(), Error> {
        let options = self.shared.options.clone();
        let layers = self.shared.layers();
        let (rows, bytes) = (layers.active.rows, layers.active.bytes);
        drop(layers);
        let over = |times: usize| {
            rows >= options.fresh_rows * times || bytes >= options.fresh_bytes * times
        };
        if over(1) && (self.folder.is_idle()? || over(2)) {
            self.folder.wait()?;
            self.fold();
        }
        self.shared.segments.keep_within(options.evidence_bytes);
        Ok(())
    }

    fn fold(&mut self) {
        self.journal.end_file();
        self.folder.begin(&self.shared);
    }

    fn tidy(&mut self, now_ms: u64) -> Result<Tidied, Error> {
        self.folder.wait()?;
        let options = self.shared.options.clone();
        let layers = self.shared.layers();
        let worth = layers.active.rows >= WORTH_FOLDING.min(options.fresh_rows)
            || layers.active.bytes >= WORTH_FOLDING_BYTES.min(options.fresh_bytes);
        drop(layers);
        if worth {
            self.fold();
            self.folder.wait()?;
        }
        chaos::reach(Point::DuringCompaction);
        let before_ms = now_ms.saturating_sub(options.evidence_ms);
        let files = self.shared.segments.drop_old(before_ms);
        let before_ms = now_ms.saturating_sub(options.ledger_ms);
        let rows = match self.shared.long.get() {
            Some(long) => long.sweep(before_ms, STRETCH)?,
            None => 0,
        };
        Ok(Tidied { files, rows })
    }
}
