//! Short ways to say what went wrong. The dispositions are the contract's.

use crate::http::Failure;
use crate::{Change, Entry, Fault, Pause, Problem, Rejection, Retry};

impl Problem {
    /// `at` is a JSON pointer such as `/pipeline/window`.
    pub fn new(at: &str, message: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Fault {
    pub fn invalid(problem: Problem) -> Self {
        Fault::InvalidSettings(vec![problem])
    }

    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Fault::Unauthorized(reason.into())
    }

    pub fn rate_limited(reason: impl Into<String>, retry_after_ms: Option<u64>) -> Self {
        Fault::RateLimited(Pause {
            reason: reason.into(),
            retry_after_ms,
        })
    }

    pub fn unavailable(reason: impl Into<String>, retry_after_ms: Option<u64>) -> Self {
        Fault::Unavailable(Pause {
            reason: reason.into(),
            retry_after_ms,
        })
    }

    pub fn broken(reason: impl Into<String>) -> Self {
        Fault::Broken(reason.into())
    }

    pub fn other(reason: impl Into<String>) -> Self {
        Fault::Other(reason.into())
    }
}

/// For reads and sessions, where an answer that did not come changed nothing.
/// A writer must not use it after a write left: that is an unknown outcome.
impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(reason) | Failure::NotSent(reason) => Fault::NotSent(reason),
            Failure::NoAnswer(reason) => Fault::unavailable(reason, None),
            Failure::Other(reason) => Fault::Other(reason),
        }
    }
}

impl Rejection {
    pub fn never(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            field: None,
            retry: Retry::Never,
        }
    }

    pub fn later(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            retry: Retry::Later,
            ..Self::never(code, message)
        }
    }
}

impl Entry {
    pub fn upsert(key: impl Into<String>, version: Option<String>) -> Self {
        Self {
            key: key.into(),
            version,
            change: Change::Upsert,
            ack_token: None,
        }
    }
}
