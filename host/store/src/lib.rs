//! What survives: checkpoints, intents, outcomes, the ledger. One trait, and
//! the embedded store behind it. The only crate that names sled.

mod change;
mod error;
mod memory;
mod store;

pub use change::{
    Change, Checkpoint, DeadLetter, DocumentRow, DocumentState, Fingerprint, Hold, Intent,
    IntentEntry, IntentId, LedgerRow, RunRow, RunState, SegmentRef,
};
pub use error::Error;
pub use memory::Memory;
pub use store::{Claim, Store};
