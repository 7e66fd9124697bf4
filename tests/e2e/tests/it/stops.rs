//! Runs that are stopped by a signal: how they end, and that the next one goes on where they were.

use duijie_e2e::{Project, check_exactly_once, orders};
use serde_json::Value;
use std::time::Duration;

const ORDERS: usize = 400;

/// Many small pages and batches, each slow enough to be stopped between.
fn project(seed: u64) -> Project {
    let mut config = orders(ORDERS, seed);
    config.latency = Duration::from_millis(20);
    Project::new(config).changed(|manifest| manifest.with_portions(10))
}

fn checkpoint(project: &Project) -> Value {
    let shown = project.command(&["checkpoints", "show", "stockouts", "--json"]);
    shown.expect(0).data()
}

/// Starts a run and interrupts it once so many more calls were answered.
fn interrupted(project: &Project, operation: &str, more: u64) -> Value {
    let before = project.count(operation);
    let running = project.start(&["run", "stockouts", "--json"]);
    project.wait_for_count(operation, before + more);
    running.interrupt();
    let report = running.end().expect(130).data();
    assert_eq!(report["end"], "stopped");
    report
}

#[test]
fn a_run_stopped_in_the_middle_is_gone_on_with_and_loses_and_doubles_nothing() {
    let project = project(41);
    let start = checkpoint(&project);
    assert_eq!(start["checkpoint"], Value::Null);

    let report = interrupted(&project, "kingdee.BatchSave", 8);
    let written = project.simulators.document_count();
    assert!((80..ORDERS).contains(&written), "{written} arrived");
    assert_eq!(report["applied"], written);
    let middle = checkpoint(&project);
    assert_ne!(middle["checkpoint"], Value::Null);
    assert_ne!(middle["next"], start["next"]);

    let report = project.run().expect(0).data();
    assert_eq!(report["end"], "finished");
    assert_eq!(report["applied"], ORDERS - written);
    check_exactly_once(&project.simulators);
    let end = checkpoint(&project);
    assert_ne!(
        end["checkpoint"]["position"],
        middle["checkpoint"]["position"]
    );
    assert_ne!(end["next"], middle["next"]);

    let runs = project
        .command(&["runs", "stockouts", "--json"])
        .expect(0)
        .data();
    let states: Vec<_> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["state"])
        .collect();
    assert_eq!(states, ["finished", "stopped"]);
}

#[test]
fn runs_stopped_again_and_again_come_to_the_end() {
    let project = project(42);
    for (operation, more) in [
        ("wangdiantong.stockout_order_query_trade", 1),
        ("kingdee.LoginByAppSecret", 1),
        ("kingdee.BatchSave", 1),
        ("kingdee.BatchSave", 3),
        ("wangdiantong.stockout_order_query_trade", 9),
    ] {
        interrupted(&project, operation, more);
    }
    project.run().expect(0);
    check_exactly_once(&project.simulators);
}
