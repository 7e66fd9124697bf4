//! When pipelines run: given what is declared and what has been, which run
//! begins now. It has no clock, no thread and no disk: time is handed in, and
//! what must survive is handed out as [`State`], for the caller to store in
//! the commit that begins or ends a run. Running is `pipeline`'s business.

mod cron;
mod entry;
mod schedule;
mod scheduler;
mod share;
mod state;
mod zone;

pub use cron::Cron;
pub use schedule::{CatchUp, Missed, OnlyIf, Schedule, When};
pub use scheduler::{Declared, Due, Ended, Limits, Scheduler};
pub use share::Share;
pub use state::{Begun, Cause, Run, State, Window};
pub use zone::Zone;

use duijie_record::{PipelineName, Scope};

/// Whose pipelines share one part of the machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(pub String);

/// One pipeline of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub tenant: Tenant,
    pub scope: Scope,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    #[error("`{text}` is no cron pattern of five fields: {reason}")]
    Cron { text: String, reason: String },
    #[error("`{text}` names a day that never comes")]
    Never { text: String },
    #[error("there is no time zone `{name}`")]
    Zone { name: String },
    /// A stored state that this version cannot read.
    #[error("the stored state of a schedule cannot be read: {reason}")]
    State { reason: String },
    #[error("there is no pipeline `{}` of `{}`", .0.scope, .0.tenant.0)]
    Unknown(Key),
    #[error("pipeline `{}` of `{}` is switched off or paused", .0.scope, .0.tenant.0)]
    Off(Key),
    #[error("{most} runs that were asked for are waiting already")]
    Full { most: usize },
    /// Its name, where another of the tenant has it already.
    #[error("pipeline `{0}` stands twice")]
    Twice(PipelineName),
}
