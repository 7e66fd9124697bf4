//! Manifest and descriptions in, resolved plan or every problem out. Touches
//! no disk, no network and no clock.

mod code;
mod collection;
mod connection;
mod duration;
mod explain;
mod folder;
#[cfg(test)]
mod golden;
mod grant;
mod plan;
mod policy;
mod refusal;
mod resolve;
mod settings;
#[cfg(test)]
mod tests;

pub use code::CODES;
pub use explain::{explain, explain_json};
pub use folder::folder;
pub use plan::{
    OnChange, OnRejected, OnUnknown, Plan, Policy, Retries, Schedule, Stage, TargetStage,
};
pub use refusal::{StageAt, refusals};
pub use resolve::{Inputs, resolve};
