//! Who may call: tokens by id, each for one tenant or for all, in a file of
//! the data folder. A token itself is shown once, when it is made; the file has
//! its SHA-256 only.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A token of the one who runs the process: every tenant's.
pub const EVERY: &str = "*";

const FILE: &str = "tokens.json";
const FIRST: &str = "dj";

/// What a token lets its holder do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees states, counts and numbers, but no document.
    Reader,
    /// Sees documents; runs, pauses, decides.
    Operator,
    /// Reloads; sees who did what.
    Admin,
}

impl Role {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "reader" => Some(Self::Reader),
            "operator" => Some(Self::Operator),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: String,
    /// Lower hex, of the whole token.
    pub sha256: String,
    /// A tenant's name, or [`EVERY`].
    pub tenant: String,
    pub role: Role,
    pub made_ms: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the tokens in {} cannot be used: {reason}", .place.display())]
    File { place: PathBuf, reason: String },
    #[error("there is no token `{0}`")]
    None(String),
}

/// The tokens of a data folder. Changes of others are seen at the next look.
pub struct Tokens {
    place: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    at: Option<(SystemTime, u64)>,
    tokens: Vec<Token>,
}

impl Tokens {
    pub fn of(data: &Path) -> Self {
        Self {
            place: data.join(FILE),
            seen: Mutex::default(),
        }
    }

    /// The whole token, which nobody can read again.
    pub fn add(
        &self,
        tenant: &str,
        role: Role,
        now_ms: u64,
    ) -> Result<(Token, String), TokenError> {
        let mut tokens = self.list()?;
        let random = self.random()?;
        let (id, secret) = random.split_at(8);
        let text = format!("{FIRST}_{id}_{secret}");
        let token = Token {
            id: id.to_owned(),
            sha256: digest(&text),
            tenant: tenant.to_owned(),
            role,
            made_ms: now_ms,
        };
        tokens.push(token.clone());
        self.write(&tokens)?;
        Ok((token, text))
    }

    pub fn remove(&self, id: &str) -> Result<(), TokenError> {
        let mut tokens = self.list()?;
        let before = tokens.len();
        tokens.retain(|token| token.id != id);
        match tokens.len() < before {
            true => self.write(&tokens),
            false => Err(TokenError::None(id.to_owned())),
        }
    }

    /// Takes all tokens of a tenant away.
    pub fn remove_of(&self, tenant: &str) -> Result<(), TokenError> {
        let mut tokens = self.list()?;
        tokens.retain(|token| token.tenant != tenant);
        self.write(&tokens)
    }

    /// In the order in which they were made.
    pub fn list(&self) -> Result<Vec<Token>, TokenError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match std::fs::metadata(&self.place) {
            Ok(metadata) => Some((
                metadata.modified().map_err(|error| self.failed(&error))?,
                inode(&metadata),
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(self.failed(&error)),
        };
        if at.is_none() {
            *seen = Seen::default();
        } else if at != seen.at {
            let text = std::fs::read(&self.place).map_err(|error| self.failed(&error))?;
            seen.tokens = serde_json::from_slice(&text).map_err(|error| self.failed(&error))?;
            seen.at = at;
        }
        Ok(seen.tokens.clone())
    }

    /// The token of this text, and whether its id is known at all.
    pub(crate) fn find(&self, text: &str) -> Result<(Option<Token>, bool), TokenError> {
        let mut parts = text.splitn(3, '_');
        let (Some(FIRST), Some(id), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok((None, false));
        };
        let known = self.list()?.into_iter().find(|token| token.id == id);
        // Digests are compared: how far they agree tells nothing of the token.
        let right = known.clone().filter(|token| token.sha256 == digest(text));
        Ok((right, known.is_some()))
    }

    /// Written aside and moved into place, so that no reader sees a part.
    fn write(&self, tokens: &[Token]) -> Result<(), TokenError> {
        let aside = self
            .place
            .with_extension(format!("{}.part", std::process::id()));
        let text = serde_json::to_vec_pretty(tokens).map_err(|error| self.failed(&error))?;
        let written = || {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&aside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&aside, &self.place)
        };
        written().map_err(|error| self.failed(&error))
    }

    /// 40 bytes in hex.
    fn random(&self) -> Result<String, TokenError> {
        let mut bytes = [0_u8; 40];
        let read =
            std::fs::File::open("/dev/urandom").and_then(|mut from| from.read_exact(&mut bytes));
        read.map_err(|error| self.failed(&error))?;
        Ok(hex(&bytes))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> TokenError {
        TokenError::File {
            place: self.place.clone(),
            reason: error.to_string(),
        }
    }
}

fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
