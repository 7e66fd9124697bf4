//! From a source key to the place of its row, without keeping the key: 16
//! bytes and a control byte a row. It cannot tell two keys of one hash apart;
//! whoever asks reads the row and compares.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// A block and the offset of a row in it. Sorts by block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location(u64);

impl Location {
    /// Rows begin within the first 64 KiB of a block, and 2^48 blocks are
    /// more than a store will ever write.
    pub(super) fn new(block: u64, offset: usize) -> Self {
        Self(block << 16 | (offset as u64 & 0xffff))
    }

    pub(super) fn block(self) -> u64 {
        self.0 >> 16
    }

    pub(super) fn offset(self) -> usize {
        (self.0 & 0xffff) as usize
    }
}

pub(super) struct Index {
    hash: fn(&str, u64) -> u64,
    /// Drawn at open, so that nobody can prepare keys of one hash.
    seed: u64,
    by_hash: HashMap<u64, Location, BuildHasherDefault<Hashed>>,
    /// Keys whose hash another key had first.
    by_key: HashMap<String, Location>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            hash: |key, seed| xxhash_rust::xxh3::xxh3_64_with_seed(key.as_bytes(), seed),
            seed: RandomState::new().hash_one(0),
            by_hash: HashMap::default(),
            by_key: HashMap::new(),
        }
    }
}

impl Index {
    /// Where the row of this key is, unless that row is another key's.
    pub(super) fn candidate(&self, key: &str) -> Option<Location> {
        if let Some(location) = self.by_key.get(key) {
            return Some(*location);
        }
        self.by_hash.get(&(self.hash)(key, self.seed)).copied()
    }

    /// Leads `key` to `location`. `same` says that the candidate's row is
    /// this key's; the answer is where that row was.
    pub(super) fn set(&mut self, key: &str, location: Location, same: bool) -> Option<Location> {
        if let Some(old) = self.by_key.get_mut(key) {
            return Some(std::mem::replace(old, location));
        }
        let hash = (self.hash)(key, self.seed);
        if !same && self.by_hash.contains_key(&hash) {
            self.by_key.insert(key.to_owned(), location);
            return None;
        }
        self.by_hash.insert(hash, location)
    }

    #[cfg(test)]
    pub(super) fn with_hash(hash: fn(&str, u64) -> u64) -> Self {
        Self {
            hash,
            ..Self::default()
        }
    }
}

/// The keys of the map are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
