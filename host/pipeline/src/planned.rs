//! A plan of documents that a person has seen, and the gate that lets those
//! documents through and no others.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use duijie_plan::Plan;
use duijie_record::{Action, Position, SourceKey, TargetKey};
use duijie_store::{Fingerprint, HoldKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;

/// What `plan --diff` showed, to be kept until `run --plan` asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// SHA-256 over all the rest, lower hex.
    pub hash: String,
    /// SHA-256 of the manifest's text, lower hex.
    pub manifest: String,
    /// Digests of source, transforms and target.
    pub components: Vec<String>,
    /// Whose checkpoint it goes on at; empty for the live one.
    pub lane: String,
    /// Where the source was opened; `None` at its start.
    pub position: Option<Vec<u8>>,
    /// Where it was left, when it had more.
    pub until: Option<Vec<u8>>,
    /// Sorted.
    pub entries: Vec<PlannedEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlannedEntry {
    pub source_key: String,
    pub part: String,
    pub target_key: String,
    pub action: PlannedAction,
    /// Of the mapped document, 32 hex digits.
    pub print: String,
    /// Why it is held for a person instead of being sent.
    pub hold: Option<PlannedHold>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    Create,
    Update,
    Cancel,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlannedHold {
    pub kind: PlannedHoldKind,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedHoldKind {
    Conflict,
    Twice,
    Doubt,
    Locked,
}

impl Planned {
    pub(crate) fn new(
        plan: &Plan,
        lane: &str,
        position: Option<&Position>,
        until: Option<Position>,
        mut entries: Vec<PlannedEntry>,
    ) -> Self {
        entries.sort_unstable();
        let mut planned = Self {
            hash: String::new(),
            manifest: plan.manifest_digest.clone(),
            components: components(plan),
            lane: lane.to_owned(),
            position: position.map(|position| position.0.clone()),
            until: until.map(|position| position.0),
            entries,
        };
        planned.hash = planned.digest();
        planned
    }

    /// Whether the hash fits all the rest: a file may have been written to.
    pub fn is_whole(&self) -> bool {
        self.hash == self.digest()
    }

    fn digest(&self) -> String {
        let rest = Self {
            hash: String::new(),
            ..self.clone()
        };
        // Plain texts, lists and numbers always have a form in JSON.
        let bytes = serde_json::to_vec(&rest).unwrap_or_default();
        let digest = Sha256::digest(&bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Refuses a plan that was made of something else than what is there now.
    pub(crate) fn check(&self, plan: &Plan, position: Option<&Position>) -> Result<(), Error> {
        let stale = |what| Err(Error::PlanStale { what });
        if !self.is_whole() {
            return stale("its file was changed");
        }
        if self.manifest != plan.manifest_digest {
            return stale("the manifest is another");
        }
        if self.components != components(plan) {
            return stale("a connector is another");
        }
        if self.position.as_deref() != position.map(|position| position.0.as_slice()) {
            return stale("the checkpoint has moved");
        }
        Ok(())
    }
}

fn components(plan: &Plan) -> Vec<String> {
    let stages = std::iter::once(&plan.source)
        .chain(&plan.transforms)
        .chain([&plan.target.stage]);
    stages.map(|stage| stage.digest.clone()).collect()
}

impl PlannedAction {
    pub(crate) fn of(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Cancel => Self::Cancel,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Cancel => "cancelled",
        }
    }
}

impl PlannedHoldKind {
    fn kind(self) -> HoldKind {
        match self {
            Self::Conflict => HoldKind::Conflict,
            Self::Twice => HoldKind::Twice,
            Self::Doubt => HoldKind::Doubt,
            Self::Locked => HoldKind::Locked,
        }
    }
}

pub(crate) fn hex(print: Fingerprint) -> String {
    format!("{:032x}", print.0)
}

/// What the plan says of a document that is about to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    Send,
    Hold(HoldKind, String),
    /// With what differs.
    Refused(String),
}

/// A plan while a run goes by it.
pub(crate) struct Gate {
    planned: Arc<Planned>,
    /// Entries of each source key.
    places: HashMap<String, Vec<usize>>,
    met: Mutex<HashSet<usize>>,
}

impl Gate {
    pub(crate) fn new(planned: &Arc<Planned>) -> Self {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, entry) in planned.entries.iter().enumerate() {
            places
                .entry(entry.source_key.clone())
                .or_default()
                .push(place);
        }
        Self {
            planned: Arc::clone(planned),
            places,
            met: Mutex::default(),
        }
    }

    pub(crate) fn pass(
        &self,
        source_key: &SourceKey,
        part: &str,
        target_key: &TargetKey,
        action: Action,
        print: Fingerprint,
    ) -> Passes {
        let places = self.places.get(source_key.as_str());
        let of_key = places.into_iter().flatten().copied();
        let entries = of_key.filter_map(|place| Some((place, self.planned.entries.get(place)?)));
        let of_part = entries.filter(|(_, entry)| entry.part == part);
        let (action, print) = (PlannedAction::of(action), hex(print));
        let mut differs = "is not in the plan".to_owned();
        for (place, entry) in of_part {
            if entry.target_key != target_key.as_str() {
                let planned = &entry.target_key;
                differs = format!("has the number `{target_key}`, and `{planned}` in the plan");
            } else if entry.action != action {
                let (now, planned) = (action.word(), entry.action.word());
                differs = format!("would be {now}, and {planned} by the plan");
            } else if entry.print != print {
                "has another content than in the plan".clone_into(&mut differs);
            } else {
                self.met().insert(place);
                return match &entry.hold {
                    None => Passes::Send,
                    Some(hold) => Passes::Hold(hold.kind.kind(), hold.reason.clone()),
                };
            }
        }
        Passes::Refused(differs)
    }

    /// An error where planned documents never came.
    pub(crate) fn all_met(&self) -> Result<(), Error> {
        let met = self.met();
        let mut unmet = (self.planned.entries.iter().enumerate())
            .filter(|(place, _)| !met.contains(place))
            .map(|(_, entry)| entry);
        match unmet.next() {
            None => Ok(()),
            Some(first) => Err(Error::PlanUnmet {
                documents: 1 + unmet.count(),
                source_key: first.source_key.clone(),
            }),
        }
    }

    fn met(&self) -> std::sync::MutexGuard<'_, HashSet<usize>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
