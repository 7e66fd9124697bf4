//! The sandbox with real components: those of `connectors/` and the fixtures,
//! as `cargo xtask connectors` builds them. What one module of the host does
//! by itself is tested beside that module.

// The lint table exempts unit tests only; helpers of an integration test are
// test code too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod acknowledge;
mod cache;
mod canary;
mod discovery;
mod egress;
mod forms;
mod hostile;
mod listener;
mod memory;
mod preview;
mod run;
mod sandbox;
mod sins;
mod steps;
mod tables;
mod vectors;
