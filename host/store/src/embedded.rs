//! The store in a folder of this machine, for one process at a time: sled for
//! small state, files beside it for the documents of open intents.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use duijie_record::{Scope, SourceKey, TargetKey};
use rustix::fs::{FlockOperation, flock};
use tokio::sync::oneshot;

use crate::codec::{
    self, BoundV1, CautionV1, CheckpointV1, ClaimV1, DeadLetterV1, HoldV1, IntentMarkV1, IntentV1,
    RunRowV1,
};
use crate::committer::{Committer, Reply, Request, Shared};
use crate::key::{Key, Kind};
use crate::ledger::Ledger;
use crate::prepared::Prepared;
use crate::segment::Segments;
use crate::table::{Table, io_error};
use crate::{
    Caution, Change, Checkpoint, Claim, DeadLetter, Error, Hold, Intent, IntentId, LedgerRow,
    RunRow, SegmentKind, SegmentRef, Store,
};

/// How an embedded store uses memory and disk.
#[derive(Debug, Clone)]
pub struct Options {
    /// What sled may keep of its pages.
    pub cache_bytes: u64,
    /// From which length on documents go to the next segment file.
    pub segment_file_bytes: u64,
    /// A store that a power cut breaks, to show that the power-cut test sees it.
    #[doc(hidden)]
    pub without_database_sync: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
            segment_file_bytes: 64 << 20,
            without_database_sync: false,
        }
    }
}

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
        std::fs::create_dir_all(folder).map_err(io_error("making the folder", folder))?;
        // Documents name people: what lies here is for its owner only.
        let owner_only = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder, owner_only)
            .map_err(io_error("closing the folder to others", folder))?;
        let lock = lock(folder)?;
        let table = Table::open(folder, options.cache_bytes, !options.without_database_sync)?;
        let mut epochs = HashMap::new();
        for (scope, epoch) in claims(&table)? {
            epochs.insert(scope.0, epoch);
        }
        let mut ledgers = HashMap::new();
        let mut intents = Vec::new();
        for scope in epochs.keys().map(|scope| Scope(scope.clone())) {
            intents.extend(open_intents(&table, &scope)?);
            let ledger = Arc::new(RwLock::new(Ledger::open(&table, &scope)?));
            ledgers.insert(scope.0, ledger);
        }
        let segments = Segments::open(
            folder,
            SegmentKind::Documents,
            options.segment_file_bytes,
            &intents,
        )?;
        let evidence = Segments::open(
            folder,
            SegmentKind::Evidence,
            options.segment_file_bytes,
            &[],
        )?;
        let intent_mark = intent_mark(&table)?;
        let shared = Arc::new(Shared {
            table,
            segments,
            evidence,
            ledgers: RwLock::new(ledgers),
        });
        let committer = Committer {
            shared: shared.clone(),
            epochs,
            intent_mark,
            broken: None,
        };
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

    async fn request<T>(&self, make: impl FnOnce(Reply<T>) -> Request) -> Result<T, Error> {
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

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let opened = File::options().create(true).append(true).open(&path);
    let file = opened.map_err(io_error("opening the lock", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse {
            folder: folder.display().to_string(),
        }),
        Err(error) => Err(io_error("locking", &path)(error.into())),
    }
}

type Decode<T> = fn(&[u8]) -> Result<T, String>;

fn one<T>(table: &Table, key: &Key, decode: Decode<T>) -> Result<Option<T>, Error> {
    let value = table.get(key)?;
    let decoded = value.map(|bytes| decode(&bytes)).transpose();
    decoded.map_err(|reason| damaged(table, reason))
}

fn many<T>(table: &Table, prefix: &Key, decode: Decode<T>) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    table.scan(prefix, |_, bytes| {
        found.push(decode(bytes).map_err(|reason| damaged(table, reason))?);
        Ok(true)
    })?;
    Ok(found)
}

fn damaged(table: &Table, reason: String) -> Error {
    Error::Damaged {
        what: "a value",
        place: table.place().display().to_string(),
        reason,
    }
}

fn scoped(kind: Kind, scope: &Scope) -> Key {
    Key::new(kind).text(scope.as_str())
}

fn claims(table: &Table) -> Result<Vec<(Scope, u64)>, Error> {
    many(table, &Key::new(Kind::Claim), |bytes| {
        let stored: ClaimV1<'_> = codec::decode(bytes)?;
        Ok((Scope::from(stored.scope), stored.epoch))
    })
}

fn open_intents(table: &Table, scope: &Scope) -> Result<Vec<Intent>, Error> {
    many(table, &scoped(Kind::Intent, scope), |bytes| {
        codec::decode::<IntentV1<'_>>(bytes).map(Intent::from)
    })
}

fn intent_mark(table: &Table) -> Result<u64, Error> {
    let mark = one(table, &Key::new(Kind::IntentMark), |bytes| {
        codec::decode::<IntentMarkV1>(bytes).map(|mark| mark.highest)
    })?;
    Ok(mark.unwrap_or_default())
}

#[async_trait]
impl Store for Embedded {
    async fn claim(&self, scope: &Scope) -> Result<Claim, Error> {
        let scope = scope.clone();
        self.request(|reply| Request::Claim(scope, reply)).await
    }

    async fn commit(&self, claim: &Claim, changes: Vec<Change>) -> Result<(), Error> {
        let prepared = Prepared::new(&claim.scope, &changes)?;
        let claim = claim.clone();
        self.request(|reply| Request::Commit(claim, prepared, reply))
            .await
    }

    fn next_intent_id(&self) -> IntentId {
        IntentId(self.intent_mark.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn append_segment(&self, _claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error> {
        self.shared.segments.append(data)
    }

    fn read_segment(&self, _scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        self.shared.segments.read(segment)
    }

    fn append_evidence(&self, _scope: &Scope, data: &[u8]) -> Result<SegmentRef, Error> {
        self.shared.evidence.append(data)
    }

    fn kept(&self, _scope: &Scope, segment: &SegmentRef) -> Result<Option<Vec<u8>>, Error> {
        let segments = match segment.kind {
            SegmentKind::Documents => &self.shared.segments,
            SegmentKind::Evidence => &self.shared.evidence,
        };
        match segments.read(segment) {
            Ok(data) => Ok(Some(data)),
            Err(Error::Damaged { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn checkpoint(&self, scope: &Scope, lane: &str) -> Result<Option<Checkpoint>, Error> {
        let key = scoped(Kind::Checkpoint, scope).text(lane);
        one(&self.shared.table, &key, |bytes| {
            codec::decode::<CheckpointV1<'_>>(bytes).map(Checkpoint::from)
        })
    }

    fn lanes(&self, scope: &Scope) -> Result<Vec<String>, Error> {
        let mut lanes = many(
            &self.shared.table,
            &scoped(Kind::Checkpoint, scope),
            |bytes| codec::decode::<CheckpointV1<'_>>(bytes).map(|stored| stored.lane.to_owned()),
        )?;
        lanes.retain(|lane| !lane.is_empty());
        Ok(lanes)
    }

    fn caution(&self, scope: &Scope) -> Result<Option<Caution>, Error> {
        one(&self.shared.table, &scoped(Kind::Caution, scope), |bytes| {
            codec::decode::<CautionV1<'_>>(bytes).map(Caution::from)
        })
    }

    fn bound(&self, scope: &Scope) -> Result<Option<String>, Error> {
        one(&self.shared.table, &scoped(Kind::Bound, scope), |bytes| {
            codec::decode::<BoundV1<'_>>(bytes).map(|stored| stored.target.to_owned())
        })
    }

    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error> {
        open_intents(&self.shared.table, scope)
    }

    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        let Some(ledger) = self.shared.ledger(scope.as_str()) else {
            return Ok(vec![None; keys.len()]);
        };
        let ledger = ledger.read().unwrap_or_else(PoisonError::into_inner);
        ledger.rows(&self.shared.table, keys)
    }

    fn owners(&self, scope: &Scope, keys: &[TargetKey]) -> Result<Vec<Option<SourceKey>>, Error> {
        let mut found = vec![None; keys.len()];
        let Some(ledger) = self.shared.ledger(scope.as_str()) else {
            return Ok(found);
        };
        let ledger = ledger.read().unwrap_or_else(PoisonError::into_inner);
        ledger.each(&self.shared.table, |row| {
            for (key, slot) in keys.iter().zip(&mut found) {
                let mut documents = row.documents.iter();
                if documents.any(|document| document.target_key == *key) {
                    *slot = Some(row.source_key.clone());
                }
            }
        })?;
        Ok(found)
    }

    fn find(&self, number: &str) -> Result<Vec<(Scope, LedgerRow)>, Error> {
        let mut found = Vec::new();
        for scope in self.scopes()? {
            let Some(ledger) = self.shared.ledger(scope.as_str()) else {
                continue;
            };
            let ledger = ledger.read().unwrap_or_else(PoisonError::into_inner);
            ledger.each(&self.shared.table, |row| {
                let documents = &row.documents;
                if row.source_key.as_str() == number
                    || documents.iter().any(|document| {
                        document.target_key.as_str() == number
                            || document.target_id.as_deref() == Some(number)
                    })
                {
                    found.push((scope.clone(), row));
                }
            })?;
        }
        found.sort_by_key(|(_, row)| std::cmp::Reverse(row.at_ms));
        Ok(found)
    }

    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error> {
        many(
            &self.shared.table,
            &scoped(Kind::DeadLetter, scope),
            |bytes| codec::decode::<DeadLetterV1<'_>>(bytes).map(DeadLetter::from),
        )
    }

    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error> {
        many(&self.shared.table, &scoped(Kind::Hold, scope), |bytes| {
            codec::decode::<HoldV1<'_>>(bytes).map(Hold::from)
        })
    }

    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error> {
        let table = &self.shared.table;
        let stored = table.last(&scoped(Kind::Run, scope), limit)?;
        let rows = stored.iter().map(|bytes| {
            let decoded = codec::decode::<RunRowV1<'_>>(bytes).map(RunRow::from);
            decoded.map_err(|reason| damaged(table, reason))
        });
        rows.collect()
    }

    fn scopes(&self) -> Result<Vec<Scope>, Error> {
        let claims = claims(&self.shared.table)?;
        Ok(claims.into_iter().map(|(scope, _)| scope).collect())
    }
}

#[cfg(test)]
mod tests;
