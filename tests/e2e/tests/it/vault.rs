//! Secrets in the store: set, used by a run, rotated, removed, sealed anew; and that no command shows one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use duijie_e2e::{Ended, Project, check_exactly_once, orders};

/// A project whose `secrets.env` is gone, and what stood in it.
fn emptied(seed: u64) -> (Project, Vec<(String, String)>) {
    let project = Project::new(orders(12, seed)).talkative();
    let file = project.path("secrets.env");
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(file).unwrap();
    let pairs = text.lines().map(|line| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    (project, pairs.collect())
}

#[track_caller]
fn hides(ended: Ended, values: &[(String, String)]) -> Ended {
    for (name, value) in values {
        let shown = ended.stdout.contains(value) || ended.stderr.contains(value);
        assert!(!shown, "`{name}` shows");
    }
    ended
}

#[track_caller]
fn set_all(project: &Project, pairs: &[(String, String)]) {
    for (name, value) in pairs {
        let ended = project.told(&["secrets", "set", name], &format!("{value}\n"), &[]);
        hides(ended, pairs).expect(0);
    }
}

#[test]
fn a_run_takes_its_secrets_from_the_store_and_none_is_shown() {
    let (project, pairs) = emptied(401);
    let missing = project.command(&["check"]).expect(2);
    missing.says(&["duijie secrets set WDT_SECRET", "there is no secret"]);
    set_all(&project, &pairs);
    let listed = hides(project.command(&["secrets", "list"]).expect(0), &pairs);
    listed.says(&[
        "WDT_SECRET",
        "store, set 20",
        "wangdiantong.appsecret",
        "kingdee.app_secret",
    ]);
    let data = project
        .command(&["secrets", "list", "--json"])
        .expect(0)
        .data();
    assert_eq!(data["secrets"].as_array().unwrap().len(), pairs.len());
    assert_eq!(data["secrets"][0]["providers"][0]["from"], "store");
    hides(project.run().expect(0), &pairs);
    check_exactly_once(&project.simulators);
    project
        .command(&["doctor"])
        .expect(0)
        .says(&["fine     secrets: 4 in"]);
    let sealed = fs::read_to_string(project.path("data/secrets.sealed")).unwrap();
    for (_, value) in &pairs {
        assert!(!sealed.contains(value.as_str()));
    }
}

#[test]
fn the_store_says_what_is_wrong_with_a_key_a_name_or_a_value() {
    let (project, pairs) = emptied(402);
    let set = |name: &str, value: &str| project.told(&["secrets", "set", name], value, &[]);
    set("A-B", "value")
        .expect(2)
        .says(&["letters, digits and `_`"]);
    set("KEY", "value")
        .expect(2)
        .says(&["no secret can be called `KEY`"]);
    set("EMPTY", "\n")
        .expect(2)
        .says(&["there is no value", "hint: "]);
    set("TINY", "abc\n").expect(2).says(&["too short"]);
    assert!(!project.path("data/secrets.sealed").exists());
    set_all(&project, &pairs);
    let again = set("WDT_SECRET", "another value");
    again
        .expect(2)
        .says(&["is in the store since", "duijie secrets rotate WDT_SECRET"]);
    let rotate = project.told(&["secrets", "rotate", "NOBODY"], "a value", &[]);
    rotate
        .expect(2)
        .says(&["the store has no secret `NOBODY`", "WDT_SECRET"]);

    let key = project.path("secrets.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    project.run().expect(3).says(&["chmod 600 ", "secrets.key"]);
    fs::remove_file(&key).unwrap();
    project.run().expect(3).says(&["there is no key in"]);
    project.command(&["doctor"]).says(&["look     secrets: "]);
    let other = project.command(&["secrets", "key"]).expect(0).stdout;
    let given = [("DUIJIE_SECRET_KEY", other.trim())];
    let wrong = project.told(&["run", "stockouts"], "", &given);
    wrong
        .expect(3)
        .says(&["the key in `DUIJIE_SECRET_KEY` is not the one"]);
    assert!(project.simulators.counts().is_empty());
}

#[test]
fn a_rotated_secret_and_a_new_key_count_from_the_next_run_on() {
    let (project, pairs) = emptied(403);
    set_all(&project, &pairs);
    let (name, good) = pairs.iter().find(|(name, _)| name == "WDT_SECRET").unwrap();
    let rotate = |value: &str| {
        project
            .told(&["secrets", "rotate", name], value, &[])
            .expect(0)
    };
    rotate("not-the-right-one");
    project.run().expect(1);
    rotate(good).says(&["until it is started again"]);
    let old = fs::read_to_string(project.path("secrets.key")).unwrap();
    project
        .command(&["secrets", "rekey"])
        .expect(0)
        .says(&["4 secrets are sealed anew"]);
    assert_ne!(
        fs::read_to_string(project.path("secrets.key")).unwrap(),
        old
    );
    project.run().expect(0);
    check_exactly_once(&project.simulators);

    // From here on the key is given by the environment.
    let old = fs::read_to_string(project.path("secrets.key")).unwrap();
    fs::remove_file(project.path("secrets.key")).unwrap();
    let new = project
        .command(&["secrets", "key", "--json"])
        .expect(0)
        .data();
    let new = new["key"].as_str().unwrap();
    let given = [("DUIJIE_SECRET_KEY", old.trim())];
    project.told(&["secrets", "rekey"], new, &given).expect(0);
    project.told(&["run", "stockouts"], "", &given).expect(3);
    let given = [("DUIJIE_SECRET_KEY", new)];
    project.told(&["run", "stockouts"], "", &given).expect(0);
}

#[test]
fn a_secret_in_use_is_removed_only_by_force() {
    let (project, pairs) = emptied(404);
    set_all(&project, &pairs);
    let used = project.command(&["secrets", "rm", "WDT_SECRET"]).expect(2);
    used.says(&["is used by wangdiantong.appsecret", "--force"]);
    project
        .command(&["secrets", "rm", "WDT_SECRET", "--force"])
        .expect(0);
    project.command(&["secrets", "rm", "WDT_SECRET"]).expect(2);
    project
        .command(&["secrets", "list"])
        .says(&["nowhere: it is not set"]);
    // What lies in a file as well is still there without the store.
    let file = project.path("secrets.env");
    fs::write(&file, "KINGDEE_APP_SECRET=of the file\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let listed = project.command(&["secrets", "list"]).expect(0);
    listed.says(&["file `secrets.env` (hides others)"]);
    project
        .command(&["secrets", "rm", "KINGDEE_APP_SECRET"])
        .expect(0);
}
