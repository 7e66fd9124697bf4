//! What values look like on disk: a version byte, then that version's struct
//! in postcard. A released struct never changes; a new form is a new version.

mod stored;

use serde::{Deserialize, Serialize};

use crate::Error;

pub(crate) use stored::{
    BoundV1, CautionV1, CheckpointV1, ClaimV1, DeadLetterV1, HoldV1, IntentMarkV1, IntentV1,
    LedgerRowV1, RunRowV1,
};

/// The version that this build writes, and the only one so far.
pub(crate) const VERSION: u8 = 1;

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![VERSION];
    append(&mut bytes, value)?;
    Ok(bytes)
}

/// Adds a value without a version byte, for those that share one.
pub(crate) fn append<T: Serialize>(bytes: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    let grown = postcard::to_extend(value, std::mem::take(bytes));
    *bytes = grown.map_err(|error| Error::Io {
        what: "encoding a value",
        place: "memory".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(())
}

/// Errors say what was found; the caller knows where.
pub(crate) fn decode<'bytes, T: Deserialize<'bytes>>(bytes: &'bytes [u8]) -> Result<T, String> {
    let (value, rest) =
        postcard::take_from_bytes(body(bytes)?).map_err(|error| error.to_string())?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(format!("{} bytes too many", rest.len()))
    }
}

/// What follows the version byte, where this build knows that version.
pub(crate) fn body(bytes: &[u8]) -> Result<&[u8], String> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((version, _)) => Err(format!(
            "it has form {version} and this program reads form {VERSION}"
        )),
        None => Err("it is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests;
