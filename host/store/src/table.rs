//! The one sled tree, and the only file that names sled. It knows keys and
//! bytes; what they mean is none of its business.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

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
    tree: sled::Db,
    /// sled's own file, open a second time: what sled calls a flush leaves
    /// the file's length and the disk's cache behind, `fdatasync` does not.
    file: File,
    place: PathBuf,
}

/// Changes that take effect together or not at all.
#[derive(Default)]
pub(crate) struct Batch(sled::Batch);

pub(crate) const FOLDER: &str = "sled";

impl Table {
    pub(crate) fn exists(folder: &Path) -> bool {
        folder.join(FOLDER).is_dir()
    }

    /// Opens or makes the tree in `folder`, which only this process uses.
    pub(crate) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Error> {
        let place = folder.join(FOLDER);
        let data = place.join("db");
        std::fs::create_dir_all(&place).map_err(io_error("making the folder", &place))?;
        if data.exists() {
            settle(&data).map_err(io_error("syncing the database", &data))?;
        }
        let config = sled::Config::new()
            .path(&place)
            .cache_capacity(cache_bytes)
            .segment_size(SLED_SEGMENT)
            .flush_every_ms(None);
        let tree = guarded(&place, || config.open())?;
        let file = File::open(&data).map_err(io_error("opening the database", &data))?;
        let table = Self { tree, file, place };
        table.sync()?;
        for path in [&table.place, folder] {
            let opened = File::open(path).and_then(|directory| directory.sync_all());
            opened.map_err(io_error("syncing the folder", path))?;
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
        join_pieces(self.pieces(prefix), visit)
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
        for piece in self.pieces(key).skip(kept) {
            batch.0.remove(piece?.0);
        }
        Ok(())
    }

    fn pieces(&self, prefix: &Key) -> impl Iterator<Item = Result<Piece, Error>> {
        let mut forwards = self.tree.scan_prefix(prefix.bytes());
        std::iter::from_fn(move || guarded(&self.place, || forwards.next().transpose()).transpose())
    }

    /// Makes a batch visible. It is durable after the next [`Table::sync`].
    pub(crate) fn apply(&self, batch: Batch) -> Result<(), Error> {
        guarded(&self.place, || self.tree.apply_batch(batch.0))
    }

    pub(crate) fn sync(&self) -> Result<(), Error> {
        guarded(&self.place, || self.tree.flush())?;
        let synced = self.file.sync_data();
        synced.map_err(io_error("syncing the database", &self.place))
    }
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
