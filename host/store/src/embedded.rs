//! The store in a folder of this machine, for one process at a time: a journal
//! that commits wait for, sled for small state, redb for the long ledger and
//! the dead letters, files beside them for documents and evidence.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use duijie_record::{RunId, Scope, SourceKey, TargetKey};
use rustix::fs::{FlockOperation, flock};
use tokio::sync::oneshot;

use crate::acknowledged::Acknowledged;
use crate::backup;
use crate::codec::{
    self, BoundV1, CautionV1, CheckpointV1, FillV1, GroupV1, HoldV1, MemberV1, OwedV1, RunRowV1,
    ScheduleV1, TableRowV1,
};
use crate::committer::{Committer, Reply, Request};
use crate::fold::Folder;
use crate::forget::Forgotten;
use crate::journal::Journal;
use crate::key::{Key, Kind};
use crate::long::{self, Long};
use crate::measure;
use crate::prepared::{Prepared, part};
use crate::replay;
use crate::seal::Seals;
use crate::segment::Segments;
use crate::shared::{Layers, Shared};
use crate::table::{Table, io_error};
use crate::{
    Caution, Change, Checkpoint, Claim, DeadLetter, Error, Fill, Group, GroupPart, Hold, Intent,
    IntentId, LedgerRow, Member, Owed, RunRow, SegmentKind, SegmentRef, Sizes, Store, TableRow,
    Tidied,
};

mod options;
mod own;
mod read;

pub use options::Options;
pub(crate) use own::{lock, make_private};
use read::{all, intent_mark, many, one, opened, scoped};
pub(crate) use read::{claims, letters, open_intents};

/// A store in a folder. Closing it waits for the commits under way.
pub struct Embedded {
    shared: Arc<Shared>,
    requests: Option<Sender<Request>>,
    committer: Option<JoinHandle<()>>,
    intent_mark: AtomicU64,
    /// While it is held, nobody else opens the folder.
    lock: File,
}

impl Embedded {
    /// Whether a store lies in the folder; makes nothing.
    pub fn exists(folder: &Path) -> bool {
        Table::exists(folder)
    }

    /// Opens the store in `folder`, or makes one there.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, Error> {
        backup::refuse_if_cut_short(folder)?;
        Self::open_as_it_is(folder, options)
    }

    pub(crate) fn open_as_it_is(folder: &Path, options: &Options) -> Result<Self, Error> {
        make_private(folder)?;
        let lock = lock(folder)?;
        let table = Table::open(folder, options.cache_bytes)?;
        let long = OnceLock::new();
        long::discard(folder);
        if Long::exists(folder) {
            long.get_or_init(|| Long::open(folder, options.cache_bytes));
        }
        let long = long.into_inner().transpose()?;
        let (active, replayed) = replay::fresh(folder, &table, long.as_ref())?;
        let seals = Seals(options.sealer.clone());
        let mut shared = Shared {
            folder: folder.to_owned(),
            options: options.clone(),
            table,
            segments: Segments::open(folder, options.segment_file_bytes, seals.clone())?,
            seals,
            layers: RwLock::new(Layers {
                active,
                folding: None,
            }),
            long: long.map_or_else(OnceLock::new, OnceLock::from),
        };
        let claims = claims(&shared)?;
        let mut intents = Vec::new();
        for (scope, _) in &claims {
            intents.extend(open_intents(&shared, scope)?);
        }
        shared.segments.need(&intents);
        let intent_mark = intent_mark(&shared)?;
        let shared = Arc::new(shared);
        let mut committer = Committer {
            shared: shared.clone(),
            folder: Folder::start(&shared)?,
            journal: Journal::open(folder, replayed, !options.without_sync)?,
            acknowledged: Acknowledged::open(folder)?,
            epochs: claims
                .into_iter()
                .map(|(scope, epoch)| (scope.0, epoch))
                .collect(),
            intent_mark,
            broken: None,
        };
        committer.go_on_forgetting();
        if let Some(error) = committer.broken.take() {
            return Err(error);
        }
        let (requests, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name("store-committer".to_owned());
        let thread = thread.spawn(move || committer.run(&received));
        Ok(Self {
            shared,
            requests: Some(requests),
            committer: Some(thread.map_err(io_error("starting the committer", folder))?),
            intent_mark: AtomicU64::new(intent_mark),
            lock,
        })
    }

    /// Drops documents, evidence and rows of the ledger that are older than
    /// they are kept, as of `now_ms` (Unix milliseconds). Looks at a stretch of
    /// the ledger each time, and takes no longer when it is longer.
    pub async fn tidy(&self, now_ms: u64) -> Result<Tidied, Error> {
        self.request(|reply| Request::Tidy(now_ms, reply)).await
    }

    /// Copies the store into the folder `to`, which must not exist or be
    /// empty, while it is in use: commits wait until the copy is whole and
    /// durable. Without `evidence`, `trace` shows no exchanges and records
    /// after a restore; documents of open intents are copied always.
    pub async fn backup(&self, to: &Path, evidence: bool) -> Result<(), Error> {
        let to = to.to_owned();
        self.request(|reply| Request::Backup(to, evidence, reply))
            .await
    }

    /// What the store holds, and what it takes on the disk.
    pub fn sizes(&self) -> Result<Sizes, Error> {
        Sizes::of(&self.shared)
    }

    /// Bytes in the store by owner, who is what comes before the first slash in
    /// the names of scopes and tables: small state, dead letters, runs, value
    /// tables, rows of the ledger, documents and evidence. Evidence of earlier
    /// processes counts where a row names it; indexes and free pages do not.
    /// Reads the whole ledger, which takes seconds a million rows.
    pub fn owned_bytes(&self) -> Result<BTreeMap<String, u64>, Error> {
        measure::owned_bytes(&self.shared)
    }

    pub(crate) async fn forget_all(&self, forgotten: Forgotten) -> Result<(), Error> {
        self.request(|reply| Request::Forget(forgotten, reply))
            .await
    }

    pub(crate) async fn request<T>(
        &self,
        make: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let sent = self
            .requests
            .as_ref()
            .is_some_and(|requests| requests.send(make(reply)).is_ok());
        match (sent, answer.await) {
            (true, Ok(answer)) => answer,
            _ => Err(Error::Io {
                what: "committing",
                place: self.shared.table.place().display().to_string(),
                reason: "the thread that writes has stopped: restart, and look at the log".into(),
            }),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.committer.take() {
            // A committer that panicked has answered by falling silent.
            drop(thread.join());
        }
        // Let go of by name: a child between fork and exec has the file too.
        flock(&self.lock, FlockOperation::Unlock).unwrap_or_default();
    }
}

#[async_trait]
impl Store for Embedded {
    async fn claim(&self, scope: &Scope) -> Result<Claim, Error> {
        // What would be begun now is what a forgetting takes that has yet to end.
        let forgotten = Forgotten::unfinished(&self.shared.folder)?;
        if forgotten.is_some_and(|forgotten| forgotten.scope(scope.as_str())) {
            return Err(Error::Forgetting {
                scope: scope.to_string(),
            });
        }
        let scope = scope.clone();
        self.request(|reply| Request::Claim(scope, reply)).await
    }

    fn unlock(&self, scope: &Scope, sealed: bool) -> Result<(), Error> {
        let seals = &self.shared.seals;
        if sealed && !seals.is_sealed(scope)? {
            // No new key takes the place of one that is lost.
            for intent in self.open_intents(scope)? {
                self.read_segment(scope, &intent.segment)?;
            }
            self.holds(scope)?;
            self.dead_letters(scope)?;
        }
        seals.begin(scope, sealed)
    }

    async fn commit(&self, claim: &Claim, mut changes: Vec<Change>) -> Result<(), Error> {
        for change in &mut changes {
            self.shared.seals.seal_all(&claim.scope, change)?;
        }
        let prepared = Prepared::new(&claim.scope, &changes)?;
        let claim = claim.clone();
        self.request(|reply| Request::Commit(claim, prepared, reply))
            .await
    }

    fn next_intent_id(&self) -> IntentId {
        IntentId(self.intent_mark.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn append_segment(&self, claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error> {
        let segments = &self.shared.segments;
        segments.append(SegmentKind::Documents, &claim.scope, data)
    }

    fn append_evidence(&self, scope: &Scope, data: &[u8]) -> Result<SegmentRef, Error> {
        let segments = &self.shared.segments;
        segments.append(SegmentKind::Evidence, scope, data)
    }

    fn read_segment(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        self.shared.segments.read(scope, segment)
    }

    fn kept(&self, scope: &Scope, segment: &SegmentRef) -> Result<Option<Vec<u8>>, Error> {
        match self.shared.segments.read(scope, segment) {
            Ok(data) => Ok(Some(data)),
            Err(Error::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn checkpoint(&self, scope: &Scope, lane: &str) -> Result<Option<Checkpoint>, Error> {
        let key = scoped(Kind::Checkpoint, scope).text(lane);
        one(&self.shared, &key, |bytes| {
            codec::decode::<CheckpointV1<'_>>(bytes).map(Checkpoint::from)
        })
    }

    fn lanes(&self, scope: &Scope) -> Result<Vec<String>, Error> {
        let mut lanes = many(&self.shared, &scoped(Kind::Checkpoint, scope), |bytes| {
            codec::decode::<CheckpointV1<'_>>(bytes).map(|stored| stored.lane.to_owned())
        })?;
        lanes.retain(|lane| !lane.is_empty());
        Ok(lanes)
    }

    fn caution(&self, scope: &Scope) -> Result<Option<Caution>, Error> {
        one(&self.shared, &scoped(Kind::Caution, scope), |bytes| {
            codec::decode::<CautionV1<'_>>(bytes).map(Caution::from)
        })
    }

    fn bound(&self, scope: &Scope) -> Result<Option<String>, Error> {
        one(&self.shared, &scoped(Kind::Bound, scope), |bytes| {
            codec::decode::<BoundV1<'_>>(bytes).map(|stored| stored.target.to_owned())
        })
    }

    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error> {
        let mut intents = open_intents(&self.shared, scope)?;
        for intent in &mut intents {
            // Nothing of a scope runs that is locked, and who forgets it sees these.
            self.shared.open_or_tell(scope, intent);
        }
        Ok(intents)
    }

    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        let mut rows = self.shared.rows(scope, keys)?;
        for row in rows.iter_mut().flatten() {
            self.shared.open(scope, row)?;
        }
        Ok(rows)
    }

    fn owners(&self, scope: &Scope, keys: &[TargetKey]) -> Result<Vec<Option<SourceKey>>, Error> {
        self.shared.owners(scope, keys)
    }

    fn find(&self, number: &str) -> Result<Vec<(Scope, LedgerRow)>, Error> {
        let mut found = self.shared.find(number)?;
        for (scope, row) in &mut found {
            self.shared.open_or_tell(scope, row);
        }
        Ok(found)
    }

    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error> {
        opened(&self.shared, scope, letters(&self.shared, scope)?)
    }

    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error> {
        let key = scoped(Kind::Hold, scope);
        let read = |bytes: &[u8]| codec::decode::<HoldV1<'_>>(bytes).map(Hold::from);
        opened(&self.shared, scope, many(&self.shared, &key, read)?)
    }

    fn groups(&self, scope: &Scope) -> Result<Vec<Group>, Error> {
        let read = |bytes: &[u8]| codec::decode::<GroupV1<'_>>(bytes).map(Group::from);
        many(&self.shared, &scoped(Kind::Group, scope), read)
    }

    fn members(&self, scope: &Scope, place: &GroupPart) -> Result<Vec<Member>, Error> {
        let key = part(scoped(Kind::Member, scope), place);
        let read = |bytes: &[u8]| codec::decode::<MemberV1<'_>>(bytes).map(Member::from);
        let mut members = opened(&self.shared, scope, many(&self.shared, &key, read)?)?;
        members.sort_unstable_by_key(|member| member.order);
        Ok(members)
    }

    fn owed(&self, scope: &Scope) -> Result<Vec<Owed>, Error> {
        many(&self.shared, &scoped(Kind::Owed, scope), |bytes| {
            codec::decode::<OwedV1<'_>>(bytes).map(Owed::from)
        })
    }

    fn schedule(&self, scope: &Scope) -> Result<Option<Vec<u8>>, Error> {
        one(&self.shared, &scoped(Kind::Schedule, scope), |bytes| {
            codec::decode::<ScheduleV1<'_>>(bytes).map(|stored| stored.state.to_vec())
        })
    }

    fn run(&self, scope: &Scope, run: &RunId) -> Result<Option<RunRow>, Error> {
        let key = scoped(Kind::Run, scope).text(run.as_str());
        let mut row = one(&self.shared, &key, |bytes| {
            codec::decode::<RunRowV1<'_>>(bytes).map(RunRow::from)
        })?;
        if let Some(row) = &mut row {
            self.shared.open_or_tell(scope, row);
        }
        Ok(row)
    }

    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error> {
        let stored = self.shared.last(&scoped(Kind::Run, scope), limit)?;
        let mut rows = all(&self.shared, stored, |bytes| {
            codec::decode::<RunRowV1<'_>>(bytes).map(RunRow::from)
        })?;
        for row in &mut rows {
            self.shared.open_or_tell(scope, row);
        }
        Ok(rows)
    }

    fn fills(&self) -> Result<Vec<Fill>, Error> {
        many(&self.shared, &Key::new(Kind::Fill), |bytes| {
            codec::decode::<FillV1<'_>>(bytes).map(Fill::from)
        })
    }

    fn table(&self, name: &str) -> Result<Vec<TableRow>, Error> {
        let read = |bytes: &[u8]| codec::decode::<TableRowV1<'_>>(bytes).map(TableRow::from);
        many(&self.shared, &Key::new(Kind::TableRow).text(name), read)
    }

    fn scopes(&self) -> Result<Vec<Scope>, Error> {
        let claims = claims(&self.shared)?;
        Ok(claims.into_iter().map(|(scope, _)| scope).collect())
    }
}

#[cfg(test)]
mod tests;
