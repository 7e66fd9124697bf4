//! What a person wrote, with the place of every word: YAML text in, low form
//! and all problems out. Nothing is resolved here, no default is filled, no
//! disk is read.

mod alert;
mod code;
mod document;
mod group;
mod json;
mod low;
mod node;
mod schedule;
mod service;
mod shape;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

pub use alert::{Alert, AlertForm, AlertOn, Lang};
pub use code::CODES;
pub use document::Document;
pub use group::{Close, Collect, Fold, Group, GroupBy, Late, Lines, List, Takes};
pub use low::{
    Connection, Guarantee, Limits, OnChange, OnNewer, OnRejected, OnUnknown, Pipeline, Retention,
    Retries, RunLimits, Source, Target, Transform,
};
pub use node::{Entry, Kind, Node, path};
pub use schedule::{CatchUp, Missed, OnlyIf, Schedule, ScheduleRules};
pub use service::{Otlp, Quotas, Reconcile, Serve, Tenant, Tls};
pub use shape::{Checked, Shape};
