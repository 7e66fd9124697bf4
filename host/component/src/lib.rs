//! The sandbox: components in, `contract` traits out. The only crate that
//! names wasmtime or an HTTP client.

mod adapter;
mod allowance;
mod budget;
mod cache;
mod capability;
mod code;
mod compile;
mod connection;
mod engine;
mod error;
mod guest;
mod inspect;
mod launch;
mod library;
mod place;
mod room;
mod spans;
mod spent;
mod turn;

pub use allowance::{Allowance, Quota, Used};
pub use budget::{Account, Budgets, CallLimit, Counted, Per};
pub use capability::{
    Clock, Closed, DataKeys, Endpoint, Kept, Key, Keys, MOST_VALUE, OWN, Outbound, Posted,
    Provider, Secret, SecretError, Secrets, Unsent, Vault, Webhook, check_name,
};
pub use code::Code;
pub use compile::{Compiler, compile_child};
pub use engine::Memory;
pub use error::Error;
pub use guest::Limits;
pub use inspect::{Border, inspect};
pub use launch::{Launcher, Options, Over};
pub use spans::{SPANS, failed as span_failed, number as span_number};
