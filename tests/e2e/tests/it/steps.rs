//! Bills that are submitted and audited after they were saved: each once, whatever happens in between.

use duijie_e2e::{Project, check_exactly_once, orders};
use duijie_sim::{Config, FaultKind, FaultRule, OrderChange};
use serde_json::json;
use std::time::Duration;

const SAVE: &str = "kingdee.BatchSave";
const SUBMIT: &str = "kingdee.Submit";
const AUDIT: &str = "kingdee.Audit";

fn project(config: Config) -> Project {
    let with_steps = "  collection: SAL_OUTSTOCK # 销售出库单\n  steps: [submit, audit]\n";
    Project::new(config)
        .changed(|manifest| manifest.with("  collection: SAL_OUTSTOCK # 销售出库单\n", with_steps))
}

/// Its commands can be killed at named points, and wait less for the target.
fn chaotic(config: Config) -> Project {
    let with_steps = "  guarantee: unique-key\n  steps: [submit, audit]\n  settle: 100ms";
    Project::chaotic(config).changed(|manifest| {
        manifest
            .with("  guarantee: unique-key", with_steps)
            .with_portions(10)
    })
}

/// Every order arrived once and is audited, nothing waits for a person, and nothing more is to be done.
#[track_caller]
fn check_audited(project: &Project) {
    check_exactly_once(&project.simulators);
    let documents = project.simulators.documents();
    for document in &documents {
        assert_eq!(document.status, 'C', "{}", document.bill_no);
    }
    let calls = || [SAVE, SUBMIT, AUDIT].map(|operation| project.count(operation));
    let before = calls();
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["held"]),
        (&0.into(), &0.into())
    );
    assert_eq!(calls(), before);
    for (command, waiting) in [("holds", "holds"), ("dead-letters", "dead_letters")] {
        let listed = project.command(&[command, "list", "--json"]).expect(0);
        assert_eq!(listed.data()[waiting], json!([]));
    }
}

#[test]
fn every_bill_is_saved_submitted_and_audited_a_batch_at_a_time() {
    let project = project(orders(60, 51)).changed(|manifest| manifest.with_portions(20));
    project
        .command(&["plan", "stockouts"])
        .expect(0)
        .says(&["then           submit, audit"]);
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["held"]),
        (&60.into(), &0.into())
    );
    let calls = [SAVE, SUBMIT, AUDIT].map(|operation| project.count(operation));
    assert_eq!(calls, [3, 3, 3]);
    check_audited(&project);
}

#[test]
fn a_run_killed_between_the_steps_is_gone_on_with() {
    let mut config = orders(120, 52);
    config.latency = Duration::from_millis(15);
    let project = project(config).changed(|manifest| manifest.with_portions(10));
    for (operation, more) in [(SUBMIT, 1), (AUDIT, 1), (AUDIT, 3)] {
        let before = project.count(operation);
        let running = project.start(&["run", "stockouts", "--json"]);
        project.wait_for_count(operation, before + more);
        running.kill();
        running.end();
    }
    project.run().expect(0);
    check_audited(&project);
}

#[test]
fn a_run_may_be_killed_at_any_point_of_any_step() {
    let killed_at = |(seed, point): (u64, &str)| {
        let project = chaotic(orders(40, seed));
        let mut kills = 0;
        for nth in [1, 2, 1, 5, 3, 4, 7, 1] {
            let kill = ("DUIJIE_CHAOS_KILL", format!("{point}:{nth}"));
            let ended = project.start_with(&["run", "stockouts"], &[kill]).end();
            assert!(matches!(ended.code, 0 | 137), "{point}:{nth} {ended:?}");
            kills += u32::from(ended.code == 137);
        }
        assert!(kills > 1, "{point}: {kills} kills");
        project.run().expect(0);
        check_audited(&project);
    };
    std::thread::scope(|scope| {
        for point in (61..).zip([
            "AfterIntent",
            "DuringSend",
            "AfterSend",
            "AfterLookup",
            "BeforeOutcome",
            "AfterOutcome",
        ]) {
            scope.spawn(move || killed_at(point));
        }
    });
}

#[test]
fn answers_lost_on_the_way_back_are_looked_for_in_the_bills_themselves() {
    let project = project(orders(60, 53)).changed(|manifest| manifest.with_portions(20));
    let faults = [
        (SUBMIT, FaultKind::Status502After),
        (SUBMIT, FaultKind::LateApply),
        (AUDIT, FaultKind::HalfBatch),
        (AUDIT, FaultKind::TruncatedJson),
        (AUDIT, FaultKind::SessionLost),
    ];
    for (operation, kind) in faults {
        project.simulators.add_fault(FaultRule {
            ms: 300,
            ..FaultRule::once(operation, kind)
        });
    }
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["held"]),
        (&60.into(), &0.into())
    );
    check_audited(&project);
}

#[test]
fn a_change_of_an_audited_bill_is_held_and_not_written() {
    let mut project = project(orders(12, 54)).changed(|manifest| {
        manifest
            .with_on_change("update")
            .with_source_setting("is_by_modified: true")
    });
    project.run().expect(0);
    let saves = project.count(SAVE);
    let number = project.shipped().swap_remove(0);
    let (at, _) = project.ten_minutes_pass();
    let change = OrderChange {
        stockout_no: number.clone(),
        at: Some(at),
        more_pieces: true,
        ..OrderChange::default()
    };
    assert!(project.simulators.change_order(&change));
    let ended = project.command(&["run", "stockouts"]).expect(0);
    ended.says(&["1 held", &format!("({number})"), "已审核"]);
    assert_eq!(project.count(SAVE), saves);
}
