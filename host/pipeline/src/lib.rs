//! The effect protocol: intent durable, send, outcome durable, checkpoint.
//! It drives a plan over the traits of `contract` and `store` and knows
//! neither wasm, nor disk, nor HTTP.

mod chaos;
mod clock;
mod error;
mod flight;
mod follow;
mod key;
mod observer;
mod options;
mod page;
mod preview;
mod recover;
mod report;
mod retry;
mod run;
#[cfg(test)]
mod simulate;
mod stage;
mod stop;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use error::Error;
pub use follow::follow;
pub use key::derive as derive_key;
pub use observer::{Event, Observer, Silent};
pub use options::Options;
pub use preview::{PreviewRecord, PreviewReport, Would, preview};
pub use report::{Counts, End, Report};
pub use run::run;
pub use stop::Stop;
