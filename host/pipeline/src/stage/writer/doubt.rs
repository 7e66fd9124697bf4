//! What is not resolved by an answer: waited for, looked up, and made ready to
//! be sent again.

use std::sync::Arc;
use std::time::Duration;

use duijie_record::{Finding, SourceKey, TargetKey};
use duijie_store::{Came, DocumentState, HoldKind, IntentEntry};

use super::resolved::tried;
use super::{Course, Resolved, Rest, Writer};
use crate::Error;
use crate::chaos::{Guard, Point, is_off, reach};
use crate::options::breach;
use crate::retry::backoff;
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{Doubt, Resolution, after_doubt, doubt, owned_by};

/// So often a target is asked that cannot tell, a settle time apart: one that
/// shows nothing yet of what was just sent may tell a moment later.
const LOOKS: u32 = 4;

/// What becomes of the documents without an outcome.
pub(super) enum Again {
    Send(Chunk),
    /// The tries are used up. Nothing shows that any of these took effect;
    /// with the last reason.
    GivenUp(Chunk, String),
    Halted,
}

/// Of documents without an outcome those that go on.
#[derive(Default)]
struct Sifted<'rest> {
    /// To be sent again, with the target's id where it is known.
    again: Vec<(usize, Option<String>)>,
    doubtful: Vec<usize>,
    /// Of the last of them.
    reason: &'rest str,
}

impl Writer {
    /// Waits and reconciles; gives back what is to be sent again.
    pub(super) async fn again(
        &mut self,
        mut chunk: Chunk,
        rest: Vec<Rest>,
        course: &Course,
        resolved: &mut Resolved,
    ) -> Result<Again, Error> {
        let retries = self.context.plan().policy.retries;
        let pause = match rest.iter().any(Rest::is_later) {
            true => backoff(&retries, course.tries, &self.context.random),
            false => Duration::ZERO,
        };
        let last = course.tries >= retries.attempts || !self.context.affords(pause);
        let Sifted {
            mut again,
            doubtful,
            reason,
        } = self.sift(&chunk, &rest, resolved);
        let mut wait = if last { Duration::ZERO } else { pause };
        if !doubtful.is_empty() && !is_off(Guard::SettleTime) {
            wait = wait.max(self.context.plan().target.settle);
        }
        if !wait.is_zero() && !self.context.wait("settling", reason, wait).await {
            return Ok(Again::Halted);
        }
        let looked = self.look_up(&mut chunk, &doubtful, course).await?;
        let Some(resolutions) = looked else {
            return Ok(Again::Halted);
        };
        for (index, resolution) in doubtful.into_iter().zip(resolutions) {
            match (resolution, rest.get(index)) {
                (Resolution::Applied(id), _) => resolved.applied(&chunk, index, id, None),
                (Resolution::Hold(kind, reason), _) => resolved.hold(&chunk, index, kind, reason),
                (Resolution::Send(_), Some(Rest::Duplicate(message))) if last => {
                    let why = "the target says that it has it, and does not find it";
                    let reason = format!("{why}: {message}");
                    resolved.hold(&chunk, index, HoldKind::Doubt, reason);
                }
                (Resolution::Send(id), _) => {
                    let entry = chunk.entries.get(index);
                    let known_id = || entry.and_then(|entry| entry.known_id.clone());
                    again.push((index, id.or_else(known_id)));
                }
            }
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

    /// Resolves what needs no look.
    fn sift<'rest>(
        &self,
        chunk: &Chunk,
        rest: &'rest [Rest],
        resolved: &mut Resolved,
    ) -> Sifted<'rest> {
        let mut sifted = Sifted::default();
        let doubt = self.doubt();
        for (index, (entry, why)) in chunk.entries.iter().zip(rest).enumerate() {
            let message = why.message();
            match doubt {
                _ if why.is_later() => {
                    sifted.reason = message;
                    sifted.again.push((index, entry.known_id.clone()));
                }
                Doubt::Hold => {
                    let why = "it cannot be told whether it took effect";
                    let reason = format!("{why}: {message}");
                    resolved.hold(chunk, index, HoldKind::Doubt, reason);
                }
                Doubt::Skip => resolved.applied(chunk, index, None, None),
                Doubt::Resend | Doubt::LookUp => {
                    sifted.reason = message;
                    sifted.doubtful.push(index);
                }
            }
        }
        sifted
    }

    pub(super) fn doubt(&self) -> Doubt {
        let plan = self.context.plan();
        let target = &plan.target;
        let doubt = doubt(target.guarantee, target.lookup, plan.policy.on_unknown);
        match doubt {
            Doubt::LookUp if is_off(Guard::LookUpInDoubt) => Doubt::Resend,
            doubt => doubt,
        }
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

    /// What the documents in doubt came to, and their history with it. `None`
    /// when the run halted in the meantime.
    async fn look_up(
        &mut self,
        chunk: &mut Chunk,
        doubtful: &[usize],
        course: &Course,
    ) -> Result<Option<Vec<Resolution>>, Error> {
        if doubtful.is_empty() || self.doubt() != Doubt::LookUp {
            return Ok(Some(vec![Resolution::Send(None); doubtful.len()]));
        }
        let Some(findings) = self.find(chunk, doubtful).await? else {
            return Ok(None);
        };
        reach(match course.tries {
            0 => Point::RecoveryLookedUp,
            _ => Point::AfterLookup,
        });
        for (index, finding) in doubtful.iter().zip(&findings) {
            let came = match finding {
                Finding::Found(_) => Came::Found,
                Finding::Absent => Came::Absent,
                Finding::FoundTwice(_) | Finding::CannotTell(_) => continue,
            };
            chunk.note(*index, tried(&self.context, chunk, *index, came));
        }
        let resolutions = self.owned(chunk, doubtful, findings, |entry, finding| {
            after_doubt(entry.action, entry.known_id.as_deref(), finding)
        });
        Ok(Some(resolutions?))
    }

    /// What each finding means; one that belongs to another record of the
    /// ledger is a conflict.
    pub(super) fn owned(
        &self,
        chunk: &Chunk,
        places: &[usize],
        findings: Vec<Finding>,
        resolve: impl Fn(&IntentEntry, Finding) -> Resolution,
    ) -> Result<Vec<Resolution>, Error> {
        let entries = || places.iter().filter_map(|place| chunk.entries.get(*place));
        let found = |(_, finding): &(_, &Finding)| matches!(finding, Finding::Found(_));
        let found = entries().zip(&findings).filter(found);
        let keys: Vec<TargetKey> = found.map(|(entry, _)| entry.target_key.clone()).collect();
        let scope = &self.context.plan().scope;
        let store = &self.context.options.store;
        let mut owners = match keys.is_empty() {
            true => Vec::new().into_iter(),
            false => store.owners(scope, &keys)?.into_iter(),
        };
        let mut resolutions = Vec::with_capacity(places.len());
        for (entry, finding) in entries().zip(findings) {
            let owner = match finding {
                Finding::Found(_) => owners.next().flatten(),
                _ => None,
            };
            let other = owner.filter(|owner| *owner != entry.source_key);
            let other = match other {
                Some(owner) => self.claims(&owner, entry)?.then_some(owner),
                None => None,
            };
            resolutions.push(match other {
                Some(owner) => owned_by(&owner),
                None => resolve(entry, finding),
            });
        }
        Ok(resolutions)
    }

    /// Whether a record's document with this number ever stood in the target.
    fn claims(&self, owner: &SourceKey, entry: &IntentEntry) -> Result<bool, Error> {
        let scope = &self.context.plan().scope;
        let store = &self.context.options.store;
        let rows = store.ledger(scope, std::slice::from_ref(owner))?;
        let mut documents = rows.iter().flatten().flat_map(|row| &row.documents);
        Ok(documents.any(|document| {
            document.target_key == entry.target_key
                && (document.state == DocumentState::Applied || document.target_id.is_some())
        }))
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
        if is_off(Guard::SettleTime) {
            return Ok(found);
        }
        let settle = self.context.plan().target.settle;
        let reason = "what is to be changed is not found yet";
        if !self.context.wait("settling", reason, settle).await {
            return Ok(None);
        }
        self.find(chunk, indices).await
    }

    /// What the target has of them. `None` when the run halted in the meantime.
    pub(super) async fn find(
        &mut self,
        chunk: &Chunk,
        indices: &[usize],
    ) -> Result<Option<Vec<Finding>>, Error> {
        let mut looks = 1;
        loop {
            let Some(findings) = self.ask(chunk, indices).await? else {
                return Ok(None);
            };
            let untold = findings.iter().find_map(|finding| match finding {
                Finding::CannotTell(reason) => Some(reason),
                _ => None,
            });
            let Some(reason) = untold.filter(|_| looks < LOOKS) else {
                return Ok(Some(findings));
            };
            if !self.settled(reason).await {
                return Ok(None);
            }
            looks += 1;
        }
    }

    async fn ask(
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
