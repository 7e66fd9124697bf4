//! The number of the last redo record that was acknowledged, in a file of its
//! own. It is written after the record is durable and never waited for, so it
//! may lag behind the database; a database that lags behind it has lost
//! commits, which the database itself takes for the end of its log.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::table::io_error;

pub(crate) const FILE: &str = "acknowledged";

pub(crate) struct Acknowledged {
    file: File,
    place: PathBuf,
}

/// The number in `folder`; `None` where there is none that can be read.
pub(crate) fn read(folder: &Path) -> Option<u64> {
    let bytes = std::fs::read(folder.join(FILE)).ok()?;
    let (number, checksum) = bytes.split_first_chunk::<8>()?;
    let right = *checksum == crc32fast::hash(number).to_le_bytes();
    right.then(|| u64::from_le_bytes(*number))
}

impl Acknowledged {
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let place = folder.join(FILE);
        let opened = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&place);
        let file = opened.map_err(io_error("opening a file", &place))?;
        Ok(Self { file, place })
    }

    pub(crate) fn write(&self, number: u64) -> Result<(), Error> {
        let number = number.to_le_bytes();
        let mut bytes = number.to_vec();
        bytes.extend_from_slice(&crc32fast::hash(&number).to_le_bytes());
        let written = self.file.write_all_at(&bytes, 0);
        written.map_err(io_error("writing a file", &self.place))
    }
}
