//! The world: what the source holds, what stands in the target, the dice.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use duijie_contract::{Bounds, Fault, FaultKind, Guarantee, Role, Use};
use duijie_plan::{
    OnChange, OnNewer, OnRejected, OnUnknown, Plan, Policy, Retention, Retries, Stage, TargetStage,
};
use duijie_record::Collection;

use crate::retry::Random;

pub(crate) const SETTLE_MS: u64 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    Drop,
    /// Refused by the transform.
    Reject,
    /// Refused by the target.
    Poison,
    Delete,
}

/// One version of one document of the source.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) key: String,
    pub(crate) version: u32,
    pub(crate) parts: u32,
    pub(crate) fate: Fate,
}

impl Written {
    pub(crate) fn line(&self) -> String {
        let Self {
            key,
            version,
            parts,
            fate,
        } = self;
        format!(r#"{{"no":"{key}","v":{version},"parts":{parts},"fate":"{fate:?}"}}"#)
    }

    pub(crate) fn version(&self) -> String {
        format!("{:04}", self.version)
    }

    /// Part, number and content of what it maps to.
    pub(crate) fn documents(&self) -> Vec<(String, String, String)> {
        if !matches!(self.fate, Fate::Keep | Fate::Poison) {
            return Vec::new();
        }
        let poison = self.fate == Fate::Poison;
        (0..self.parts)
            .map(|part| {
                let (part, number) = if self.parts == 1 {
                    (String::new(), self.key.clone())
                } else {
                    (part.to_string(), format!("{}-{part}", self.key))
                };
                let version = self.version;
                let content =
                    format!(r#"{{"FBillNo":"{number}","v":{version},"poison":{poison}}}"#);
                (part, number, content)
            })
            .collect()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) id: String,
    pub(crate) content: String,
    pub(crate) visible_ms: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Create {
        number: String,
        content: String,
    },
    Update {
        number: String,
        content: String,
    },
    Cancel {
        number: String,
    },
    /// From 1.
    Step {
        number: String,
        step: usize,
    },
}

#[derive(Default)]
pub(crate) struct Ground {
    pub(crate) source: Vec<Written>,
    pub(crate) target: BTreeMap<String, Vec<Standing>>,
    /// Sent, and not yet in effect.
    pub(crate) pending: Vec<(u64, Effect)>,
    pub(crate) writing: HashSet<String>,
    pub(crate) writes: u64,
    pub(crate) next_id: u64,
    pub(crate) wrongs: Vec<String>,
    /// Numbers that may not be changed.
    pub(crate) locked: HashSet<String>,
    /// Since when each step of a number can be seen.
    pub(crate) taken: BTreeMap<String, Vec<u64>>,
}

pub(crate) struct World {
    pub(crate) ground: Mutex<Ground>,
    pub(crate) dice: Random,
    /// How often something fails, in percent.
    pub(crate) trouble: u64,
    pub(crate) upsert: bool,
    /// Refuses for now whole calls only, never a document among others.
    pub(crate) whole: bool,
    /// Whether the protocol is watched while it goes on, and not only what
    /// comes of it.
    pub(crate) watchful: bool,
    started: tokio::time::Instant,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        trouble: u64,
        upsert: bool,
        whole: bool,
        watchful: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            watchful,
            ground: Mutex::default(),
            dice: Random::seeded(seed),
            trouble,
            upsert,
            whole,
            started: tokio::time::Instant::now(),
        })
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub(crate) fn below(&self, limit: u64) -> u64 {
        self.dice.next() % limit.max(1)
    }

    /// Whether something goes wrong now.
    pub(crate) fn trouble(&self, percent_of_trouble: u64) -> bool {
        self.below(100) < self.trouble && self.below(100) < percent_of_trouble
    }

    pub(crate) async fn pause(&self, longest_ms: u64) {
        match self.below(longest_ms + 1) {
            0 => tokio::task::yield_now().await,
            wait => tokio::time::sleep(Duration::from_millis(wait)).await,
        }
    }

    /// With everything in effect that is due.
    pub(crate) fn ground(&self) -> MutexGuard<'_, Ground> {
        let now = self.now_ms();
        let mut ground = self.ground.lock().unwrap();
        let mut due: Vec<_> = ground
            .pending
            .extract_if(.., |(at, _)| *at <= now)
            .collect();
        due.sort_by_key(|(at, _)| *at);
        for (at, effect) in due {
            ground.take_effect(at, effect, self.upsert);
        }
        ground
    }
}

impl Ground {
    /// What has begun its steps is changed no more.
    pub(crate) fn is_locked(&self, number: &str) -> bool {
        self.locked.contains(number) || self.taken.contains_key(number)
    }

    /// When it is seen by a look-up, some time later than it is there.
    fn take_effect(&mut self, at: u64, effect: Effect, upsert: bool) {
        self.next_id += 1;
        let id = format!("id{}", self.next_id);
        match effect {
            Effect::Create { number, content } => {
                let standing = self.target.entry(number.clone()).or_default();
                if upsert && let Some(standing) = standing.first_mut() {
                    standing.content = content;
                    return;
                }
                if !standing.is_empty() {
                    self.wrongs.push(format!("{number} was created twice"));
                }
                standing.push(Standing {
                    id,
                    content,
                    visible_ms: at + 15,
                });
            }
            Effect::Update { number, content } => {
                match self
                    .target
                    .get_mut(&number)
                    .and_then(|found| found.first_mut())
                {
                    Some(standing) => standing.content = content,
                    None => self
                        .wrongs
                        .push(format!("{number} was updated and is not there")),
                }
                if self.is_locked(&number) {
                    self.wrongs
                        .push(format!("{number} is locked and was updated"));
                }
            }
            Effect::Cancel { number } => {
                self.target.remove(&number);
            }
            Effect::Step { number, step } => {
                let taken = self.taken.entry(number.clone()).or_default();
                if taken.len() + 1 != step || !self.target.contains_key(&number) {
                    let wrong = format!("{number} took step {step} after {}", taken.len());
                    self.wrongs.push(wrong);
                }
                taken.push(at + 15);
            }
        }
    }
}

pub(crate) fn fault(kind: fn(String) -> FaultKind, text: &str) -> Fault {
    Fault::new("sim 1.0.0", kind(text.to_owned()))
}

pub(crate) fn unavailable() -> Fault {
    let kind = FaultKind::Unavailable {
        reason: "sim is down".to_owned(),
        retry_after: None,
    };
    Fault::new("sim 1.0.0", kind)
}

pub(crate) fn stage(role: Role) -> Stage {
    Stage {
        usage: Use {
            connector: "sim".to_owned(),
            role,
            connection: None,
            connection_settings: "{}".to_owned(),
            pipeline_settings: "{}".to_owned(),
            collection: Collection::from("orders"),
            secrets: Vec::new(),
            allow: Vec::new(),
            tables: Vec::new(),
            grant_place: String::new(),
            calls_per_minute: 0,
        },
        version: "1.0.0".to_owned(),
        digest: String::new(),
    }
}

pub(crate) fn plan(guarantee: Guarantee, on_change: OnChange, transforms: usize) -> Plan {
    Plan {
        name: "orders".into(),
        scope: "orders".into(),
        enabled: true,
        schedule: None,
        manifest_digest: String::new(),
        source: stage(Role::Source),
        group: None,
        drains: false,
        transforms: vec![stage(Role::Transform); transforms],
        target: TargetStage {
            stage: stage(Role::Target),
            key: Some("FBillNo".to_owned()),
            guarantee,
            lookup: !matches!(guarantee, Guarantee::None | Guarantee::NaturalUpsert),
            settle: Duration::from_millis(SETTLE_MS),
            max_records: 3,
            max_bytes: 10_000,
            table: None,
            steps: Vec::new(),
        },
        policy: Policy {
            on_change,
            on_rejected: OnRejected::Continue,
            on_unknown: OnUnknown::Hold,
            retries: Retries {
                attempts: 40,
                first_wait: Duration::from_millis(2),
                longest_wait: Duration::from_millis(20),
                budget: Duration::from_secs(3_600),
            },
            on_newer: OnNewer::Pass,
            bounds: Bounds::DEFAULT,
            longest_run: Duration::from_secs(7 * 86_400),
            retention: Retention {
                ledger: Duration::from_secs(400 * 86_400),
                evidence: Duration::from_secs(30 * 86_400),
                evidence_bytes: 4 << 30,
            },
            page_records: 5,
            read_ahead: 2,
            writers: 3,
        },
        sealed: false,
    }
}
