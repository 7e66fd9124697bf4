//! A run by schedule: it owns the data folder, answers other commands over its socket, and ends when told to.

use duijie_e2e::{Project, Running, check_exactly_once, orders};
use serde_json::Value;

const ORDERS: usize = 150;

fn followed(seed: u64) -> (Project, Running) {
    let project = Project::new(orders(ORDERS, seed))
        .changed(|manifest| manifest.with("schedule: every 5m", "schedule: every 1h"));
    let running = project.start(&["run", "stockouts", "--follow"]);
    project.wait_for_count("kingdee.BatchSave", 1);
    // Each question is a command of its own, so the run goes on in between.
    let finished = (0..1_000).any(|_| runs(&project)[0]["state"] == "finished");
    assert!(finished, "{}", runs(&project));
    (project, running)
}

fn runs(project: &Project) -> Value {
    project
        .command(&["runs", "stockouts", "--json"])
        .expect(0)
        .data()
}

fn checkpoint(project: &Project) -> Value {
    let shown = project.command(&["checkpoints", "show", "stockouts", "--json"]);
    shown.expect(0).data()["checkpoint"].take()
}

#[test]
fn a_run_by_schedule_answers_other_commands_until_it_is_told_to_end() {
    let (project, running) = followed(91);
    assert_eq!(runs(&project)[0]["applied"], ORDERS);
    assert_eq!(checkpoint(&project)["run"], runs(&project)[0]["run"]);
    // It is not the folder that they read: that is taken.
    project.command(&["run", "stockouts"]).expect(3);

    project
        .command(&["checkpoints", "reset", "stockouts"])
        .expect(0);
    assert_eq!(checkpoint(&project), Value::Null);
    running.terminate();
    running.end().expect(143);

    assert_eq!(checkpoint(&project), Value::Null);
    let written = project.count("kingdee.BatchSave");
    assert_eq!(project.run().expect(0).data()["unchanged"], ORDERS);
    assert_eq!(project.count("kingdee.BatchSave"), written);
    check_exactly_once(&project.simulators);
}

#[test]
fn a_run_by_schedule_that_is_killed_leaves_a_folder_that_the_next_one_opens() {
    let (project, running) = followed(92);
    drop(running);
    assert_eq!(runs(&project)[0]["applied"], ORDERS);
    project.run().expect(0);
    check_exactly_once(&project.simulators);
}
