//! What survives: checkpoints, intents, outcomes, the ledger. One trait, and
//! the embedded store behind it. The only crate that names sled.

mod change;
mod codec;
mod committer;
#[cfg(test)]
mod conformance;
mod embedded;
mod error;
mod key;
mod ledger;
mod memory;
mod prepared;
mod segment;
mod store;
mod table;

pub use change::{
    Change, Checkpoint, DeadLetter, DocumentRow, DocumentState, Fingerprint, Hold, Intent,
    IntentEntry, IntentId, LedgerRow, RunRow, RunState, SegmentRef,
};
pub use embedded::{Embedded, Options};
pub use error::Error;
pub use memory::Memory;
pub use store::{Claim, Store};
