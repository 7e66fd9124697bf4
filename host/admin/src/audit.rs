//! Who did what, a JSON line each, in a file of the data folder. What was
//! refused is in it as well; documents and secrets are not.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const FILE: &str = "audit.jsonl";
/// From this length on the file is put aside, in the place of an earlier one.
const LONGEST: u64 = 16 << 20;
/// So much of its end is read for an answer.
const READ: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Deed {
    pub(crate) at_ms: u64,
    /// The id of the token; empty where none was known.
    pub(crate) token: String,
    pub(crate) from: String,
    /// Empty for what is of no tenant.
    pub(crate) tenant: String,
    pub(crate) what: String,
    /// The answer's status.
    pub(crate) status: u16,
}

pub(crate) struct Audit {
    place: PathBuf,
    writing: Mutex<()>,
}

impl Audit {
    pub(crate) fn of(data: &Path) -> Self {
        Self {
            place: data.join(FILE),
            writing: Mutex::default(),
        }
    }

    pub(crate) fn write(&self, deed: &Deed) -> std::io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = serde_json::to_vec(deed)?;
        line.push(b'\n');
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.place)?;
        file.write_all(&line)?;
        file.sync_data()?;
        if file.metadata()?.len() > LONGEST {
            std::fs::rename(&self.place, self.place.with_extension("jsonl.1"))?;
        }
        Ok(())
    }

    /// The latest, newest first, of one tenant or of all.
    pub(crate) fn latest(&self, tenant: Option<&str>, limit: usize) -> std::io::Result<Vec<Deed>> {
        let mut file = match std::fs::File::open(&self.place) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(READ)))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        // The first line may be the rest of one.
        let deeds = text
            .rsplit(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Deed>(line).ok());
        let deeds = deeds.filter(|deed| tenant.is_none_or(|only| only == deed.tenant));
        Ok(deeds.take(limit).collect())
    }
}
