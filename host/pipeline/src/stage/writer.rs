//! Sends chunks: intent durable, write, outcomes to the settler, until every
//! document of the chunk is resolved. Each writer owns one target instance.

use std::sync::Arc;

use duijie_contract::{Fault, FaultKind, Guarantee, Lookup, Target};
use duijie_record::{Action, Outcome, Retry};
use duijie_store::{Change, Intent, IntentId};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::Error;
use crate::options::{Context, breach};
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{Doubt, Resolution, before_change, is_duplicate};
use crate::stage::settle::{Message, Outcomes};

mod doubt;
mod resolved;

use doubt::Again;
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
    /// The target has it already, perhaps by an earlier try that was in doubt.
    Duplicate(String),
}

/// What this run's calls came to for one chunk.
#[derive(Default)]
struct Course {
    /// Calls of this run. The `attempt` of an entry counts those of earlier
    /// runs as well, so that a failed run does not use up the next one's.
    tries: u32,
    /// Some of the rest may have taken effect: its intent stays open for the
    /// next run to reconcile.
    doubted: bool,
    /// A call took some documents and refused others for now: that is about
    /// these documents. One that takes none is about the system.
    picked_out: bool,
}

/// How far a chunk came.
enum Reached {
    /// Every document has its outcome.
    End,
    /// The rest is for the next run.
    Short {
        doubted: bool,
        failure: Option<Error>,
    },
    /// The settler is gone and the run is ending.
    Nowhere,
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
            // Kept until the halt, so that a recovery that failed does not
            // look like one that is done.
            let _guard = chunk.guard.clone();
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
        if open.is_none() {
            match self.before_changes(chunk, &mut resolved).await? {
                Some(checked) => chunk = checked,
                None => return Ok(()),
            }
        }
        let (doubted, failure) = match self.write(chunk, &mut open, &mut resolved).await? {
            Reached::End => (false, None),
            Reached::Short { doubted, failure } => (doubted, failure),
            Reached::Nowhere => return Ok(()),
        };
        let outcomes = Outcomes {
            settle: open.filter(|_| !doubted),
            guard,
            ..resolved.take()
        };
        self.tell(outcomes).await;
        failure.map_or(Ok(()), Err)
    }

    /// Sends until every document is resolved. One whose intent is open
    /// already begins in doubt.
    async fn write(
        &mut self,
        mut chunk: Chunk,
        open: &mut Option<IntentId>,
        resolved: &mut Resolved,
    ) -> Result<Reached, Error> {
        let mut course = Course::default();
        let mut recovered = open.is_some();
        while !chunk.is_empty() {
            let outcomes = if std::mem::take(&mut recovered) {
                let reason = "an earlier run ended before its answer".to_owned();
                vec![Outcome::Unknown(reason); chunk.entries.len()]
            } else {
                if !self.intend(open, &chunk, resolved).await? {
                    return Ok(Reached::Nowhere);
                }
                course.tries += 1;
                match self.send(&chunk).await {
                    Sent::Answered(outcomes) => outcomes,
                    Sent::NotSent(fault) => return Ok(course.short(fault.map(Error::from))),
                }
            };
            let rest = self.sort(&mut chunk, outcomes, &mut course, resolved);
            if rest.is_empty() {
                break;
            }
            // What has its outcome leaves the intent in the same commit, so that
            // an open intent says of no key what a newer one may contradict.
            if !resolved.is_empty() {
                chunk = chunk.narrow(rest.iter().map(|(place, _)| *place));
                if !self.intend(open, &chunk, resolved).await? {
                    return Ok(Reached::Nowhere);
                }
            }
            let rest = rest.into_iter().map(|(_, why)| why).collect();
            match self.again(chunk, rest, &course, resolved).await? {
                Again::Send(again) => chunk = again,
                Again::Halted => return Ok(course.short(None)),
                Again::GivenUp(rest, reason) => {
                    let narrowed = !resolved.is_empty() && course.doubted;
                    if narrowed && !self.intend(open, &rest, resolved).await? {
                        return Ok(Reached::Nowhere);
                    }
                    let failure = self.given_up(rest.entries.len(), course.tries, reason);
                    return Ok(course.short(Some(failure)));
                }
            }
        }
        Ok(Reached::End)
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
            match self.find_settled(&chunk, &changes).await? {
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
        let segment = options
            .store
            .append_segment(claim, &chunk.batch.data)
            .await?;
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
        chunk: &mut Chunk,
        outcomes: Vec<Outcome>,
        course: &mut Course,
        resolved: &mut Resolved,
    ) -> Vec<(usize, Rest)> {
        let plan = self.context.plan();
        let mut taken = false;
        let mut later = Vec::new();
        let mut rest = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let Some(entry) = chunk.entries.get(index) else {
                continue;
            };
            match outcome {
                Outcome::Applied(id) => {
                    taken = true;
                    resolved.applied(chunk, index, id);
                }
                Outcome::Unknown(reason) => {
                    chunk.doubt(index);
                    rest.push((index, Rest::Doubtful(reason)));
                }
                // What was sent before may be what stands in its way. Without
                // doubt it is somebody else's, and taking it for ours would
                // lose the document.
                Outcome::Rejected(refused)
                    if is_duplicate(&refused)
                        && entry.action == Action::Create
                        && chunk.is_doubted(index) =>
                {
                    match (plan.target.lookup, plan.target.guarantee) {
                        (true, _) => rest.push((index, Rest::Duplicate(refused.message))),
                        (false, Guarantee::ServerKey) => resolved.applied(chunk, index, None),
                        (false, _) => resolved.hold(chunk, index, refused.message),
                    }
                }
                Outcome::Rejected(refused) if refused.retry == Retry::Later => {
                    later.push((index, refused));
                }
                Outcome::Rejected(refused) => resolved.rejected(chunk, index, refused),
            }
        }
        course.picked_out |= taken && !later.is_empty();
        let last = course.tries >= plan.policy.retries.attempts;
        for (index, refused) in later {
            if last && course.picked_out {
                resolved.rejected(chunk, index, refused);
            } else {
                rest.push((index, Rest::Later(refused.message)));
            }
        }
        rest.sort_unstable_by_key(|(index, _)| *index);
        let in_doubt = rest.iter().any(|(_, why)| !matches!(why, Rest::Later(_)));
        course.doubted |= in_doubt && matches!(self.doubt(), Doubt::LookUp | Doubt::Resend);
        rest
    }

    /// A settler that is gone has failed and said so; the run is ending.
    async fn tell(&mut self, outcomes: Outcomes) {
        let _gone = self.settler.send(Message::Outcomes(outcomes)).await;
    }
}

impl Course {
    fn short(&self, failure: Option<Error>) -> Reached {
        Reached::Short {
            doubted: self.doubted,
            failure,
        }
    }
}
