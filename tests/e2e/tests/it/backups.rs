//! State copied, lost and brought back: nothing is doubled, and damage is told.

use duijie_e2e::{Project, check_exactly_once, orders};
use std::path::Path;

const ORDERS: usize = 40;

fn restore(project: &Project) {
    std::fs::remove_dir_all(project.path("data")).unwrap();
    let from = project.path("copy");
    project
        .command(&["restore", from.to_str().unwrap()])
        .expect(0);
}

fn backup(project: &Project) {
    let to = project.path("copy");
    project.command(&["backup", to.to_str().unwrap()]).expect(0);
}

#[test]
fn after_a_restore_what_was_written_since_the_backup_is_not_written_again() {
    let mut project = Project::new(orders(ORDERS, 141));
    project
        .command(&["backup", project.path("early").to_str().unwrap()])
        .expect(2);
    project.run().expect(0);
    backup(&project);
    let (from, to) = project.ten_minutes_pass();
    project.simulators.add_orders(7, from, to);
    assert_eq!(project.run().expect(0).data()["applied"], 7);

    restore(&project);
    let shown = project
        .command(&["checkpoints", "show", "stockouts"])
        .expect(0);
    shown.says(&["caution", "backup"]);
    project.run().expect(0);
    check_exactly_once(&project.simulators);
    // It lasts a day: what changed while the run read comes later.
    project
        .command(&["checkpoints", "show", "stockouts"])
        .expect(0)
        .says(&["caution"]);
    let restored = project.path("copy");
    // State is never written over.
    project
        .command(&["restore", restored.to_str().unwrap()])
        .expect(3);
}

#[test]
fn a_backup_is_made_beside_a_running_pipeline() {
    let project = Project::new(orders(ORDERS, 142))
        .changed(|manifest| manifest.with("schedule: every 5m", "schedule: every 1h"));
    let running = project.start(&["run", "stockouts", "--follow"]);
    project.wait_for_count("kingdee.BatchSave", 1);
    backup(&project);
    project.command(&["doctor"]).expect(0).says(&["in use"]);
    running.terminate();
    running.end().expect(143);
    restore(&project);
    project.run().expect(0);
    check_exactly_once(&project.simulators);
}

#[test]
fn doctor_finds_a_sound_folder_sound_and_a_damaged_one_damaged() {
    let project = Project::new(orders(ORDERS, 143));
    project.command(&["doctor"]).expect(0);
    project.run().expect(0);
    let sound = project.command(&["doctor", "--json"]).expect(0).data();
    assert_eq!(sound["sound"], true, "{sound}");

    let file = largest(&project.path("data/sled"));
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, vec![0x5a; bytes.len()]).unwrap();
    project.command(&["doctor"]).expect(3).says(&["restore"]);
}

fn largest(folder: &Path) -> std::path::PathBuf {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files.push((entry.metadata().unwrap().len(), entry.path())),
            }
        }
    }
    files.into_iter().max().unwrap().1
}
