//! Documents that go through steps after they were written, in a world that
//! fails in every way it may.

use std::sync::Arc;

use async_trait::async_trait;
use duijie_contract::{Fault, FaultKind, Guarantee, Steps};
use duijie_record::{Outcome, Progress, Rejection, Retry, StepEntry};
use duijie_store::Store;

use super::chaos::alive;
use super::guards::at_every_point;
use super::store::Slow;
use super::tests::{CALM, PLENTY, Play, play};
use super::world::{Effect, Fate, SETTLE_MS, World, fault, unavailable};

const STEPS: &[&str] = &["submit", "audit"];

/// Takes steps in the world.
pub(crate) struct Walks {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Slow>,
}

impl Walks {
    /// Every document has one open intent, and it names this step.
    fn watch(&self, step: usize, entries: &[StepEntry]) {
        let intents = self.store.memory.open_intents(&"orders".into()).unwrap();
        let mut ground = self.world.ground();
        ground.writes += 1;
        for entry in entries {
            let open = intents.iter().flat_map(|intent| &intent.entries);
            let open = open.filter(|open| open.target_key == entry.target_key);
            let steps: Vec<u8> = open.map(|open| open.step).collect();
            if steps.iter().map(|step| usize::from(*step)).ne([step]) && self.world.watchful {
                let wrong = format!("step {step} of {entry:?} under intents for {steps:?}");
                ground.wrongs.push(wrong);
            }
        }
    }

    fn one(&self, step: usize, entry: &StepEntry) -> Outcome {
        if !self.world.whole && self.world.trouble(20) {
            return refused("sim.busy", Retry::Later);
        }
        if self.world.trouble(20) {
            return Outcome::Unknown("lost on the way there".to_owned());
        }
        let number = entry.target_key.0.clone();
        let effect = Effect::Step { number, step };
        let now = self.world.now_ms();
        if self.world.trouble(30) {
            let late = now + self.world.below(SETTLE_MS - 20);
            self.world.ground().pending.push((late, effect));
            return Outcome::Unknown("lost on the way back".to_owned());
        }
        self.world.ground().pending.push((now, effect));
        Outcome::Applied(None)
    }
}

#[async_trait]
impl Steps for Walks {
    async fn progress(&mut self, entries: &[StepEntry]) -> Result<Vec<Progress>, Fault> {
        self.world.pause(5).await;
        alive().await;
        if self.world.trouble(20) {
            return Err(unavailable());
        }
        let now = self.world.now_ms();
        let ground = self.world.ground();
        let told = |entry: &StepEntry| {
            let number = &entry.target_key.0;
            let standing = ground.target.get(number).into_iter().flatten();
            if !standing.clone().any(|found| found.visible_ms <= now) {
                return Progress::Absent;
            }
            let taken = ground.taken.get(number).into_iter().flatten();
            let visible = taken.filter(|since| **since <= now).count();
            let done = STEPS.iter().take(visible);
            Progress::Done(done.map(|step| (*step).to_owned()).collect())
        };
        Ok(entries.iter().map(told).collect())
    }

    async fn perform(&mut self, step: &str, entries: &[StepEntry]) -> Result<Vec<Outcome>, Fault> {
        alive().await;
        let step = 1 + STEPS.iter().position(|name| *name == step).unwrap();
        self.watch(step, entries);
        self.world.pause(5).await;
        alive().await;
        if self.world.trouble(20) {
            return Err(unavailable());
        }
        if self.world.whole && self.world.trouble(30) {
            return Ok(vec![refused("sim.busy", Retry::Later); entries.len()]);
        }
        let mut outcomes = Vec::new();
        for entry in entries {
            outcomes.push(self.one(step, entry));
            if self.world.trouble(5) {
                return Err(fault(FaultKind::Guest, "it trapped in the middle"));
            }
        }
        self.world.pause(20).await;
        alive().await;
        if self.world.trouble(5) {
            outcomes.pop();
        }
        Ok(outcomes)
    }
}

fn refused(code: &str, retry: Retry) -> Outcome {
    Outcome::Rejected(Rejection {
        code: code.to_owned(),
        message: "sim says no".to_owned(),
        field: None,
        retry,
    })
}

#[test]
fn every_step_is_taken_once_when_nothing_fails() {
    play(Play {
        steps: STEPS,
        ..CALM
    });
}

#[test]
fn every_step_is_taken_once_whatever_fails() {
    for guarantee in [Guarantee::Lookup, Guarantee::ServerKey] {
        play(Play {
            guarantee,
            trouble: 40,
            cut_short: 5,
            steps: STEPS,
            ..CALM
        });
    }
}

#[test]
fn every_step_is_taken_once_though_the_tries_are_used_up() {
    for attempts in [1, 3] {
        play(Play {
            trouble: 40,
            cut_short: 2,
            attempts,
            steps: STEPS,
            ..CALM
        });
    }
}

#[test]
fn what_has_taken_its_steps_is_not_changed_whatever_fails() {
    play(Play {
        guarantee: Guarantee::UniqueKey,
        versions: 4,
        fates: &[Fate::Keep, Fate::Keep, Fate::Delete, Fate::Poison],
        trouble: 30,
        cut_short: 4,
        attempts: PLENTY,
        steps: STEPS,
        ..CALM
    });
}

#[test]
fn a_process_may_die_at_any_point_between_the_steps() {
    at_every_point(Play {
        versions: 2,
        fates: &[Fate::Keep, Fate::Keep, Fate::Poison],
        trouble: 30,
        cut_short: 2,
        steps: STEPS,
        ..CALM
    });
}
