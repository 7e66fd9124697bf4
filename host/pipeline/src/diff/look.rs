//! What the target says of documents that would be sent, where it can be asked.

use std::collections::HashMap;

use duijie_contract::{Guarantee, Lookup};
use duijie_record::{Action, Finding, SourceKey, TargetKey};
use duijie_store::{Caution, HoldKind, IntentEntry};

use super::Delta;
use crate::Error;
use crate::options::{Context, breach};
use crate::planned::{PlannedHold, PlannedHoldKind};
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{Resolution, before_change, owned_by, with_caution};

/// What a look-up makes of a document.
pub(crate) enum Looked {
    Send,
    /// It counts as applied.
    Found(String),
    Hold(PlannedHold, Delta),
}

pub(crate) struct Looks {
    lookup: Option<Box<dyn Lookup>>,
    /// Why the ledger may have forgotten what was sent.
    caution: Option<Caution>,
    /// What a run does with a create under caution that the target cannot be
    /// asked about.
    harmless: bool,
}

impl Looks {
    pub(crate) async fn begin(context: &Context) -> Result<Self, Error> {
        let plan = context.plan();
        let usage = &plan.target.stage.usage;
        let lookup = match plan.target.lookup {
            true => context.options.launch.lookup(usage).await?,
            false => None,
        };
        Ok(Self {
            lookup,
            caution: context.options.store.caution(&plan.scope)?,
            harmless: matches!(
                plan.target.guarantee,
                Guarantee::NaturalUpsert | Guarantee::ServerKey
            ),
        })
    }

    /// Whether the target can be asked.
    pub(crate) fn asks(&self) -> bool {
        self.lookup.is_some()
    }

    /// One answer a document, in the order of the chunks. What counts as sent
    /// already is not looked up: the target does not have it yet.
    pub(super) async fn at(
        &mut self,
        context: &Context,
        chunks: &[Chunk],
        sent: &HashMap<TargetKey, Option<Vec<u8>>>,
    ) -> Result<Vec<Looked>, Error> {
        let mut looked = Vec::new();
        for chunk in chunks {
            let asked = |entry: &&IntentEntry| !sent.contains_key(&entry.target_key);
            let keys: Vec<TargetKey> = chunk
                .entries
                .iter()
                .filter(asked)
                .map(|entry| entry.target_key.clone())
                .collect();
            let findings = self.find(context, &keys).await?;
            let scope = &context.plan().scope;
            let owners = context.options.store.owners(scope, &keys)?;
            let mut known = findings.into_iter().flatten().zip(owners);
            for entry in &chunk.entries {
                let found = if asked(&entry) { known.next() } else { None };
                looked.push(match found {
                    Some((finding, owner)) => self.judge(entry, finding, owner.as_ref()),
                    None if asked(&entry) => self.unasked(entry),
                    None => Looked::Send,
                });
            }
        }
        Ok(looked)
    }

    fn unasked(&self, entry: &IntentEntry) -> Looked {
        match &self.caution {
            Some(caution) if entry.action == Action::Create && !self.harmless => {
                let why = &caution.reason;
                let reason = format!("{why}, and the target cannot be asked whether it has it");
                hold(HoldKind::Caution, reason)
            }
            _ => Looked::Send,
        }
    }

    fn judge(&self, entry: &IntentEntry, finding: Finding, owner: Option<&SourceKey>) -> Looked {
        let resolution = match entry.action {
            Action::Create => with_caution(finding, false),
            Action::Update | Action::Cancel => before_change(entry.known_id.as_deref(), finding),
        };
        let other = owner.filter(|owner| **owner != entry.source_key);
        match (resolution, other) {
            (Resolution::Send(_), _) => Looked::Send,
            (Resolution::Hold(kind, reason), _) => hold(kind, reason),
            (Resolution::Applied(_), Some(owner)) => match owned_by(owner) {
                Resolution::Hold(kind, reason) => hold(kind, reason),
                _ => Looked::Send,
            },
            (Resolution::Applied(id), None) => {
                let id = id.unwrap_or_default();
                if self.caution.is_some() {
                    return Looked::Found(id);
                }
                let reason = format!("the target has it as `{id}`, and the ledger does not");
                hold(HoldKind::Conflict, reason)
            }
        }
    }

    /// `None` where the target cannot be asked.
    pub(crate) async fn find(
        &mut self,
        context: &Context,
        keys: &[TargetKey],
    ) -> Result<Option<Vec<Finding>>, Error> {
        let Some(lookup) = &mut self.lookup else {
            return Ok(None);
        };
        if keys.is_empty() {
            return Ok(None);
        }
        let mut failed = 0;
        loop {
            let fault = match lookup.find(keys).await {
                Ok(findings) if findings.len() == keys.len() => return Ok(Some(findings)),
                Ok(findings) => {
                    let (given, asked) = (findings.len(), keys.len());
                    let what = format!("gave {given} findings for {asked} keys");
                    return Err(breach(&context.plan().target.stage, what).into());
                }
                Err(fault) => fault,
            };
            failed += 1;
            let Some(wait) = context.wait_after(&fault, failed) else {
                return Err(fault.into());
            };
            context.wait("looking up", &fault.to_string(), wait).await;
        }
    }
}

fn hold(kind: HoldKind, reason: String) -> Looked {
    let (kind, delta) = match kind {
        HoldKind::Conflict => (PlannedHoldKind::Conflict, Delta::Conflict(reason.clone())),
        HoldKind::Twice => (PlannedHoldKind::Twice, Delta::Conflict(reason.clone())),
        HoldKind::Doubt | HoldKind::Caution => {
            (PlannedHoldKind::Doubt, Delta::CannotTell(reason.clone()))
        }
        HoldKind::Locked | HoldKind::Change | HoldKind::Late => {
            (PlannedHoldKind::Locked, Delta::Hold(reason.clone()))
        }
    };
    Looked::Hold(PlannedHold { kind, reason }, delta)
}
