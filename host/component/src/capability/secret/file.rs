//! Files that hold secrets in the clear: read only where nobody but their
//! owner can, and written so that this stays so.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Secret, SecretError};

/// More is no list of secrets.
const MOST_BYTES: u64 = 1 << 20;

/// Its text; `None` where there is none. What others may read or write, or
/// what another user owns, is refused with the command that puts it right.
pub(super) fn read(place: &Path) -> Result<Option<Zeroizing<String>>, SecretError> {
    let shown = || place.display().to_string();
    let unreadable = |reason: String| SecretError::Read {
        place: shown(),
        reason,
    };
    let told = |error: std::io::Error| unreadable(error.to_string());
    // Opening a pipe would wait for who writes into it.
    match fs::metadata(place) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(unreadable("it is no file".to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    }
    let file = File::open(place).map_err(told)?;
    // Of the file that is open, whatever its name stands for by now.
    let found = file.metadata().map_err(told)?;
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Readable {
            place: shown(),
            mode,
        });
    }
    let own = rustix::process::geteuid().as_raw();
    check_owner(&shown(), found.uid(), own)?;
    let mut text = Zeroizing::new(String::new());
    match file.take(MOST_BYTES + 1).read_to_string(&mut text) {
        Ok(bytes) if bytes as u64 > MOST_BYTES => Err(unreadable(format!(
            "it has more than {} MiB",
            MOST_BYTES >> 20
        ))),
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(told(error)),
    }
}

pub(super) fn check_owner(place: &str, owner: u32, own: u32) -> Result<(), SecretError> {
    match owner == own {
        true => Ok(()),
        false => Err(SecretError::Owner {
            place: place.to_owned(),
            owner,
            own,
        }),
    }
}

/// Puts `bytes` in place of a file: whole or not at all, also when the power
/// is cut, and for its owner only.
pub(super) fn replace(place: &Path, bytes: &[u8]) -> Result<(), SecretError> {
    let failed = |error: std::io::Error| SecretError::Write {
        place: place.display().to_string(),
        reason: error.to_string(),
    };
    let folder = match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let aside = folder.join(name);
    // What an earlier process left half written.
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&aside, place).map_err(failed)?;
    sync_folder(folder).map_err(failed)
}

/// A name in a folder survives a power cut once the folder is synced.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// `NAME=value`, one a line. `place` is for messages, which show no value.
pub(super) fn parse(place: &Path, text: &str) -> Result<BTreeMap<String, Secret>, SecretError> {
    let shown = || place.display().to_string();
    let mut secrets = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || SecretError::Line {
            place: shown(),
            line: index + 1,
        };
        let (name, value) = line.split_once('=').ok_or_else(wrong)?;
        let (name, value) = (name.trim(), unquoted(value.trim()));
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong());
        }
        let secret = Secret::new(value.to_owned());
        if secrets.insert(name.to_owned(), secret).is_some() {
            return Err(SecretError::Twice {
                place: shown(),
                line: index + 1,
                name: name.to_owned(),
            });
        }
    }
    Ok(secrets)
}

/// Without one pair of quotes around it, which shells would strip as well.
fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}
