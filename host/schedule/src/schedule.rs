//! What one pipeline declares, and the slots that follow from it.

use std::time::Duration;

use duijie_record::PipelineName;

use crate::{Cron, Zone};

/// When a pipeline's runs begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub when: When,
    /// The clock by which days are told.
    pub zone: Zone,
    /// Each run begins later than its slot by a part of this, always the same
    /// for one pipeline. Shorter than an interval.
    pub jitter: Duration,
    pub missed: Missed,
    pub only_if: OnlyIf,
    pub catch_up: Option<CatchUp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// On a grid from the moment the pipeline was first declared, that one
    /// included. Never zero.
    Every(Duration),
    At(Cron),
    /// When all of these have finished well since this one's last run began.
    After(Vec<PipelineName>),
}

impl Schedule {
    /// With nothing but when.
    pub fn new(when: When, zone: Zone) -> Self {
        Self {
            when,
            zone,
            jitter: Duration::ZERO,
            missed: Missed::Once,
            only_if: OnlyIf::default(),
            catch_up: None,
        }
    }

    /// Names of pipelines that it looks at.
    pub fn others(&self) -> impl Iterator<Item = &PipelineName> {
        let after: &[PipelineName] = match &self.when {
            When::After(names) => names,
            When::Every(_) | When::At(_) => &[],
        };
        after.iter().chain(&self.only_if.finished_today)
    }
}

/// What becomes of slots that nobody was there for: noticed more than
/// a minute behind their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    Skip,
    /// One run for all of them.
    Once,
    /// A run each, the oldest first; of more than these, the newest. Slots that
    /// come by while a run goes on have a run each too.
    All(u32),
}

/// What must hold for a scheduled run to begin; it waits until it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnlyIf {
    /// These have finished well on the present day.
    pub finished_today: Vec<PipelineName>,
}

/// A second look at a wider stretch of the source: up to the slot, from so long
/// before it. One that makes up for several begins where the first would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatchUp {
    pub at: Cron,
    pub window: Duration,
}

/// Later than this a slot counts as missed.
pub(crate) const LATE_MS: u64 = 60_000;

/// What has slots of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slots<'a> {
    Grid { anchor_ms: u64, every_ms: u64 },
    Cron(&'a Cron),
}

impl Slots<'_> {
    /// The first slot behind a moment.
    pub(crate) fn next(self, after_ms: u64) -> Option<u64> {
        match self {
            Self::Cron(cron) => cron.next(after_ms),
            Self::Grid {
                anchor_ms,
                every_ms,
            } => {
                // A clock that was put back may have left the anchor ahead.
                let phase = anchor_ms % every_ms;
                let behind = after_ms.saturating_sub(phase) / every_ms + 1;
                match after_ms < phase {
                    true => Some(phase),
                    false => behind.checked_mul(every_ms)?.checked_add(phase),
                }
            }
        }
    }

    /// The newest `most` slots behind `after_ms` up to `until_ms`, in order.
    pub(crate) fn newest(self, after_ms: u64, until_ms: u64, most: usize) -> Vec<u64> {
        let mut span_ms = match self {
            Self::Grid { every_ms, .. } => {
                every_ms.saturating_mul(u64::try_from(most).unwrap_or(u64::MAX))
            }
            Self::Cron(_) => 120_000,
        };
        loop {
            let from_ms = until_ms.saturating_sub(span_ms).max(after_ms);
            let mut slots = Vec::new();
            let mut at_ms = from_ms;
            while let Some(slot) = self.next(at_ms).filter(|slot| *slot <= until_ms) {
                slots.push(slot);
                at_ms = slot;
            }
            if slots.len() >= most || from_ms == after_ms {
                return slots.split_off(slots.len().saturating_sub(most));
            }
            span_ms = span_ms.saturating_mul(8);
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
