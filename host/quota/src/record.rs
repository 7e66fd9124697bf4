//! The calls of one window, and when the next ones fit in.

use std::collections::VecDeque;

use crate::budget::{Window, millis};

/// Calls that came closer together than this part of a window are remembered
/// as one moment, the last of them: a window never holds more moments than
/// that, and never lets a call in too early.
const GRAIN: u64 = 256;

#[derive(Debug, Clone, Copy)]
struct Moment {
    first_ms: u64,
    last_ms: u64,
    calls: u32,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) window: Window,
    moments: VecDeque<Moment>,
    calls: u32,
}

impl Record {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            moments: VecDeque::new(),
            calls: 0,
        }
    }

    /// When a call of this moment counts no longer.
    fn gone_ms(&self, moment: &Moment) -> u64 {
        let per_ms = self.window.per_ms();
        match self.window {
            Window::Sliding { .. } => moment.last_ms.saturating_add(per_ms),
            Window::Fixed { shift, .. } => {
                let shift_ms = millis(shift) % per_ms;
                // Moments before the first boundary belong to the one before it.
                let since = moment.last_ms.saturating_add(per_ms - shift_ms);
                let next = (since / per_ms + 1).saturating_mul(per_ms);
                next.saturating_sub(per_ms - shift_ms)
            }
        }
    }

    pub(crate) fn forget(&mut self, now_ms: u64) {
        while let Some(moment) = self.moments.front().copied()
            && self.gone_ms(&moment) <= now_ms
        {
            self.calls = self.calls.saturating_sub(moment.calls);
            self.moments.pop_front();
        }
    }

    pub(crate) fn add(&mut self, now_ms: u64) {
        self.calls += 1;
        let grain_ms = self.window.per_ms() / GRAIN;
        let fixed = matches!(self.window, Window::Fixed { .. });
        let gone_ms = self.gone_ms(&Moment {
            first_ms: now_ms,
            last_ms: now_ms,
            calls: 1,
        });
        let together = self.moments.back().copied().filter(|back| {
            let close = now_ms.saturating_sub(back.first_ms) <= grain_ms;
            // All calls of a fixed window go at once.
            close || fixed && self.gone_ms(back) == gone_ms
        });
        match (together, self.moments.back_mut()) {
            (Some(_), Some(back)) => {
                back.last_ms = now_ms.max(back.last_ms);
                back.calls += 1;
            }
            _ => self.moments.push_back(Moment {
                first_ms: now_ms,
                last_ms: now_ms,
                calls: 1,
            }),
        }
    }

    /// Calls that still count.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// When a call fits in that has so many others before it; `None` if now.
    pub(crate) fn fits_ms(&self, limit: u32, before: u32) -> Option<u64> {
        let mut over = self.calls.saturating_add(before).saturating_add(1);
        if over <= limit {
            return None;
        }
        let mut last_ms = 0;
        for moment in &self.moments {
            last_ms = self.gone_ms(moment);
            over = over.saturating_sub(moment.calls);
            if over <= limit {
                return Some(last_ms);
            }
        }
        // Behind calls that are not made yet: a whole window later for each
        // time that it is filled.
        let rounds = u64::from(over.saturating_sub(1) / limit.max(1));
        let later_ms = self.window.per_ms().saturating_mul(rounds);
        Some(last_ms.saturating_add(later_ms))
    }

    /// When the next call comes if calls come evenly, with so many before it.
    pub(crate) fn paced_ms(&self, limit: u32, before: u32, now_ms: u64) -> u64 {
        let gap_ms = self.window.per_ms() / u64::from(limit.max(1));
        let last_ms = self.moments.back().map(|moment| moment.last_ms);
        let next_ms = last_ms.map_or(now_ms, |last_ms| now_ms.max(last_ms + gap_ms));
        next_ms.saturating_add(gap_ms.saturating_mul(u64::from(before)))
    }

    /// The clock was put back: as much is left to wait as before.
    pub(crate) fn back(&mut self, by_ms: u64) {
        for moment in &mut self.moments {
            moment.first_ms = moment.first_ms.saturating_sub(by_ms);
            moment.last_ms = moment.last_ms.saturating_sub(by_ms);
        }
    }
}
