//! Whose the bytes of a segment file are, in a file beside it: one entry of a
//! fixed length for each append, written before the append itself. It serves
//! to forget a scope; nothing that is kept depends on it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use duijie_record::Scope;

use crate::Error;
use crate::table::io_error;

/// Whose, from where on, how many.
const ENTRY: usize = 32;

/// A scope in as many bytes as any other, which do not tell its name.
pub(super) fn print(scope: &Scope) -> u128 {
    xxhash_rust::xxh3::xxh3_128(scope.as_str().as_bytes())
}

/// A stretch of bytes of one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) scope: u128,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Owned {
    pub(super) fn end(self) -> u64 {
        self.offset.saturating_add(self.bytes)
    }

    fn entry(self) -> Vec<u8> {
        let mut entry = Vec::with_capacity(ENTRY);
        entry.extend_from_slice(&self.scope.to_le_bytes());
        entry.extend_from_slice(&self.offset.to_le_bytes());
        entry.extend_from_slice(&self.bytes.to_le_bytes());
        entry
    }

    fn read(entry: &[u8]) -> Option<Self> {
        let (scope, rest) = entry.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        Some(Self {
            scope: u128::from_le_bytes(*scope),
            offset: u64::from_le_bytes(*offset),
            bytes: u64::from_le_bytes(*rest.first_chunk()?),
        })
    }
}

pub(super) struct Owners(File);

impl Owners {
    /// Of a new file, which has no earlier one's owners.
    pub(super) fn begin(path: &Path) -> Result<Self, Error> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io_error("making a segment", path)(error))
            }
            _ => Self::open(path),
        }
    }

    /// Goes on behind the last whole entry.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error| io_error("opening a segment", path)(error);
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let whole = length - length % ENTRY as u64;
        if whole < length {
            file.set_len(whole).map_err(failed)?;
        }
        Ok(Self(file))
    }

    pub(super) fn add(&self, owned: Owned) -> std::io::Result<()> {
        (&self.0).write_all(&owned.entry())
    }
}

/// Every stretch of which the owner is known, by offset; none is in two.
pub(super) fn read(path: &Path) -> Result<Vec<Owned>, Error> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(io_error("reading a segment", path))?,
    };
    let mut known: Vec<Owned> = Vec::with_capacity(bytes.len() / ENTRY);
    for owned in bytes.chunks_exact(ENTRY).filter_map(Owned::read) {
        // An append that never came had the same offset as the next one.
        while known.last().is_some_and(|last| last.offset >= owned.offset) {
            known.pop();
        }
        if let Some(last) = known.last_mut() {
            last.bytes = last.bytes.min(owned.offset - last.offset);
        }
        known.push(owned);
    }
    Ok(known)
}

/// Puts these in the place of all. Cut short, it leaves the one or the other,
/// whole: what stays must not be taken for nobody's. Durable when its folder is
/// synced.
pub(super) fn replace(path: &Path, kept: &[Owned]) -> Result<Owners, Error> {
    let bytes: Vec<u8> = kept.iter().copied().flat_map(Owned::entry).collect();
    let aside = path.with_extension("own.part");
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&aside, path)?;
        Ok(Owners(file))
    });
    written.map_err(|error| {
        std::fs::remove_file(&aside).unwrap_or_default();
        io_error("writing a segment", path)(error)
    })
}

/// Whether nobody is known to own one of these bytes. The stretches are by
/// offset, and none is in two.
pub(super) fn is_free(owned: &[Owned], from: u64, end: u64) -> bool {
    let behind = owned.partition_point(|one| one.end() <= from);
    owned.get(behind).is_none_or(|one| end <= one.offset)
}

/// What lies between these stretches, of `length` bytes.
pub(super) fn between(kept: &mut [(u64, u64)], length: u64) -> Vec<(u64, u64)> {
    kept.sort_unstable();
    let mut gaps = Vec::new();
    let mut at = 0;
    for (from, end) in kept.iter().copied() {
        if from > at {
            gaps.push((at, from.min(length)));
        }
        at = at.max(end);
    }
    if at < length {
        gaps.push((at, length));
    }
    gaps
}

impl From<Owned> for (u64, u64) {
    fn from(owned: Owned) -> Self {
        (owned.offset, owned.end())
    }
}

#[cfg(test)]
mod tests {
    use super::{Owned, Owners, between, read};

    #[test]
    fn an_append_that_never_came_gives_way_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.own");
        let owners = Owners::open(&path).unwrap();
        let owned = |scope, offset, bytes| Owned {
            scope,
            offset,
            bytes,
        };
        for one in [owned(1, 0, 10), owned(2, 10, 90), owned(3, 10, 5)] {
            owners.add(one).unwrap();
        }
        let text = [std::fs::read(&path).unwrap(), vec![7; 9]].concat();
        std::fs::write(&path, text).unwrap();
        Owners::open(&path).unwrap().add(owned(4, 15, 1)).unwrap();
        let expected = [owned(1, 0, 10), owned(3, 10, 5), owned(4, 15, 1)];
        assert_eq!(read(&path).unwrap(), expected);
    }

    #[test]
    fn gaps_are_what_nobody_keeps() {
        let gaps = |mut kept: Vec<(u64, u64)>| between(&mut kept, 10);
        assert_eq!(gaps(vec![]), [(0, 10)]);
        assert_eq!(gaps(vec![(5, 7), (0, 2), (1, 3)]), [(3, 5), (7, 10)]);
        assert_eq!(gaps(vec![(0, 12)]), []);
    }
}
