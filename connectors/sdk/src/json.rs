//! JSON of whole answers without a tree: finds the list of records, cuts it in
//! place into JSON Lines, and reads single fields as raw text. It checks what
//! it steps over (brackets, strings, members of the envelope), not what stands
//! inside records; whoever maps them reads them whole.

mod answer;
mod block;
mod lane;
mod raw;
mod record;
pub(crate) mod skip;

pub use answer::{Answer, Page};
pub use raw::{Raw, quoted, text_of};
pub use record::{Field, Record, elements, field, members};

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Offset of the byte at fault.
    pub at: usize,
    pub expected: &'static str,
}

impl Error {
    pub(crate) fn new(at: usize, expected: &'static str) -> Self {
        Self { at, expected }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "at byte {}: expected {}", self.at, self.expected)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
