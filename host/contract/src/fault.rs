//! Why a call into a connector failed, as a disposition that the host acts on.

use std::time::Duration;

/// Something wrong with settings, placed by JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer into the settings; empty for the whole.
    pub at: String,
    pub message: String,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    #[error("settings cannot work: {}", .0.iter().map(|p| format!("{} {}", p.at, p.message)).collect::<Vec<_>>().join("; "))]
    InvalidSettings(Vec<Problem>),
    #[error("credentials were refused: {0}")]
    Unauthorized(String),
    #[error("the system asks for fewer calls: {reason}")]
    RateLimited {
        reason: String,
        retry_after: Option<Duration>,
    },
    #[error("the system is not available: {reason}")]
    Unavailable {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// What the host allows is used up; nobody needs to try before the time,
    /// in Unix milliseconds, when there is more.
    #[error("{reason}")]
    Spent { reason: String, until_ms: u64 },
    #[error("the request was not sent: {0}")]
    NotSent(String),
    #[error("the answer cannot be understood: {0}")]
    Broken(String),
    /// The guest broke the contract, trapped, or ran past a limit.
    #[error("the connector failed: {0}")]
    Guest(String),
    #[error("{0}")]
    Other(String),
}

impl FaultKind {
    /// Which it is, with nothing of what was said.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidSettings(_) => "invalid-settings",
            Self::Unauthorized(_) => "unauthorized",
            Self::RateLimited { .. } => "rate-limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Spent { .. } => "spent",
            Self::NotSent(_) => "not-sent",
            Self::Broken(_) => "broken",
            Self::Guest(_) => "guest",
            Self::Other(_) => "other",
        }
    }
}

/// A fault, prefixed with who raised it; the connector's own text is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{connector}: {kind}")]
pub struct Fault {
    /// Name and version of the connector: `somesystem 0.1.0`.
    pub connector: String,
    pub kind: FaultKind,
}

impl Fault {
    pub fn new(connector: &str, kind: FaultKind) -> Self {
        Self {
            connector: connector.to_owned(),
            kind,
        }
    }

    /// Whether the same call may succeed later with nothing changed by anyone.
    pub fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::RateLimited { .. }
                | FaultKind::Unavailable { .. }
                | FaultKind::Broken(_)
                | FaultKind::NotSent(_)
        )
    }

    /// How long the system asked the host to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            FaultKind::RateLimited { retry_after, .. }
            | FaultKind::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
