//! Sends chunks: intent durable, write, outcomes to the settler, until every
//! document of the chunk is resolved. Each writer owns one target instance.

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::{Fault, FaultKind, Guarantee, Lookup, Target};
use duijie_record::{Action, Finding, Outcome, Retry, TargetKey};
use duijie_store::{Change, Intent, IntentEntry, IntentId};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::Error;
use crate::options::{Context, breach};
use crate::retry::backoff;
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{
    Doubt, Resolution, after_doubt, before_change, doubt, is_duplicate,
};
use crate::stage::settle::{Message, Outcomes};

mod resolved;

use resolved::Resolved;

pub(crate) struct Writer {
    pub(crate) context: Arc<Context>,
    /// Shared by all writers; whoever is free takes the next.
    pub(crate) chunks: Arc<Mutex<mpsc::Receiver<Chunk>>>,
    pub(crate) settler: mpsc::Sender<Message>,
    /// Started when needed, dropped after a guest fault.
    pub(crate) target: Option<Box<dyn Target>>,
    pub(crate) lookup: Option<Box<dyn Lookup>>,
}

/// What came of one call, retried where nothing left.
enum Sent {
    Answered(Vec<Outcome>),
    /// Nothing of the chunk left the host.
    NotSent(Option<Fault>),
}

/// Why a document of a chunk is not resolved yet.
enum Rest {
    /// Refused for now.
    Later(String),
    /// It cannot be told whether it took effect.
    Doubtful(String),
}

impl Writer {
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        loop {
            let chunk = self.chunks.lock().await.recv().await;
            let Some(chunk) = chunk else {
                return Ok(());
            };
            // A chunk that has not begun does not begin after a halt.
            if self.context.halt.is_stopped() {
                continue;
            }
            let written = self.chunk(chunk).await;
            if written.is_err() {
                self.context.halt.stop();
                return written;
            }
        }
    }

    async fn chunk(&mut self, mut chunk: Chunk) -> Result<(), Error> {
        let guard = chunk.guard.take();
        let mut resolved = Resolved::new(&self.context);
        let mut open = chunk.open.take();
        let mut recovered = open.is_some();
        let mut fault = None;
        if !recovered {
            match self.before_changes(chunk, &mut resolved).await? {
                Some(checked) => chunk = checked,
                None => return Ok(()),
            }
        }
        while !chunk.is_empty() {
            let outcomes = if std::mem::take(&mut recovered) {
                let reason = "an earlier run ended before its answer".to_owned();
                vec![Outcome::Unknown(reason); chunk.entries.len()]
            } else {
                if !self.intend(&mut open, &chunk, &mut resolved).await? {
                    return Ok(());
                }
                match self.send(&chunk).await {
                    Sent::Answered(outcomes) => outcomes,
                    Sent::NotSent(why) => {
                        fault = why;
                        break;
                    }
                }
            };
            let rest = self.sort(&chunk, outcomes, &mut resolved);
            if rest.is_empty() {
                break;
            }
            // What has its outcome leaves the intent in the same commit, so that
            // an open intent says of no key what a newer one may contradict.
            if !resolved.is_empty() {
                chunk = chunk.narrow(rest.iter().map(|(place, _)| *place));
                if !self.intend(&mut open, &chunk, &mut resolved).await? {
                    return Ok(());
                }
            }
            let rest: Vec<Rest> = rest.into_iter().map(|(_, why)| why).collect();
            let doubtful = rest.iter().any(|why| matches!(why, Rest::Doubtful(_)));
            let Some(again) = self.again(chunk, rest, &mut resolved).await? else {
                // Doubt leaves the intent open, for the next run to reconcile.
                if doubtful {
                    open = None;
                }
                break;
            };
            chunk = again;
        }
        let outcomes = Outcomes {
            settle: open,
            guard,
            ..resolved.take()
        };
        self.tell(outcomes).await;
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// Looks up what is to be updated or cancelled and holds what may not be.
    /// `None` when the run halted in the meantime.
    async fn before_changes(
        &mut self,
        chunk: Chunk,
        resolved: &mut Resolved,
    ) -> Result<Option<Chunk>, Error> {
        let entries = chunk.entries.iter().enumerate();
        let changes = entries.filter(|(_, entry)| entry.action != Action::Create);
        let changes: Vec<usize> = changes.map(|(index, _)| index).collect();
        if changes.is_empty() {
            return Ok(Some(chunk));
        }
        let findings = if self.context.plan().target.lookup {
            match self.find(&chunk, &changes).await? {
                Some(findings) => findings.into_iter().map(Some).collect(),
                None => return Ok(None),
            }
        } else {
            vec![None; changes.len()]
        };
        let mut findings = changes.into_iter().zip(findings).peekable();
        let mut kept = Vec::with_capacity(chunk.entries.len());
        for (index, entry) in chunk.entries.iter().enumerate() {
            let known_id = entry.known_id.as_deref();
            let resolution = match findings.next_if(|(change, _)| *change == index) {
                None => Resolution::Send(None),
                Some((_, Some(finding))) => before_change(known_id, finding),
                Some((_, None)) => known_id.map_or_else(
                    || Resolution::Hold("its id in the target is not known".to_owned()),
                    |id| Resolution::Send(Some(id.to_owned())),
                ),
            };
            match resolution {
                Resolution::Send(id) => kept.push((index, id, entry.attempt)),
                Resolution::Hold(reason) => resolved.hold(&chunk, index, reason),
                Resolution::Applied(id) => resolved.applied(&chunk, index, id),
            }
        }
        Ok(Some(chunk.pick(kept)))
    }

    /// Replaces the open intent by one for this chunk, in one commit with what
    /// was resolved. False when the settler is gone and the run is ending.
    async fn intend(
        &mut self,
        open: &mut Option<IntentId>,
        chunk: &Chunk,
        resolved: &mut Resolved,
    ) -> Result<bool, Error> {
        let Context { options, claim, .. } = &*self.context;
        let segment = options.store.append_segment(claim, &chunk.batch.data).await?;
        let id = options.store.next_intent_id();
        let intent = Change::Intent(Intent {
            id,
            run: self.context.run.clone(),
            at_ms: self.context.now_ms(),
            entries: chunk.entries.clone(),
            segment,
        });
        let closed = open.replace(id);
        if resolved.is_empty() {
            let changes = closed.map(Change::Settle).into_iter().chain([intent]);
            options.store.commit(claim, changes.collect()).await?;
            return Ok(true);
        }
        let (durable, heard) = oneshot::channel();
        let mut outcomes = resolved.take();
        outcomes.changes.push(intent);
        outcomes.settle = closed;
        outcomes.durable = Some(durable);
        self.tell(outcomes).await;
        Ok(heard.await.is_ok())
    }

    /// One call, tried again under the same intent while nothing leaves.
    async fn send(&mut self, chunk: &Chunk) -> Sent {
        let context = Arc::clone(&self.context);
        let stage = &context.plan().target.stage;
        let documents = chunk.entries.len();
        let unknown = |reason: String| Sent::Answered(vec![Outcome::Unknown(reason); documents]);
        let mut failed = 0;
        loop {
            if self.target.is_none() {
                match context.options.launch.target(&stage.usage).await {
                    Ok(target) => self.target = Some(target),
                    Err(fault) => return Sent::NotSent(Some(fault)),
                }
            }
            let Some(target) = &mut self.target else {
                continue;
            };
            let fault = match target.write(&chunk.batch).await {
                Ok(outcomes) if outcomes.len() == documents => return Sent::Answered(outcomes),
                Ok(outcomes) => {
                    self.target = None;
                    let given = outcomes.len();
                    let what = format!("gave {given} outcomes for {documents} documents");
                    return unknown(breach(stage, what).to_string());
                }
                Err(fault) => fault,
            };
            if matches!(fault.kind, FaultKind::Guest(_)) {
                // It died somewhere between the first byte and the answer.
                self.target = None;
                return unknown(fault.to_string());
            }
            failed += 1;
            let Some(wait) = context.wait_after(&fault, failed) else {
                return Sent::NotSent(Some(fault));
            };
            if !context.wait("writing", &fault.to_string(), wait).await {
                return Sent::NotSent(None);
            }
        }
    }

    /// Notes what is resolved and gives back what is not.
    fn sort(
        &self,
        chunk: &Chunk,
        outcomes: Vec<Outcome>,
        resolved: &mut Resolved,
    ) -> Vec<(usize, Rest)> {
        let plan = self.context.plan();
        let mut rest = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let Some(entry) = chunk.entries.get(index) else {
                continue;
            };
            match outcome {
                Outcome::Applied(id) => resolved.applied(chunk, index, id),
                Outcome::Unknown(reason) => rest.push((index, Rest::Doubtful(reason))),
                // What was sent before may be what stands in its way.
                Outcome::Rejected(refused)
                    if is_duplicate(&refused)
                        && entry.attempt > 1
                        && entry.action == Action::Create =>
                {
                    match (plan.target.lookup, plan.target.guarantee) {
                        (true, _) => rest.push((index, Rest::Doubtful(refused.message))),
                        (false, Guarantee::ServerKey) => resolved.applied(chunk, index, None),
                        (false, _) => resolved.hold(chunk, index, refused.message),
                    }
                }
                Outcome::Rejected(refused)
                    if refused.retry == Retry::Later
                        && entry.attempt < plan.policy.retries.attempts =>
                {
                    rest.push((index, Rest::Later(refused.message)));
                }
                Outcome::Rejected(refused) => resolved.rejected(chunk, index, refused),
            }
        }
        rest
    }

    /// Waits and reconciles; gives back what is to be sent again. `None` when
    /// the run halted in the meantime.
    async fn again(
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
        let entries = doubtful.iter().filter_map(|index| chunk.entries.get(*index));
        let resolve = |(entry, finding): (&IntentEntry, Finding)| {
            after_doubt(entry.action, entry.known_id.as_deref(), finding)
        };
        Ok(Some(entries.zip(findings).map(resolve).collect()))
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

    /// A settler that is gone has failed and said so; the run is ending.
    async fn tell(&mut self, outcomes: Outcomes) {
        let _gone = self.settler.send(Message::Outcomes(outcomes)).await;
    }
}
