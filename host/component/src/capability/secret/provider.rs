//! Finds `${secret:NAME}`: in the environment as `DUIJIE_SECRET_<NAME>`, else
//! in `secrets.env` of the project folder. Reads the file once; writes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Secret;
use crate::capability::nearest;

const FILE: &str = "secrets.env";

/// Looks up an environment variable.
type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    #[error(
        "`{place}` can be read by others than its owner (mode {mode:03o}): \
         run `chmod 600 {place}`"
    )]
    Readable { place: String, mode: u32 },
    #[error("`{place}` cannot be read: {reason}")]
    Read { place: String, reason: String },
    #[error("line {line} of `{place}` is not `NAME=value`")]
    Line { place: String, line: usize },
    #[error("line {line} of `{place}` sets `{name}` again")]
    Twice {
        place: String,
        line: usize,
        name: String,
    },
    #[error(
        "secret `{name}` is not set: put a line `{name}=…` into `{place}`, or set the environment \
         variable `{variable}`{}",
        .near.as_ref().map(|near| format!("; there is a secret `{near}`")).unwrap_or_default()
    )]
    Missing {
        name: String,
        place: String,
        variable: String,
        near: Option<String>,
    },
}

/// The secrets of one project.
pub struct Secrets {
    environment: Environment,
    place: PathBuf,
    file: BTreeMap<String, Secret>,
}

impl Secrets {
    /// Reads `secrets.env` in the project folder where there is one, and
    /// refuses it when its mode lets the group or others read it.
    pub fn open(project: &Path) -> Result<Self, SecretError> {
        Self::with_environment(project, Box::new(|name| std::env::var(name).ok()))
    }

    pub(crate) fn with_environment(
        project: &Path,
        environment: Environment,
    ) -> Result<Self, SecretError> {
        let place = project.join(FILE);
        let file = read(&place)?;
        Ok(Self {
            environment,
            place,
            file,
        })
    }

    /// The secret of that name; the environment goes before the file.
    pub fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let variable = variable(name);
        if let Some(value) = (self.environment)(&variable).filter(|value| !value.is_empty()) {
            return Ok(Secret::new(value));
        }
        if let Some(secret) = self.file.get(name) {
            return Ok(secret.clone());
        }
        let known = self.file.keys().map(String::as_str);
        Err(SecretError::Missing {
            name: name.to_owned(),
            place: self.place.display().to_string(),
            variable,
            near: nearest(name, known).map(str::to_owned),
        })
    }
}

/// Shells take letters, digits and `_` in a name only.
fn variable(name: &str) -> String {
    let name = name.chars().map(|char| match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' => char.to_ascii_uppercase(),
        _ => '_',
    });
    format!("DUIJIE_SECRET_{}", name.collect::<String>())
}

fn read(place: &Path) -> Result<BTreeMap<String, Secret>, SecretError> {
    let shown = || place.display().to_string();
    let unreadable = |error: std::io::Error| SecretError::Read {
        place: shown(),
        reason: error.to_string(),
    };
    let metadata = match fs::metadata(place) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o044 != 0 {
        return Err(SecretError::Readable {
            place: shown(),
            mode,
        });
    }
    let text = zeroize::Zeroizing::new(fs::read_to_string(place).map_err(unreadable)?);
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
