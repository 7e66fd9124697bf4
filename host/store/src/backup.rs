//! Copies of a store: out of one that is open and waits, and back into an
//! empty folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::embedded::{lock, make_private};
use crate::segment::{folder_name, keep_numbers};
use crate::shared::Shared;
use crate::table::{self, Table, io_error};
use crate::{
    Caution, Change, Embedded, Error, Options, SEALS, SegmentKind, Store as _, acknowledged,
    journal, long,
};

/// Says that a copy is whole: made last.
const WHOLE: &str = "backup";

/// Stands in a folder while a backup is put into it: without the caution that
/// comes last, what was sent since the backup would be sent again.
const RESTORING: &str = "restoring";

pub(crate) fn refuse_if_cut_short(folder: &Path) -> Result<(), Error> {
    if !folder.join(RESTORING).exists() {
        return Ok(());
    }
    Err(Error::CutShort {
        folder: folder.display().to_string(),
    })
}

/// Copies the files of a store that nobody writes to.
pub(crate) fn copy_out(shared: &Shared, to: &Path, evidence: bool) -> Result<(), Error> {
    refuse_unless_empty(to)?;
    make_private(to)?;
    let kinds: &[SegmentKind] = if evidence {
        &[SegmentKind::Documents, SegmentKind::Evidence]
    } else {
        &[SegmentKind::Documents]
    };
    copy_store(&shared.folder, to, kinds)?;
    if !evidence {
        // Rows still lead to it, and must not lead to what comes later.
        keep_numbers(SegmentKind::Evidence, &shared.folder, to)?;
    }
    let whole = to.join(WHOLE);
    File::create(&whole)
        .and_then(|file| file.sync_all())
        .map_err(io_error("writing a file", &whole))?;
    sync_folder(to)
}

fn copy_store(from: &Path, to: &Path, kinds: &[SegmentKind]) -> Result<(), Error> {
    for name in [table::FOLDER, journal::FOLDER] {
        copy_folder(&from.join(name), &to.join(name))?;
    }
    for kind in kinds {
        let name = folder_name(*kind);
        if from.join(name).exists() {
            copy_folder(&from.join(name), &to.join(name))?;
        }
    }
    // Keys last: they open whatever was copied before.
    for name in [long::FILE, acknowledged::FILE, SEALS] {
        if from.join(name).exists() {
            copy_file(&from.join(name), &to.join(name))?;
        }
    }
    Ok(())
}

pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(io_error("making the folder", to))?;
    let failed = |error| io_error("listing the folder", from)(error);
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            copy_file(&path, &to.join(name))?;
        }
    }
    sync_folder(to)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::copy(from, to).map_err(io_error("copying to", to))?;
    let opened = File::options().write(true).open(to);
    let synced = opened.and_then(|file| file.sync_all());
    synced.map_err(io_error("syncing a file", to))
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(io_error("syncing the folder", folder))
}

/// A lock alone is nothing that could be lost.
fn refuse_unless_empty(folder: &Path) -> Result<(), Error> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    let mut names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    match names.find(|name| name != "lock") {
        None => Ok(()),
        Some(found) => Err(Error::NotEmpty {
            folder: folder.display().to_string(),
            found: PathBuf::from(found).display().to_string(),
        }),
    }
}

impl Embedded {
    /// Puts a backup into a folder that has no state. From then on every scope
    /// looks its keys up before it first sends them.
    ///
    /// The folder may have other files than a store's. `at_ms` is now, in Unix
    /// milliseconds.
    pub async fn restore(
        from: &Path,
        folder: &Path,
        options: &Options,
        at_ms: u64,
    ) -> Result<(), Error> {
        let whole = from.join(WHOLE);
        let taken = std::fs::metadata(&whole).and_then(|found| found.modified());
        let taken = taken.map_err(|error| Error::NoBackup {
            folder: from.display().to_string(),
            reason: error.to_string(),
        })?;
        let age_s = taken.duration_since(std::time::UNIX_EPOCH);
        let taken_ms = age_s.map_or(0, |age| age.as_millis());
        make_private(folder)?;
        let lock = lock(folder)?;
        if Table::exists(folder) || folder.join(long::FILE).exists() {
            return Err(Error::NotEmpty {
                folder: folder.display().to_string(),
                found: table::FOLDER.to_owned(),
            });
        }
        let restoring = folder.join(RESTORING);
        let made = File::create(&restoring).and_then(|file| file.sync_all());
        made.map_err(io_error("writing a file", &restoring))?;
        sync_folder(folder)?;
        copy_store(
            from,
            folder,
            &[SegmentKind::Documents, SegmentKind::Evidence],
        )?;
        drop(lock);
        let store = Self::open_as_it_is(folder, options)?;
        let reason = format!("restored from the backup {} of {taken_ms}", from.display());
        for scope in store.scopes()? {
            let claim = store.claim(&scope).await?;
            let caution = Caution {
                reason: reason.clone(),
                at_ms,
            };
            let change = Change::Caution(Some(caution));
            store.commit(&claim, vec![change]).await?;
        }
        std::fs::remove_file(&restoring).map_err(io_error("removing a file", &restoring))?;
        sync_folder(folder)
    }
}
