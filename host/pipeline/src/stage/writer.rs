//! Sends chunks: intent durable, write, outcomes to the settler, until every
//! document of the chunk is resolved. Each writer owns one target instance.

use std::sync::Arc;

use duijie_contract::{Lookup, Steps, Target};
use duijie_record::Outcome;
use duijie_store::{HoldKind, IntentId};
use tokio::sync::{Mutex, mpsc};

use crate::Error;
use crate::options::Context;
use crate::stage::chunk::{self, Chunk};
use crate::stage::settle::Message;

mod before;
mod bisect;
mod doubt;
mod exchange;
mod intend;
mod progress;
mod resolved;
mod send;
mod step;

use bisect::{Begins, Family, Piece};
use doubt::Again;
use resolved::Resolved;
use send::Sent;
use step::Going;

pub(crate) struct Writer {
    pub(crate) context: Arc<Context>,
    /// Shared by all writers; whoever is free takes the next.
    pub(crate) chunks: Arc<Mutex<mpsc::Receiver<Chunk>>>,
    pub(crate) settler: mpsc::Sender<Message>,
    /// Started when needed, dropped after a guest fault.
    pub(crate) target: Option<Box<dyn Target>>,
    pub(crate) lookup: Option<Box<dyn Lookup>>,
    pub(crate) steps: Option<Box<dyn Steps>>,
}

/// Why a document of a chunk is not resolved yet.
enum Rest {
    /// Refused for now.
    Later(String),
    /// It cannot be told whether it took effect.
    Doubtful(String),
    /// The target has it already, perhaps by an earlier try that was in doubt.
    Duplicate(String),
    /// The call was refused and not the document.
    Batch(String),
}

impl Rest {
    /// Nothing of it took effect.
    fn is_later(&self) -> bool {
        matches!(self, Self::Later(_) | Self::Batch(_))
    }

    fn message(&self) -> &str {
        match self {
            Self::Later(message)
            | Self::Doubtful(message)
            | Self::Duplicate(message)
            | Self::Batch(message) => message,
        }
    }
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
    /// Calls in a row of which nothing is known and nothing was found.
    blind: u32,
    /// A call took some document.
    taken: bool,
}

/// How far a chunk came.
enum Reached {
    /// Every document has its outcome.
    End(Option<IntentId>),
    Cut(Vec<Piece>),
    /// A document that was cut out of its chunk, and whose tries are used up
    /// with no answer; with the last reason.
    Spent(Piece, String),
    /// The rest is for the next run; this intent has nothing in doubt.
    Short {
        settle: Option<IntentId>,
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
        let open = chunk.intent.as_ref().map(|(id, _)| *id);
        if open.is_some() && chunk.step() > 0 {
            let going = vec![Going::in_doubt(chunk)];
            return self.take_steps(going, guard.as_ref(), &mut resolved).await;
        }
        if open.is_none() {
            match self.before_first_send(chunk, &mut resolved).await? {
                Some(checked) => chunk = checked,
                None => return Ok(()),
            }
        }
        let mut family = Family::new(Piece::new(chunk, open));
        while let Some(piece) = family.waiting.pop() {
            let ends = family.failure.is_some() || self.context.halt.is_stopped();
            let settle = if family.is_cut && ends {
                piece.unsent()
            } else {
                match self.write(piece, &mut family, &mut resolved).await? {
                    Reached::End(settle) => settle,
                    Reached::Short { settle, failure } => {
                        family.fail(failure);
                        settle
                    }
                    Reached::Cut(pieces) => {
                        family.cut(pieces);
                        continue;
                    }
                    Reached::Spent(piece, reason) => {
                        self.spend(&mut family, piece, reason);
                        continue;
                    }
                    Reached::Nowhere => return Ok(()),
                }
            };
            if !self.conclude(&mut resolved, settle, guard.as_ref()).await? {
                return Ok(());
            }
        }
        self.part(family, guard.as_ref(), &mut resolved).await?;
        let going = std::mem::take(&mut resolved.going_on).into_iter();
        let going = going.map(Going::new).collect();
        self.take_steps(going, guard.as_ref(), &mut resolved).await
    }

    /// Sends until every document is resolved.
    async fn write(
        &mut self,
        piece: Piece,
        family: &mut Family,
        resolved: &mut Resolved,
    ) -> Result<Reached, Error> {
        let Piece {
            mut chunk,
            mut open,
            mut course,
            mut begins,
        } = piece;
        while !chunk.is_empty() {
            let outcomes = match std::mem::replace(&mut begins, Begins::New) {
                Begins::InDoubt => left_open(&chunk),
                begins => {
                    let intended = matches!(begins, Begins::Intended);
                    if !intended && !self.intend(&mut open, &mut chunk, resolved).await? {
                        return Ok(Reached::Nowhere);
                    }
                    course.tries += 1;
                    match self.send(&mut chunk).await? {
                        Sent::Answered(outcomes) => outcomes,
                        Sent::NotSent(fault) => {
                            return Ok(course.short(open, fault.map(Error::from)));
                        }
                    }
                }
            };
            let rest = self.sort(&mut chunk, outcomes, &mut course, resolved);
            family.taken |= course.taken;
            if rest.is_empty() {
                break;
            }
            if rest.iter().all(|(_, why)| matches!(why, Rest::Batch(_))) {
                let chunk = chunk.narrow(rest.iter().map(|(place, _)| *place));
                return self.cut(open, chunk.tried_again(), resolved).await;
            }
            // What has its outcome leaves the intent in the same commit, so that
            // an open intent says of no key what a newer one may contradict.
            if !resolved.is_empty() {
                chunk = chunk.narrow(rest.iter().map(|(place, _)| *place));
                if !self.intend(&mut open, &mut chunk, resolved).await? {
                    return Ok(Reached::Nowhere);
                }
            }
            let rest: Vec<Rest> = rest.into_iter().map(|(_, why)| why).collect();
            let before = chunk.entries.len();
            match self.again(chunk, rest, &course, resolved).await? {
                Again::Send(again) => chunk = again,
                Again::Halted => return Ok(course.short(open, None)),
                Again::GivenUp(rest, reason) => {
                    let left = (open, course);
                    return self
                        .give_up((rest, reason), left, family.is_cut, resolved)
                        .await;
                }
            }
            if chunk.entries.len() < before {
                course.blind = 0;
            } else if course.blind >= 2 && before > 1 {
                return self.cut(open, chunk, resolved).await;
            }
        }
        Ok(Reached::End(open))
    }

    async fn give_up(
        &mut self,
        (mut rest, reason): (Chunk, String),
        (mut open, course): (Option<IntentId>, Course),
        is_cut: bool,
        resolved: &mut Resolved,
    ) -> Result<Reached, Error> {
        let narrowed = !resolved.is_empty() && course.doubted;
        if narrowed && !self.intend(&mut open, &mut rest, resolved).await? {
            return Ok(Reached::Nowhere);
        }
        if is_cut && rest.entries.len() == 1 && rest.is_doubted(0) {
            let spent = Piece {
                chunk: rest,
                open,
                course,
                begins: Begins::InDoubt,
            };
            return Ok(Reached::Spent(spent, reason));
        }
        let failure = self.given_up(rest.entries.len(), course.tries, reason);
        Ok(course.short(open, Some(failure)))
    }

    /// A document that was tried on its own until its tries were used up.
    /// Others of its call went through, or else the system takes none at all:
    /// a second one tells, before all are tried in vain.
    fn spend(&self, family: &mut Family, piece: Piece, reason: String) {
        family.spent.push((piece, reason));
        if family.spent.len() > 1 && !family.taken {
            family.give_up(|tries, documents, reason| self.given_up(documents, tries, reason));
        }
    }

    /// What became of the spent ones: held when the others went through, left
    /// to the next run otherwise.
    async fn part(
        &mut self,
        mut family: Family,
        guard: Option<&chunk::Guard>,
        resolved: &mut Resolved,
    ) -> Result<(), Error> {
        if !family.taken {
            family.give_up(|tries, documents, reason| self.given_up(documents, tries, reason));
        }
        for (piece, reason) in std::mem::take(&mut family.spent) {
            let why = "it cannot be told whether it took effect";
            resolved.hold(&piece.chunk, 0, HoldKind::Doubt, format!("{why}: {reason}"));
            self.conclude(resolved, piece.open, guard).await?;
        }
        family.failure.map_or(Ok(()), Err)
    }
}

fn left_open(chunk: &Chunk) -> Vec<Outcome> {
    let reason = "an earlier run ended before its answer".to_owned();
    vec![Outcome::Unknown(reason); chunk.entries.len()]
}

impl Course {
    fn short(&self, open: Option<IntentId>, failure: Option<Error>) -> Reached {
        Reached::Short {
            settle: open.filter(|_| !self.doubted),
            failure,
        }
    }
}
