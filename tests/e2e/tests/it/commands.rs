//! What commands show without running a pipeline, and that none of them writes.

use duijie_e2e::{Project, connectors, orders};
use serde_json::Value;

#[test]
fn a_plan_shows_bills_and_the_first_write_and_writes_nothing() {
    let project = Project::new(orders(30, 71));
    let text = project
        .command(&["plan", "stockouts", "--records", "2"])
        .expect(0);
    text.says(&[
        "first batch: 30 documents, 2 shown",
        "BatchSave",
        "nothing was written",
    ]);
    let shown = project.command(&["plan", "stockouts", "--records", "3", "--json"]);
    let preview = shown.expect(0).data()["preview"].take();
    let records = preview["records"].as_array().unwrap();
    assert_eq!(records.len(), 3);
    let shipped = project.shipped();
    for record in records {
        let key = record["target_key"].as_str().unwrap();
        assert!(shipped.iter().any(|number| number == key), "{key}");
        assert_eq!(record["would"], "create");
        let document: Value = serde_json::from_str(record["document"].as_str().unwrap()).unwrap();
        assert_eq!(document["FBillNo"], key);
    }
    let request = &preview["requests"][0];
    assert!(
        request["url"].as_str().unwrap().contains("BatchSave"),
        "{request}"
    );
    assert!(
        request["body"].as_str().unwrap().contains("FBillNo"),
        "{request}"
    );

    assert_eq!(project.simulators.document_count(), 0);
    assert_eq!(project.count("kingdee.BatchSave"), 0);
    assert_eq!(
        project
            .command(&["runs", "stockouts", "--json"])
            .expect(0)
            .data(),
        Value::Array(Vec::new())
    );
    assert_eq!(project.run().expect(0).data()["applied"], 30);
}

#[test]
fn a_component_is_inspected_by_what_it_imports_and_its_digest() {
    let project = Project::new(orders(1, 72));
    for (name, role, import) in [
        ("wangdiantong", "source", "duijie:host/http@0.1.0"),
        ("kingdee", "source", "duijie:host/session@0.1.0"),
        ("map", "transform", "duijie:host/tables@0.1.0"),
    ] {
        let file = connectors().join(format!("{name}.wasm"));
        let file = file.to_str().unwrap();
        let data = project
            .command(&["inspect", file, "--json"])
            .expect(0)
            .data();
        assert_eq!(data["name"], name);
        assert_eq!(data["roles"][0], role);
        let digest = data["digest"].as_str().unwrap();
        assert_eq!(digest, sha256(file));
        let imports = data["imports"].as_array().unwrap();
        let hosts = imports
            .iter()
            .filter(|one| one.as_str().unwrap().contains("host/"));
        let hosts: Vec<_> = hosts.collect();
        assert!(hosts.iter().any(|one| **one == import), "{imports:?}");
        assert!(role == "source" || hosts.len() == 1, "{imports:?}");
        let text = project.command(&["inspect", file]).expect(0);
        text.says(&[digest, "imports", "egress"]);
    }
}

#[test]
fn what_a_connector_offers_is_listed_with_its_promises_and_limits() {
    let project = Project::new(orders(1, 75));
    let list = project.command(&["collections", "kingdee"]).expect(0);
    list.says(&["SAL_OUTSTOCK", "guarantee", "others may be named too"]);
    let data = project
        .command(&["collections", "wangdiantong", "--json"])
        .expect(0)
        .data();
    assert_eq!(data["connector"], "wangdiantong");
    let collections = data["collections"].as_array().unwrap();
    let orders = collections.iter().find(|one| one["name"] == "trade_query");
    assert_eq!(orders.unwrap()["role"], "source");
    let none = project.command(&["collections", "wangdianton"]).expect(2);
    assert!(
        none.stderr.contains("did you mean `wangdiantong`?"),
        "{}",
        none.stderr
    );
    let none = project.command(&["collections", "wangdiantong", "trade_qury"]);
    let none = none.expect(2);
    assert!(
        none.stderr.contains("did you mean `trade_query`?"),
        "{}",
        none.stderr
    );
    let form = project
        .command(&["collections", "kingdee", "XX_FORM"])
        .expect(0);
    form.says(&["XX_FORM of kingdee", "it is not listed", "guarantee  none"]);
}

#[test]
fn the_fields_of_a_collection_are_shown_with_kinds_titles_and_rules() {
    let project = Project::new(orders(1, 76));
    let folder = connectors().join("../fixtures");
    let ask = |arguments: &[&str]| project.start_over(&folder, arguments, &[]).end().expect(0);
    let shown = ask(&["collections", "sinner", "sins"]);
    shown.says(&[
        "sins of sinner",
        "sin             text       8        required  过失  sin",
        "witnesses.name  text       -        required  姓名",
        "at least one of `at`, `on`",
        "`fine` where `proven` is `true`",
    ]);
    let data = ask(&["--json", "collections", "sinner", "remorse"]).data();
    let remorse = &data["collections"][0];
    assert_eq!(remorse["acknowledged"], true);
    assert_eq!(remorse["fields"], Value::Null);
    assert_eq!(remorse["unknown"], "nothing is known of `remorse`");
}

/// By the system's own program.
fn sha256(file: &str) -> String {
    let output = std::process::Command::new("sha256sum")
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

#[test]
fn every_command_gives_one_json_object_whether_it_does_well_or_not() {
    let project = Project::new(orders(5, 73));
    let good: [&[&str]; 6] = [
        &["check"],
        &["plan", "stockouts"],
        &["run", "stockouts"],
        &["runs", "stockouts"],
        &["checkpoints", "show", "stockouts"],
        &["checkpoints", "reset", "stockouts"],
    ];
    for arguments in good {
        let ended = project
            .command(&[arguments, &["--json"]].concat())
            .expect(0);
        assert_eq!(ended.json()["ok"], true, "{arguments:?}");
        assert_eq!(ended.stderr, "", "{arguments:?}");
    }
    let bad: [&[&str]; 6] = [
        &["check", "other"],
        &["plan", "other"],
        &["run", "other"],
        &["runs", "other"],
        &["checkpoints", "show", "other"],
        &["checkpoints", "reset", "other"],
    ];
    for arguments in bad {
        let ended = project
            .command(&[arguments, &["--json"]].concat())
            .expect(2);
        let told = ended.json();
        assert_eq!(told["ok"], false, "{arguments:?}");
        let error = told["error"].as_str().unwrap();
        assert!(error.contains("no pipeline `other`"), "{error}");
        assert!(error.contains("stockouts"), "{error}");
    }
}

#[test]
fn moments_are_shown_in_the_local_time_of_who_asks() {
    let project = Project::new(orders(1, 76));
    project.run().expect(0);
    let runs = project.command(&["runs", "stockouts", "--json"]).expect(0);
    let started = runs.data()[0]["started_ms"].as_u64().unwrap() / 1_000;
    for (zone, hours) in [("UTC", 0), ("Asia/Shanghai", 8)] {
        let shown = project.told(&["runs", "stockouts"], "", &[("TZ", zone)]);
        let seconds = (started + hours * 3_600) % 86_400;
        let time = format!(
            "{:02}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        );
        shown.expect(0).says(&[&time]);
    }
}
