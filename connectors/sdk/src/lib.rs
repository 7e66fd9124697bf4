//! What a connector is written with: the contract of `wit/` as Rust traits,
//! typed front doors to what the host offers, and the few things every
//! connector needs (China time, JSON pages cut without building a tree).
//! It shares no code with the host.

#[doc(hidden)]
pub mod bindings;
pub mod catalogue;
mod describe;
mod export;
mod fault;
pub mod form;
mod host;
pub mod http;
pub mod json;
mod roles;
pub mod settings;
pub mod time;

pub use bindings::network::duijie::types::types::{
    Change, Entry, Fault, Pause, Problem, Rejection, Retry, Settings,
};
pub use describe::{Collection, Description, Guarantee, Recipe, Role, Title};
pub use export::{
    ExportAcknowledge, ExportDiscovery, ExportLookup, ExportSetup, ExportSource, ExportSteps,
    ExportTarget, ExportTransform,
};
pub use host::{Host, Level, Missing, Network, Signed, Snapshot, Tables, log};
pub use roles::{
    Acknowledge, Discovery, Lookup, Mapper, Reader, Setup, Source, SourceBatch, Steps, Target,
    Transform, Writer, acknowledge, discovery, lookup, steps, target, transform,
};
