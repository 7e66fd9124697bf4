//! The low form of `schedule`: when runs begin.

use schemars::JsonSchema;
use serde::Deserialize;

/// `every 5m`, or rules.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Schedule {
    Text(String),
    Rules(Box<ScheduleRules>),
}

/// One of `every`, `cron` and `after`, and what else holds for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRules {
    /// How long from one run's beginning to the next one's, such as `5m`.
    pub every: Option<String>,
    /// Minute, hour, day of the month, month and day of the week, as in a
    /// crontab: `*/10 8-20 * * 1-5`.
    pub cron: Option<String>,
    /// Pipelines, by name: a run begins when all of them have finished well
    /// since the last one began.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1)))]
    pub after: Option<Vec<String>>,
    /// Whose clocks `cron` means, and whose days; `Asia/Shanghai` when absent.
    pub zone: Option<String>,
    /// Each run begins later by a part of this, always the same for one
    /// pipeline, so that many do not begin at once; such as `30s`.
    pub jitter: Option<String>,
    /// What becomes of times at which nothing was there to begin a run; once
    /// when absent.
    pub missed: Option<Missed>,
    /// With `missed: all`: no more runs than this wait; 100 when absent.
    #[schemars(range(min = 1, max = 10000))]
    pub most_missed: Option<u32>,
    /// A run that is due waits until this holds.
    pub only_if: Option<OnlyIf>,
    /// A second look at a wider stretch of the source, for what was missed.
    pub catch_up: Option<CatchUp>,
}

/// Nothing, one run for all of them, or a run each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    Skip,
    Once,
    All,
}

/// What must hold for a run by schedule to begin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlyIf {
    /// Pipelines, by name, that have finished well on the same day.
    #[schemars(required, length(min = 1, max = 16), inner(length(min = 1)))]
    pub finished_today: Option<Vec<String>>,
}

/// A backfill at times of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatchUp {
    /// Such as `2 2 * * *`.
    #[schemars(required)]
    pub cron: Option<String>,
    /// How far back it reads, such as `3d`.
    #[schemars(required)]
    pub window: Option<String>,
}
