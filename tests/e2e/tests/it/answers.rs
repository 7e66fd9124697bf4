//! Bad answers of both systems: a run gets over them by its tries, or ends with a clear fault and can be
//! gone on with. What is doubtful at the target waits for its settle time, three seconds each.

use duijie_e2e::{Project, check_exactly_once, orders};
use duijie_sim::{FaultKind, FaultRule};

const PAGE: &str = "wangdiantong.stockout_order_query_trade";
const SAVE: &str = "kingdee.BatchSave";

/// Three pages and three batches.
fn project(seed: u64, attempts: u32) -> Project {
    Project::new(orders(60, seed))
        .changed(|manifest| manifest.with_portions(20).with_attempts(attempts))
}

fn rule(operation: &str, kind: FaultKind, times: Option<u64>) -> FaultRule {
    FaultRule {
        times,
        ms: 300,
        ..FaultRule::once(operation, kind)
    }
}

/// Runs the cases side by side, since most of their time is waiting.
fn check_each<C: Sync>(cases: &[C], check: impl Fn(&C) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| check(case));
        }
    });
}

/// The run gets over the faults.
fn gets_over(project: &Project, faults: &[FaultRule]) {
    for fault in faults {
        project.simulators.add_fault(fault.clone());
    }
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["held"]),
        (&60.into(), &0.into()),
        "{faults:?}"
    );
    check_exactly_once(&project.simulators);
}

/// The run ends with words, and the next one finishes once the fault is gone; nothing is parked.
fn fails(project: &Project, fault: FaultRule, words: &[&str]) {
    project.simulators.add_fault(fault);
    let ended = project.command(&["run", "stockouts"]).expect(1);
    ended
        .says(words)
        .says(&["nothing is lost; run it again to go on"]);
    project.simulators.clear_faults();
    project.run().expect(0);
    check_exactly_once(&project.simulators);
    let runs = project.command(&["runs", "stockouts", "--json"]).expect(0);
    for run in runs.data().as_array().unwrap() {
        assert_eq!(
            (&run["held"], &run["rejected"]),
            (&0.into(), &0.into()),
            "{run}"
        );
    }
}

const SOURCE: [(FaultKind, &str); 9] = [
    (FaultKind::Html200, "系统维护中"),
    (FaultKind::TruncatedJson, "the answer cannot be understood"),
    (FaultKind::WrongEnvelope, "expected an envelope"),
    (FaultKind::WrongTypes, "the answer cannot be understood"),
    (FaultKind::Status502Before, "HTTP 502"),
    (FaultKind::Status502After, "HTTP 502"),
    (FaultKind::DropBefore, "the system is not available"),
    (FaultKind::DropAfterApply, "the system is not available"),
    (FaultKind::Throttle, "the system asks for fewer calls"),
];

#[test]
fn a_bad_answer_of_the_source_is_asked_for_again() {
    let passing = SOURCE
        .iter()
        .filter(|(kind, _)| *kind != FaultKind::Throttle);
    let mut kinds: Vec<FaultKind> = passing.map(|(kind, _)| *kind).collect();
    kinds.push(FaultKind::Slow);
    check_each(&kinds, |kind| {
        let first = rule(PAGE, *kind, Some(1));
        let later = FaultRule {
            skip: 2,
            ..rule(PAGE, *kind, Some(2))
        };
        gets_over(&project(61, 5), &[first, later]);
    });
}

#[test]
fn a_source_that_keeps_answering_badly_ends_the_run_with_words() {
    check_each(&SOURCE, |(kind, words)| {
        for skip in [0, 2] {
            let fault = FaultRule {
                skip,
                ..rule(PAGE, *kind, None)
            };
            // The vendor's throttle asks for longer than a test waits.
            let project = project(62, 3)
                .changed(|manifest| manifest.with("attempts: 3", "attempts: 3, budget: 10s"));
            fails(&project, fault, &[words, "wangdiantong"]);
        }
    });
}

#[test]
fn a_run_that_waits_out_a_throttle_can_be_stopped() {
    let project = project(63, 5);
    project
        .simulators
        .add_fault(rule(PAGE, FaultKind::Throttle, None));
    let mut running = project.start(&["run", "stockouts"]);
    running.wait_for_line("trying again in 31000 ms");
    running.interrupt();
    running.end().expect(130);
    project.simulators.clear_faults();
    project.run().expect(0);
    check_exactly_once(&project.simulators);
}

const TARGET: [FaultKind; 13] = [
    FaultKind::Html200,
    FaultKind::TruncatedJson,
    FaultKind::WrongEnvelope,
    FaultKind::WrongTypes,
    FaultKind::Status502Before,
    FaultKind::Status502After,
    FaultKind::DropBefore,
    FaultKind::DropAfterApply,
    FaultKind::HalfBatch,
    FaultKind::DelayedVisibility,
    FaultKind::Throttle,
    FaultKind::SessionLost,
    FaultKind::Slow,
];

#[test]
fn a_bad_answer_to_a_write_is_settled_in_the_same_run() {
    check_each(&TARGET, |kind| {
        gets_over(&project(64, 5), &[rule(SAVE, *kind, Some(1))]);
    });
}

/// What keeps the target from taking anything, and what the run says of it.
const OUTAGE: [(FaultKind, &str); 7] = [
    (FaultKind::Html200, "系统维护中"),
    (FaultKind::WrongEnvelope, "an answer that is not understood"),
    (FaultKind::WrongTypes, "an answer that is not understood"),
    (FaultKind::Status502Before, "HTTP status 502"),
    (FaultKind::DropBefore, "error sending request"),
    (FaultKind::Throttle, "调用次数超过限制"),
    (FaultKind::SessionLost, "会话信息已丢失"),
];

#[test]
fn a_target_that_takes_nothing_ends_the_run_with_words_and_holds_nothing() {
    check_each(&OUTAGE, |(kind, words)| {
        let project = project(69, 3);
        fails(
            &project,
            rule(SAVE, *kind, None),
            &[words, "kingdee", "could not be written, tries: 3"],
        );
    });
}

#[test]
fn a_lost_session_is_renewed_once_and_the_write_sent_again() {
    let project = project(67, 5).changed(|manifest| manifest.with("writers: 4", "writers: 1"));
    let used = FaultRule {
        skip: 1,
        ..rule(SAVE, FaultKind::SessionLost, Some(1))
    };
    gets_over(&project, &[used]);
    assert_eq!(project.count("kingdee.LoginByAppSecret"), 2);
    assert_eq!(project.count(SAVE), 4);
}

#[test]
fn bad_answers_to_many_calls_of_the_target_are_settled_in_the_same_run() {
    let cases = [
        (FaultKind::DropAfterApply, FaultKind::Html200),
        (FaultKind::Status502After, FaultKind::WrongTypes),
        (FaultKind::HalfBatch, FaultKind::TruncatedJson),
        (FaultKind::TruncatedJson, FaultKind::Throttle),
        (FaultKind::WrongEnvelope, FaultKind::Status502Before),
    ];
    check_each(&cases, |(save, query)| {
        let faults = [
            rule("kingdee.LoginByAppSecret", *query, Some(1)),
            rule(SAVE, *save, Some(3)),
            rule("kingdee.ExecuteBillQuery", *query, Some(2)),
        ];
        gets_over(&project(65, 5), &faults);
    });
}

#[test]
fn a_target_that_lets_nobody_in_ends_the_run_with_words() {
    let cases = [
        (FaultKind::Html200, "系统维护中"),
        (FaultKind::WrongEnvelope, "found no LoginResultType"),
        (FaultKind::Status502Before, "login: HTTP status 502"),
        (FaultKind::DropBefore, "the system is not available"),
    ];
    check_each(&cases, |(kind, words)| {
        let fault = rule("kingdee.LoginByAppSecret", *kind, None);
        fails(&project(66, 3), fault, &[words, "kingdee"]);
    });
}
