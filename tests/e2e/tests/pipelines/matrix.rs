//! The crash matrix of the effect protocol over each example: killed at every named point in turn while the target
//! loses answers, and at the end every document is there once.

use super::pipeline::{Pipeline, named};
use duijie_sim::{FaultKind, FaultRule};
use std::sync::Mutex;

/// Played side by side: most of the time is waiting.
const WORKERS: usize = 6;

/// Those that a plain run comes by.
const POINTS: [&str; 17] = [
    "AfterClaim",
    "RecoveryBegins",
    "RecoveryLookedUp",
    "BeforeIntent",
    "AfterSegment",
    "AfterIntent",
    "DuringSend",
    "AfterSend",
    "AfterLookup",
    "AfterBisect",
    "BeforeOutcome",
    "AfterOutcome",
    "BeforeCheckpoint",
    "AfterCheckpoint",
    "BeforeSync",
    "AfterSync",
    "BeforeRunEnds",
];

const FAULTS: [Option<FaultKind>; 6] = [
    None,
    Some(FaultKind::DropAfterApply),
    Some(FaultKind::Status502After),
    Some(FaultKind::Html200),
    Some(FaultKind::TruncatedJson),
    Some(FaultKind::Throttle),
];

/// Kills by the time that a run comes to the point; the second run begins with a recovery.
const NTH: [u32; 2] = [2, 1];

/// Gives how many of the runs were killed.
#[track_caller]
fn play(pipeline: &Pipeline, point: &str, fault: Option<FaultKind>, seed: u64) -> usize {
    let examples = pipeline.start(seed);
    let mut kills = 0;
    for nth in NTH {
        if let Some(kind) = fault {
            let rule = FaultRule::once(&pipeline.operation(), kind);
            examples.simulators.add_fault(FaultRule {
                times: Some(2),
                ..rule
            });
        }
        let ended = examples.run_and_kill(pipeline.name, point, nth);
        let told = format!("{} {point}:{nth} {fault:?} {ended:?}", pipeline.name);
        assert!(matches!(ended.code, 0 | 1 | 137), "{told}");
        assert!(!ended.stderr.contains("panicked"), "{told}");
        kills += usize::from(ended.code == 137);
    }
    examples.simulators.clear_faults();
    let report = examples.run(pipeline.name).expect(0).data();
    assert_eq!(report["held"], 0, "{} {point} {report}", pipeline.name);
    pipeline.check(&examples, false);
    kills
}

/// Every point, with the faults in turn; the column begins elsewhere for each example, so that all pairs come up.
#[track_caller]
fn survives(name: &str) {
    let (row, pipeline) = named(name);
    let left = Mutex::new(POINTS.into_iter().enumerate().collect::<Vec<_>>());
    let kills = Mutex::new(0);
    let work = || {
        loop {
            let next = left.lock().unwrap().pop();
            let Some((column, point)) = next else {
                return;
            };
            let fault = FAULTS[(row + column) % FAULTS.len()];
            let seed = (row * POINTS.len() + column) as u64;
            let killed = play(pipeline, point, fault, seed);
            *kills.lock().unwrap() += killed;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let kills = kills.into_inner().unwrap();
    assert!(kills >= POINTS.len(), "{name}: {kills} kills");
}

/// What the matrix looks for can happen: a lost answer, and nothing looked up before it is sent again.
#[test]
fn without_looking_up_a_note_whose_answer_was_lost_comes_twice() {
    let (_, pipeline) = named("kingdee-waiqin365-shipments");
    let examples = pipeline.start(3);
    let rule = FaultRule::once(&pipeline.operation(), FaultKind::DropAfterApply);
    examples.simulators.add_fault(rule);
    let ended = examples.run_without(pipeline.name, "LookUpInDoubt");
    ended.expect(0);
    let expected = (pipeline.expected)(&examples.simulators).len();
    assert!(pipeline.arrived(&examples.simulators).len() > expected);
}

macro_rules! killed {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            survives($name);
        })*
    };
}

killed! {
    balances_arrive_wherever_a_run_is_killed: "kingdee-waiqin365-balances",
    shipments_arrive_once_wherever_a_run_is_killed: "kingdee-waiqin365-shipments",
    materials_arrive_wherever_a_run_is_killed: "kingdee-wdt-materials",
    purchase_orders_arrive_once_wherever_a_run_is_killed: "kingdee-wdt-purchase-orders",
    orders_arrive_once_wherever_a_run_is_killed: "waiqin365-kingdee-orders",
    receipts_arrive_once_wherever_a_run_is_killed: "waiqin365-kingdee-receipts",
    purchase_receipts_arrive_once_wherever_a_run_is_killed: "wdt-kingdee-purchase-receipts",
    returns_arrive_once_wherever_a_run_is_killed: "wdt-kingdee-returns",
    stockouts_arrive_once_wherever_a_run_is_killed: "wdt-kingdee-stockouts",
    quotas_arrive_wherever_a_run_is_killed: "wdt-waiqin365-stock",
}
