//! The lock of a folder: written by `grant`, and nothing that goes beyond it runs, reads or logs in.

use std::fs;
use std::path::PathBuf;

use duijie_e2e::{Ended, Project, check_exactly_once, connectors, orders};

fn lock(project: &Project) -> PathBuf {
    project.path("duijie.lock")
}

/// Every command that would call a system is refused with these words, before it calls.
#[track_caller]
fn check_refused(project: &Project, folder: &std::path::Path, words: &[&str]) {
    let calls = project.simulators.counts();
    for arguments in [
        &["check"][..],
        &["plan", "stockouts"],
        &["plan", "stockouts", "--diff"],
        &["run", "stockouts"],
    ] {
        let ended: Ended = project.start_over(folder, arguments, &[]).end();
        ended
            .expect(2)
            .says(words)
            .says(&["duijie grant stockouts"]);
    }
    assert_eq!(project.simulators.counts(), calls, "a system was called");
}

#[test]
fn a_grant_lets_run_what_it_names_and_nothing_else() {
    let project = Project::new(orders(10, 411));
    project
        .command(&["run", "stockouts"])
        .expect(0)
        .says(&["this folder has no lock"]);
    let shown = project.command(&["grant", "stockouts", "--show"]).expect(0);
    shown.says(&[
        "duijie:host/http@0.1.0",
        "appsecret from WDT_SECRET: signs by",
        "memory_mib 64",
        "nothing was granted to it before",
    ]);
    assert!(!lock(&project).exists(), "--show writes nothing");
    project
        .command(&["grant"])
        .expect(0)
        .says(&["granted: written to"]);
    let text = fs::read_to_string(lock(&project)).unwrap();
    for hidden in project.hidden() {
        assert!(!text.contains(&hidden));
    }
    let run = project.command(&["run", "stockouts"]).expect(0);
    assert!(!run.stderr.contains("no lock"), "{}", run.stderr);
    check_exactly_once(&project.simulators);
    project
        .command(&["plan", "stockouts"])
        .expect(0)
        .says(&["grants, as in the lock since 20"]);
    // The same again changes nothing, not even the date.
    project
        .command(&["grant"])
        .expect(0)
        .says(&["no more than was granted before"]);
    assert_eq!(fs::read_to_string(lock(&project)).unwrap(), text);
}

#[test]
fn a_pipeline_without_a_grant_does_not_run_beside_one_with() {
    let project = Project::new(orders(3, 412));
    project.command(&["grant"]).expect(0);
    let text = fs::read_to_string(lock(&project)).unwrap();
    fs::write(
        lock(&project),
        text.replace("pipelines.stockouts", "pipelines.other"),
    )
    .unwrap();
    check_refused(
        &project,
        &connectors(),
        &[
            "plan.not_granted",
            "nothing is granted to pipeline `stockouts`",
        ],
    );
    project
        .command(&["grant"])
        .expect(0)
        .says(&["pipeline `other` is not there any more"]);
    project.command(&["check"]).expect(0);
}

#[test]
fn a_component_that_was_exchanged_does_not_run_until_it_is_granted_again() {
    let project = Project::new(orders(8, 413));
    project.command(&["grant"]).expect(0);
    let folder = tempfile::tempdir().unwrap();
    for name in ["wangdiantong", "map", "kingdee"] {
        let file = format!("{name}.wasm");
        fs::copy(connectors().join(&file), folder.path().join(&file)).unwrap();
    }
    // One more custom section: another digest, and the same code.
    let place = folder.path().join("kingdee.wasm");
    let mut bytes = fs::read(&place).unwrap();
    bytes.extend_from_slice(&[0, 3, 1, b'x', 0]);
    fs::write(&place, bytes).unwrap();
    check_refused(
        &project,
        folder.path(),
        &[
            "plan.changed_grant",
            "the component `kingdee` is another one",
            "it asks for nothing more",
        ],
    );
    let grant = |arguments: &[&str]| {
        project
            .start_over(folder.path(), arguments, &[])
            .end()
            .expect(0)
    };
    grant(&["grant", "--show"]).says(&["beyond what was granted before", "is another one"]);
    check_refused(&project, folder.path(), &["plan.changed_grant"]);
    grant(&["grant"]);
    let ended = project
        .start_over(folder.path(), &["run", "stockouts"], &[])
        .end();
    ended.expect(0);
    check_exactly_once(&project.simulators);
}

#[test]
fn a_connection_that_leads_elsewhere_or_takes_another_secret_is_a_difference() {
    let project = Project::new(orders(3, 414));
    project.command(&["grant"]).expect(0);
    let place = project.path("connections/wangdiantong.yaml");
    let text = fs::read_to_string(&place).unwrap();
    let address = project.simulators.wangdiantong_url();
    let elsewhere = text.replace(&address, "https://elsewhere.example/");
    assert_ne!(elsewhere, text);
    fs::write(&place, elsewhere).unwrap();
    check_refused(
        &project,
        &connectors(),
        &["it may call `https://elsewhere.example:443`, which was not granted"],
    );
    fs::write(&place, text.replace("WDT_SECRET", "WDT_INNER_SECRET")).unwrap();
    check_refused(
        &project,
        &connectors(),
        &["it uses secret `WDT_INNER_SECRET` as `appsecret`, granted was `WDT_SECRET`"],
    );
    fs::write(&place, text).unwrap();
    project.command(&["run", "stockouts"]).expect(0);
}

#[test]
fn a_lock_that_cannot_be_read_stops_everything() {
    let project = Project::new(orders(1, 415));
    fs::write(lock(&project), "version = 2\n").unwrap();
    project
        .command(&["run", "stockouts"])
        .expect(2)
        .says(&["version 2, expected 1", "hint: "]);
    fs::write(lock(&project), "pipelines = nonsense").unwrap();
    project
        .command(&["check"])
        .expect(2)
        .says(&["duijie.lock", "cannot be understood"]);
    assert!(project.simulators.counts().is_empty());
}
