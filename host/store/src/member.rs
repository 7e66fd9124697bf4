//! Records that wait for others: the groups of a pipeline that makes one
//! record of many, and their members.

use duijie_record::{SourceKey, Version};

/// One part of a group: what becomes one record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupPart {
    pub group: String,
    /// From 1.
    pub part: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupState {
    /// It takes members.
    Open,
    /// It has all that one part may have; the next member begins the next part.
    Full,
    /// It was closed by a rule that is about the whole group: what comes now
    /// comes late.
    Closed,
}

/// A part that is not sent yet, or of which something waits for a person. What
/// became of its record is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub place: GroupPart,
    /// Whose run opened it; empty for the live one.
    pub lane: String,
    pub state: GroupState,
    pub members: u32,
    /// Grows with every member that comes.
    pub order: u64,
    /// When its first member came, in Unix milliseconds.
    pub first_ms: u64,
    pub at_ms: u64,
}

/// A record that waits for its group, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub place: GroupPart,
    pub source_key: SourceKey,
    pub version: Option<Version>,
    /// Its place among the members.
    pub order: u64,
    pub record: Vec<u8>,
    pub at_ms: u64,
}
