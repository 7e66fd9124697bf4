//! Who is told what of runs, and when: causes are merged until they may be
//! told, and written in the form of a messenger's robot. Time is handed in and
//! messages are handed out; it sends nothing and knows no store.

mod cause;
mod form;
mod route;
mod sign;
#[cfg(test)]
mod tests;
mod text;

pub use cause::{Cause, Event, Kind, Told};
pub use form::{Form, Refused};
pub use route::{Route, Rule};
pub use sign::{Signature, sign};
pub use text::Language;
