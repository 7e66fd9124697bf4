//! The key of the secret store: where it comes from and what it looks like.
//! What is done with it is `vault`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::file;
use super::provider::{Environment, process};
use super::{Secret, SecretError};

/// Says which form of key it is, to people and to programs that look for
/// keys in the wrong places.
const PREFIX: &str = "djk1_";

pub(super) const VARIABLE: &str = "DUIJIE_SECRET_KEY";
pub(super) const FILE_VARIABLE: &str = "DUIJIE_SECRET_KEY_FILE";
const FILE: &str = "secrets.key";

pub(super) const BYTES: usize = 32;

/// 256 random bits; never printed by accident, zeroed when dropped.
pub struct Key(Zeroizing<[u8; BYTES]>);

impl Key {
    /// A new one.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let filled = SystemRandom::new().fill(bytes.as_mut_slice());
        filled.map_err(|_| SecretError::NoRandom)?;
        Ok(Self(bytes))
    }

    /// From the text that [`Key::text`] gives. `place` is for the message,
    /// which does not show what was found.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, SecretError> {
        let wrong = || SecretError::BadKey {
            place: place.to_owned(),
        };
        let digits = text.trim().strip_prefix(PREFIX).ok_or_else(wrong)?;
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(digits).map_err(|_| wrong())?);
        let mut bytes = Zeroizing::new([0; BYTES]);
        if decoded.len() != BYTES {
            return Err(wrong());
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self(bytes))
    }

    /// The same, from what a person gave as a secret.
    pub fn of(text: &Secret, place: &str) -> Result<Self, SecretError> {
        Self::parse(text.expose(), place)
    }

    /// For the key file, or the one time when a person is to see it.
    pub fn text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()));
        Zeroizing::new(format!("{PREFIX}{}", digits.as_str()))
    }

    pub(super) fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Tells keys apart and nothing else: a digest of 256 random bits leads
    /// nowhere.
    pub(super) fn id(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"duijie secret store key id\0");
        hasher.update(self.0.as_slice());
        let digest = hasher.finalize();
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Where a store's key is looked for: in the environment, else in a file.
pub struct Keys {
    given: Option<Secret>,
    file: PathBuf,
}

impl Keys {
    /// Of a project: `DUIJIE_SECRET_KEY`, else the file that
    /// `DUIJIE_SECRET_KEY_FILE` names, else `secrets.key` in its folder.
    pub fn of(project: &Path) -> Self {
        Self::with_environment(project, &process())
    }

    pub(super) fn with_environment(project: &Path, environment: &Environment) -> Self {
        let value = |name: &str| environment(name).filter(|value| !value.is_empty());
        Self {
            given: value(VARIABLE).map(Secret::new),
            file: value(FILE_VARIABLE).map_or_else(|| project.join(FILE), PathBuf::from),
        }
    }

    /// The key file, whether it is there or not.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether the key stands in the environment, and the file is not looked at.
    pub fn is_given(&self) -> bool {
        self.given.is_some()
    }

    /// The key, where there is one.
    pub(super) fn find(&self) -> Result<Option<Key>, SecretError> {
        match &self.given {
            Some(given) => Key::parse(given.expose(), VARIABLE).map(Some),
            None => read(&self.file),
        }
    }

    /// The key of a store that was sealed with the one of this id.
    pub(super) fn fitting(&self, id: &str, store: &Path) -> Result<Key, SecretError> {
        let found = self.find()?;
        if let Some(key) = found.filter(|key| key.id() == id) {
            return Ok(key);
        }
        if let Some(next) = self.next()?.filter(|key| key.id() == id) {
            return Ok(next);
        }
        let store = store.display().to_string();
        let found = match &self.given {
            Some(_) => VARIABLE.to_owned(),
            None => self.file.display().to_string(),
        };
        Err(match self.find()? {
            Some(_) => SecretError::WrongKey { store, found },
            None => SecretError::NoKey { store, found },
        })
    }

    /// The key in the file, made where there is none yet.
    pub(super) fn make(&self) -> Result<Key, SecretError> {
        if let Some(key) = self.find()? {
            return Ok(key);
        }
        let key = Key::generate()?;
        write(&self.file, &key)?;
        Ok(key)
    }

    /// Puts the next key beside the old one, before anything is sealed with it.
    pub(super) fn prepare(&self, key: &Key) -> Result<(), SecretError> {
        write(&self.next_file(), key)
    }

    /// The next key takes the place of the old one.
    pub(super) fn advance(&self) -> Result<(), SecretError> {
        let next = self.next_file();
        let failed = |error: std::io::Error| SecretError::Write {
            place: self.file.display().to_string(),
            reason: error.to_string(),
        };
        std::fs::rename(&next, &self.file).map_err(failed)?;
        match self.file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => file::sync_folder(folder),
            _ => file::sync_folder(Path::new(".")),
        }
        .map_err(failed)
    }

    /// A key that a process left between [`Keys::prepare`] and
    /// [`Keys::advance`].
    pub(super) fn next(&self) -> Result<Option<Key>, SecretError> {
        match self.given {
            Some(_) => Ok(None),
            None => read(&self.next_file()),
        }
    }

    fn next_file(&self) -> PathBuf {
        let mut name = self.file.file_name().unwrap_or_default().to_owned();
        name.push(".next");
        self.file.with_file_name(name)
    }
}

fn read(place: &Path) -> Result<Option<Key>, SecretError> {
    match file::read(place)? {
        Some(text) => Key::parse(&text, &place.display().to_string()).map(Some),
        None => Ok(None),
    }
}

fn write(place: &Path, key: &Key) -> Result<(), SecretError> {
    let text = Zeroizing::new(format!("{}\n", key.text().as_str()));
    file::replace(place, text.as_bytes())
}
