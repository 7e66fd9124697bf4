//! Manifest and descriptions in, resolved plan or every problem out. Touches
//! no disk, no network and no clock.

mod plan;

pub use plan::{
    OnChange, OnRejected, OnUnknown, Plan, Policy, Retries, Schedule, Stage, TargetStage,
};
