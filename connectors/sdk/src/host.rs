//! The host's offers to a connector. `Network` is everything of it that a
//! connector's work depends on, so that this work can be tested natively with
//! a script in the host's place; `Host` is the real one.

use crate::bindings::network::duijie::host as offered;
use crate::http::{Failure, Request, Response};

pub use offered::log::Level;
pub use offered::sign::Signed;
pub use offered::tables::{Missing, Snapshot};

pub trait Network {
    fn send(&self, request: Request) -> Result<Response, Failure>;

    /// All at once, answers in the order of the requests.
    fn send_many(&self, requests: Vec<Request>) -> Vec<Result<Response, Failure>>;

    /// Runs a recipe that `describe` declared. The error says what is missing.
    fn sign(&self, recipe: &str, inputs: &[(&str, &str)]) -> Result<Signed, String>;

    /// Names of the captured values in the session leased to this instance.
    fn held(&self) -> Vec<String>;

    /// Drops what the session holds, before a new login.
    fn forget(&self);

    /// The host's time, unix milliseconds.
    fn now_ms(&self) -> u64;
}

/// The host of this instance. Each call panics on a native target, where
/// there is none; a transform may only ask it for the time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl Network for Host {
    fn send(&self, request: Request) -> Result<Response, Failure> {
        offered::http::send(&request)
    }

    fn send_many(&self, requests: Vec<Request>) -> Vec<Result<Response, Failure>> {
        offered::http::send_many(&requests)
    }

    fn sign(&self, recipe: &str, inputs: &[(&str, &str)]) -> Result<Signed, String> {
        let inputs: Vec<(String, String)> = inputs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        offered::sign::sign(recipe, &inputs)
    }

    fn held(&self) -> Vec<String> {
        offered::session::held()
    }

    fn forget(&self) {
        offered::session::forget();
    }

    fn now_ms(&self) -> u64 {
        offered::clock::now_ms()
    }
}

/// Value tables, for a transform.
pub trait Tables {
    /// The whole table with these columns of each row, as it stood when the run
    /// began.
    fn get(&self, name: &str, columns: &[String]) -> Result<Snapshot, Missing>;
}

impl Tables for Host {
    fn get(&self, name: &str, columns: &[String]) -> Result<Snapshot, Missing> {
        offered::tables::get(name, columns)
    }
}

/// One line for the operator; the host cuts at 4 KiB. Silent on native targets.
pub fn log(level: Level, message: &str) {
    if cfg!(target_family = "wasm") {
        offered::log::log(level, message);
    }
}
