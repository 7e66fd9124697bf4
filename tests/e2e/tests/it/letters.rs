//! What a bill that is refused becomes, and the ways back into the target.

use duijie_e2e::{Manifest, Project, check_exactly_once, orders};
use duijie_sim::Refusal;
use serde_json::Value;

const DATE: &str = "value: \"{{consign_time}}\"";

/// A date that Kingdee does not take, for this one order.
pub(super) fn with_bad_date(manifest: &Manifest, number: &str) -> Manifest {
    let when = format!(
        "_function case '{{{{order_no}}}}' when '{number}' then '2025-13-01' else '{{{{consign_time}}}}' end"
    );
    manifest.with(DATE, &format!("value: \"{when}\""))
}

/// One of a hundred orders, in one batch, was refused.
fn refused(seed: u64) -> (Project, String) {
    let mut project = Project::new(orders(100, seed));
    let number = project.shipped().swap_remove(37);
    project.change(|manifest| with_bad_date(manifest, &number));
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["rejected"]),
        (&99.into(), &1.into())
    );
    (project, number)
}

fn data(project: &Project, arguments: &[&str]) -> Value {
    project
        .command(&[arguments, &["--json"]].concat())
        .expect(0)
        .data()
}

fn letters(project: &Project) -> Vec<Value> {
    let found = data(project, &["dead-letters", "list"]);
    found["dead_letters"].as_array().unwrap().clone()
}

/// The one row that is known under a number.
fn traced(project: &Project, number: &str) -> Value {
    let mut found = data(project, &["trace", number]);
    assert_eq!(found["found"].as_array().unwrap().len(), 1, "{found}");
    found["found"][0].take()
}

fn consign_time(project: &Project, number: &str) -> String {
    let orders = project.simulators.orders();
    let mut orders = orders.iter();
    let order = orders.find(|order| order["order_no"] == number).unwrap();
    order["consign_time"].as_str().unwrap().to_owned()
}

#[test]
fn one_poisoned_record_of_a_hundred_is_refused_edited_replayed_and_traced() {
    let (project, number) = refused(101);
    let [letter] = <[Value; 1]>::try_from(letters(&project)).unwrap();
    assert_eq!(letter["target_key"], *number);
    assert_eq!(letter["field"], "FDate");
    let message = letter["message"].as_str().unwrap();
    assert!(message.contains("必须是日期"), "{message}");

    let shown = data(&project, &["dead-letters", "show", &number]);
    let shown = &shown["dead_letters"][0];
    let document = shown["document"].as_str().unwrap();
    assert!(shown["record"].as_str().unwrap().contains(&number));
    let exchange = &shown["exchange"];
    assert!(
        exchange["url"].as_str().unwrap().contains("BatchSave"),
        "{exchange}"
    );
    let page = project
        .command(&["dead-letters", "show", &number])
        .expect(0);
    page.says(&["refused document", "2025-13-01", "必须是日期", "BatchSave"]);

    let better = document.replace("2025-13-01", &consign_time(&project, &number));
    std::fs::write(project.path("better.json"), better).unwrap();
    let file = project.path("better.json");
    let edit = [
        "dead-letters",
        "edit",
        &number,
        "--document",
        file.to_str().unwrap(),
    ];
    project.command(&edit).expect(0).says(&["replay"]);
    assert_eq!(letters(&project)[0]["edited"], true);

    let report = data(&project, &["dead-letters", "replay", &number]);
    assert_eq!(
        (&report["applied"], &report["rejected"]),
        (&1.into(), &0.into())
    );
    check_exactly_once(&project.simulators);
    assert_eq!(letters(&project), [Value::Null; 0]);

    let row = traced(&project, &number);
    assert!(row["record"].as_str().unwrap().contains(&number), "{row}");
    assert_eq!(row["run"]["purpose"], "replay of 1");
    assert_eq!(row["run"]["components"].as_array().unwrap().len(), 3);
    let document = &row["documents"][0];
    assert_eq!(document["state"], "applied");
    let came: Vec<&Value> = document["tries"].as_array().unwrap().iter().collect();
    assert_eq!(came.len(), 2, "{document}");
    assert_eq!(
        (&came[0]["came"], &came[1]["came"]),
        (&"refused".into(), &"applied".into())
    );
    assert_eq!(came[1]["exchange"]["status"], 200);
    let id = document["target_id"].as_str().unwrap();
    assert_eq!(traced(&project, id)["source_key"], row["source_key"]);
    let source_key = row["source_key"].as_str().unwrap();
    let page = project.command(&["trace", source_key]).expect(0);
    page.says(&["replay of 1", "必须是日期", &number, "sha256", "answer 200"]);

    let saves = project.count("kingdee.BatchSave");
    assert_eq!(project.run().expect(0).data()["applied"], 0);
    assert_eq!(project.count("kingdee.BatchSave"), saves);
}

#[test]
fn a_batch_that_one_bill_breaks_is_cut_until_that_bill_is_alone() {
    let project = Project::new(orders(100, 102));
    let bill_no = project.shipped().swap_remove(61);
    project.simulators.refuse(Refusal {
        bill_no: bill_no.clone(),
        whole: true,
    });
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["rejected"]),
        (&99.into(), &1.into())
    );
    assert_eq!(letters(&project)[0]["target_key"], *bill_no);

    project.simulators.accept_all();
    let report = data(&project, &["dead-letters", "replay", &bill_no]);
    assert_eq!(report["applied"], 1);
    check_exactly_once(&project.simulators);
}

#[test]
fn all_letters_of_an_error_are_replayed_once_the_mapping_is_right() {
    let mut project = Project::new(orders(20, 103))
        .changed(|manifest| manifest.with(DATE, "value: \"{{consign_time}} or so\""));
    assert_eq!(project.run().expect(0).data()["rejected"], 20);
    let groups = data(&project, &["dead-letters", "list", "--grouped"]);
    let [group] = groups["groups"].as_array().unwrap().as_slice() else {
        panic!("{groups}");
    };
    assert_eq!(group["letters"], 20);
    let error = group["error"].as_str().unwrap();

    // Nothing is done to all of them unless somebody says so.
    project
        .command(&["dead-letters", "replay"])
        .expect(2)
        .says(&["--all"]);
    project.change(|manifest| manifest.with("{{consign_time}} or so", "{{consign_time}}"));
    let report = data(&project, &["dead-letters", "replay", "--error", error]);
    assert_eq!(report["applied"], 20);
    check_exactly_once(&project.simulators);
    assert_eq!(letters(&project), [Value::Null; 0]);
}

#[test]
fn a_discarded_letter_is_not_sent_again_by_a_reset() {
    let (project, number) = refused(104);
    project
        .command(&["dead-letters", "discard", &number])
        .expect(0);
    assert_eq!(letters(&project), [Value::Null; 0]);
    assert_eq!(
        traced(&project, &number)["documents"][0]["state"],
        "discarded"
    );

    let saves = project.count("kingdee.BatchSave");
    project
        .command(&["checkpoints", "reset", "stockouts"])
        .expect(0);
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["rejected"]),
        (&0.into(), &0.into())
    );
    assert_eq!(project.count("kingdee.BatchSave"), saves);
}

#[test]
fn letters_are_exported_a_line_each_with_their_digits() {
    let (project, number) = refused(105);
    let ended = project.command(&["dead-letters", "export"]).expect(0);
    let [line] = ended.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", ended.stdout);
    };
    let letter: Value = serde_json::from_str(line).unwrap();
    assert_eq!(letter["document_json"]["FBillNo"], *number);
    assert_eq!(letter["edited_json"], Value::Null);
    let shown = data(&project, &["dead-letters", "show", &number]);
    let document = shown["dead_letters"][0]["document"].as_str().unwrap();
    assert!(line.contains(document), "{line}");
}

#[test]
fn what_waits_nowhere_and_what_is_no_json_is_refused() {
    let (project, number) = refused(106);
    for arguments in [
        &["dead-letters", "show", "CK0"][..],
        &["dead-letters", "replay", "CK0"],
        &["dead-letters", "discard", "CK0"],
        &["holds", "show", &number],
        &["trace", "CK0"],
    ] {
        project.command(arguments).expect(2).says(&["hint: "]);
    }
    std::fs::write(project.path("broken.json"), "{").unwrap();
    let file = project.path("broken.json");
    let edit = [
        "dead-letters",
        "edit",
        &number,
        "--document",
        file.to_str().unwrap(),
    ];
    project.command(&edit).expect(2).says(&["not JSON"]);
    project
        .command(&["dead-letters", "edit", &number])
        .expect(2)
        .says(&["$EDITOR"]);
    assert_eq!(letters(&project)[0]["edited"], false);
}
