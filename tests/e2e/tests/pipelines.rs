//! The example pipelines, each with the real binary, components and simulators: whole, again, and killed anywhere.

// The lint table exempts unit tests only; helpers of an integration test are test code too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod pipelines {
    mod expected;
    mod fill;
    mod matrix;
    mod pipeline;
    mod tables;
    mod whole;
}
