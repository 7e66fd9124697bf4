//! Files that redo records are appended to, one behind the other: the one
//! place that a commit waits for. A file goes when everything in it is laid in
//! its places. It knows records by number and bytes, not what they mean.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::redo;
use crate::table::{damaged, io_error};

pub(crate) const FOLDER: &str = "journal";
/// A record is preceded by its length; none has the length 0.
const LENGTH: usize = 4;
/// A file is filled with zeros so far ahead at a time: syncing bytes that
/// change nothing but themselves spares the file system a commit of its own.
const AHEAD: usize = 1 << 20;

pub(crate) struct Journal {
    folder: PathBuf,
    current: Option<Current>,
    sync: bool,
}

struct Current {
    path: PathBuf,
    file: File,
    length: u64,
    /// How far it is filled.
    filled: u64,
}

/// Everything that records say, read back.
pub(crate) struct Replayed {
    /// Of the last whole record, or of the last one before the journal.
    pub(crate) last: u64,
    /// Why reading ended before the end of the bytes.
    pub(crate) broken: Option<String>,
    /// The last file and where its whole records end.
    end: Option<(PathBuf, u64)>,
}

/// Reads what comes after the record `folded`, in order.
pub(crate) fn replay(
    folder: &Path,
    folded: u64,
    mut take: impl FnMut(u64, &[redo::Op<'_>]) -> Result<(), String>,
) -> Result<Replayed, Error> {
    let folder = folder.join(FOLDER);
    let mut replayed = Replayed {
        last: folded,
        broken: None,
        end: None,
    };
    for first in files(&folder)? {
        // Files begin where a layer did, so such a one is laid whole.
        if first <= folded {
            continue;
        }
        let path = path(&folder, first);
        if let Some(reason) = replayed.broken.take() {
            return Err(damaged(&folder, reason));
        }
        if first != replayed.last + 1 {
            let expected = replayed.last + 1;
            let reason = format!("commit {expected} is missing, and {first} is there");
            return Err(damaged(&folder, reason));
        }
        let bytes = std::fs::read(&path).map_err(io_error("reading the journal", &path))?;
        let mut rest = bytes.as_slice();
        while !is_end(rest) {
            let number = replayed.last + 1;
            match frame(rest).and_then(|(record, after)| {
                take(number, &redo::ops(number, record)?)?;
                Ok(after)
            }) {
                Ok(after) => {
                    replayed.last = number;
                    rest = after;
                }
                Err(reason) => {
                    let reason = format!("commit {number} cannot be read: {reason}");
                    replayed.broken = Some(reason);
                    break;
                }
            }
        }
        replayed.end = Some((path, (bytes.len() - rest.len()) as u64));
    }
    Ok(replayed)
}

/// Nothing but the zeros of an earlier filling follows.
fn is_end(rest: &[u8]) -> bool {
    rest.iter().all(|byte| *byte == 0)
}

fn frame(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let short = || "it ends too early".to_owned();
    let (length, rest) = bytes.split_first_chunk::<LENGTH>().ok_or_else(short)?;
    let length = u32::from_le_bytes(*length) as usize;
    rest.split_at_checked(length).ok_or_else(short)
}

impl Journal {
    /// Goes on behind what was read back, and cuts off what comes after that.
    pub(crate) fn open(folder: &Path, replayed: Replayed, sync: bool) -> Result<Self, Error> {
        let folder = folder.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(io_error("making the folder", &folder))?;
        let mut journal = Self {
            folder,
            current: None,
            sync,
        };
        journal.sync_folder()?;
        let Some((path, length)) = replayed.end else {
            return Ok(journal);
        };
        let failed = |error| io_error("opening the journal", &path)(error);
        let file = File::options().write(true).open(&path).map_err(failed)?;
        // What was only written when the process died may not be durable yet,
        // and what follows leans on it.
        file.set_len(length).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        journal.current = Some(Current {
            path,
            file,
            length,
            filled: length,
        });
        Ok(journal)
    }

    /// Writes a record behind the others. Durable after [`Journal::sync`].
    pub(crate) fn append(&mut self, number: u64, record: &[u8]) -> Result<(), Error> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin(number)?,
        };
        let mut framed = Vec::with_capacity(record.len() + LENGTH);
        // Records are bounded far below 4 GiB.
        framed.extend_from_slice(&(record.len() as u32).to_le_bytes());
        framed.extend_from_slice(record);
        let failed = |error| io_error("writing the journal", &current.path)(error);
        let length = current.length + framed.len() as u64;
        if length > current.filled {
            framed.resize(framed.len() + AHEAD, 0);
            current.filled = length + AHEAD as u64;
        }
        let written = current.file.write_all_at(&framed, current.length);
        written.map_err(failed)?;
        current.length = length;
        self.current = Some(current);
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<(), Error> {
        match &self.current {
            Some(current) if self.sync => {
                let synced = current.file.sync_data();
                synced.map_err(io_error("syncing the journal", &current.path))
            }
            _ => Ok(()),
        }
    }

    /// The next record begins a new file.
    pub(crate) fn end_file(&mut self) {
        self.current = None;
    }

    fn begin(&self, number: u64) -> Result<Current, Error> {
        let path = path(&self.folder, number);
        let file = File::create(&path).map_err(io_error("making a journal", &path))?;
        self.sync_folder()?;
        Ok(Current {
            path,
            file,
            length: 0,
            filled: 0,
        })
    }

    fn sync_folder(&self) -> Result<(), Error> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(io_error("syncing the folder", &self.folder))
    }
}

/// The record before the first file.
pub(crate) fn before(folder: &Path) -> Result<u64, Error> {
    let first = files(&folder.join(FOLDER))?.first().copied();
    Ok(first.unwrap_or_default().saturating_sub(1))
}

/// Deletes the files whose records are all laid in their places: those that
/// begin at `folded` or before.
pub(crate) fn drop_folded(folder: &Path, folded: u64) -> Result<(), Error> {
    let folder = folder.join(FOLDER);
    for first in files(&folder)?.into_iter().filter(|first| *first <= folded) {
        let path = path(&folder, first);
        std::fs::remove_file(&path).map_err(io_error("deleting a journal", &path))?;
    }
    Ok(())
}

/// By the number of their first record.
fn files(folder: &Path) -> Result<Vec<u64>, Error> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| io_error("listing the folder", folder)(error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".redo"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first}.redo"))
}
