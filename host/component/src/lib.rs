//! Stub.

mod capability;

pub use capability::{Clock, Secret, SecretError, Secrets};
