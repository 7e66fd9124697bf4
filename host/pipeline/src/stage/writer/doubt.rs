//! What is not resolved by an answer: waited for, looked up, and made ready to
//! be sent again.

use std::sync::Arc;
use std::time::Duration;

use duijie_record::{Finding, TargetKey};
use duijie_store::IntentEntry;

use super::{Course, Resolved, Rest, Writer};
use crate::Error;
use crate::options::breach;
use crate::retry::backoff;
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{Doubt, Resolution, after_doubt, doubt};

/// What becomes of the documents without an outcome.
pub(super) enum Again {
    Send(Chunk),
    /// The tries are used up. Nothing shows that any of these took effect;
    /// with the last reason.
    GivenUp(Chunk, String),
    Halted,
}

impl Writer {
    /// Waits and reconciles; gives back what is to be sent again.
    pub(super) async fn again(
        &mut self,
        chunk: Chunk,
        rest: Vec<Rest>,
        course: &Course,
        resolved: &mut Resolved,
    ) -> Result<Again, Error> {
        let retries = self.context.plan().policy.retries;
        let last = course.tries >= retries.attempts;
        let doubt = self.doubt();
        let mut wait = Duration::ZERO;
        let mut reason = "";
        let mut doubtful = Vec::new();
        let mut again = Vec::new();
        for (index, (entry, why)) in chunk.entries.iter().zip(&rest).enumerate() {
            let (Rest::Later(message) | Rest::Doubtful(message) | Rest::Duplicate(message)) = why;
            match doubt {
                _ if matches!(why, Rest::Later(_)) => {
                    reason = message;
                    if !last {
                        wait = wait.max(backoff(&retries, course.tries, &self.context.random));
                    }
                    again.push((index, entry.known_id.clone()));
                }
                Doubt::Hold => {
                    let why = "it cannot be told whether it took effect";
                    resolved.hold(&chunk, index, format!("{why}: {message}"));
                }
                Doubt::Skip => resolved.applied(&chunk, index, None),
                Doubt::Resend | Doubt::LookUp => {
                    reason = message;
                    wait = wait.max(self.context.plan().target.settle);
                    doubtful.push(index);
                }
            }
        }
        if !wait.is_zero() && !self.context.wait("settling", reason, wait).await {
            return Ok(Again::Halted);
        }
        if !self
            .resolve(&chunk, &doubtful, (&rest, last), &mut again, resolved)
            .await?
        {
            return Ok(Again::Halted);
        }
        if again.is_empty() {
            return Ok(Again::Send(Chunk::new(Vec::new())));
        }
        again.sort_unstable_by_key(|(index, _)| *index);
        let made = |index: usize| chunk.entries.get(index).map_or(0, |entry| entry.attempt);
        let places = again
            .into_iter()
            .map(|(index, id)| (index, id, made(index) + u32::from(!last)))
            .collect();
        let chunk = chunk.pick(places);
        Ok(if last {
            Again::GivenUp(chunk, reason.to_owned())
        } else {
            Again::Send(chunk)
        })
    }

    /// Notes what the doubtful documents came to; what is to be sent joins
    /// `again`. False when the run halted in the meantime.
    async fn resolve(
        &mut self,
        chunk: &Chunk,
        doubtful: &[usize],
        (rest, last): (&[Rest], bool),
        again: &mut Vec<(usize, Option<String>)>,
        resolved: &mut Resolved,
    ) -> Result<bool, Error> {
        let resolutions = match self.doubt() {
            Doubt::LookUp => self.look_up(chunk, doubtful).await?,
            _ => Some(vec![Resolution::Send(None); doubtful.len()]),
        };
        let Some(resolutions) = resolutions else {
            return Ok(false);
        };
        for (index, resolution) in doubtful.iter().copied().zip(resolutions) {
            match (resolution, rest.get(index)) {
                (Resolution::Applied(id), _) => resolved.applied(chunk, index, id),
                (Resolution::Hold(reason), _) => resolved.hold(chunk, index, reason),
                (Resolution::Send(_), Some(Rest::Duplicate(message))) if last => {
                    let why = "the target says that it has it, and does not find it";
                    resolved.hold(chunk, index, format!("{why}: {message}"));
                }
                (Resolution::Send(id), _) => {
                    let entry = chunk.entries.get(index);
                    let known_id = || entry.and_then(|entry| entry.known_id.clone());
                    again.push((index, id.or_else(known_id)));
                }
            }
        }
        Ok(true)
    }

    pub(super) fn doubt(&self) -> Doubt {
        let plan = self.context.plan();
        let target = &plan.target;
        doubt(target.guarantee, target.lookup, plan.policy.on_unknown)
    }

    pub(super) fn given_up(&self, documents: usize, tries: u32, reason: String) -> Error {
        let stage = &self.context.plan().target.stage;
        Error::GivenUp {
            connector: format!("{} {}", stage.usage.connector, stage.version),
            collection: stage.usage.collection.to_string(),
            documents,
            tries,
            reason,
        }
    }

    async fn look_up(
        &mut self,
        chunk: &Chunk,
        doubtful: &[usize],
    ) -> Result<Option<Vec<Resolution>>, Error> {
        if doubtful.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let Some(findings) = self.find(chunk, doubtful).await? else {
            return Ok(None);
        };
        let entries = doubtful
            .iter()
            .filter_map(|index| chunk.entries.get(*index));
        let resolve = |(entry, finding): (&IntentEntry, Finding)| {
            after_doubt(entry.action, entry.known_id.as_deref(), finding)
        };
        Ok(Some(entries.zip(findings).map(resolve).collect()))
    }

    /// A document that was applied a moment ago may still be invisible: what is
    /// absent is looked up again after the settle time.
    pub(super) async fn find_settled(
        &mut self,
        chunk: &Chunk,
        indices: &[usize],
    ) -> Result<Option<Vec<Finding>>, Error> {
        let found = self.find(chunk, indices).await?;
        let absent = |findings: &Vec<Finding>| findings.contains(&Finding::Absent);
        if !found.as_ref().is_some_and(absent) {
            return Ok(found);
        }
        let settle = self.context.plan().target.settle;
        let reason = "what is to be changed is not found yet";
        if !self.context.wait("settling", reason, settle).await {
            return Ok(None);
        }
        self.find(chunk, indices).await
    }

    /// `None` when the run halted in the meantime.
    async fn find(
        &mut self,
        chunk: &Chunk,
        indices: &[usize],
    ) -> Result<Option<Vec<Finding>>, Error> {
        let context = Arc::clone(&self.context);
        let stage = &context.plan().target.stage;
        let entries = indices.iter().filter_map(|index| chunk.entries.get(*index));
        let keys: Vec<TargetKey> = entries.map(|entry| entry.target_key.clone()).collect();
        let mut failed = 0;
        loop {
            if self.lookup.is_none() {
                self.lookup = context.options.launch.lookup(&stage.usage).await?;
            }
            let Some(lookup) = &mut self.lookup else {
                let what = "exports no look-up, though the plan counts on it".to_owned();
                return Err(breach(stage, what).into());
            };
            let fault = match lookup.find(&keys).await {
                Ok(findings) if findings.len() == keys.len() => return Ok(Some(findings)),
                Ok(findings) => {
                    let (given, asked) = (findings.len(), keys.len());
                    let what = format!("gave {given} findings for {asked} keys");
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
