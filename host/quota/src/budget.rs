//! What a system allows: so many calls in so long, in one window or several.

use std::time::Duration;

/// What leaves further apart may arrive closer together, by this much at most.
pub(crate) const CAUTION: Duration = Duration::from_secs(1);

/// So many calls in so long. Neither is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// In any stretch of that length.
    Sliding { calls: u32, per: Duration },
    /// From one boundary to the next, as a day is; the boundaries lie at whole
    /// multiples of the length, `shift` later. A day in UTC+8 begins 16 h after
    /// midnight in UTC.
    Fixed {
        calls: u32,
        per: Duration,
        shift: Duration,
    },
}

/// All of its windows hold together; none is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    pub windows: Vec<Window>,
}

impl Window {
    pub(crate) fn calls(self) -> u32 {
        match self {
            Self::Sliding { calls, .. } | Self::Fixed { calls, .. } => calls.max(1),
        }
    }

    pub(crate) fn per_ms(self) -> u64 {
        match self {
            Self::Sliding { per, .. } | Self::Fixed { per, .. } => millis(per).max(1),
        }
    }

    /// Whether both count the same stretches.
    pub(crate) fn counts_as(self, other: Self) -> bool {
        let same_kind = match (self, other) {
            (Self::Sliding { .. }, Self::Sliding { .. }) => true,
            (Self::Fixed { shift: one, .. }, Self::Fixed { shift: other, .. }) => one == other,
            _ => false,
        };
        same_kind && self.per_ms() == other.per_ms()
    }
}

impl Budget {
    /// The usual form: so many calls in any minute.
    pub fn per_minute(calls: u32) -> Self {
        let per = Duration::from_secs(60);
        Self {
            windows: vec![Window::Sliding { calls, per }],
        }
    }

    /// To be kept where calls leave, so that it holds where they arrive: its
    /// sliding windows are a second longer.
    #[must_use]
    pub fn at_departure(mut self) -> Self {
        for window in &mut self.windows {
            if let Window::Sliding { per, .. } = window {
                *per = per.saturating_add(CAUTION);
            }
        }
        self
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
