//! The columns of the matrix: what goes wrong at the two systems while the binary is killed.

use crate::random::Random;
use duijie_sim::{FaultKind, FaultRule};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    None,
    DropAfterApply,
    Status502After,
    HalfBatch,
    DelayedVisibility,
    LateApply,
    RepeatPage,
    ChangeRows,
    Poisoned,
    BrokenBatch,
    Audited,
    Throttled,
    All,
}

const SAVE: &str = "kingdee.BatchSave";
const QUERY: &str = "kingdee.ExecuteBillQuery";
const PAGE: &str = "wangdiantong.stockout_order_query_trade";

impl Fault {
    pub const ALL: [Self; 13] = [
        Self::None,
        Self::DropAfterApply,
        Self::Status502After,
        Self::HalfBatch,
        Self::DelayedVisibility,
        Self::LateApply,
        Self::RepeatPage,
        Self::ChangeRows,
        Self::Poisoned,
        Self::BrokenBatch,
        Self::Audited,
        Self::Throttled,
        Self::All,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no fault",
            Self::DropAfterApply => "drop after apply",
            Self::Status502After => "502 after apply",
            Self::HalfBatch => "half batch",
            Self::DelayedVisibility => "delayed visibility",
            Self::LateApply => "late effect",
            Self::RepeatPage => "page comes again",
            Self::ChangeRows => "changed while read",
            Self::Poisoned => "refused record",
            Self::BrokenBatch => "batch refused whole",
            Self::Audited => "audited meanwhile",
            Self::Throttled => "throttled",
            Self::All => "all at once",
        }
    }

    /// Whether some orders are refused by the target, alone or with their whole batch.
    pub(crate) fn refuses(self) -> Option<bool> {
        match self {
            Self::Poisoned | Self::All => Some(false),
            Self::BrokenBatch => Some(true),
            _ => None,
        }
    }

    /// Whether a write may be left without an outcome.
    pub(crate) fn brings_doubt(self) -> bool {
        !matches!(
            self,
            Self::None
                | Self::RepeatPage
                | Self::ChangeRows
                | Self::Poisoned
                | Self::Audited
                | Self::Throttled
        )
    }

    /// Rules for the simulators. `settle_ms` is how long an effect may stay out or unseen, `changed_ms` how long
    /// ago an order changes that changes while it is read.
    pub(crate) fn rules(
        self,
        settle_ms: u64,
        changed_ms: u64,
        random: &mut Random,
    ) -> Vec<FaultRule> {
        let some = |operation: &str, kind, ms, random: &mut Random| FaultRule {
            operation: operation.to_owned(),
            skip: random.below(3),
            times: Some(random.between(1, 3)),
            kind,
            ms,
        };
        let hidden_ms = settle_ms * 4 / 5;
        let one = |kind, ms, random: &mut Random| vec![some(SAVE, kind, ms, random)];
        match self {
            Self::None | Self::Poisoned | Self::BrokenBatch | Self::Audited => Vec::new(),
            Self::DropAfterApply => one(FaultKind::DropAfterApply, 0, random),
            Self::Status502After => one(FaultKind::Status502After, 0, random),
            Self::HalfBatch => one(FaultKind::HalfBatch, 0, random),
            // What cannot be seen yet matters only beside an answer that was lost.
            Self::DelayedVisibility => vec![
                some(SAVE, FaultKind::DropAfterApply, hidden_ms, random),
                FaultRule {
                    times: None,
                    ..some(SAVE, FaultKind::DelayedVisibility, hidden_ms, random)
                },
            ],
            Self::LateApply => one(FaultKind::LateApply, settle_ms / 2, random),
            Self::RepeatPage => repeated(changed_ms, random, some),
            // More often than a document is tried, so that a run fails and its rest is for the next one.
            Self::Throttled => vec![FaultRule {
                times: Some(random.between(3, 9)),
                ..some(SAVE, FaultKind::Throttle, 0, random)
            }],
            Self::ChangeRows => vec![FaultRule {
                times: Some(4),
                ..some(PAGE, FaultKind::ChangeRows, changed_ms, random)
            }],
            Self::All => all(settle_ms, changed_ms, random, some),
        }
    }
}

/// What goes wrong with a save may as well go wrong with a step.
pub(crate) fn on_any_step(rule: FaultRule, random: &mut Random) -> FaultRule {
    if rule.operation != SAVE || rule.kind == FaultKind::DelayedVisibility {
        return rule;
    }
    let operation = random.pick(&[SAVE, "kingdee.Submit", "kingdee.Audit"]);
    FaultRule {
        operation: operation.to_owned(),
        ..rule
    }
}

/// A page comes again with an order that changed since, so that two versions of it are on their way at once;
/// later, pages come again as they were at first, so that versions go backwards.
fn repeated(
    changed_ms: u64,
    random: &mut Random,
    some: impl Fn(&str, FaultKind, u64, &mut Random) -> FaultRule,
) -> Vec<FaultRule> {
    let mut rules = Vec::new();
    for _ in 0..3 {
        for kind in [FaultKind::ChangeRows, FaultKind::RepeatPage] {
            rules.push(FaultRule {
                skip: 0,
                times: Some(1),
                ..some(PAGE, kind, changed_ms, random)
            });
        }
    }
    rules.push(FaultRule {
        times: None,
        ..some(PAGE, FaultKind::StalePage, 0, random)
    });
    rules
}

fn all(
    settle_ms: u64,
    changed_ms: u64,
    random: &mut Random,
    some: impl Fn(&str, FaultKind, u64, &mut Random) -> FaultRule,
) -> Vec<FaultRule> {
    let saves = [
        (FaultKind::DropAfterApply, settle_ms / 2),
        (FaultKind::Status502After, 0),
        (FaultKind::HalfBatch, 0),
        (FaultKind::LateApply, settle_ms / 2),
        (FaultKind::DropBefore, 0),
        (FaultKind::Status502Before, 0),
        (FaultKind::Html200, 0),
        (FaultKind::TruncatedJson, 0),
        (FaultKind::WrongEnvelope, 0),
        (FaultKind::SessionLost, 0),
    ];
    let queries = [
        (FaultKind::DropBefore, 0),
        (FaultKind::Status502Before, 0),
        (FaultKind::TruncatedJson, 0),
        (FaultKind::SessionLost, 0),
    ];
    let pages = [
        (FaultKind::RepeatPage, 0),
        (FaultKind::StalePage, 0),
        (FaultKind::ChangeRows, changed_ms),
        (FaultKind::DropAfterApply, 0),
        (FaultKind::WrongTypes, 0),
    ];
    let mut rules = Vec::new();
    for (operation, kinds, count) in [
        (SAVE, &saves[..], 4),
        (QUERY, &queries, 2),
        (PAGE, &pages, 3),
    ] {
        for (kind, ms) in random.some(kinds, count) {
            rules.push(FaultRule {
                times: Some(1),
                ..some(operation, kind, ms, random)
            });
        }
    }
    // The first rule that applies wins, so these come last.
    rules.push(FaultRule {
        times: None,
        ..some(
            SAVE,
            FaultKind::DelayedVisibility,
            settle_ms * 4 / 5,
            random,
        )
    });
    rules
}
