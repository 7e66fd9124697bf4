//! The effect protocol: intent durable, send, outcome durable, checkpoint.
//! It drives a plan over the traits of `contract` and `store` and knows
//! neither wasm, nor disk, nor HTTP.

mod beside;
mod chaos;
mod clock;
mod decision;
mod diff;
mod error;
mod flight;
mod follow;
mod group;
mod key;
mod observer;
mod options;
mod owed;
mod page;
mod planned;
mod preview;
mod purpose;
mod reconciliation;
mod recover;
mod replay;
mod report;
mod retry;
mod run;
#[cfg(test)]
mod simulate;
mod stage;
mod stop;
mod table;

pub use beside::Beside;
pub use clock::{Clock, SystemClock, VirtualClock};
pub use decision::{Decision, decide, edit};
pub use diff::{DIFF_RECORDS, Delta, DiffEntry, DiffReport, FieldChange, diff};
pub use error::{Error, Left};
pub use follow::follow;
pub use key::derive as derive_key;
pub use observer::{Event, Observer, Silent};
pub use options::Options;
pub use planned::{Planned, PlannedAction, PlannedEntry, PlannedHold, PlannedHoldKind};
pub use preview::{PreviewRecord, PreviewReport, Would, preview};
pub use purpose::{Pick, Purpose, What};
pub use reconciliation::{Difference, DifferenceKind, Reconciliation, reconcile};
pub use report::{Counts, End, Report};
pub use run::{run, run_beside};
pub use stop::Stop;

pub(crate) use beside::Alone;
