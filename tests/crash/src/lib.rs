//! The crash matrix: the real binary, killed at every named point and under every fault of the simulators, and
//! a model that says what the target must hold in the end. It shares no code with what it judges, but for the
//! names of points and guards.

// The lint table exempts unit tests only; all of this is test code too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod case;
mod fault;
mod grouped;
mod guard;
mod matrix;
mod model;
mod play;
mod random;
mod scene;
mod shape;
mod stepped;
mod table;

pub use case::{Case, Class, Row};
pub use fault::Fault;
pub use guard::without;
pub use matrix::{Matrix, Size, Total};
pub use model::{Finding, Sort};
pub use play::{Played, play};
pub use shape::Shape;
pub use table::markdown;
