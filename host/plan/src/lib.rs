//! Manifest and descriptions in, resolved plan or every problem out. Touches
//! no disk, no network and no clock.

mod bounds;
mod code;
mod collection;
mod connection;
mod duration;
mod explain;
mod folder;
#[cfg(test)]
mod golden;
mod grant;
mod group;
mod lock;
mod plan;
mod policy;
mod refusal;
mod resolve;
mod retention;
mod schedule;
mod settings;
mod size;
mod table;
#[cfg(test)]
mod tests;
mod window;

pub use code::CODES;
pub use duijie_schedule::Schedule;
pub use duration::parse as length_of_time;
pub use explain::{explain, explain_json};
pub use folder::folder;
pub use group::{
    Close, Field, Fold, GROUP_FIELDS, Group, GroupField, Late, MOST_MEMBERS, Rows, Takes,
};
pub use lock::{Ask, Granted, Lock, SecretUse, ask, beyond, recipes, told, ungranted};
pub use plan::{
    OnChange, OnNewer, OnRejected, OnUnknown, Plan, Policy, Retention, Retries, Stage, TargetStage,
};
pub use refusal::{StageAt, refusals};
pub use resolve::{Inputs, resolve};
pub use schedule::schedule_of;
pub use settings::{reference as secret_named, secret_settings};
pub use size::parse as amount_of_bytes;
pub use table::unready_tables;
pub use window::Window;
