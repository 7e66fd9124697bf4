//! The folder for one owner: nobody else reads it, and one process at a time
//! has it open.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::Error;
use crate::table::io_error;

/// Documents name people: what lies here is for its owner only.
pub(crate) fn make_private(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(io_error("making the folder", folder))?;
    let owner_only = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(folder, owner_only)
        .map_err(io_error("closing the folder to others", folder))
}

pub(crate) fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let opened = File::options().create(true).append(true).open(&path);
    let file = opened.map_err(io_error("opening the lock", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse {
            folder: folder.display().to_string(),
        }),
        Err(error) => Err(io_error("locking", &path)(error.into())),
    }
}
