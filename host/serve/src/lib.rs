//! Many tenants in one process: whose folders lie where, when their pipelines
//! run and how many at once, and what each of them may see. It answers
//! `duijie_admin::Service`, and has no HTTP server and no command line.

mod alerts;
mod batches;
mod begin;
mod comparison;
mod control;
mod error;
mod home;
mod load;
mod metrics;
mod name;
mod quota;
mod remove;
mod service;
mod span;
mod state;
mod supervisor;
mod tenants;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use home::{Home, Limits};
pub use name::TenantName;
pub use remove::remove;
pub use supervisor::{Options, Supervisor};
