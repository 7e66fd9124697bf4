//! What whoever starts a run commits with it: a schedule's word on a run is
//! durable exactly when the run's own is.

use duijie_record::RunId;
use duijie_store::{Change, Claim};

use crate::Report;

/// Called once each, the second only where the run is recorded to have ended.
pub trait Beside: Send + Sync {
    /// In the commit that makes the run known. Nobody else has a later claim as
    /// long as the run goes on.
    fn begun(&self, claim: &Claim, run: &RunId) -> Vec<Change>;

    /// In the commit that says how it ended.
    fn ended(&self, report: &Report) -> Vec<Change>;
}

/// Nothing to say.
pub(crate) struct Alone;

impl Beside for Alone {
    fn begun(&self, _claim: &Claim, _run: &RunId) -> Vec<Change> {
        Vec::new()
    }

    fn ended(&self, _report: &Report) -> Vec<Change> {
        Vec::new()
    }
}
