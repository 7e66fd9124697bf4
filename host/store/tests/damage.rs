//! What damage does to a store: each of its files cut short and changed bit by
//! bit, its disk filled up. It opens with everything that was acknowledged, or
//! it says what is wrong and what to do; it never opens with less as if
//! nothing were missing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "clippy takes only functions marked as tests for tests"
)]

#[path = "damage/sample.rs"]
mod sample;

use std::path::{Path, PathBuf};
use std::process::Command;

use duijie_record::Scope;
use duijie_store::{Embedded, Error, Options, Store, examine};
use sample::{check, commit, copy, files, options, runtime, write};

/// What became of a spoiled store.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Everything is there.
    Whole,
    /// Opening or reading told the damage.
    Told,
    /// Only the doctor tells it.
    Examined,
}

fn told(error: &Error) -> bool {
    let text = error.to_string();
    matches!(error, Error::Damaged { .. })
        && text.contains("duijie doctor")
        && text.contains("duijie restore")
}

/// Opens a spoiled store and compares it with what was acknowledged.
fn look(folder: &Path) -> Result<End, String> {
    let examined = examine(folder, None).map_err(|error| error.to_string())?;
    let sick = examined.iter().any(|found| found.damage.is_some());
    let store = match Embedded::open(folder, &options()) {
        Ok(store) => store,
        Err(error) if told(&error) => return Ok(End::Told),
        Err(error) => return Err(format!("refused with {error}")),
    };
    match check(&store) {
        Ok(None) => Ok(End::Whole),
        Ok(Some(_)) if sick => Ok(End::Examined),
        Ok(Some(difference)) => Err(format!("nobody told that {difference}")),
        Err(error) if told(&error) => Ok(End::Told),
        Err(error) => Err(format!("read with {error}")),
    }
}

/// Spoils a copy of the store, once for each of `damages`, in each file whose
/// path contains `named`. Answers how often it ended in which way.
fn spoil(named: &str, damages: &[fn(&mut Vec<u8>, usize)], places: usize) -> [usize; 3] {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let mut ends = [0; 3];
    let spoiled: Vec<_> = files(folder.path())
        .into_iter()
        .filter(|path| path.to_str().unwrap().contains(named))
        .collect();
    assert!(!spoiled.is_empty(), "no file is named like {named}");
    for file in spoiled {
        let whole = std::fs::read(folder.path().join(&file)).unwrap();
        // Most of a file may be free space; what is written comes first.
        let used = whole
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        for damage in damages {
            for place in 0..places {
                let at = used * place / places;
                let mut bytes = whole.clone();
                damage(&mut bytes, at);
                let copied = tempfile::tempdir().unwrap();
                copy(folder.path(), copied.path());
                std::fs::write(copied.path().join(&file), &bytes).unwrap();
                match look(copied.path()) {
                    Ok(end) => ends[end as usize] += 1,
                    Err(what) => panic!("{} at {at}: {what}", file.display()),
                }
            }
        }
    }
    println!(
        "{named}: {} whole, {} told, {} told by the doctor",
        ends[0], ends[1], ends[2]
    );
    ends
}

#[allow(clippy::ptr_arg, reason = "all damages are of one type")]
fn flip(bytes: &mut Vec<u8>, at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << (at % 8);
    }
}

fn truncate(bytes: &mut Vec<u8>, at: usize) {
    bytes.truncate(at);
}

#[allow(clippy::ptr_arg, reason = "all damages are of one type")]
fn overwrite(bytes: &mut Vec<u8>, at: usize) {
    let end = (at + 600).min(bytes.len());
    bytes[at.min(end)..end].fill(0x5a);
}

const ALL: [fn(&mut Vec<u8>, usize); 3] = [flip, truncate, overwrite];

#[test]
fn a_spoiled_journal_is_told_at_opening() {
    let [whole, told, examined] = spoil(".redo", &ALL, 24);
    assert!(told > 60 && examined == 0, "{whole} {told} {examined}");
}

#[test]
fn a_spoiled_database_is_told() {
    let [_, told, examined] = spoil("sled/", &ALL, 14);
    assert!(told > 25 && examined == 0, "{told} {examined}");
}

#[test]
fn a_spoiled_long_ledger_is_told() {
    let [_, told, _] = spoil("long.redb", &ALL, 30);
    assert!(told > 20, "{told}");
}

#[test]
fn spoiled_documents_are_told_where_they_are_needed() {
    let [_, told, examined] = spoil("segments/", &ALL, 20);
    assert!(told > 10 && examined == 0, "{told} {examined}");
}

#[test]
fn the_mark_of_what_was_acknowledged_is_not_needed_to_open() {
    let [whole, told, examined] = spoil("acknowledged", &ALL, 12);
    assert!(
        whole > 0 && told == 0 && examined == 0,
        "{whole} {told} {examined}"
    );
}

#[test]
fn a_file_that_is_gone_is_told_unless_nothing_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    for file in files(folder.path()) {
        let name = file.to_str().unwrap().to_owned();
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        std::fs::remove_file(copied.path().join(&file)).unwrap();
        let end = look(copied.path()).unwrap_or_else(|what| panic!("without {name}: {what}"));
        let needed = name == "long.redb"
            || name.contains(".redo")
            || name.contains("segments") && name.ends_with(".seg");
        let right = if needed {
            end == End::Told
        } else {
            end != End::Examined
        };
        assert!(right, "without {name}: {end:?}");
    }
}

#[test]
fn an_earlier_copy_of_one_part_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let earlier = tempfile::tempdir().unwrap();
    copy(folder.path(), earlier.path());
    let store = Embedded::open(folder.path(), &options()).unwrap();
    let claim = runtime()
        .block_on(store.claim(&Scope::from("orders")))
        .unwrap();
    for number in 0..20 {
        commit(&store, &claim, 1000 + number);
    }
    drop(store);
    // The last commit lies in the journal, and nowhere else.
    let never = Options {
        fresh_rows: usize::MAX,
        ..options()
    };
    let store = Embedded::open(folder.path(), &never).unwrap();
    let claim = runtime()
        .block_on(store.claim(&Scope::from("orders")))
        .unwrap();
    commit(&store, &claim, 1020);
    drop(store);
    for part in ["sled", "journal", "long.redb"] {
        let mixed = tempfile::tempdir().unwrap();
        copy(folder.path(), mixed.path());
        let place = mixed.path().join(part);
        if place.is_dir() {
            std::fs::remove_dir_all(&place).unwrap();
            copy(&earlier.path().join(part), &place);
        } else {
            std::fs::copy(earlier.path().join(part), &place).unwrap();
        }
        let error = Embedded::open(mixed.path(), &options()).err();
        assert!(error.as_ref().is_some_and(told), "{part}: {error:?}");
    }
}

/// A small file system; unmounted when dropped.
struct Small(PathBuf);

impl Small {
    /// `None` where nothing can be mounted.
    fn new(at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=6m", "none"];
        let output = Command::new("mount").args(mount).arg(&at).output();
        if output.is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        println!("not run: nothing can be mounted here");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).output());
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let lab = tempfile::tempdir().unwrap();
    // Fills up within the journal, and within the long ledger.
    for fresh_rows in [usize::MAX, 8] {
        let Some(disk) = Small::new(lab.path().join("disk")) else {
            return;
        };
        let options = Options {
            fresh_rows,
            ..Options::default()
        };
        let folder = disk.0.join("store");
        let ballast = disk.0.join("ballast");
        std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();
        let store = Embedded::open(&folder, &options).unwrap();
        let runtime = runtime();
        let claim = runtime
            .block_on(store.claim(&Scope::from("orders")))
            .unwrap();
        let mut acknowledged = 0;
        let error = loop {
            match runtime.block_on(sample::try_commit(&store, &claim, acknowledged + 1)) {
                Ok(()) => acknowledged += 1,
                Err(error) => break error,
            }
        };
        let text = error.to_string();
        assert!(
            matches!(error, Error::Io { .. }) && text.contains("disk"),
            "{text}"
        );
        assert!(acknowledged > 10);
        // It does not go on as if nothing had happened, unless documents alone
        // found no place.
        let again = runtime.block_on(store.commit(&claim, Vec::new()));
        if !text.contains("segment") {
            assert_eq!(again.unwrap_err().to_string(), text);
        }
        drop(store);
        std::fs::remove_file(&ballast).unwrap();
        let store = Embedded::open(&folder, &options).unwrap();
        assert_eq!(sample::missing(&store, acknowledged).unwrap(), None);
    }
}

#[test]
fn a_backup_of_a_store_in_use_is_whole_and_restored_with_caution() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let other = tempfile::tempdir().unwrap();
    let (to, back) = (other.path().join("backup"), other.path().join("back"));
    let runtime = runtime();
    let store = Embedded::open(folder.path(), &options()).unwrap();
    runtime.block_on(store.backup(&to, false)).unwrap();
    let refused = runtime.block_on(store.backup(&to, false)).unwrap_err();
    assert!(matches!(refused, Error::NotEmpty { .. }), "{refused}");
    let claim = runtime
        .block_on(store.claim(&Scope::from("orders")))
        .unwrap();
    commit(&store, &claim, 5000);
    drop(store);
    let restore = |from: &Path, at: &Path| {
        let options = options();
        runtime.block_on(Embedded::restore(from, at, &options, 77))
    };
    let refused = restore(&to, folder.path()).unwrap_err();
    assert!(matches!(refused, Error::NotEmpty { .. }), "{refused}");
    let refused = restore(folder.path(), &back).unwrap_err();
    assert!(matches!(refused, Error::NoBackup { .. }), "{refused}");
    restore(&to, &back).unwrap();
    let store = Embedded::open(&back, &options()).unwrap();
    assert_eq!(check(&store).unwrap(), None);
    let caution = store.caution(&Scope::from("orders")).unwrap().unwrap();
    assert_eq!(caution.at_ms, 77);
    assert!(caution.reason.starts_with("restored from the backup"));
    drop(store);
    let examined = examine(&back, None).unwrap();
    assert!(
        examined.iter().all(|found| found.damage.is_none()),
        "{examined:?}"
    );
}

#[test]
fn a_restore_that_was_cut_short_is_no_state_to_go_on_with() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let other = tempfile::tempdir().unwrap();
    let (to, back) = (other.path().join("backup"), other.path().join("back"));
    let runtime = runtime();
    let store = Embedded::open(folder.path(), &options()).unwrap();
    runtime.block_on(store.backup(&to, false)).unwrap();
    let options = options();
    // Everything is copied, and the first commit of caution is on its way.
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            ended = Embedded::restore(&to, &back, &options, 77) => Some(ended),
            () = std::future::ready(()) => None,
        }
    });
    assert!(ended.is_none(), "{ended:?}");
    let refused = Embedded::open(&back, &options).err();
    assert!(
        matches!(refused, Some(Error::CutShort { .. })),
        "{refused:?}"
    );
}
