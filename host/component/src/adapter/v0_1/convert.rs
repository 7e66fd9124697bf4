//! Values of the contract `@0.1` to version-neutral ones and back.

use std::time::Duration;

use duijie_contract::{Fault, FaultKind, Problem, Use};
use duijie_record::{Change, RecordEntry, Rejection, Retry, SourceKey, Version};

use super::bindings::duijie::types::types as wit;
use crate::guest::Running;

pub(super) fn settings(usage: &Use) -> wit::Settings<'_> {
    wit::Settings {
        connection: &usage.connection_settings,
        pipeline: &usage.pipeline_settings,
    }
}

/// Bytes of a text for people that are kept: it goes into logs and the store.
const MOST_TOLD: usize = 4 << 10;
/// Problems that are told.
pub(super) const MOST_PROBLEMS: usize = 100;

/// A guest's text for people, cut where it is no longer meant for any.
pub(super) fn told(mut text: String) -> String {
    if text.len() > MOST_TOLD {
        text.truncate(text.floor_char_boundary(MOST_TOLD));
        // What was handed over goes with the rest of it.
        text.shrink_to_fit();
        text.push('…');
    }
    text
}

pub(super) fn problem(problem: wit::Problem) -> Problem {
    Problem {
        at: told(problem.at),
        message: told(problem.message),
        hint: problem.hint.map(told),
    }
}

/// A guest's answer, its own fault prefixed with who it is. Budgets learn of
/// both; where they refused a call, that is the fault.
pub(super) fn answer<T>(running: &Running, answer: Result<T, wit::Fault>) -> Result<T, Fault> {
    let guest = running.store.data();
    let answer = answer.map_err(|raised| fault(&guest.connector, raised));
    match (&guest.reach, answer) {
        (None, answer) => answer,
        (Some(reach), Ok(value)) => {
            reach.went_well();
            Ok(value)
        }
        (Some(reach), Err(fault)) => Err(Fault {
            kind: reach.went_wrong(fault.kind),
            ..fault
        }),
    }
}

fn fault(connector: &str, fault: wit::Fault) -> Fault {
    let retry_after = |ms: Option<u64>| ms.map(Duration::from_millis);
    let kind = match fault {
        wit::Fault::InvalidSettings(problems) => {
            let problems = problems.into_iter().take(MOST_PROBLEMS);
            FaultKind::InvalidSettings(problems.map(problem).collect())
        }
        wit::Fault::Unauthorized(reason) => FaultKind::Unauthorized(told(reason)),
        wit::Fault::RateLimited(pause) => FaultKind::RateLimited {
            reason: told(pause.reason),
            retry_after: retry_after(pause.retry_after_ms),
        },
        wit::Fault::Unavailable(pause) => FaultKind::Unavailable {
            reason: told(pause.reason),
            retry_after: retry_after(pause.retry_after_ms),
        },
        wit::Fault::NotSent(reason) => FaultKind::NotSent(told(reason)),
        wit::Fault::Broken(reason) => FaultKind::Broken(told(reason)),
        wit::Fault::Other(reason) => FaultKind::Other(told(reason)),
    };
    Fault::new(connector, kind)
}

pub(super) fn rejection(rejection: wit::RejectionResult) -> Rejection {
    Rejection {
        code: told(rejection.code),
        message: told(rejection.message),
        field: rejection.field.map(told),
        retry: match rejection.retry {
            wit::Retry::Never => Retry::Never,
            wit::Retry::Later => Retry::Later,
        },
    }
}

pub(super) fn entry(entry: wit::EntryResult) -> RecordEntry {
    RecordEntry {
        key: SourceKey(entry.key),
        version: entry.version.map(Version),
        change: match entry.change {
            wit::Change::Upsert => Change::Upsert,
            wit::Change::Delete => Change::Delete,
        },
        ack_token: entry.ack_token,
    }
}

pub(super) fn to_entry(entry: &RecordEntry) -> wit::EntryParam<'_> {
    wit::EntryParam {
        key: entry.key.as_str(),
        version: entry.version.as_ref().map(Version::as_str),
        change: match entry.change {
            Change::Upsert => wit::Change::Upsert,
            Change::Delete => wit::Change::Delete,
        },
        ack_token: entry.ack_token.as_deref(),
    }
}
