//! What a run is started with, and what its tasks share while it goes on.

use std::sync::Arc;

use duijie_contract::{Fault, FaultKind, Launch};
use duijie_plan::{Plan, Stage};
use duijie_record::RunId;
use duijie_store::{Claim, Store};

use crate::retry::Random;
use crate::{Clock, Observer, Stop};

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
}

/// One run's own.
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) claim: Claim,
    pub(crate) run: RunId,
    pub(crate) random: Random,
    /// Set when someone wishes to stop or a stage failed: nothing new begins.
    pub(crate) halt: Stop,
}

impl Context {
    pub(crate) fn plan(&self) -> &Plan {
        &self.options.plan
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
