//! What the host believes of a connector, whatever version of the WIT it
//! speaks: traits, and plain values for what a connector says of itself.
//! Nothing here knows of wasm, HTTP or disk.

mod bounds;
mod description;
mod discovery;
mod exchange;
mod fault;
mod launch;
mod role;
mod table;

pub use bounds::Bounds;
pub use description::{CollectionInfo, Description, Guarantee, Recipe, Role, Title};
pub use discovery::{FieldInfo, FieldKind, FieldRule, Fields};
pub use exchange::Exchange;
pub use fault::{Fault, FaultKind, Problem};
pub use launch::{Launch, Mode, Preview, Use};
pub use role::{Acknowledge, Lookup, Source, Steps, Target, Transform};
pub use table::{MOST_TABLE_BYTES, Missing, Snapshot, Tables, Unread};
