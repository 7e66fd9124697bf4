//! Takes documents that stand through the pipeline's steps, each step under an
//! intent of its own. What counts is how far a document has come in the
//! target: that is read before every step, and nothing is done twice. An open
//! intent is all that knows that a document stands, so one that names a step
//! is settled by outcomes only.

use std::sync::Arc;

use duijie_record::{Outcome, Progress, Rejection, Retry, StepEntry};
use duijie_store::{Came, HoldKind, IntentId};

use super::resolved::tried;
use super::send::Sent;
use super::{Resolved, Writer};
use crate::Error;
use crate::chaos::{Guard as Chaos, is_off};
use crate::options::breach;
use crate::retry::backoff;
use crate::stage::chunk::{Chunk, Guard};
use crate::stage::reconcile::is_batch;

/// Documents that take the same step next, under the intent that names it.
pub(super) struct Going {
    chunk: Chunk,
    /// Calls of this run for this step.
    tries: u32,
    /// Calls in a row of which nothing is known.
    blind: u32,
    /// An earlier run sent it, perhaps: nothing is believed before the target
    /// has settled.
    in_doubt: bool,
}

/// Why a document has not taken its step yet.
enum Why {
    Later(Rejection),
    Doubtful(String),
    /// The call was refused and not the document.
    Batch(Rejection),
}

impl Why {
    fn message(&self) -> &str {
        match self {
            Self::Later(rejection) | Self::Batch(rejection) => &rejection.message,
            Self::Doubtful(reason) => reason,
        }
    }
}

/// What one call left.
enum Left {
    Nothing,
    /// To be tried again.
    Again(Vec<Going>),
    /// The tries are used up, with why for each document.
    Spent(Going, Vec<Why>),
    /// For the next run, its intent open.
    Short(Option<Error>),
    /// The settler is gone and the run is ending.
    Nowhere,
}

impl Going {
    pub(super) fn new(chunk: Chunk) -> Self {
        Self {
            chunk,
            tries: 0,
            blind: 0,
            in_doubt: false,
        }
    }

    pub(super) fn in_doubt(chunk: Chunk) -> Self {
        Self {
            in_doubt: true,
            ..Self::new(chunk)
        }
    }

    fn open(&self) -> Option<IntentId> {
        self.chunk.intent.as_ref().map(|(id, _)| *id)
    }
}

impl Writer {
    /// Takes step after step until nothing goes on.
    pub(super) async fn take_steps(
        &mut self,
        mut waiting: Vec<Going>,
        guard: Option<&Guard>,
        resolved: &mut Resolved,
    ) -> Result<(), Error> {
        let mut spent = Vec::new();
        let mut taken = false;
        while let Some(going) = waiting.pop() {
            if self.context.halt.is_stopped() {
                return Ok(());
            }
            match self.step(going, &mut taken, guard, resolved).await? {
                Left::Nothing => {}
                Left::Again(goings) => waiting.extend(goings.into_iter().rev()),
                Left::Spent(going, why) => spent.push((going, why)),
                Left::Short(failure) => return failure.map_or(Ok(()), Err),
                Left::Nowhere => return Ok(()),
            }
            let going_on = std::mem::take(&mut resolved.going_on).into_iter();
            waiting.extend(going_on.map(Going::new));
            // A second one tells that the target takes none at all, before
            // all are tried in vain.
            if spent.len() > 1 && !taken {
                break;
            }
        }
        self.give_up_steps(spent, taken, guard, resolved).await
    }

    /// One call, after the documents' own states were read.
    async fn step(
        &mut self,
        mut going: Going,
        taken: &mut bool,
        guard: Option<&Guard>,
        resolved: &mut Resolved,
    ) -> Result<Left, Error> {
        if going.in_doubt && !self.settled("a step that an earlier run took").await {
            return Ok(Left::Short(None));
        }
        going.in_doubt = false;
        let Some(told) = self.progress_settled(&going.chunk).await? else {
            return Ok(Left::Short(None));
        };
        let missing = self.missing(&going.chunk, told, resolved);
        if missing.is_empty() {
            return self.through(&going, guard, resolved).await;
        }
        if !resolved.is_empty() && !self.narrow(&mut going, missing, resolved).await? {
            return Ok(Left::Nowhere);
        }
        going.tries += 1;
        let outcomes = match self.send(&mut going.chunk).await? {
            Sent::Answered(outcomes) => outcomes,
            Sent::NotSent(fault) => return Ok(Left::Short(fault.map(Error::from))),
        };
        let rest = self.sort_step(&mut going, outcomes, taken, resolved);
        if rest.is_empty() {
            return self.through(&going, guard, resolved).await;
        }
        let (places, why): (Vec<usize>, Vec<Why>) = rest.into_iter().unzip();
        if !resolved.is_empty() && !self.narrow(&mut going, places, resolved).await? {
            return Ok(Left::Nowhere);
        }
        self.once_more(going, why, resolved).await
    }

    /// Everything of it has its outcome.
    async fn through(
        &mut self,
        going: &Going,
        guard: Option<&Guard>,
        resolved: &mut Resolved,
    ) -> Result<Left, Error> {
        let heard = self.conclude(resolved, going.open(), guard).await?;
        Ok(if heard { Left::Nothing } else { Left::Nowhere })
    }

    /// What has its outcome leaves the intent in the same commit. False when
    /// the settler is gone.
    async fn narrow(
        &mut self,
        going: &mut Going,
        places: Vec<usize>,
        resolved: &mut Resolved,
    ) -> Result<bool, Error> {
        let mut open = going.open();
        let chunk = std::mem::replace(&mut going.chunk, Chunk::new(Vec::new()));
        going.chunk = chunk.narrow(places.into_iter());
        self.intend(&mut open, &mut going.chunk, resolved).await
    }

    /// The places of those that are to take the step; the others are further
    /// already, or held.
    fn missing(&self, chunk: &Chunk, told: Vec<Progress>, resolved: &mut Resolved) -> Vec<usize> {
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

    fn sort_step(
        &self,
        going: &mut Going,
        outcomes: Vec<Outcome>,
        taken: &mut bool,
        resolved: &mut Resolved,
    ) -> Vec<(usize, Why)> {
        let chunk = &mut going.chunk;
        let alone = chunk.entries.len() == 1;
        let mut rest = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let (came, why) = match outcome {
                Outcome::Applied(id) => {
                    *taken = true;
                    resolved.applied(chunk, index, id, Some(Came::Applied));
                    continue;
                }
                Outcome::Unknown(reason) => {
                    chunk.doubt(index);
                    (Came::Unknown(reason.clone()), Why::Doubtful(reason))
                }
                Outcome::Rejected(refused) if refused.retry == Retry::Later => {
                    let came = Came::Later {
                        code: refused.code.clone(),
                        message: refused.message.clone(),
                    };
                    (came, Why::Later(refused))
                }
                Outcome::Rejected(refused) if is_batch(&refused) && !alone => {
                    let came = Came::Rejected {
                        code: refused.code.clone(),
                        message: refused.message.clone(),
                    };
                    (came, Why::Batch(refused))
                }
                Outcome::Rejected(refused) => {
                    resolved.rejected(chunk, index, refused);
                    continue;
                }
            };
            chunk.note(index, tried(&self.context, chunk, index, came));
            rest.push((index, why));
        }
        let blind = |(_, why): &(usize, Why)| matches!(why, Why::Doubtful(_));
        let all = rest.len() == chunk.entries.len() && rest.iter().all(blind);
        going.blind = if all { going.blind + 1 } else { 0 };
        rest
    }

    /// Waits, and gives back what is tried again: as it is, or in halves.
    async fn once_more(
        &mut self,
        mut going: Going,
        why: Vec<Why>,
        resolved: &mut Resolved,
    ) -> Result<Left, Error> {
        let retries = self.context.plan().policy.retries;
        let is_later = |why: &Why| matches!(why, Why::Later(_));
        let is_whole = why.iter().all(|why| matches!(why, Why::Batch(_)));
        let cut = going.chunk.entries.len() > 1 && (is_whole || going.blind >= 2);
        let pause = backoff(&retries, going.tries, &self.context.random);
        let waits = !is_whole && why.iter().any(is_later);
        if !cut && (going.tries >= retries.attempts || (waits && !self.context.affords(pause))) {
            return Ok(Left::Spent(going, why));
        }
        let reason = why.last().map_or("", Why::message);
        if waits && !self.context.wait("taking steps", reason, pause).await {
            return Ok(Left::Short(None));
        }
        let doubtful = why.iter().any(|why| matches!(why, Why::Doubtful(_)));
        if doubtful && !self.settled(reason).await {
            return Ok(Left::Short(None));
        }
        if !cut {
            going.chunk = going.chunk.tried_again();
            return Ok(Left::Again(vec![going]));
        }
        let [mut first, mut second] = going.chunk.halves();
        let halves = &mut [&mut first, &mut second];
        if !self.intend_each(going.open(), halves, resolved).await? {
            return Ok(Left::Nowhere);
        }
        Ok(Left::Again(vec![Going::new(first), Going::new(second)]))
    }

    /// What became of those whose tries are used up: refused or held when
    /// others took their steps, left to the next run otherwise.
    async fn give_up_steps(
        &mut self,
        spent: Vec<(Going, Vec<Why>)>,
        taken: bool,
        guard: Option<&Guard>,
        resolved: &mut Resolved,
    ) -> Result<(), Error> {
        if let (false, Some((going, why))) = (taken, spent.last()) {
            let documents = spent.iter().map(|(going, _)| going.chunk.entries.len());
            let reason = why.last().map_or("", Why::message).to_owned();
            return Err(self.given_up(documents.sum(), going.tries, reason));
        }
        for (going, why) in spent {
            for (index, why) in why.into_iter().enumerate() {
                match why {
                    Why::Later(refused) | Why::Batch(refused) => {
                        resolved.rejected(&going.chunk, index, refused);
                    }
                    Why::Doubtful(reason) => {
                        let why = "it cannot be told whether it took effect";
                        let reason = format!("{why}: {reason}");
                        resolved.hold(&going.chunk, index, HoldKind::Doubt, reason);
                    }
                }
            }
            self.conclude(resolved, going.open(), guard).await?;
        }
        Ok(())
    }

    /// Waits until what was sent can be seen; false when the run is to halt.
    async fn settled(&mut self, reason: &str) -> bool {
        let settle = self.context.plan().target.settle;
        let none = settle.is_zero() || is_off(Chaos::SettleTime);
        none || self.context.wait("settling", reason, settle).await
    }

    /// A document or a step of a moment ago may still be invisible: what is
    /// not as far as it was known to be is read again after the settle time.
    /// `None` when the run is to halt.
    async fn progress_settled(&mut self, chunk: &Chunk) -> Result<Option<Vec<Progress>>, Error> {
        let told = self.progress(chunk).await?;
        let behind = |told: &Vec<Progress>| {
            let mut told = told.iter().zip(&chunk.entries);
            told.any(|(progress, entry)| match progress {
                Progress::Done(done) => self.context.steps_taken(done) + 1 < entry.step,
                Progress::Absent => true,
                Progress::Conflict(_) | Progress::CannotTell(_) => false,
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
