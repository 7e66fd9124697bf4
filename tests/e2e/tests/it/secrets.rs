//! What must stand nowhere: secrets and session ids, on disk and in every output. Outputs are looked at by
//! every command of every test, so here they are only made as talkative as they get.

use duijie_e2e::{Auth, Project, orders};
use duijie_sim::{Dialect, FaultKind, FaultRule};
use std::path::Path;

#[test]
fn no_secret_and_no_session_id_stands_in_the_data_folder_or_in_any_log() {
    for (dialect, auth) in [
        (Dialect::Direct, Auth::AppSecret),
        (Dialect::Qimen, Auth::Password),
        (Dialect::Direct, Auth::Sign),
        (Dialect::Qimen, Auth::SignedHeaders),
    ] {
        let project = Project::speaking(orders(40, 101), dialect, auth).talkative();
        project
            .simulators
            .add_fault(FaultRule::once("kingdee.BatchSave", FaultKind::Throttle));
        for arguments in [
            &["plan", "stockouts"][..],
            &["run", "stockouts"],
            &["checkpoints", "show", "stockouts"],
            &["runs", "stockouts"],
        ] {
            project.command(arguments).expect(0);
        }
        assert_eq!(project.simulators.document_count(), 40);
        let hidden = project.hidden();
        assert!(hidden.len() > 4, "no session is known");
        let files = look_for(&hidden, &project.path("data"));
        assert!(files > 2, "{files} files were looked at");
    }
}

#[test]
fn a_process_that_is_aborted_leaves_no_core_and_no_secret_in_its_last_words() {
    let project = Project::new(orders(30, 105)).talkative();
    let running = project.start(&["run", "stockouts", "--follow"]);
    project.wait_for_count("kingdee.BatchSave", 1);
    let limits = running.limits();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words.get(4), Some(&"0"), "{words:?}");
    running.abort();
    let ended = running.end().expect(134);
    for secret in project.hidden() {
        let shown = ended.stdout.contains(&secret) || ended.stderr.contains(&secret);
        assert!(!shown, "it shows `{secret}`");
    }
    look_for(&project.hidden(), &project.path("data"));
}

/// Gives how many files there are.
pub(super) fn look_for(hidden: &[String], folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += look_for(hidden, &path);
        } else if path.is_file() {
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            for secret in hidden {
                let found = bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "{} holds `{secret}`", path.display());
            }
        }
    }
    files
}
