//! What values look like on disk: a version byte, that version's struct in
//! postcard, and a checksum, because the databases below tell not every damage. A released struct never changes; a new form is a new version.

mod stored;

use serde::{Deserialize, Serialize};

use crate::Error;

pub(crate) use stored::{
    BoundV1, CautionV1, CheckpointV1, ClaimV1, DeadLetterV1, FillV1, FoldedV1, GroupV1, HoldV1,
    IntentMarkV1, IntentV1, LedgerRowV1, LongRowV1, MemberV1, OwedV1, RunRowV1, ScheduleV1,
    TableRowV1,
};

/// The version that this build writes, and the only one so far.
pub(crate) const VERSION: u8 = 1;

/// The version, the value, and a checksum of both.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![VERSION];
    append(&mut bytes, value)?;
    Ok(sealed(bytes))
}

/// Adds a value without version and checksum, for those that share them.
pub(crate) fn append<T: Serialize>(bytes: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    let grown = postcard::to_extend(value, std::mem::take(bytes));
    *bytes = grown.map_err(|error| Error::Io {
        what: "encoding a value",
        place: "memory".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(())
}

/// Ends bytes that begin with a version.
pub(crate) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Errors say what was found; the caller knows where.
pub(crate) fn decode<'bytes, T: Deserialize<'bytes>>(bytes: &'bytes [u8]) -> Result<T, String> {
    plain(body(bytes)?)
}

/// A value without version and checksum.
pub(crate) fn plain<'bytes, T: Deserialize<'bytes>>(bytes: &'bytes [u8]) -> Result<T, String> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(format!("{} bytes too many", rest.len()))
    }
}

/// What lies between a version that this build knows and a checksum that is
/// right.
pub(crate) fn body(bytes: &[u8]) -> Result<&[u8], String> {
    let Some((sealed, checksum)) = bytes.split_last_chunk() else {
        return Err(format!("{} bytes are no value", bytes.len()));
    };
    if crc32fast::hash(sealed) != u32::from_le_bytes(*checksum) {
        return Err("its checksum is wrong".to_owned());
    }
    match sealed.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((version, _)) => Err(format!(
            "it has form {version} and this program reads form {VERSION}"
        )),
        None => Err("it is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests;
