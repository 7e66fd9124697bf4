//! With `sealed: true` no file of the data folder names a person, whoever has the key sees all, and nothing runs
//! without it.

use duijie_e2e::{Ended, Project, Service, check_exactly_once, orders};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::erasing::places;
use super::letters::with_bad_date;

const ORDERS: usize = 60;
const PERSONAL: &str = "personal: [receiver_name, receiver_mobile, receiver_address]";

fn new(seed: u64, sealed: bool) -> Project {
    Project::new(orders(ORDERS, seed)).changed(|manifest| {
        let lines = format!("{PERSONAL}\nsealed: {sealed}\non_change: hold");
        manifest.with("on_change: hold", &lines).with_portions(5)
    })
}

fn give_key(project: &Project) {
    let key = project.command(&["secrets", "key"]).expect(0).stdout;
    put_key(&project.path("secrets.key"), &key);
}

fn put_key(place: &Path, key: &str) {
    fs::write(place, key).unwrap();
    fs::set_permissions(place, fs::Permissions::from_mode(0o600)).unwrap();
}

/// What is known of the receivers of all orders.
fn people(project: &Project) -> Vec<String> {
    let fields = ["receiver_name", "receiver_mobile", "receiver_address"];
    let orders = project.simulators.orders();
    let orders = orders.iter();
    let texts =
        orders.flat_map(|order| fields.map(|field| order[field].as_str().unwrap().to_owned()));
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    assert!(texts.len() > ORDERS, "{texts:?}");
    texts
}

#[track_caller]
fn check_none_named(project: &Project, folder: &str) {
    let named = places(&project.path(folder), &people(project));
    assert_eq!(named, Vec::<std::path::PathBuf>::new());
}

fn traced(project: &Project, number: &str) -> Value {
    let traced = ["trace", number, "--personal", "--json"];
    let mut data = project.command(&traced).expect(0).data();
    data["found"][0].take()
}

/// Neither asked nor sent.
#[track_caller]
fn refused(project: &Project, words: &[&str]) -> Ended {
    let counts = project.simulators.counts();
    let ended = project.run();
    assert_ne!(ended.code, 0, "{ended:?}");
    assert_eq!(project.simulators.counts(), counts);
    ended.says(words)
}

/// Sends what was refused once more, with the date of its order, from what is kept.
fn edit_and_replay(project: &Project, number: &str, date: &str) {
    let show = ["dead-letters", "show", number, "--personal", "--json"];
    let shown = project.command(&show).expect(0).data();
    let document = shown["dead_letters"][0]["document"].as_str().unwrap();
    let better = project.path("better.json");
    fs::write(&better, document.replace("2025-13-01", date)).unwrap();
    let better = better.to_str().unwrap();
    let edit = ["dead-letters", "edit", number, "--document", better];
    project.command(&edit).expect(0);
    let replay = ["dead-letters", "replay", number, "--json"];
    let report = project.command(&replay).expect(0).data();
    assert_eq!(report["applied"], 1, "{report}");
}

/// Whether it is kept what was sent, and what came back.
fn answered(row: &Value) -> bool {
    let tries = row["documents"][0]["tries"].as_array().unwrap();
    tries.iter().any(|one| one["exchange"].is_object())
}

#[test]
fn no_file_names_a_person_and_the_key_shows_all() {
    let clear = new(421, false);
    clear.run().expect(0);
    let found = places(&clear.path("data"), &people(&clear));
    assert!(!found.is_empty());

    let mut project = new(422, true);
    refused(
        &project,
        &["is sealed", "duijie secrets key", "DUIJIE_SECRET_KEY"],
    );
    assert!(!project.path("data/scopes.sealed").exists());
    give_key(&project);
    let number = project.shipped()[7].clone();
    project.change(|manifest| with_bad_date(manifest, &number));

    let running = project.start(&["run", "stockouts"]);
    project.wait_for_count("kingdee.BatchSave", 3);
    running.kill();
    running.end();
    check_none_named(&project, "data");
    project.run().expect(0);
    check_none_named(&project, "data");

    let said = |number: &str, field: &str| -> String {
        let orders = project.simulators.orders();
        let order = orders.iter().find(|order| order["order_no"] == *number);
        order.unwrap()[field].as_str().unwrap().to_owned()
    };
    let receiver = |number: &str| said(number, "receiver_mobile");
    // Of what was on its way when the run was killed no answer is known.
    let others = project.shipped().into_iter();
    let (other, row) = others
        .filter(|other| *other != number)
        .map(|other| (other.clone(), traced(&project, &other)))
        .find(|(_, row)| answered(row))
        .unwrap();
    assert!(
        row["record"].as_str().unwrap().contains(&receiver(&other)),
        "{row}"
    );
    assert!(row["documents"][0]["sent"].is_string(), "{row}");
    let letters = ["dead-letters", "list", "--personal", "--json"];
    let letters = project.command(&letters).expect(0).data();
    assert!(letters.to_string().contains(&number), "{letters}");
    let record = traced(&project, &number)["record"].to_string();
    assert!(record.contains(&receiver(&number)), "{record}");
    project
        .command(&["doctor"])
        .expect(0)
        .says(&["sealed scopes: 1 in"]);

    edit_and_replay(&project, &number, &said(&number, "consign_time"));
    check_exactly_once(&project.simulators);
    check_none_named(&project, "data");
}

#[test]
fn a_backup_has_its_keys_sealed_and_opens_with_a_new_key_too() {
    let project = new(423, true);
    give_key(&project);
    project.run().expect(0);
    project.command(&["secrets", "rekey"]).expect(0);
    let copy = project.path("copy");
    project
        .command(&["backup", copy.to_str().unwrap()])
        .expect(0);
    check_none_named(&project, "copy");
    fs::remove_dir_all(project.path("data")).unwrap();
    project
        .command(&["restore", copy.to_str().unwrap()])
        .expect(0);
    project.run().expect(0);
    check_exactly_once(&project.simulators);
    let numbers = project.shipped();
    let row = traced(&project, &numbers[3]);
    assert!(
        row["record"].as_str().unwrap().contains(&numbers[3]),
        "{row}"
    );

    let erased = ["erase", "stockouts", &numbers[3], "--yes", "--json"];
    let erased = project.command(&erased).expect(0).data();
    assert!(erased["lines"].as_u64().unwrap() >= 2, "{erased}");
    assert_eq!(traced(&project, &numbers[3])["record"], Value::Null);
    let beside = traced(&project, &numbers[4]);
    assert!(
        beside["record"].as_str().unwrap().contains(&numbers[4]),
        "{beside}"
    );
    assert_eq!(project.run().expect(0).data()["applied"], 0);
    check_none_named(&project, "data");

    let scope = project.manifest_line("scope: ");
    let has_key = || {
        let keys = fs::read_to_string(project.path("data/scopes.sealed")).unwrap();
        keys.contains(&scope)
    };
    assert!(has_key());
    project.command(&["forget", &scope, "--yes"]).expect(0);
    assert!(!has_key());
}

#[test]
fn without_the_key_nothing_runs_and_every_command_says_so() {
    let project = new(424, true);
    give_key(&project);
    project.run().expect(0);
    let number = project.shipped()[3].clone();
    let right = fs::read(project.path("secrets.key")).unwrap();
    give_key(&project);
    refused(&project, &["is sealed", "is not the one"]);
    fs::remove_file(project.path("secrets.key")).unwrap();
    refused(&project, &["is sealed", "DUIJIE_SECRET_KEY"]);
    for command in [
        &["trace", &number][..],
        &["erase", "stockouts", &number, "--yes"],
    ] {
        let ended = project.command(command);
        assert_ne!(ended.code, 0, "{ended:?}");
        ended.says(&["is sealed"]);
    }
    project
        .command(&["doctor"])
        .expect(0)
        .says(&["look     sealed scopes: "]);
    let environment = [("DUIJIE_SECRET_KEY", String::from_utf8(right).unwrap())];
    let ended = project
        .start_with(&["run", "stockouts", "--json"], &environment)
        .end();
    assert_eq!(ended.expect(0).data()["applied"], 0);
    check_exactly_once(&project.simulators);
    check_none_named(&project, "data");
}

#[test]
fn a_tenants_records_are_sealed_under_the_key_of_the_service() {
    let hourly = |project: Project| {
        project.changed(|manifest| manifest.with("schedule: every 5m", "schedule: every 1h"))
    };
    let (north, south) = (hourly(new(425, true)), hourly(new(426, false)));
    let mut service = Service::of(&[("north", &north), ("south", &south)]);
    let key = north.command(&["secrets", "key"]).expect(0).stdout;
    put_key(&service.path("secrets.key"), &key);
    service.start();
    service.until_ran("north", 1, "finished");
    service.until_ran("south", 1, "finished");
    let clear = people(&south);
    assert!(!places(&service.path("data"), &clear).is_empty());
    let theirs: Vec<String> = people(&north)
        .into_iter()
        .filter(|one| !clear.contains(one))
        .collect();
    assert!(theirs.len() > ORDERS / 2, "{theirs:?}");
    let named = places(&service.path("data"), &theirs);
    assert_eq!(named, Vec::<std::path::PathBuf>::new());
    let number = north.shipped()[3].clone();
    let token = service.new_token("north", "admin");
    let path = format!("/v1/tenants/north/trace/{number}");
    let told = service
        .call("GET", &path, &token, "")
        .expect(200)
        .to_string();
    assert!(theirs.iter().any(|one| told.contains(one)), "{told}");

    let keys = || fs::read_to_string(service.path("data/scopes.sealed")).unwrap();
    assert!(keys().contains("north/"));
    let every = service.new_token("*", "admin");
    service
        .call("DELETE", "/v1/tenants/north", &every, "")
        .expect(200);
    assert!(!keys().contains("north/"));
    service.terminate();
}
