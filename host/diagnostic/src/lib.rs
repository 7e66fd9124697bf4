//! The one shape in which a person is told that something is wrong: a code,
//! a place, what was found and expected, and what to do. Reads no file and
//! prints nothing.

mod code;
mod diagnostic;
mod json;
mod render;
mod sources;
mod suggest;
#[cfg(test)]
mod tests;

pub use code::{Code, unmatched_pages};
pub use diagnostic::{Diagnostic, Fix, Label, Place, Severity, listed};
pub use json::to_json;
pub use render::{Style, render};
pub use sources::Sources;
pub use suggest::suggest;
