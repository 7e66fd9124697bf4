//! What a run is for: which records it works on, and whose checkpoint it moves.

use std::sync::Arc;
use std::time::Duration;

use duijie_record::SourceKey;

use crate::{Error, Planned};

#[derive(Debug, Clone, Default)]
pub enum Purpose {
    /// What the source has since the checkpoint.
    #[default]
    Live,
    /// A stretch of the source again, which the plan's source settings name.
    /// The live checkpoint stays; the ledger is the same.
    Backfill {
        /// Where its checkpoint is kept; gone when it has finished.
        lane: String,
        /// When the stretch begins, in Unix milliseconds, where that is known.
        from_ms: Option<u64>,
    },
    /// Dead letters and holds, and nothing of the source.
    Replay(Vec<Pick>),
    /// The documents of a plan and no others.
    Planned(Arc<Planned>),
}

/// What waits for a person under a source key and part, and is to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    pub source_key: SourceKey,
    pub part: String,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// The source's record goes through the transforms again.
    Again,
    /// What a person wrote in its place goes on: the document as it is, or the
    /// record through the transforms.
    AsEdited,
    /// The held document is sent: a change of what the target has, or else a
    /// new one after a look-up.
    Resend,
}

impl Purpose {
    /// As it stands in the list of runs.
    pub fn text(&self) -> String {
        match self {
            Self::Live => "live".to_owned(),
            Self::Backfill { lane, .. } => {
                let window = lane.strip_prefix("backfill:").unwrap_or(lane);
                format!("backfill {window}")
            }
            Self::Replay(picks) => format!("replay of {}", picks.len()),
            Self::Planned(planned) => {
                format!("plan {}", planned.hash.get(..12).unwrap_or(&planned.hash))
            }
        }
    }

    /// Whose checkpoint it goes on at and moves; the live one's name is empty.
    pub(crate) fn lane(&self) -> &str {
        match self {
            Self::Live | Self::Replay(_) => "",
            Self::Backfill { lane, .. } => lane,
            Self::Planned(planned) => &planned.lane,
        }
    }

    /// Whether everything since the checkpoint is read.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Live => true,
            Self::Backfill { .. } | Self::Replay(_) => false,
            Self::Planned(planned) => planned.lane.is_empty() && planned.until.is_none(),
        }
    }

    /// Refuses a stretch that begins before the ledger does: what was sent
    /// then may be forgotten, and would be sent again.
    pub(crate) fn check(&self, now_ms: u64, ledger: Duration) -> Result<(), Error> {
        let Self::Backfill {
            from_ms: Some(from_ms),
            ..
        } = self
        else {
            return Ok(());
        };
        let ledger_ms = u64::try_from(ledger.as_millis()).unwrap_or(u64::MAX);
        if from_ms.saturating_add(ledger_ms) >= now_ms {
            return Ok(());
        }
        const DAY_MS: u64 = 86_400_000;
        Err(Error::WindowTooOld {
            days: now_ms.saturating_sub(*from_ms).div_ceil(DAY_MS),
            kept_days: ledger_ms / DAY_MS,
        })
    }
}
