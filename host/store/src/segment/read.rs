//! Reads entries of segment files back, as they were given.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use duijie_record::Scope;

use super::{Segments, path};
use crate::seal::{Seals, bound_of};
use crate::table::io_error;
use crate::{Error, SegmentRef};

impl Segments {
    pub(crate) fn read(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        Self::read_at(&self.folder, &self.seals, scope, segment)
    }

    /// The same of a store that is not open.
    pub(crate) fn read_at(
        folder: &Path,
        seals: &Seals,
        scope: &Scope,
        segment: &SegmentRef,
    ) -> Result<Vec<u8>, Error> {
        let path = path(folder, segment.kind, segment.file);
        let damaged = |reason| Error::Damaged {
            what: "a segment",
            place: path.display().to_string(),
            reason,
        };
        let file = File::open(&path).map_err(|error| damaged(error.to_string()))?;
        let found = file.metadata();
        let length = found.map_err(io_error("reading a segment", &path))?.len();
        if segment.offset.saturating_add(segment.bytes) > length {
            return Err(damaged(format!(
                "it has {length} bytes, and {} at {} were expected",
                segment.bytes, segment.offset
            )));
        }
        let mut data = vec![0; segment.bytes as usize];
        let read = file.read_exact_at(&mut data, segment.offset);
        read.map_err(io_error("reading a segment", &path))?;
        let closed = |reason: &str| {
            damaged(format!(
                "{reason}, of {} bytes at {}",
                segment.bytes, segment.offset
            ))
        };
        let data = seals.open(scope, bound_of(segment.kind), data, closed)?;
        if crc32fast::hash(&data) != segment.crc {
            return Err(damaged(format!(
                "the checksum of {} bytes at {} is wrong",
                segment.bytes, segment.offset
            )));
        }
        Ok(data)
    }
}
