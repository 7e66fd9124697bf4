//! What is not resolved by an answer: waited for, looked up, and made ready to
//! be sent again.

use std::sync::Arc;
use std::time::Duration;

use duijie_record::{Finding, TargetKey};
use duijie_store::IntentEntry;

use super::{Resolved, Rest, Writer};
use crate::Error;
use crate::options::breach;
use crate::retry::backoff;
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{Doubt, Resolution, after_doubt, doubt};

impl Writer {
    /// Waits and reconciles; gives back what is to be sent again. `None` when
    /// the run halted in the meantime.
    pub(super) async fn again(
        &mut self,
        chunk: Chunk,
        rest: Vec<Rest>,
        resolved: &mut Resolved,
    ) -> Result<Option<Chunk>, Error> {
        let target = &self.context.plan().target;
        let retries = self.context.plan().policy.retries;
        let on_unknown = self.context.plan().policy.on_unknown;
        let doubt = doubt(target.guarantee, target.lookup, on_unknown);
        let mut wait = Duration::ZERO;
        let mut reason = "";
        let mut doubtful = Vec::new();
        let mut again = Vec::new();
        for (index, (entry, why)) in chunk.entries.iter().zip(&rest).enumerate() {
            match why {
                Rest::Later(message) => {
                    reason = message;
                    wait = wait.max(backoff(&retries, entry.attempt, &self.context.random));
                    again.push((index, entry.known_id.clone(), entry.attempt + 1));
                }
                Rest::Doubtful(message) => match doubt {
                    Doubt::Hold => {
                        let why = "it cannot be told whether it took effect";
                        resolved.hold(&chunk, index, format!("{why}: {message}"));
                    }
                    Doubt::Skip => resolved.applied(&chunk, index, None),
                    Doubt::Resend | Doubt::LookUp => {
                        reason = message;
                        wait = wait.max(target.settle);
                        doubtful.push(index);
                    }
                },
            }
        }
        if again.is_empty() && doubtful.is_empty() {
            return Ok(Some(Chunk::new(Vec::new())));
        }
        if !self.context.wait("settling", reason, wait).await {
            return Ok(None);
        }
        let resolutions = match doubt {
            Doubt::LookUp => self.look_up(&chunk, &doubtful).await?,
            _ => Some(vec![Resolution::Send(None); doubtful.len()]),
        };
        let Some(resolutions) = resolutions else {
            return Ok(None);
        };
        for (index, resolution) in doubtful.into_iter().zip(resolutions) {
            let entry = chunk.entries.get(index);
            let attempt = entry.map_or(0, |entry| entry.attempt);
            let known_id = entry.and_then(|entry| entry.known_id.clone());
            match resolution {
                Resolution::Applied(id) => resolved.applied(&chunk, index, id),
                Resolution::Hold(reason) => resolved.hold(&chunk, index, reason),
                Resolution::Send(_) if attempt >= retries.attempts => {
                    let reason = format!("no answer after {attempt} attempts");
                    resolved.hold(&chunk, index, reason);
                }
                Resolution::Send(id) => again.push((index, id.or(known_id), attempt + 1)),
            }
        }
        again.sort_unstable_by_key(|(index, ..)| *index);
        Ok(Some(chunk.pick(again)))
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
