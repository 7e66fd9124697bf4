//! Takes documents that stand through the pipeline's steps, each step under an
//! intent of its own. What counts is how far a document has come in the
//! target: that is read before every step, and nothing is done twice. An open
//! intent is all that knows that a document stands, so one that names a step
//! is settled by outcomes only.

use duijie_record::{Outcome, Rejection, Retry};
use duijie_store::{Came, HoldKind, IntentId};

use super::resolved::tried;
use super::send::Sent;
use super::{Resolved, Writer};
use crate::Error;
use crate::chaos::{self, Point, is_off, reach};
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
    /// A call took some documents and refused others for now: that is about
    /// these documents. One that takes none is about the system.
    picked_out: bool,
    is_cut: bool,
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
    /// A document that was cut out of its call, and whose tries are used up
    /// with no answer; with the last reason.
    Spent(Going, String),
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
            picked_out: false,
            is_cut: false,
            in_doubt: false,
        }
    }

    pub(super) fn in_doubt(chunk: Chunk) -> Self {
        Self {
            in_doubt: true,
            ..Self::new(chunk)
        }
    }

    /// Cut out of a call that was refused as a whole, or that told nothing.
    fn cut_out(chunk: Chunk) -> Self {
        Self {
            is_cut: true,
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
                Left::Spent(going, reason) => spent.push((going, reason)),
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
        let in_doubt = std::mem::take(&mut going.in_doubt);
        if in_doubt && !self.settled("an earlier run ended before its answer").await {
            return Ok(Left::Short(None));
        }
        let Some(told) = self.progress_settled(&going.chunk).await? else {
            return Ok(Left::Short(None));
        };
        reach(match in_doubt {
            true => Point::RecoveryLookedUp,
            false => Point::AfterLookup,
        });
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
        self.once_more(going, why, guard, resolved).await
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

    fn sort_step(
        &self,
        going: &mut Going,
        outcomes: Vec<Outcome>,
        taken: &mut bool,
        resolved: &mut Resolved,
    ) -> Vec<(usize, Why)> {
        let chunk = &mut going.chunk;
        let alone = chunk.entries.len() == 1;
        let mut took = false;
        let mut rest = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let (came, why) = match outcome {
                Outcome::Applied(id) => {
                    took = true;
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
        *taken |= took;
        let later = |(_, why): &(usize, Why)| matches!(why, Why::Later(_));
        going.picked_out |= took && rest.iter().any(later);
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
        guard: Option<&Guard>,
        resolved: &mut Resolved,
    ) -> Result<Left, Error> {
        let retries = self.context.plan().policy.retries;
        let is_later = |why: &Why| matches!(why, Why::Later(_));
        let is_whole = why.iter().all(|why| matches!(why, Why::Batch(_)));
        let cut = going.chunk.entries.len() > 1 && (is_whole || going.blind >= 2);
        let pause = backoff(&retries, going.tries, &self.context.random);
        let waits = !is_whole && why.iter().any(is_later);
        if !cut && (going.tries >= retries.attempts || (waits && !self.context.affords(pause))) {
            return self.spend_step(going, why, guard, resolved).await;
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
        Ok(Left::Again(vec![
            Going::cut_out(first),
            Going::cut_out(second),
        ]))
    }

    /// The tries are used up: what the target picked out is refused, the
    /// rest is left to the next run.
    async fn spend_step(
        &mut self,
        mut going: Going,
        why: Vec<Why>,
        guard: Option<&Guard>,
        resolved: &mut Resolved,
    ) -> Result<Left, Error> {
        let reason = why.last().map_or("", Why::message).to_owned();
        if let (true, [Why::Doubtful(_)]) = (going.is_cut, why.as_slice()) {
            return Ok(Left::Spent(going, reason));
        }
        let mut left = Vec::new();
        for (index, why) in why.into_iter().enumerate() {
            match why {
                Why::Later(refused) if going.picked_out => {
                    resolved.rejected(&going.chunk, index, refused);
                }
                _ => left.push(index),
            }
        }
        if left.is_empty() {
            return self.through(&going, guard, resolved).await;
        }
        let failure = self.given_up(left.len(), going.tries, reason);
        if !resolved.is_empty() && !self.narrow(&mut going, left, resolved).await? {
            return Ok(Left::Nowhere);
        }
        Ok(Left::Short(Some(failure)))
    }

    /// Documents that stand alone with their doubt: held when others took
    /// their steps, left to the next run otherwise.
    async fn give_up_steps(
        &mut self,
        spent: Vec<(Going, String)>,
        taken: bool,
        guard: Option<&Guard>,
        resolved: &mut Resolved,
    ) -> Result<(), Error> {
        if let (false, Some((going, reason))) = (taken, spent.last()) {
            return Err(self.given_up(spent.len(), going.tries, reason.clone()));
        }
        for (going, reason) in spent {
            let why = "it cannot be told whether it took effect";
            let reason = format!("{why}: {reason}");
            resolved.hold(&going.chunk, 0, HoldKind::Doubt, reason);
            self.conclude(resolved, going.open(), guard).await?;
        }
        Ok(())
    }

    /// Waits until what was sent can be seen; false when the run is to halt.
    pub(super) async fn settled(&mut self, reason: &str) -> bool {
        let settle = self.context.plan().target.settle;
        let none = settle.is_zero() || is_off(chaos::Guard::SettleTime);
        none || self.context.wait("settling", reason, settle).await
    }
}
