//! What a run is started with, and what its tasks share while it goes on.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use duijie_contract::{Fault, FaultKind, Launch};
use duijie_plan::{Plan, Stage};
use duijie_record::{RunId, SourceKey};
use duijie_store::{Caution, Claim, DocumentRow, DocumentState, HoldKind, LedgerRow, Store};

use crate::planned::Gate;
use crate::retry::{Budget, Random};
use crate::stage::prepare::HoldKinds;
use crate::table::Pinned;
use crate::{Clock, Error, Observer, Purpose, Stop};

#[derive(Clone)]
pub struct Options {
    pub plan: Arc<Plan>,
    pub launch: Arc<dyn Launch>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub observer: Arc<dyn Observer>,
    /// For jitter and run names. Differs from process to process.
    pub seed: u64,
    /// A checkpoint with nothing else to commit waits for this many batches,
    /// for something to ride along with, or for the end of the run.
    pub checkpoint_every: u32,
    pub purpose: Purpose,
}

impl Options {
    /// The same, with a launcher whose instances count what they use together,
    /// within the bounds of the plan.
    pub(crate) fn bounded(&self) -> Self {
        let mut options = self.clone();
        if let Some(own) = self.launch.bounded(self.plan.policy.bounds) {
            options.launch = own;
        }
        options
    }
}

/// One run's own.
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) claim: Claim,
    pub(crate) tables: Arc<Pinned>,
    pub(crate) run: RunId,
    pub(crate) random: Random,
    /// Set when someone wishes to stop or a stage failed: nothing new begins.
    pub(crate) halt: Stop,
    /// Whether there is no checkpoint to go on at: the source is read anew,
    /// where it has positions at all.
    pub(crate) anew: bool,
    /// Runs of this same manifest, once they were asked for.
    pub(crate) alike: OnceLock<HashSet<RunId>>,
    /// Unix milliseconds.
    pub(crate) started_ms: u64,
    /// Whose checkpoint; empty for the live run.
    pub(crate) lane: String,
    /// Why every key is looked up before its first send, where it is.
    pub(crate) caution: Option<Caution>,
    /// Whether records and exchanges are kept for people who ask later.
    pub(crate) lays_aside: bool,
    pub(crate) budget: Budget,
    pub(crate) kinds: HoldKinds,
    /// What may be sent, where a plan says so.
    pub(crate) gate: Option<Gate>,
    /// Rows as a diff takes them to be once what it told is done.
    pub(crate) assumed: Mutex<HashMap<SourceKey, LedgerRow>>,
    /// Set when the source has nothing more, before its last batch is dealt
    /// with.
    pub(crate) source_ended: OnceLock<()>,
    /// Held documents that a person wants sent, and why each was held.
    pub(crate) resent: OnceLock<HashMap<(SourceKey, String), HoldKind>>,
}

/// So many runs are looked through for the one that refused a document. One
/// further back counts as one of another manifest.
const RUNS: usize = 10_000;

impl Context {
    pub(crate) fn plan(&self) -> &Plan {
        &self.options.plan
    }

    /// Whether what was refused is to be tried again though its record has not
    /// changed: the manifest has, or the source is read anew. Once, as the row
    /// names this run afterwards.
    pub(crate) fn tries_again(&self, row: &LedgerRow) -> Result<bool, Error> {
        let refused = |document: &DocumentRow| document.state == DocumentState::Rejected;
        if row.run == self.run || !row.documents.iter().any(refused) {
            return Ok(false);
        }
        if self.anew && !self.plan().drains {
            return Ok(true);
        }
        if let Some(alike) = self.alike.get() {
            return Ok(!alike.contains(&row.run));
        }
        let plan = self.plan();
        let runs = self.options.store.runs(&plan.scope, RUNS)?.into_iter();
        let alike = runs.filter(|run| run.manifest_digest == plan.manifest_digest);
        let alike = self
            .alike
            .get_or_init(|| alike.map(|run| run.run).collect());
        Ok(!alike.contains(&row.run))
    }

    /// One answer a key, in order.
    pub(crate) fn ledger(&self, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        let mut rows = self.options.store.ledger(&self.plan().scope, keys)?;
        let assumed = self.assumed.lock().unwrap_or_else(PoisonError::into_inner);
        if !assumed.is_empty() {
            for (key, row) in keys.iter().zip(&mut rows) {
                if let Some(known) = assumed.get(key) {
                    *row = Some(known.clone());
                }
            }
        }
        Ok(rows)
    }

    pub(crate) fn assume(&self, row: LedgerRow) {
        let mut assumed = self.assumed.lock().unwrap_or_else(PoisonError::into_inner);
        assumed.insert(row.source_key.clone(), row);
    }

    /// Whether what waits for a person goes on.
    pub(crate) fn replays(&self) -> bool {
        matches!(self.options.purpose, Purpose::Replay(_))
    }

    /// The source has nothing more.
    pub(crate) fn ends(&self) {
        self.source_ended.get_or_init(|| ());
    }

    /// Why the document was held that a person wants sent now; `None` for any
    /// other document.
    pub(crate) fn resends(&self, source_key: &SourceKey, part: &str) -> Option<HoldKind> {
        let resent = self.resent.get()?;
        resent.get(&(source_key.clone(), part.to_owned())).copied()
    }

    /// What the manifest calls the step of this number, from 1.
    pub(crate) fn step_name(&self, step: u8) -> Option<&str> {
        let index = usize::from(step).checked_sub(1)?;
        self.plan().target.steps.get(index).map(String::as_str)
    }

    /// How many of the pipeline's steps are taken, up to the first that is
    /// missing.
    pub(crate) fn steps_taken(&self, done: &[String]) -> u8 {
        let steps = self.plan().target.steps.iter();
        let taken = steps.take_while(|step| done.contains(step)).count();
        u8::try_from(taken).unwrap_or(u8::MAX)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.options.clock.now_ms()
    }
}

/// A breach of the contract by the connector of this stage.
pub(crate) fn breach(stage: &Stage, what: String) -> Fault {
    let connector = format!("{} {}", stage.usage.connector, stage.version);
    Fault::new(&connector, FaultKind::Guest(what))
}
