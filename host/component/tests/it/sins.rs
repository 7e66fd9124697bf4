//! Each sin of a guest ends in a fault that says who and what, and the next
//! instance of the same launcher is none the worse.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duijie_component::{Launcher, Limits, Options};
use duijie_contract::{FaultKind, Launch as _, Use};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span;

use crate::listener::Listener;
use crate::sandbox::{first, fixtures, open, options, secrets, sinner};

/// Two calls into the sinning instance and one into the next: what the fault
/// of the first says.
async fn sin(options: Options, usage: Use) -> String {
    let allowance = options.allowance.clone();
    let launcher = Launcher::new(options).unwrap();
    let mut sinning = open(&launcher, &usage).await;
    let fault = sinning.next(1, 1).await.unwrap_err();
    assert_eq!(fault.connector, "sinner 0.1.0");
    let FaultKind::Guest(reason) = fault.kind else {
        panic!("{fault} is no fault of a guest");
    };
    let again = sinning.next(1, 1).await.unwrap_err();
    let stopped = FaultKind::Guest("it was stopped after an earlier failure".to_owned());
    assert_eq!(again.kind, stopped, "a stopped instance is not entered");
    drop(sinning);
    let good = first(&launcher, &sinner(&json!({ "sin": "none" }))).await;
    assert_eq!(good.unwrap().data, b"{}", "the next instance works");
    let used = allowance.used();
    assert_eq!((used.memory_bytes, used.instances), (0, 0), "{used:?}");
    reason
}

/// `parts` are what the reason must say.
async fn check(options: Options, usage: Use, parts: &[&str]) {
    let reason = sin(options, usage).await;
    for part in parts {
        assert!(reason.contains(part), "{reason:?} should say {part:?}");
    }
}

#[tokio::test]
async fn a_panic_is_a_trap_of_its_instance() {
    let usage = sinner(&json!({ "sin": "panic" }));
    check(options(fixtures()), usage, &["unreachable"]).await;
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped_when_its_processor_time_is_over() {
    let usage = sinner(&json!({ "sin": "spin" }));
    let mut options = options(fixtures());
    options.limits.cpu = Duration::from_millis(50);
    check(options, usage, &["over 50ms of processor time"]).await;
}

#[tokio::test]
async fn endless_recursion_ends_at_the_end_of_the_stack() {
    let reason = sin(options(fixtures()), sinner(&json!({ "sin": "recurse" }))).await;
    // The guest's own stack lies at the bottom of its memory and ends first
    // where frames are large.
    let ends = ["call stack exhausted", "out of bounds memory access"];
    assert!(ends.iter().any(|end| reason.contains(end)), "{reason}");
}

#[tokio::test]
async fn a_guest_gets_no_more_memory_than_its_limit() {
    let mut small = options(fixtures());
    small.limits.memory_bytes = 8 << 20;
    // An allocation that fails aborts the guest.
    check(small, sinner(&json!({ "sin": "eat" })), &["unreachable"]).await;
}

#[tokio::test]
async fn a_batch_beyond_what_may_be_handed_over_is_refused_before_it_is_copied() {
    let limits = |options: &mut Options| {
        options.limits = Limits {
            handed_over_bytes: 1 << 20,
            ..options.limits
        };
    };
    let mut narrow = options(fixtures());
    limits(&mut narrow);
    let usage = sinner(&json!({ "sin": "endless", "size": (1 << 20) + 1 }));
    check(narrow, usage, &["fuel allocated for hostcalls"]).await;

    let mut narrow = options(fixtures());
    limits(&mut narrow);
    let launcher = Launcher::new(narrow).unwrap();
    let usage = sinner(&json!({ "sin": "endless", "size": 1_000_000 }));
    let batch = first(&launcher, &usage).await.unwrap();
    assert_eq!(batch.data.len(), 1_000_000);
}

#[tokio::test]
async fn a_guest_that_waits_for_ever_is_stopped_at_the_deadline() {
    let listener = Listener::start(None).await;
    let mut options = options(fixtures());
    options.limits.deadline = Duration::from_millis(150);
    let usage = Use {
        allow: vec![listener.origin.clone()],
        ..sinner(&json!({ "sin": "fetch", "url": listener.origin }))
    };
    check(options, usage, &["did not answer within 150ms"]).await;
    assert_eq!(listener.came().len(), 1, "it was reached");
}

#[tokio::test]
async fn a_request_whose_answer_never_ends_is_let_go_at_the_deadline() {
    let listener = Listener::trickling().await;
    let mut options = options(fixtures());
    options.limits.deadline = Duration::from_millis(150);
    let usage = Use {
        allow: vec![listener.origin.clone()],
        ..sinner(&json!({ "sin": "fetch", "url": listener.origin }))
    };
    check(options, usage, &["did not answer within 150ms"]).await;
}

#[tokio::test]
async fn a_guest_that_asks_the_host_for_ever_pays_for_it() {
    for sin in ["ask-time", "knock"] {
        let mut options = options(fixtures());
        options.limits.cpu = Duration::from_millis(50);
        let usage = sinner(&json!({ "sin": sin, "url": "http://nobody.example/" }));
        check(options, usage, &["over 50ms of processor time"]).await;
    }
}

#[tokio::test]
async fn the_host_has_stack_left_wherever_it_is_called() {
    let mut options = options(fixtures());
    options.limits.cpu = Duration::from_secs(20);
    let reason = sin(options, sinner(&json!({ "sin": "dive" }))).await;
    let ends = ["call stack exhausted", "out of bounds memory access"];
    assert!(ends.iter().any(|end| reason.contains(end)), "{reason}");
}

#[tokio::test]
async fn a_fault_of_megabytes_is_cut() {
    let launcher = Launcher::new(options(fixtures())).unwrap();
    let usage = sinner(&json!({ "sin": "rant", "size": 4 << 20 }));
    let fault = first(&launcher, &usage).await.unwrap_err();
    assert!(fault.contains("!!!"), "its beginning is told");
    assert!(fault.len() < 5 << 10, "it has {} bytes", fault.len());
}

/// Keeps what guests log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line<'a>(&'a mut Vec<String>);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.push(format!("{value:?}"));
        }
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.fields().field("connector").is_some()
    }
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_flooded_log_is_bounded_in_lines_and_length_and_holds_no_secret() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let mut options = options(fixtures());
    options.limits.log_lines = 7;
    options.secrets = Arc::new(secrets(&[("TOKEN", "token-of-nobody")]));
    let launcher = Launcher::new(options).unwrap();
    let text = format!("token-of-nobody {}", "长".repeat(3_000));
    let usage = Use {
        secrets: vec![("token".to_owned(), "TOKEN".to_owned())],
        ..sinner(&json!({ "sin": "flood", "text": text }))
    };
    let mut source = launcher.source(&usage, None).await.unwrap();
    source.next(1, 1).await.unwrap();
    let lines = log.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 7);
    for line in lines {
        assert!(line.contains("***"), "{line}");
        assert!(!line.contains("token-of-nobody"), "{line}");
        assert!(line.len() <= 4 << 10, "a line has {} bytes", line.len());
    }
}
