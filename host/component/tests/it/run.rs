//! What a run may use, and what a tenant: a guest that goes beyond is ended
//! with words for who, what and where to raise it, and runs and tenants beside
//! it go on.

use std::sync::Arc;
use std::time::Duration;

use duijie_component::{Allowance, Launcher, Limits, Memory, Options, Quota};
use duijie_contract::{Bounds, Fault, FaultKind, Launch, Source, Use};
use duijie_record::Position;
use serde_json::json;

use crate::listener::Listener;
use crate::sandbox::{fixtures, options, sinner};

/// So much processor time that only what is tested comes to its end.
fn patient() -> Options {
    Options {
        limits: Limits {
            cpu: Duration::from_secs(20),
            ..Limits::DEFAULT
        },
        ..options(fixtures())
    }
}

fn reaching(listener: &Listener, sin: &str) -> Use {
    Use {
        allow: vec![listener.origin.clone()],
        ..sinner(&json!({ "sin": sin, "url": listener.origin }))
    }
}

fn said(fault: &Fault) -> &str {
    match &fault.kind {
        // That a run is over is nobody's fault.
        FaultKind::Guest(reason) | FaultKind::Other(reason) => reason,
        kind => panic!("{kind} is neither of a guest nor of a run"),
    }
}

/// The first batch of a run's source.
async fn first(run: &dyn Launch, usage: &Use) -> Result<Vec<u8>, Fault> {
    let mut source = run.source(usage, None).await?;
    Ok(source.next(1, 1).await?.expect("a batch").data)
}

/// A run of these bounds ends so, and another of the same launcher goes on.
async fn check(bounds: Bounds, usage: &Use, says: &str) {
    let launcher = Launcher::new(patient()).unwrap();
    let run = launcher.bounded(bounds).unwrap();
    let fault = first(run.as_ref(), usage).await.unwrap_err();
    assert_eq!(fault.connector, "sinner 0.1.0");
    assert!(said(&fault).contains(says), "{fault} should say {says:?}");
    let again = first(run.as_ref(), &sinner(&json!({ "sin": "none" }))).await;
    assert_eq!(
        said(&again.unwrap_err()),
        said(&fault),
        "nothing of it begins"
    );
    let next = launcher.bounded(Bounds::DEFAULT).unwrap();
    let good = first(next.as_ref(), &sinner(&json!({ "sin": "none" }))).await;
    assert_eq!(good.unwrap(), b"{}", "another run goes on");
}

#[tokio::test]
async fn a_run_makes_so_many_requests_and_no_more() {
    let listener = Listener::ok("{}").await;
    let bounds = Bounds {
        calls: 5,
        ..Bounds::DEFAULT
    };
    let says = "over 5 requests in this run: raise `limits.run.calls`";
    check(bounds, &reaching(&listener, "poll"), says).await;
    assert_eq!(listener.came().len(), 5);
}

#[tokio::test]
async fn requests_that_are_refused_count_as_well() {
    let bounds = Bounds {
        calls: 5,
        ..Bounds::DEFAULT
    };
    let usage = sinner(&json!({ "sin": "knock", "url": "http://nobody.example/" }));
    check(bounds, &usage, "over 5 requests in this run").await;
}

#[tokio::test]
async fn a_run_takes_so_many_bytes_of_answers_and_no_more() {
    let listener = Listener::ok(&"x".repeat(400)).await;
    let bounds = Bounds {
        received_bytes: 1_000,
        ..Bounds::DEFAULT
    };
    let says = "over 1000 bytes of answers in this run: raise `limits.run.received`";
    check(bounds, &reaching(&listener, "poll"), says).await;
    assert_eq!(listener.came().len(), 3);
}

#[tokio::test]
async fn a_run_sends_so_many_bytes_and_no_more() {
    let listener = Listener::ok("{}").await;
    let bounds = Bounds {
        sent_bytes: 1,
        ..Bounds::DEFAULT
    };
    let says = "over 1 bytes of requests in this run: raise `limits.run.sent`";
    check(bounds, &reaching(&listener, "write-outside"), says).await;
    assert_eq!(listener.came().len(), 0, "nothing of it left");
}

#[tokio::test]
async fn a_run_logs_so_many_lines_and_bytes_and_no_more() {
    let usage = sinner(&json!({ "sin": "chatter", "size": 100_000, "text": "twelve bytes" }));
    let lines = Bounds {
        log_lines: 50,
        ..Bounds::DEFAULT
    };
    let says = "over 50 lines of log in this run: raise `limits.run.log_lines`";
    check(lines, &usage, says).await;
    let bytes = Bounds {
        log_bytes: 120,
        ..Bounds::DEFAULT
    };
    let says = "over 120 bytes of log in this run: raise `limits.run.log_bytes`";
    check(bytes, &usage, says).await;
}

/// What one call may not log goes nowhere, and counts for nothing.
#[tokio::test]
async fn small_lines_without_number_are_bounded_in_one_call() {
    let usage = sinner(&json!({ "sin": "chatter", "size": 100_000, "text": "." }));
    let launcher = Launcher::new(patient()).unwrap();
    let bounds = Bounds {
        log_lines: u64::from(Limits::DEFAULT.log_lines),
        ..Bounds::DEFAULT
    };
    let run = launcher.bounded(bounds).unwrap();
    assert_eq!(first(run.as_ref(), &usage).await.unwrap(), b"{}");
}

#[tokio::test]
async fn a_run_has_its_processor_time_over_all_its_instances() {
    let bounds = Bounds {
        cpu: Duration::from_millis(60),
        ..Bounds::DEFAULT
    };
    let says = "of processor time in this run: raise `limits.run.cpu`";
    check(bounds, &sinner(&json!({ "sin": "spin" })), says).await;
}

async fn hoard(launcher: &Launcher, size: usize) -> Result<Box<dyn Source>, Fault> {
    let usage = sinner(&json!({ "sin": "hoard", "size": size }));
    let mut source = launcher.source(&usage, None).await?;
    source.next(1, 1).await?;
    Ok(source)
}

#[tokio::test]
async fn a_tenants_connectors_have_its_memory_together() {
    let quota = Quota {
        memory_bytes: 40 << 20,
        ..Quota::NONE
    };
    let allowance = Allowance::new(quota);
    let launcher = Launcher::new(Options {
        allowance: allowance.clone(),
        ..patient()
    })
    .unwrap();
    let holds = hoard(&launcher, 24 << 20).await.unwrap();
    let fault = hoard(&launcher, 24 << 20).await.err().unwrap();
    for part in [
        "refused memory",
        "the 40 MiB of `quotas.memory`",
        "unreachable",
    ] {
        assert!(said(&fault).contains(part), "{fault}");
    }
    drop(holds);
    drop(hoard(&launcher, 24 << 20).await.unwrap());
    let used = allowance.used();
    assert_eq!((used.memory_bytes, used.instances), (0, 0));
    assert!(used.memory_peak > 24 << 20 && used.memory_peak <= 40 << 20);
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_waits_and_is_told() {
    let full = |quota: u32, pool: u32| {
        let options = Options {
            memory: Memory::Pooled { instances: pool },
            allowance: Allowance::new(Quota {
                instances: quota,
                ..Quota::NONE
            }),
            ..patient()
        };
        Launcher::new(options).unwrap()
    };
    let none = sinner(&json!({ "sin": "none" }));
    for (launcher, says) in [
        (full(1, 4), "the most that `quotas.runs` gives"),
        (full(4, 1), "lower `runs` of the service"),
    ] {
        let held = launcher.source(&none, None).await.unwrap();
        let fault = launcher.source(&none, None).await.err().unwrap();
        assert!(fault.is_passing(), "it may be tried again");
        assert!(fault.to_string().contains(says), "{fault}");
        drop(held);
        first(&launcher, &none).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_guest_did_before_counts_for_nothing() {
    let mut options = options(fixtures());
    options.limits.cpu = Duration::from_millis(50);
    let launcher = Launcher::new(options).unwrap();
    let usage = sinner(&json!({ "sin": "turncoat" }));
    // It is described, checked and run once, and is as good as any other.
    launcher.describe("sinner").await.unwrap();
    assert_eq!(launcher.check(&usage).await.unwrap(), []);
    assert_eq!(first(&launcher, &usage).await.unwrap(), b"{}");
    let position = Position(b"1".to_vec());
    let mut later = launcher.source(&usage, Some(&position)).await.unwrap();
    let fault = later.next(1, 1).await.unwrap_err();
    assert!(
        said(&fault).contains("over 50ms of processor time"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_guest_that_does_what_a_system_tells_it_has_the_same_limits() {
    for (told, says) in [
        ("\"spin\"", "over 50ms of processor time"),
        ("\"panic\"", "unreachable"),
    ] {
        let mut options = options(fixtures());
        options.limits.cpu = Duration::from_millis(50);
        let launcher = Launcher::new(options).unwrap();
        let listener = Listener::ok(told).await;
        let fault = first(&launcher, &reaching(&listener, "obey")).await;
        let fault = fault.unwrap_err();
        assert!(said(&fault).contains(says), "{fault}");
    }
}

#[tokio::test]
async fn launchers_of_one_tenant_share_its_account() {
    let allowance = Allowance::new(Quota::NONE);
    let mut both = Vec::new();
    for _ in 0..2 {
        let options = Options {
            allowance: allowance.clone(),
            ..patient()
        };
        let launcher = Arc::new(Launcher::new(options).unwrap());
        both.push(hoard(&launcher, 1 << 20).await.unwrap());
    }
    let used = allowance.used();
    assert_eq!(used.instances, 2);
    assert!(used.memory_bytes > 2 << 20 && used.cpu > Duration::ZERO);
}
