//! A target that loses answers, applies late, applies halves, and refuses.

use std::sync::Arc;

use async_trait::async_trait;
use duijie_contract::{Fault, FaultKind, Lookup, Target};
use duijie_record::{
    Action, DocumentBatch, DocumentEntry, Finding, FoundDocument, Lines, Outcome, Rejection, Retry,
    State, TargetKey,
};
use duijie_store::{Memory, Store};

use super::chaos::alive;
use super::store::Slow;
use super::world::{Effect, SETTLE_MS, World, fault, unavailable};

pub(crate) struct Writes {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Slow>,
}

/// Marks numbers as being written for as long as it lives.
struct Writing<'world>(&'world World, Vec<String>);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut ground = self.0.ground();
        for number in &self.1 {
            ground.writing.remove(number);
        }
    }
}

impl Writes {
    fn begin(&self, batch: &DocumentBatch) -> Writing<'_> {
        let memory: &Memory = &self.store.memory;
        let intents = memory.open_intents(&"orders".into()).unwrap();
        let mut ground = self.world.ground();
        let mut numbers = Vec::new();
        for entry in &batch.entries {
            let number = entry.target_key.0.clone();
            let open = intents.iter().flat_map(|intent| &intent.entries);
            let count = open
                .filter(|open| open.target_key == entry.target_key)
                .filter(|open| open.attempt == entry.attempt && open.action == entry.action)
                .count();
            if count != 1 && self.world.watchful {
                ground.wrongs.push(format!("{count} intents for {entry:?}"));
            }
            if !ground.writing.insert(number.clone()) && self.world.watchful {
                ground
                    .wrongs
                    .push(format!("{number} is written twice at once"));
            }
            ground.writes += 1;
            numbers.push(number);
        }
        Writing(&self.world, numbers)
    }

    /// Sends one document; says what will be answered.
    fn one(&self, entry: &DocumentEntry, line: &[u8]) -> Outcome {
        let number = entry.target_key.0.clone();
        let content = String::from_utf8(line.to_vec()).unwrap();
        let mut ground = self.world.ground();
        if content.contains(r#""poison":true"#) {
            return refuse("sim.poison", Retry::Never);
        }
        if !self.world.whole && self.world.trouble(20) {
            return refuse("sim.busy", Retry::Later);
        }
        if self.world.trouble(20) {
            return Outcome::Unknown("lost on the way there".to_owned());
        }
        let effect = match entry.action {
            Action::Create => Effect::Create { number, content },
            Action::Update => {
                let found = ground.target.get(&number).and_then(|found| found.first());
                if found.map(|found| &found.id) != entry.known_id.as_ref() {
                    ground
                        .wrongs
                        .push(format!("{number} is updated under a wrong id"));
                }
                Effect::Update { number, content }
            }
            Action::Cancel => Effect::Cancel { number },
        };
        let now = self.world.now_ms();
        if self.world.trouble(30) {
            let late = now + self.world.below(SETTLE_MS - 20);
            ground.pending.push((late, effect));
            return Outcome::Unknown("lost on the way back".to_owned());
        }
        ground.pending.push((now, effect));
        drop(ground);
        let told = self.world.below(4) > 0;
        let ground = self.world.ground();
        let standing = ground.target.get(&entry.target_key.0);
        let id = standing.and_then(|found| Some(found.first()?.id.clone()));
        Outcome::Applied(id.filter(|_| told))
    }
}

fn refuse(code: &str, retry: Retry) -> Outcome {
    Outcome::Rejected(Rejection {
        code: code.to_owned(),
        message: "sim says no".to_owned(),
        field: None,
        retry,
    })
}

#[async_trait]
impl Target for Writes {
    async fn write(&mut self, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault> {
        alive().await;
        let writing = self.begin(batch);
        self.world.pause(5).await;
        alive().await;
        if self.world.trouble(20) {
            return Err(unavailable());
        }
        let poisoned = batch
            .data
            .windows(13)
            .any(|word| word == b"\"poison\":true");
        if poisoned && self.world.below(2) == 0 {
            let whole = match self.world.below(3) {
                0 => Outcome::Unknown("the answer is garbled".to_owned()),
                _ => refuse("sim.batch", Retry::Never),
            };
            return Ok(vec![whole; batch.entries.len()]);
        }
        if self.world.whole && self.world.trouble(30) {
            return Ok(vec![refuse("sim.busy", Retry::Later); batch.entries.len()]);
        }
        let mut outcomes = Vec::new();
        for (entry, line) in batch.entries.iter().zip(Lines::new(&batch.data)) {
            outcomes.push(self.one(entry, line));
            if self.world.trouble(5) {
                return Err(fault(FaultKind::Guest, "it trapped in the middle"));
            }
        }
        self.world.pause(20).await;
        alive().await;
        if self.world.trouble(5) {
            outcomes.pop();
        }
        drop(writing);
        Ok(outcomes)
    }
}

pub(crate) struct Finds {
    pub(crate) world: Arc<World>,
}

#[async_trait]
impl Lookup for Finds {
    async fn find(&mut self, keys: &[TargetKey]) -> Result<Vec<Finding>, Fault> {
        self.world.pause(5).await;
        alive().await;
        if self.world.trouble(20) {
            return Err(unavailable());
        }
        let now = self.world.now_ms();
        let ground = self.world.ground();
        let find = |key: &TargetKey| {
            let standing = ground.target.get(&key.0).into_iter().flatten();
            let visible: Vec<_> = standing.filter(|found| found.visible_ms <= now).collect();
            let state = if ground.is_locked(&key.0) {
                State::Locked("audited".to_owned())
            } else {
                State::Open
            };
            let found: Vec<_> = visible
                .iter()
                .map(|found| FoundDocument {
                    id: found.id.clone(),
                    state: state.clone(),
                })
                .collect();
            match found.len() {
                0 => Finding::Absent,
                1 => Finding::Found(found[0].clone()),
                _ => Finding::FoundTwice(found),
            }
        };
        Ok(keys.iter().map(find).collect())
    }
}
