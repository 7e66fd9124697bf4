//! What a stretch of the source shows against what is known of it, and that
//! against what the target shows. Writes nothing, neither to the store nor to
//! the target, and asks nothing again that was only seen too early.

use std::collections::{HashMap, HashSet};

use duijie_record::{Finding, SourceKey, TargetKey, Version};
use duijie_store::{DocumentState, Fingerprint, LedgerRow};

use crate::Error;
use crate::diff::look::Looks;
use crate::options::{Context, Options, breach};
use crate::preview::reading;
use crate::stage::source::{next, verify};

/// Differences that are told one by one.
const MOST_TOLD: usize = 1_000;
/// Records that one comparison looks at: each is remembered, to be counted
/// once.
const MOST_RECORDS: usize = 1_000_000;

/// What came of all that the source showed. Records are counted once each,
/// documents by what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciliation {
    pub records: u64,
    /// Whether the source has more than one comparison looks at.
    pub cut: bool,
    /// Left out by a transform.
    pub dropped: u64,
    /// Shown in another version than the one dealt with: a run reads it next,
    /// or the policy ignores what is new about it.
    pub newer: u64,
    /// Sent without an answer yet.
    pub open: u64,
    pub applied: u64,
    pub cancelled: u64,
    pub rejected: u64,
    pub held: u64,
    pub discarded: u64,
    pub grouped: u64,
    /// Applied documents that the target shows; `None` where it cannot be asked.
    pub shown: Option<u64>,
    /// Applied so lately that the target need not show them yet.
    pub early: u64,
    /// The target could not say.
    pub untold: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub differing: u64,
}

/// Source and target do not agree, and nobody was told so before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub kind: DifferenceKind,
    pub source_key: SourceKey,
    pub target_key: Option<TargetKey>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The source shows it, and no run has dealt with it.
    NoOutcome,
    /// It was applied, and the target does not show it.
    NotInTarget,
    /// The target shows more than one of its number.
    Twice,
    /// The target shows another document under its number.
    OtherDocument,
}

impl DifferenceKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::NoOutcome => "no outcome",
            Self::NotInTarget => "not in the target",
            Self::Twice => "twice in the target",
            Self::OtherDocument => "another document in the target",
        }
    }
}

/// Reads all of the stretch that the plan's source settings name, within the
/// bounds that a run has, or until it has seen a million records.
pub async fn reconcile(options: &Options) -> Result<Reconciliation, Error> {
    let options = &options.bounded();
    let most = options.plan.policy.longest_run;
    tokio::select! {
        found = compared(options) => found,
        () = options.clock.sleep(most) => Err(Error::RunTooLong { most }),
    }
}

async fn compared(options: &Options) -> Result<Reconciliation, Error> {
    let plan = &options.plan;
    if plan.drains {
        return Err(Error::NotReadAgain);
    }
    // What the ledger has forgotten would look like what it never knew.
    let kept = plan.policy.retention.ledger;
    options.purpose.check(options.clock.now_ms(), kept)?;
    let context = reading(options, true)?;
    let mut source = options.launch.source(&plan.source.usage, None).await?;
    let mut looks = Looks::begin(&context).await?;
    let mut tally = Tally::begin(&context, looks.asks())?;
    let (mut positions, mut seen) = (HashSet::new(), Seen::of_most(MOST_RECORDS));
    while let Some(batch) = next(&context, &mut *source).await? {
        let lined = verify(batch, &mut positions).map_err(|what| breach(&plan.source, what))?;
        let mut versions: HashMap<&SourceKey, Option<&Version>> = HashMap::new();
        let mut keys = Vec::new();
        for entry in &lined.batch.entries {
            versions.insert(&entry.key, entry.version.as_ref());
            if seen.is_new(&entry.key) {
                keys.push(entry.key.clone());
            }
        }
        let rows = context.ledger(&keys)?;
        for (key, row) in keys.iter().zip(rows) {
            let version = versions.get(key).copied().flatten();
            tally.record(key, version, row);
        }
        look(&context, &mut looks, &mut tally).await?;
        if seen.is_cut {
            tally.found.cut = true;
            break;
        }
    }
    Ok(tally.found)
}

/// Keys that were shown, as fingerprints: so many bytes each, however long a
/// connector makes its keys.
struct Seen {
    keys: HashSet<Fingerprint>,
    most: usize,
    is_cut: bool,
}

impl Seen {
    fn of_most(most: usize) -> Self {
        Self {
            keys: HashSet::new(),
            most,
            is_cut: false,
        }
    }

    /// Whether it is the first time that it is shown; nothing is new any more
    /// once there are so many.
    fn is_new(&mut self, key: &SourceKey) -> bool {
        let print = Fingerprint::of(key.as_str().as_bytes());
        if self.keys.len() >= self.most {
            self.is_cut |= !self.keys.contains(&print);
            return false;
        }
        self.keys.insert(print)
    }
}

/// Asks the target for what was applied.
async fn look(context: &Context, looks: &mut Looks, tally: &mut Tally) -> Result<(), Error> {
    let most = context.plan().target.max_records.max(1);
    for some in std::mem::take(&mut tally.asked).chunks(most) {
        let keys: Vec<TargetKey> = some.iter().map(|asked| asked.target_key.clone()).collect();
        let findings = looks.find(context, &keys).await?;
        for (asked, finding) in some.iter().zip(findings.into_iter().flatten()) {
            tally.shown(asked, finding);
        }
    }
    Ok(())
}

/// An applied document that the target is asked for.
struct Asked {
    source_key: SourceKey,
    target_key: TargetKey,
    target_id: Option<String>,
    applied_ms: u64,
}

/// Judges, and asks nobody.
struct Tally {
    /// Of open intents: they are not known to be anything yet.
    open: HashSet<SourceKey>,
    /// What was applied before it must be shown.
    until_ms: u64,
    asked: Vec<Asked>,
    found: Reconciliation,
}

impl Tally {
    fn begin(context: &Context, asks: bool) -> Result<Self, Error> {
        let plan = context.plan();
        let intents = context.options.store.open_intents(&plan.scope)?;
        let entries = intents.into_iter().flat_map(|intent| intent.entries);
        let settle = u64::try_from(plan.target.settle.as_millis()).unwrap_or(u64::MAX);
        Ok(Self {
            open: entries.map(|entry| entry.source_key).collect(),
            until_ms: context.options.clock.now_ms().saturating_sub(settle),
            asked: Vec::new(),
            found: Reconciliation {
                shown: asks.then_some(0),
                ..Reconciliation::default()
            },
        })
    }

    fn record(&mut self, key: &SourceKey, version: Option<&Version>, row: Option<LedgerRow>) {
        let found = &mut self.found;
        found.records += 1;
        if self.open.contains(key) {
            found.open += 1;
            return;
        }
        let Some(row) = row else {
            self.differs(DifferenceKind::NoOutcome, key, None);
            return;
        };
        if version.is_some() && version != row.version.as_ref() {
            found.newer += 1;
        }
        if row.documents.is_empty() {
            found.dropped += 1;
        }
        for document in row.documents {
            match document.state {
                DocumentState::Applied => {
                    found.applied += 1;
                    if found.shown.is_some() {
                        self.asked.push(Asked {
                            source_key: key.clone(),
                            target_key: document.target_key,
                            target_id: document.target_id,
                            applied_ms: row.at_ms,
                        });
                    }
                }
                DocumentState::Cancelled => found.cancelled += 1,
                DocumentState::Rejected => found.rejected += 1,
                DocumentState::Held(_) => found.held += 1,
                DocumentState::Discarded => found.discarded += 1,
                DocumentState::Grouped => found.grouped += 1,
            }
        }
    }

    fn shown(&mut self, asked: &Asked, finding: Finding) {
        let known = asked.target_id.as_deref();
        let kind = match finding {
            Finding::Found(found) if known.is_none_or(|known| known == found.id) => {
                self.found.shown = self.found.shown.map(|shown| shown + 1);
                return;
            }
            Finding::CannotTell(_) => {
                self.found.untold += 1;
                return;
            }
            Finding::Absent if asked.applied_ms > self.until_ms => {
                self.found.early += 1;
                return;
            }
            Finding::Found(_) => DifferenceKind::OtherDocument,
            Finding::Absent => DifferenceKind::NotInTarget,
            Finding::FoundTwice(_) => DifferenceKind::Twice,
        };
        self.differs(kind, &asked.source_key, Some(asked.target_key.clone()));
    }

    fn differs(
        &mut self,
        kind: DifferenceKind,
        source_key: &SourceKey,
        target_key: Option<TargetKey>,
    ) {
        self.found.differing += 1;
        if self.found.differences.len() < MOST_TOLD {
            self.found.differences.push(Difference {
                kind,
                source_key: source_key.clone(),
                target_key,
            });
        }
    }
}

#[cfg(test)]
mod tests;
