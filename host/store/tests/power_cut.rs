//! No acknowledged commit is lost, whether the power is cut or the process is
//! killed, and no commit is there in part. A child writes and acknowledges on
//! its standard output; the store is then read as the accident left it.
//!
//! The child is this test binary, started again with the name of the test
//! that wants it. The power cuts need root and loop devices; for other users
//! only the kills are tested.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "clippy takes only functions marked as tests for tests"
)]

#[path = "power_cut/disk.rs"]
mod disk;
#[path = "power_cut/writer.rs"]
mod writer;

use std::path::Path;

use disk::{Disk, Lab};
use duijie_store::{Embedded, Options};
use writer::{
    Child, SCOPES, Sort, acknowledged_but_lost, check, check_no_unsynced_files, write_if_child,
};

/// Numbers that differ from round to round and are the same in every run.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |number| {
        Some(
            number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1),
        )
    })
    .map(|number| number >> 33)
}

/// Writes until `acknowledged` commits are, cuts the power, and calls `look`
/// with the folder as the cut left it and what was acknowledged before.
fn cut_power(test: &str, sort: Sort, acknowledged: u64, look: impl FnOnce(&Path, [u64; 2])) {
    let lab = Lab::new();
    let disk = Disk::new(&lab);
    let mut child = Child::start(test, sort, &disk.mounted().join("store"));
    let seen = child.wait_for(acknowledged);
    let clone = disk.clone_as_the_cut_would_leave_it();
    child.kill();
    drop(disk);
    let disk = clone.mount(&lab);
    look(&disk.mounted().join("store"), seen);
}

#[test]
fn no_power_cut_loses_an_acknowledged_commit() {
    write_if_child();
    if !disk::permitted() {
        return;
    }
    for number in numbers(7).take(8) {
        let acknowledged = 20 + number % 1500;
        cut_power(
            "no_power_cut_loses_an_acknowledged_commit",
            Sort::Everything,
            acknowledged,
            |folder, seen| {
                check_no_unsynced_files(folder);
                let store = Embedded::open(folder, &Options::default())
                    .unwrap_or_else(|error| panic!("after {acknowledged} commits: {error}"));
                for (scope, seen) in SCOPES.into_iter().zip(seen) {
                    check(&store, scope, seen, Sort::Everything);
                }
            },
        );
    }
}

#[test]
fn a_power_cut_takes_commits_that_were_only_flushed() {
    write_if_child();
    if !disk::permitted() {
        return;
    }
    let mut lost = 0;
    for number in numbers(8).take(3) {
        cut_power(
            "a_power_cut_takes_commits_that_were_only_flushed",
            Sort::Unsynced,
            200 + number % 300,
            |folder, seen| lost += acknowledged_but_lost(folder, seen),
        );
    }
    assert!(
        lost > 0,
        "the test above could not fail: this cut loses nothing"
    );
}

#[test]
fn no_kill_loses_an_acknowledged_commit() {
    write_if_child();
    let folder = tempfile::tempdir().unwrap();
    let mut expected = [0; 2];
    for number in numbers(9).take(10) {
        let test = "no_kill_loses_an_acknowledged_commit";
        let mut child = Child::start(test, Sort::Everything, folder.path());
        child.wait_for(number % 200);
        let seen = child.kill();
        let store = Embedded::open(folder.path(), &Options::default()).unwrap();
        for ((scope, seen), expected) in SCOPES.into_iter().zip(seen).zip(&mut expected) {
            *expected = check(&store, scope, seen.max(*expected), Sort::Everything);
        }
    }
}
