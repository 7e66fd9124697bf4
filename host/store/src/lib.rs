//! What survives: checkpoints, intents, outcomes, the ledger. One trait, and
//! the embedded store behind it. The only crate that names sled and redb.

mod acknowledged;
mod backup;
mod change;
pub mod chaos;
mod codec;
mod committer;
#[cfg(test)]
mod conformance;
mod embedded;
mod erase;
mod error;
mod examine;
mod filled;
mod fold;
mod forget;
mod journal;
mod key;
mod layer;
mod long;
mod measure;
mod member;
mod memory;
mod owed;
mod prepared;
mod redo;
mod replay;
mod seal;
mod segment;
mod shared;
mod sizes;
mod store;
mod table;
mod tenant;

pub use change::{
    Came, Caution, Change, Checkpoint, DeadLetter, DocumentRow, DocumentState, Fingerprint, Hold,
    HoldKind, Intent, IntentEntry, IntentId, LedgerRow, LineRef, RunRow, RunState, SegmentKind,
    SegmentRef, TRIES, Try,
};
pub use embedded::{Embedded, Options};
pub use erase::ERASED;
pub use error::Error;
pub use examine::{Found, examine};
pub use filled::{Fill, TableRow};
pub use member::{Group, GroupPart, GroupState, Member};
pub use memory::Memory;
pub use owed::Owed;
pub use seal::{SEALS, Sealer, Unopened};
pub use segment::is_erased;
pub use sizes::{Sizes, Tidied};
pub use store::{Claim, Store};
pub use tenant::TenantStore;
