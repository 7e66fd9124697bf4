//! A window of the past as a run of its own, beside the live checkpoint.

use duijie_e2e::{Manifest, Project, check_exactly_once, orders};
use duijie_sim::china_text;
use serde_json::Value;

const ORDERS: usize = 60;

/// A live pipeline that begins three days ago, and the moments between which the rest lies.
fn project(seed: u64) -> (Project, String, String) {
    let config = orders(ORDERS, seed);
    let now = config.now.unwrap();
    let [from, to] = [8, 3].map(|days| china_text(now - days * 86_400));
    let project = Project::new(config).changed(|manifest| {
        let begins = format!("start_time: {from}");
        Manifest(manifest.0.replace(&begins, &format!("start_time: {to}")))
    });
    (project, from, to)
}

fn checkpoint(project: &Project) -> Value {
    let shown = project.command(&["checkpoints", "show", "stockouts", "--json"]);
    shown.expect(0).data()["checkpoint"].take()
}

fn backfill(project: &Project, from: &str, to: &str) -> Value {
    let run = ["run", "stockouts", "--from", from, "--to", to, "--json"];
    project.command(&run).expect(0).data()
}

#[test]
fn a_backfill_writes_what_is_missing_and_leaves_the_live_checkpoint_alone() {
    let (project, from, to) = project(121);
    let live = project.run().expect(0).data()["applied"].as_u64().unwrap();
    let missing = ORDERS as u64 - live;
    assert!(live > 0 && missing > 0, "{live} of {ORDERS}");
    let before = checkpoint(&project);

    let report = backfill(&project, &from, &to);
    assert_eq!(report["applied"], missing);
    check_exactly_once(&project.simulators);
    assert_eq!(checkpoint(&project), before);
    let runs = project
        .command(&["runs", "stockouts", "--json"])
        .expect(0)
        .data();
    assert_eq!(runs[0]["purpose"], format!("backfill {from}..{to}"));
    assert_eq!(runs[1]["purpose"], "live");

    // Windows may overlap: the ledger knows what was written.
    let saves = project.count("kingdee.BatchSave");
    let end = china_text(project.simulators.clock().now());
    assert_eq!(backfill(&project, &from, &end)["unchanged"], ORDERS);
    assert_eq!(project.run().expect(0).data()["applied"], 0);
    assert_eq!(project.count("kingdee.BatchSave"), saves);
}

#[test]
fn a_backfill_that_was_stopped_goes_on_where_it_was() {
    let (mut project, from, to) = project(122);
    project.change(|manifest| manifest.with_portions(5));
    let run = ["run", "stockouts", "--from", &from, "--to", &to];
    let running = project.start(&run);
    project.wait_for_count("kingdee.BatchSave", 2);
    running.interrupt();
    running.end();
    assert_eq!(checkpoint(&project), Value::Null);
    backfill(&project, &from, &to);
    project.run().expect(0);
    check_exactly_once(&project.simulators);
}

#[test]
fn a_window_that_the_ledger_no_longer_knows_is_refused() {
    let (project, _, to) = project(123);
    let run = ["run", "stockouts", "--from", "2020-01-01", "--to", &to];
    project
        .command(&run)
        .expect(2)
        .says(&["ledger", "retention.ledger"]);
    assert_eq!(project.simulators.document_count(), 0);
    // Half a window is none.
    project
        .command(&["run", "stockouts", "--from", &to])
        .expect(2);
}
