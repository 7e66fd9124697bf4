//! What the end-to-end tests stand on: a project in a folder of its own, the real binary over the real
//! components, and an expectation that shares no code with them. It asserts nothing about a scenario itself.

// The lint table exempts unit tests only; all of this is test code too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod bare;
mod bill;
mod collector;
mod command;
mod examples;
mod manifest;
mod project;
mod robot;
mod service;
mod trial;
mod waiqin365;

pub use bare::Bare;
pub use bill::{
    arrived_bill, check_exactly_once, check_same, difference, digits, expected, expected_of,
};
pub use collector::{Collector, Span};
pub use command::{Ended, Running};
pub use examples::Examples;
pub use manifest::{Auth, Manifest};
pub use project::{Project, connectors, orders, start_in, start_over_own};
pub use robot::{Heard, KEY, Robot, Rules, SECRET};
pub use service::{Answer, Service};
pub use trial::{End, Trial, Vendor};
pub use waiqin365::WAIQIN365;
