//! What a run would do, document by document, and a run that does exactly that.

use duijie_e2e::{Project, check_exactly_once, orders};
use duijie_sim::OrderChange;
use serde_json::Value;

const ORDERS: usize = 20;

fn diff(project: &Project) -> Value {
    let plan = project.command(&["plan", "stockouts", "--diff", "--json"]);
    plan.expect(0).data()
}

fn count(diff: &Value, delta: &str) -> usize {
    let entries = diff["entries"].as_array().unwrap().iter();
    entries.filter(|entry| entry["delta"] == delta).count()
}

fn project(seed: u64) -> Project {
    Project::new(orders(ORDERS, seed)).changed(|manifest| {
        manifest
            .with_on_change("update")
            .with_source_setting("is_by_modified: true")
    })
}

/// Applies a plan by the first digits of its hash.
fn planned(project: &Project, diff: &Value) -> duijie_e2e::Ended {
    let hash = diff["plan"].as_str().unwrap();
    assert_eq!(hash.len(), 64);
    project.command(&["run", "stockouts", "--plan", &hash[..12], "--json"])
}

fn more_pieces(project: &Project, number: &str, at: i64) {
    assert!(project.simulators.change_order(&OrderChange {
        stockout_no: number.to_owned(),
        at: Some(at),
        more_pieces: true,
        ..OrderChange::default()
    }));
}

#[test]
fn a_plan_shows_every_document_and_is_applied_exactly() {
    let mut project = project(131);
    let first = diff(&project);
    assert_eq!(count(&first, "create"), ORDERS);
    assert_eq!(project.count("kingdee.BatchSave"), 0);
    assert_eq!(
        planned(&project, &first).expect(0).data()["applied"],
        ORDERS
    );
    check_exactly_once(&project.simulators);

    let number = project.shipped().swap_remove(5);
    let (from, to) = project.ten_minutes_pass();
    let new = project.simulators.add_orders(2, from, to);
    more_pieces(&project, &number, from);
    let saves = project.count("kingdee.BatchSave");
    let second = diff(&project);
    assert_eq!((count(&second, "create"), count(&second, "update")), (2, 1));
    let entries = second["entries"].as_array().unwrap();
    let update = entries.iter().find(|entry| entry["delta"] == "update");
    let update = update.unwrap();
    assert_eq!(update["target_key"], *number);
    let fields = update["fields"].as_array().unwrap();
    assert!(
        fields.iter().all(|field| {
            let path = field["path"].as_str().unwrap();
            path.contains("Qty") && field["old"] != field["new"]
        }),
        "{update}"
    );
    assert!(!fields.is_empty());
    assert_eq!(project.count("kingdee.BatchSave"), saves);
    let shown = project.command(&["plan", "stockouts", "--diff"]).expect(0);
    shown.says(&[&new[0], "nothing was written", "--plan", "->"]);

    assert_eq!(planned(&project, &second).expect(0).data()["applied"], 3);
    assert_eq!(project.simulators.document_count(), ORDERS + 2);
    assert_eq!(project.run().expect(0).data()["applied"], 0);
    // It has been done, and the checkpoint has moved.
    planned(&project, &second).expect(2);
}

#[test]
fn what_is_not_in_the_plan_is_not_sent() {
    let mut project = project(132);
    let plan = diff(&project);
    project.simulators.add_orders(
        1,
        project.simulators.clock().now() - 90_000,
        project.simulators.clock().now() - 90_000,
    );
    planned(&project, &plan).expect(1);
    assert!(project.simulators.document_count() <= ORDERS);
    project.change(|manifest| manifest.with("enabled: true", "enabled: yes"));
    project.change(|manifest| manifest.with("enabled: yes", "enabled: true # still"));
    let ended = planned(&project, &plan).expect(2);
    ended.says(&["plan --diff"]);
    project
        .command(&["run", "stockouts", "--plan", "0123"])
        .expect(2)
        .says(&["hint: "]);
    project.run().expect(0);
    check_exactly_once(&project.simulators);
}
