//! The one sled tree, and the only file that names sled. It knows keys and
//! bytes; what they mean is none of its business.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use rustix::fs::{FlockOperation, flock};

use crate::Error;
use crate::key::Key;

/// Longer values are cut into pieces of this length, one sled value each.
/// sled puts a page that outgrows a quarter of a sled segment into a file of
/// its own, which it never syncs; a page holds about 16 values, so pieces of
/// this length keep every page inside the one file that is synced here.
const PIECE: usize = 4096;
/// More pieces than this have no number.
pub(crate) const MAX_VALUE: usize = PIECE << 15;
const SLED_SEGMENT: usize = 1 << 20;
/// A key in sled ends with the number of its piece.
const PIECE_NUMBER: usize = 2;

pub(crate) struct Table {
    /// Nothing while its folder is exchanged for another, and for ever where
    /// that failed.
    open: RwLock<Option<Open>>,
    cache_bytes: u64,
    place: PathBuf,
}

struct Open {
    tree: sled::Db,
    /// sled's own file, open a second time: what sled calls a flush leaves
    /// the file's length and the disk's cache behind, `fdatasync` does not.
    file: File,
}

/// Changes that take effect together or not at all.
#[derive(Default)]
pub(crate) struct Batch(sled::Batch);

pub(crate) const FOLDER: &str = "sled";

/// Where the tree is written anew, and where the old one lies while the new
/// one takes its place.
const UNFINISHED: &str = "sled.unfinished";
const BEFORE: &str = "sled.before";

impl Table {
    pub(crate) fn exists(folder: &Path) -> bool {
        Self::found(folder).is_dir()
    }

    /// Where the tree lies: an exchange that was cut short leaves it aside.
    pub(crate) fn found(folder: &Path) -> PathBuf {
        let (place, before) = (folder.join(FOLDER), folder.join(BEFORE));
        match before.is_dir() && !place.is_dir() {
            true => before,
            false => place,
        }
    }

    /// Opens or makes the tree in `folder`, which only this process uses.
    pub(crate) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Error> {
        clear(folder)?;
        let place = folder.join(FOLDER);
        let table = Self {
            open: RwLock::new(Some(open(&place, cache_bytes)?)),
            cache_bytes,
            place,
        };
        table.sync()?;
        for path in [&table.place, folder] {
            sync_folder(path)?;
        }
        Ok(table)
    }

    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    pub(crate) fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        let mut found = None;
        self.scan(key, |_, value| {
            found = Some(value.to_vec());
            Ok(true)
        })?;
        Ok(found)
    }

    /// Visits every value whose key begins with `prefix`, in the keys' order,
    /// until `visit` answers false.
    pub(crate) fn scan(
        &self,
        prefix: &Key,
        visit: impl FnMut(&[u8], &[u8]) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        self.with(|open| join_pieces(pieces(&self.place, &open.tree, prefix), visit))
    }

    /// Puts a value where one may be already.
    pub(crate) fn put(&self, batch: &mut Batch, key: &Key, value: &[u8]) -> Result<(), Error> {
        let pieces = value.chunks(PIECE);
        let count = pieces.len();
        for (number, piece) in (0_u16..).zip(pieces) {
            batch.0.insert(numbered(key, number), piece);
        }
        self.remove_from(batch, key, count)
    }

    pub(crate) fn remove(&self, batch: &mut Batch, key: &Key) -> Result<(), Error> {
        self.remove_from(batch, key, 0)
    }

    fn remove_from(&self, batch: &mut Batch, key: &Key, kept: usize) -> Result<(), Error> {
        self.with(|open| {
            for piece in pieces(&self.place, &open.tree, key).skip(kept) {
                batch.0.remove(piece?.0);
            }
            Ok(())
        })
    }

    /// Makes a batch visible. It is durable after the next [`Table::sync`].
    pub(crate) fn apply(&self, batch: Batch) -> Result<(), Error> {
        self.with(|open| guarded(&self.place, || open.tree.apply_batch(batch.0)))
    }

    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.with(|open| {
            guarded(&self.place, || open.tree.flush())?;
            let synced = open.file.sync_data();
            synced.map_err(io_error("syncing the database", &self.place))
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Open) -> Result<T, Error>) -> Result<T, Error> {
        let open: RwLockReadGuard<'_, Option<Open>> =
            self.open.read().unwrap_or_else(PoisonError::into_inner);
        match &*open {
            Some(open) => work(open),
            None => Err(Error::Io {
                what: "using the database",
                place: self.place.display().to_string(),
                reason: "it could not be opened again after it was written anew".to_owned(),
            }),
        }
    }

    /// Writes the tree anew with what is to be kept, beside the one that is
    /// there: its file has what was removed long ago as well. Nobody may write
    /// until it has its place.
    pub(crate) fn copy_anew(&self, keep: impl Fn(&Key) -> bool) -> Result<(), Error> {
        let unfinished = self.place.with_file_name(UNFINISHED);
        remove_folder(&unfinished)?;
        self.with(|old| copy(&self.place, &old.tree, &unfinished, keep))
    }

    /// Removes a copy that nothing came of, as far as it can be.
    pub(crate) fn discard(&self) {
        remove_folder(&self.place.with_file_name(UNFINISHED)).unwrap_or_default();
    }

    /// Puts the copy in the place of the tree. Cut short, it leaves one of the
    /// two, whole.
    pub(crate) fn exchange(&self) -> Result<(), Error> {
        let Some(folder) = self.place.parent() else {
            return Ok(());
        };
        let (unfinished, before) = (folder.join(UNFINISHED), folder.join(BEFORE));
        let mut held = self.open.write().unwrap_or_else(PoisonError::into_inner);
        drop(held.take());
        // Until the last thread of the old tree has let go of its file, it
        // may write into its folder.
        settle(&self.place.join("db")).map_err(io_error("closing the database", &self.place))?;
        settle(&unfinished.join("db")).map_err(io_error("closing the database", &unfinished))?;
        let moved = std::fs::rename(&self.place, &before)
            .and_then(|()| std::fs::rename(&unfinished, &self.place));
        moved.map_err(io_error("exchanging the database", &self.place))?;
        sync_folder(folder)?;
        *held = Some(open(&self.place, self.cache_bytes)?);
        drop(held);
        remove_folder(&before)?;
        sync_folder(folder)
    }
}

/// Ends an exchange that was cut short: what stands in its place counts, and
/// else what stood there before.
fn clear(folder: &Path) -> Result<(), Error> {
    let (place, before) = (folder.join(FOLDER), folder.join(BEFORE));
    if before.is_dir() && !place.is_dir() {
        let moved = std::fs::rename(&before, &place);
        moved.map_err(io_error("exchanging the database", &place))?;
    }
    remove_folder(&before)?;
    remove_folder(&folder.join(UNFINISHED))
}

fn remove_folder(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error("removing the folder", folder)(error))
        }
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(io_error("syncing the folder", folder))
}

fn open(place: &Path, cache_bytes: u64) -> Result<Open, Error> {
    let data = place.join("db");
    std::fs::create_dir_all(place).map_err(io_error("making the folder", place))?;
    if data.exists() {
        settle(&data).map_err(io_error("syncing the database", &data))?;
    }
    let config = sled::Config::new()
        .path(place)
        .cache_capacity(cache_bytes)
        .segment_size(SLED_SEGMENT)
        .flush_every_ms(None);
    let tree = guarded(place, || config.open())?;
    let file = File::open(&data).map_err(io_error("opening the database", &data))?;
    Ok(Open { tree, file })
}

/// Pieces that are written in one batch.
const COPIED: usize = 256;

/// A new tree with what is kept of `old`, durable and closed.
fn copy(place: &Path, old: &sled::Db, to: &Path, keep: impl Fn(&Key) -> bool) -> Result<(), Error> {
    let new = open(to, 1 << 20)?;
    let mut kept = pieces(place, old, &Key::everything())
        .filter(|piece| {
            piece
                .as_ref()
                .is_ok_and(|(key, _)| keep(&Key::stored(whole(key))))
                || piece.is_err()
        })
        .peekable();
    while kept.peek().is_some() {
        let mut batch = sled::Batch::default();
        for piece in kept.by_ref().take(COPIED) {
            let (key, value) = piece?;
            batch.insert(key, value);
        }
        guarded(to, || new.tree.apply_batch(batch))?;
    }
    guarded(to, || new.tree.flush())?;
    let synced = new.file.sync_all();
    synced.map_err(io_error("syncing the database", to))?;
    sync_folder(to)
}

fn pieces<'tree>(
    place: &'tree Path,
    tree: &'tree sled::Db,
    prefix: &Key,
) -> impl Iterator<Item = Result<Piece, Error>> + use<'tree> {
    let mut forwards = tree.scan_prefix(prefix.bytes());
    std::iter::from_fn(move || guarded(place, || forwards.next().transpose()).transpose())
}

type Piece = (sled::IVec, sled::IVec);

fn join_pieces(
    pieces: impl Iterator<Item = Result<Piece, Error>>,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut joined: Option<(sled::IVec, Vec<u8>)> = None;
    for piece in pieces {
        let (key, bytes) = piece?;
        if key.ends_with(&0_u16.to_be_bytes()) {
            if let Some((key, value)) = joined.take()
                && !visit(whole(&key), &value)?
            {
                return Ok(());
            }
            joined = Some((key, bytes.to_vec()));
        } else if let Some((_, value)) = &mut joined {
            value.extend_from_slice(&bytes);
        }
    }
    if let Some((key, value)) = joined {
        visit(whole(&key), &value)?;
    }
    Ok(())
}

/// Makes sled's file ready to be opened. Opening writes a summary of it,
/// which must not be newer on the disk than what it sums up. And sled asks
/// for a lock without waiting, which an earlier store of this process, just
/// closed, may still hold: in a thread of sled's that is about to end, or in
/// a child between fork and exec.
fn settle(data: &Path) -> std::io::Result<()> {
    let file = File::open(data)?;
    flock(&file, FlockOperation::LockExclusive)?;
    file.sync_all()?;
    Ok(flock(&file, FlockOperation::Unlock)?)
}

fn numbered(key: &Key, number: u16) -> Vec<u8> {
    [key.bytes(), &number.to_be_bytes()].concat()
}

/// A key without the number of its piece.
fn whole(key: &[u8]) -> &[u8] {
    key.get(..key.len().saturating_sub(PIECE_NUMBER))
        .unwrap_or_default()
}

/// sled panics on some damage that it meets; to the caller it is damage all
/// the same.
fn guarded<T>(place: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    without_panic(place, || {
        call().map_err(|error| match error {
            sled::Error::Io(error) => io_error("using the database", place)(error),
            other => damaged(place, other.to_string()),
        })
    })
}

/// Turns a panic of a database into what it says about its files.
pub(crate) fn without_panic<T>(
    place: &Path,
    call: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(damaged(
            place,
            text.unwrap_or("it stopped short").to_owned(),
        ))
    })
}

pub(crate) fn damaged(place: &Path, reason: String) -> Error {
    Error::Damaged {
        what: "the database",
        place: place.display().to_string(),
        reason,
    }
}

pub(crate) fn io_error(
    what: &'static str,
    place: &Path,
) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let place = place.display().to_string();
    move |error| Error::Io {
        what,
        place,
        reason: error.to_string(),
    }
}
