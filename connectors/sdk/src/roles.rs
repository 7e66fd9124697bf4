//! The roles as Rust traits. One value of a reader, mapper or writer lives as
//! long as the host keeps the resource; calls into it never overlap.

use crate::bindings;
use crate::{Description, Entry, Fault, Problem, Role, Settings};

pub use bindings::source::exports::duijie::source::source::Batch as SourceBatch;

/// Types of `duijie:target/target`.
pub mod target {
    pub use crate::bindings::target::exports::duijie::target::target::{
        Action, Batch, Entry, Outcome,
    };
}

/// Types of `duijie:target/lookup`.
pub mod lookup {
    pub use crate::bindings::lookup::exports::duijie::target::lookup::{Document, Finding, State};
}

/// Types of `duijie:steps/steps`.
pub mod steps {
    pub use crate::bindings::steps::exports::duijie::steps::steps::{Entry, Outcome, Progress};
}

/// Types of `duijie:transform/transform`.
pub mod transform {
    pub use crate::bindings::transform::exports::duijie::transform::transform::{
        Line, Output, Verdict,
    };
}

/// Types of `duijie:discovery/discovery`.
pub mod discovery {
    pub use crate::bindings::discovery::exports::duijie::discovery::discovery::{
        Condition, Field, Fields, Kind, Rule, Title,
    };
}

/// Types of `duijie:acknowledge/acknowledge`.
pub mod acknowledge {
    pub use crate::bindings::acknowledge::exports::duijie::acknowledge::acknowledge::{
        Answer, Entry, Outcome,
    };
}

/// What the connector is. Called without network and without secrets.
pub trait Setup: 'static {
    fn describe() -> Description;

    /// Everything wrong with the settings that their schema cannot say; all
    /// of it at once, placed by JSON pointers like `/pipeline/window`.
    fn check(role: Role, settings: &Settings, collection: &str) -> Vec<Problem>;
}

pub trait Source: 'static {
    type Reader: Reader;

    /// What a run from `position` would read, one short text a slice.
    /// It has a clock but no network.
    fn outline(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Vec<String>, Fault>;

    /// Opens a reader just after `position`, or at the start. No network.
    fn open(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Self::Reader, Fault>;
}

pub trait Reader: 'static {
    /// The next batch of about `limit` records; `None` when there is nothing
    /// more now. After a fault it may be called again and skips nothing.
    fn next(&mut self, limit: u32, ahead: u32) -> Result<Option<SourceBatch>, Fault>;

    /// Everything up to `position` is durable at the target.
    fn committed(&mut self, _position: &[u8]) -> Result<(), Fault> {
        Ok(())
    }
}

pub trait Transform: 'static {
    type Mapper: Mapper;

    /// `settings` is the JSON text of the settings in the pipeline.
    fn open(settings: &str) -> Result<Self::Mapper, Fault>;
}

pub trait Mapper: 'static {
    /// `data` is JSON Lines, a line an entry. Pure.
    fn apply(&mut self, data: Vec<u8>, entries: Vec<Entry>) -> Result<transform::Output, Fault>;
}

pub trait Target: 'static {
    type Writer: Writer;

    fn open(settings: &Settings, collection: &str) -> Result<Self::Writer, Fault>;
}

pub trait Writer: 'static {
    /// One outcome an entry, in order. A fault says that no write left; once
    /// one may have left, doubt is an `Outcome::Unknown`.
    fn write(&mut self, batch: target::Batch) -> Result<Vec<target::Outcome>, Fault>;
}

/// Finds documents again. Reads only.
pub trait Lookup: 'static {
    /// One finding a key, in order.
    fn find(
        settings: &Settings,
        collection: &str,
        target_keys: Vec<String>,
    ) -> Result<Vec<lookup::Finding>, Fault>;
}

/// Takes documents that stand in the system through what comes after. Their
/// names stand in [`Description::extra`].
pub trait Steps: 'static {
    /// One an entry, in order. Reads only.
    fn progress(
        settings: &Settings,
        collection: &str,
        entries: Vec<steps::Entry>,
    ) -> Result<Vec<steps::Progress>, Fault>;

    /// One outcome an entry, in order. A fault says that no write left; once
    /// one may have left, doubt is an `Outcome::Unknown`.
    fn perform(
        settings: &Settings,
        collection: &str,
        step: &str,
        entries: Vec<steps::Entry>,
    ) -> Result<Vec<steps::Outcome>, Fault>;
}

/// What the documents of the connector's collections hold. Called without
/// network and without secrets; [`crate::catalogue`] makes it from a table.
pub trait Discovery: 'static {
    /// The error says why nothing is known of the collection.
    fn fields_of(role: Role, collection: &str) -> Result<discovery::Fields, String>;
}

/// For collections whose records come again until each was acknowledged; they
/// are made with [`crate::Collection::draining`].
pub trait Acknowledge: 'static {
    /// One answer an entry, in order. Each entry may come more than once, and
    /// after it was acknowledged. Requests are labelled as writes for the
    /// entries that they acknowledge.
    fn acknowledge(
        settings: &Settings,
        collection: &str,
        entries: Vec<acknowledge::Entry>,
    ) -> Result<Vec<acknowledge::Answer>, Fault>;
}
