//! How far documents have come in the target, read before each step.

use std::sync::Arc;

use duijie_record::{Progress, StepEntry};
use duijie_store::{Came, HoldKind};

use super::{Resolved, Writer};
use crate::Error;
use crate::options::breach;
use crate::stage::chunk::Chunk;

impl Writer {
    /// The places of those that are to take the step; the others are further
    /// already, or held.
    pub(super) fn missing(
        &self,
        chunk: &Chunk,
        told: Vec<Progress>,
        resolved: &mut Resolved,
    ) -> Vec<usize> {
        let mut missing = Vec::new();
        for (index, (entry, progress)) in chunk.entries.iter().zip(told).enumerate() {
            let (kind, reason) = match progress {
                Progress::Done(done) => {
                    let last = self.context.steps_taken(&done);
                    if last >= entry.step {
                        resolved.taken(chunk, index, None, last, Some(Came::Found));
                        continue;
                    }
                    if last + 1 == entry.step {
                        missing.push(index);
                        continue;
                    }
                    let name = self.context.step_name(last + 1).unwrap_or_default();
                    let reason = format!("in the target `{name}` was taken back");
                    (HoldKind::Conflict, reason)
                }
                Progress::Absent => {
                    let reason = "the target does not have it any more".to_owned();
                    (HoldKind::Conflict, reason)
                }
                Progress::Conflict(reason) => (HoldKind::Conflict, reason),
                Progress::CannotTell(reason) => (HoldKind::Doubt, reason),
            };
            resolved.hold(chunk, index, kind, reason);
        }
        missing
    }

    /// A document or a step of a moment ago may still be invisible: what is
    /// not as far as it was known to be is read again after the settle time.
    /// `None` when the run is to halt.
    pub(super) async fn progress_settled(
        &mut self,
        chunk: &Chunk,
    ) -> Result<Option<Vec<Progress>>, Error> {
        let told = self.progress(chunk).await?;
        let behind = |told: &Vec<Progress>| {
            let mut told = told.iter().zip(&chunk.entries);
            told.any(|(progress, entry)| match progress {
                Progress::Done(done) => self.context.steps_taken(done) + 1 < entry.step,
                Progress::Absent | Progress::CannotTell(_) => true,
                Progress::Conflict(_) => false,
            })
        };
        if !told.as_ref().is_some_and(behind) {
            return Ok(told);
        }
        let reason = "what is to take a step is not as far as it was";
        if !self.settled(reason).await {
            return Ok(None);
        }
        self.progress(chunk).await
    }

    async fn progress(&mut self, chunk: &Chunk) -> Result<Option<Vec<Progress>>, Error> {
        let context = Arc::clone(&self.context);
        let stage = &context.plan().target.stage;
        let entries = step_entries(chunk);
        let mut failed = 0;
        loop {
            if self.steps.is_none() {
                self.steps = context.options.launch.steps(&stage.usage).await?;
            }
            let Some(steps) = &mut self.steps else {
                let what = "takes no steps, though the plan counts on it".to_owned();
                return Err(breach(stage, what).into());
            };
            let fault = match steps.progress(&entries).await {
                Ok(told) if told.len() == entries.len() => return Ok(Some(told)),
                Ok(told) => {
                    let (given, asked) = (told.len(), entries.len());
                    let what = format!("told how far {given} documents are, of {asked}");
                    return Err(breach(stage, what).into());
                }
                Err(fault) => fault,
            };
            failed += 1;
            let Some(wait) = context.wait_after(&fault, failed) else {
                return Err(fault.into());
            };
            if !context.wait("looking up", &fault.to_string(), wait).await {
                return Ok(None);
            }
        }
    }
}

pub(super) fn step_entries(chunk: &Chunk) -> Vec<StepEntry> {
    let entry = |entry: &duijie_store::IntentEntry| StepEntry {
        target_key: entry.target_key.clone(),
        id: entry.known_id.clone(),
    };
    chunk.entries.iter().map(entry).collect()
}
