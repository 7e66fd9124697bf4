//! What a stretch of the source shows against what is known of it, and that
//! against what the target shows. Writes nothing, neither to the store nor to
//! the target, and asks nothing again that was only seen too early.

use std::collections::{HashMap, HashSet};

use duijie_record::{Finding, SourceKey, TargetKey, Version};
use duijie_store::{DocumentState, LedgerRow};

use crate::Error;
use crate::diff::look::Looks;
use crate::options::{Context, Options, breach};
use crate::preview::reading;
use crate::stage::source::{next, verify};

/// Differences that are told one by one.
const MOST_TOLD: usize = 1_000;

/// What came of all that the source showed. Records are counted once each,
/// documents by what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciliation {
    pub records: u64,
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

/// Reads all of the stretch that the plan's source settings name.
pub async fn reconcile(options: &Options) -> Result<Reconciliation, Error> {
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
    let (mut positions, mut seen) = (HashSet::new(), HashSet::new());
    while let Some(batch) = next(&context, &mut *source).await? {
        let lined = verify(batch, &mut positions).map_err(|what| breach(&plan.source, what))?;
        let mut versions: HashMap<&SourceKey, Option<&Version>> = HashMap::new();
        let mut keys = Vec::new();
        for entry in &lined.batch.entries {
            versions.insert(&entry.key, entry.version.as_ref());
            if seen.insert(entry.key.clone()) {
                keys.push(entry.key.clone());
            }
        }
        let rows = context.ledger(&keys)?;
        for (key, row) in keys.iter().zip(rows) {
            let version = versions.get(key).copied().flatten();
            tally.record(key, version, row);
        }
        look(&context, &mut looks, &mut tally).await?;
    }
    Ok(tally.found)
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
mod tests {
    use duijie_record::{FoundDocument, State};
    use duijie_store::{DocumentRow, Fingerprint};

    use super::*;

    fn tally() -> Tally {
        Tally {
            open: HashSet::from(["open".into()]),
            until_ms: 1_000,
            asked: Vec::new(),
            found: Reconciliation {
                shown: Some(0),
                ..Reconciliation::default()
            },
        }
    }

    fn row(key: &str, states: Vec<DocumentState>, at_ms: u64) -> LedgerRow {
        let documents = states.into_iter().map(|state| DocumentRow {
            part: String::new(),
            target_key: format!("T-{key}").as_str().into(),
            target_id: Some(format!("id-{key}")),
            mapped_print: Fingerprint(0),
            state,
            step: 0,
            attempts: 1,
            tries: Vec::new(),
            sent: None,
        });
        LedgerRow {
            source_key: key.into(),
            version: Some("2".into()),
            source_print: Fingerprint(0),
            documents: documents.collect(),
            record: None,
            run: "r".into(),
            at_ms,
        }
    }

    fn found(id: &str) -> Finding {
        Finding::Found(FoundDocument {
            id: id.to_owned(),
            state: State::Open,
        })
    }

    #[test]
    fn every_record_is_counted_once_by_what_is_known_of_it() {
        let mut tally = tally();
        let two: Version = "2".into();
        let three: Version = "3".into();
        let mut record = |key: &str, version, states: Option<Vec<DocumentState>>| {
            let row = states.map(|states| row(key, states, 1));
            tally.record(&key.into(), version, row);
        };
        record("open", None, None);
        record("new", Some(&two), None);
        record("dropped", None, Some(Vec::new()));
        record("newer", Some(&three), Some(vec![DocumentState::Applied]));
        let held = DocumentState::Held("locked".to_owned());
        let all = vec![DocumentState::Rejected, held, DocumentState::Cancelled];
        record("parts", Some(&two), Some(all));
        let all = vec![DocumentState::Discarded, DocumentState::Grouped];
        record("more", None, Some(all));
        assert_eq!(tally.asked.len(), 1);
        let expected = Reconciliation {
            records: 6,
            open: 1,
            dropped: 1,
            newer: 1,
            applied: 1,
            rejected: 1,
            held: 1,
            cancelled: 1,
            discarded: 1,
            grouped: 1,
            shown: Some(0),
            differences: vec![Difference {
                kind: DifferenceKind::NoOutcome,
                source_key: "new".into(),
                target_key: None,
            }],
            differing: 1,
            ..Reconciliation::default()
        };
        assert_eq!(tally.found, expected);
    }

    #[track_caller]
    fn check_shown(at_ms: u64, finding: Finding, counts: [u64; 3], kind: Option<DifferenceKind>) {
        let mut tally = tally();
        tally.record(
            &"a".into(),
            None,
            Some(row("a", vec![DocumentState::Applied], at_ms)),
        );
        let asked = tally.asked.pop().unwrap();
        tally.shown(&asked, finding);
        let found = tally.found;
        assert_eq!([found.shown.unwrap(), found.early, found.untold], counts);
        let told = found.differences.iter().map(|difference| difference.kind);
        assert_eq!(told.collect::<Vec<_>>(), Vec::from_iter(kind));
    }

    #[test]
    fn what_the_target_shows_is_judged_by_the_id_that_was_given_and_by_time() {
        use DifferenceKind::{NotInTarget, OtherDocument, Twice};
        check_shown(1, found("id-a"), [1, 0, 0], None);
        check_shown(1, found("id-b"), [0, 0, 0], Some(OtherDocument));
        check_shown(1, Finding::Absent, [0, 0, 0], Some(NotInTarget));
        check_shown(1_001, Finding::Absent, [0, 1, 0], None);
        check_shown(1, Finding::FoundTwice(Vec::new()), [0, 0, 0], Some(Twice));
        check_shown(1, Finding::CannotTell("busy".to_owned()), [0, 0, 1], None);
    }

    #[test]
    fn of_many_differences_the_first_are_told_and_all_are_counted() {
        let mut tally = tally();
        for number in 0..=MOST_TOLD {
            tally.record(&format!("n{number}").as_str().into(), None, None);
        }
        let found = tally.found;
        assert_eq!(found.differences.len(), MOST_TOLD);
        assert_eq!(found.differing, MOST_TOLD as u64 + 1);
    }
}
