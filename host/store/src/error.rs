//! What can go wrong with state on disk.

/// Every text says what, where and what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("another process took over `{scope}` (epoch {held}, now {current}): stop this one")]
    ClaimLost {
        scope: String,
        held: u64,
        current: u64,
    },
    #[error("the data folder {folder} is in use by another process: stop it, or use its commands")]
    InUse { folder: String },
    #[error(
        "{what} in {place} cannot be read: {reason}; `duijie doctor` tells more, and `duijie restore` puts a backup in its place"
    )]
    Damaged {
        what: &'static str,
        place: String,
        reason: String,
    },
    #[error("{what} failed on {place}: {reason}; see to the disk, then start again")]
    Io {
        what: &'static str,
        place: String,
        reason: String,
    },
    #[error("{folder} holds `{found}` already: name a folder that is empty or does not exist")]
    NotEmpty { folder: String, found: String },
    #[error(
        "a restore into {folder} was cut short: take what it left there away (`restoring` too) and restore again"
    )]
    CutShort { folder: String },
    #[error("{folder} is no whole backup: {reason}; name a folder that `duijie backup` made")]
    NoBackup { folder: String, reason: String },
    #[error(
        "`{scope}` is being forgotten, and that has not ended yet: make room on the disk of the data folder; it goes on by itself, at the latest when the process starts anew"
    )]
    Forgetting { scope: String },
    #[error("what is kept of `{scope}` is sealed: {reason}")]
    Sealed { scope: String, reason: String },
    #[error("{folder} holds no state: name the folder of a project's data")]
    NoStore { folder: String },
}
