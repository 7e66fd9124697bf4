//! Which slots have come: taken note of on time or late, and what a clock that
//! is put back does to them.

use super::{Catching, Entry};
use crate::schedule::{LATE_MS, Missed, Slots};

/// A clock put back by no more than this is waited for.
const BACK_MS: u64 = 3_600_000;

/// Slots that nobody was there for and that have no run of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) first_ms: u64,
    /// Of the first that has one again.
    pub(crate) before_ms: u64,
}

impl Entry {
    /// Takes note of slots that have come. Nothing while it is switched off:
    /// they are late when it goes on.
    pub(crate) fn notice(&mut self, now_ms: u64) -> Option<Left> {
        if self.is_off() || self.next_ms.is_none_or(|next_ms| next_ms > now_ms) {
            return None;
        }
        let until_ms = now_ms.saturating_sub(self.offset_ms);
        let left = self.notice_slots(until_ms);
        self.notice_catch_up(until_ms);
        self.look_ahead();
        left
    }

    fn notice_slots(&mut self, until_ms: u64) -> Option<Left> {
        let missed = self.schedule.as_ref()?.missed;
        let most = match missed {
            Missed::All(most) => usize::try_from(most.max(1)).unwrap_or(usize::MAX),
            Missed::Skip | Missed::Once => 1,
        };
        let slots = self.slots()?;
        let first_ms = slots.next(self.noticed_ms)?;
        let new = slots.newest(self.noticed_ms, until_ms, most);
        let newest_ms = *new.last()?;
        self.noticed_ms = newest_ms;
        let late = |slot: u64| until_ms.saturating_sub(slot) > LATE_MS;
        if missed == Missed::Skip && late(newest_ms) {
            return Some(Left {
                first_ms,
                before_ms: newest_ms + 1,
            });
        }
        let since = self.waiting.front().map(|(_, since)| *since);
        if !matches!(missed, Missed::All(_)) {
            self.waiting.clear();
        }
        for slot in new {
            let due = slot.saturating_add(self.offset_ms);
            let since = since.filter(|_| self.waiting.is_empty()).unwrap_or(due);
            self.waiting.push_back((slot, since));
        }
        let more = self.waiting.len().saturating_sub(most);
        let gone = self.waiting.drain(..more).next().map(|(slot, _)| slot);
        let left = Left {
            first_ms: gone.unwrap_or(first_ms),
            before_ms: self.waiting.front().map(|(slot, _)| *slot)?,
        };
        (late(left.first_ms) && left.first_ms < left.before_ms).then_some(left)
    }

    fn notice_catch_up(&mut self, until_ms: u64) -> Option<()> {
        let schedule = self.schedule.as_ref()?;
        let slots = Slots::Cron(&schedule.catch_up.as_ref()?.at);
        let first_ms = slots.next(self.catch_noticed_ms)?;
        let last_ms = *slots.newest(self.catch_noticed_ms, until_ms, 1).last()?;
        self.catch_noticed_ms = last_ms;
        let late = until_ms.saturating_sub(last_ms) > LATE_MS;
        if schedule.missed == Missed::Skip && late {
            return None;
        }
        let catching = self.catching.get_or_insert(Catching {
            first_ms,
            last_ms,
            since_ms: last_ms.saturating_add(self.offset_ms),
        });
        catching.last_ms = last_ms;
        Some(())
    }

    /// The clock was put back to `now_ms`, by `by_ms` if that is known. A slot
    /// is not repeated where the clock comes by it again soon.
    pub(crate) fn back(&mut self, now_ms: u64, by_ms: u64) {
        let patience_ms = match self.slots() {
            Some(Slots::Grid { every_ms, .. }) => every_ms.min(BACK_MS),
            _ => BACK_MS,
        };
        let limit_ms = now_ms.saturating_add(patience_ms);
        if self.noticed_ms > limit_ms {
            self.noticed_ms = now_ms;
            for (slot, since) in &mut self.waiting {
                *slot = now_ms.min(*slot);
                *since = now_ms.min(*since);
            }
        }
        if self.state.seen_ms > limit_ms {
            self.state.seen_ms = now_ms;
        }
        if self.catch_noticed_ms > now_ms.saturating_add(BACK_MS) {
            self.catch_noticed_ms = now_ms;
            self.state.caught_up_ms = self.state.caught_up_ms.min(now_ms);
            self.catching = None;
        }
        if let Some(begun) = &mut self.state.begun {
            begun.again_ms = begun.again_ms.saturating_sub(by_ms);
            begun.again_ms = begun.again_ms.min(now_ms.saturating_add(BACK_MS));
        }
        self.state.well_ms = self.state.well_ms.map(|well_ms| well_ms.min(now_ms));
        self.look_ahead();
    }
}
