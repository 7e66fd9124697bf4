//! One call into the target, and what its outcomes mean document by document.

use std::sync::Arc;

use duijie_contract::{Exchange, Fault, FaultKind, Guarantee};
use duijie_record::{Action, Outcome, Rejection, Retry};
use duijie_store::{Came, HoldKind};

use super::progress::step_entries;
use super::resolved::tried;
use super::{Course, Resolved, Rest, Writer, exchange};
use crate::Error;
use crate::chaos::{Guard, Point, is_off, reach};
use crate::options::breach;
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{Doubt, is_batch, is_duplicate};
use crate::table;

/// What came of one call, retried where nothing left.
pub(super) enum Sent {
    Answered(Vec<Outcome>),
    /// Nothing of the chunk left the host.
    NotSent(Option<Fault>),
}

type Called = (Result<Vec<Outcome>, Fault>, Vec<Exchange>);

impl Writer {
    /// One call, tried again under the same intent while nothing leaves.
    pub(super) async fn send(&mut self, chunk: &mut Chunk) -> Result<Sent, Error> {
        let context = Arc::clone(&self.context);
        let stage = &context.plan().target.stage;
        let documents = chunk.entries.len();
        let unknown = |reason: String| vec![Outcome::Unknown(reason); documents];
        let mut failed = 0;
        loop {
            let (answer, exchanges) = match self.call(chunk).await {
                Ok(called) => called,
                Err(fault) => return Ok(Sent::NotSent(Some(fault))),
            };
            let outcomes = match answer {
                Ok(outcomes) if outcomes.len() == documents => Ok(outcomes),
                Ok(outcomes) => {
                    self.drop_instances();
                    let given = outcomes.len();
                    let what = format!("gave {given} outcomes for {documents} documents");
                    Ok(unknown(breach(stage, what).to_string()))
                }
                Err(fault) if matches!(fault.kind, FaultKind::Guest(_)) => {
                    // It died somewhere between the first byte and the answer.
                    self.drop_instances();
                    Ok(unknown(fault.to_string()))
                }
                Err(fault) => Err(fault),
            };
            let fault = match outcomes {
                Ok(outcomes) => {
                    exchange::keep(&context, chunk, &exchanges, &outcomes)?;
                    return Ok(Sent::Answered(outcomes));
                }
                Err(fault) => fault,
            };
            failed += 1;
            let Some(wait) = context.wait_after(&fault, failed) else {
                return Ok(Sent::NotSent(Some(fault)));
            };
            if !context.wait("writing", &fault.to_string(), wait).await {
                return Ok(Sent::NotSent(None));
            }
        }
    }

    /// Writes the documents, or takes the step that they are about to take.
    /// The fault is that of an instance that could not be started.
    async fn call(&mut self, chunk: &Chunk) -> Result<Called, Fault> {
        let context = Arc::clone(&self.context);
        let launch = &context.options.launch;
        let stage = &context.plan().target.stage;
        let Some(step) = context.step_name(chunk.step()) else {
            let target = match &mut self.target {
                Some(target) => target,
                none => none.insert(table::target(&context.options).await?),
            };
            reach(Point::DuringSend);
            let answer = target.write(&chunk.batch).await;
            reach(Point::AfterSend);
            return Ok((answer, target.take_exchanges()));
        };
        let steps = match &mut self.steps {
            Some(steps) => steps,
            none => {
                let started = launch.steps(&stage.usage).await?;
                let lacks = || breach(stage, "takes no steps".to_owned());
                none.insert(started.ok_or_else(lacks)?)
            }
        };
        reach(Point::DuringSend);
        let answer = steps.perform(step, &step_entries(chunk)).await;
        reach(Point::AfterSend);
        Ok((answer, steps.take_exchanges()))
    }

    /// After a failure in them; the next call starts others.
    fn drop_instances(&mut self) {
        self.target = None;
        self.steps = None;
    }

    /// Notes what is resolved and gives back what is not.
    pub(super) fn sort(
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
            match outcome {
                Outcome::Applied(id) => {
                    taken = true;
                    resolved.applied(chunk, index, id, Some(Came::Applied));
                }
                Outcome::Unknown(reason) if is_off(Guard::UnknownIsNotFailure) => {
                    rest.push((index, Rest::Later(reason)));
                }
                Outcome::Unknown(reason) => {
                    chunk.doubt(index);
                    let came = Came::Unknown(reason.clone());
                    chunk.note(index, tried(&self.context, chunk, index, came));
                    rest.push((index, Rest::Doubtful(reason)));
                }
                Outcome::Rejected(refused) if refused.retry == Retry::Later => {
                    later.push((index, refused));
                }
                Outcome::Rejected(refused) => {
                    let refused = self.refused(chunk, index, refused, resolved);
                    rest.extend(refused.map(|why| (index, why)));
                }
            }
        }
        course.taken |= taken;
        course.picked_out |= taken && !later.is_empty();
        let last = course.tries >= plan.policy.retries.attempts;
        for (index, refused) in later {
            if last && course.picked_out {
                resolved.rejected(chunk, index, refused);
                continue;
            }
            let came = Came::Later {
                code: refused.code,
                message: refused.message.clone(),
            };
            chunk.note(index, tried(&self.context, chunk, index, came));
            rest.push((index, Rest::Later(refused.message)));
        }
        rest.sort_unstable_by_key(|(index, _)| *index);
        let in_doubt = |why: &Rest| matches!(why, Rest::Doubtful(_) | Rest::Duplicate(_));
        let resends = matches!(self.doubt(), Doubt::LookUp | Doubt::Resend);
        course.doubted |= resends && rest.iter().any(|(_, why)| in_doubt(why));
        let blind = |(_, why): &(usize, Rest)| matches!(why, Rest::Doubtful(_));
        // What an earlier run left says nothing of this one's calls.
        let all = rest.len() == chunk.entries.len() && course.tries > 0;
        course.blind = match all && rest.iter().all(blind) {
            true => course.blind + 1,
            false => 0,
        };
        rest
    }

    /// What was refused for good: a dead letter, but for what was sent before
    /// and for a call that was refused as a whole.
    fn refused(
        &self,
        chunk: &mut Chunk,
        index: usize,
        refused: Rejection,
        resolved: &mut Resolved,
    ) -> Option<Rest> {
        let target = &self.context.plan().target;
        let creates = chunk.entries.get(index);
        let creates = creates.is_some_and(|entry| entry.action == Action::Create);
        let came = Came::Rejected {
            code: refused.code.clone(),
            message: refused.message.clone(),
        };
        // What was sent before may be what stands in its way. Without doubt it
        // is somebody else's, and taking it for ours would lose the document.
        if is_duplicate(&refused) && creates && chunk.is_doubted(index) {
            match (target.lookup, target.guarantee) {
                (true, _) => {
                    chunk.note(index, tried(&self.context, chunk, index, came));
                    return Some(Rest::Duplicate(refused.message));
                }
                (false, Guarantee::ServerKey) => {
                    resolved.applied(chunk, index, None, Some(came));
                }
                (false, _) => resolved.hold(chunk, index, HoldKind::Doubt, refused.message),
            }
            return None;
        }
        if is_batch(&refused) && chunk.entries.len() > 1 {
            chunk.note(index, tried(&self.context, chunk, index, came));
            return Some(Rest::Batch(refused.message));
        }
        resolved.rejected(chunk, index, refused);
        None
    }
}
