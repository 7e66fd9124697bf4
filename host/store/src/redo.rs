//! One record for all that is committed together: what each key holds
//! afterwards, and rows of the ledger. It is written to the journal whole, and
//! laid in its places later. It knows bytes, not what they mean.

use crate::Error;
use crate::codec;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const ROW: u8 = 3;

/// One element, as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Op<'bytes> {
    Put {
        key: &'bytes [u8],
        value: &'bytes [u8],
    },
    Remove {
        key: &'bytes [u8],
    },
    Row {
        scope: &'bytes str,
        row: &'bytes [u8],
    },
}

/// What of a record one commit has; records are made of several.
#[derive(Default)]
pub(crate) struct Ops(Vec<u8>);

impl Ops {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&mut self, op: &Op<'_>) {
        match op {
            Op::Put { key, value } => self.tagged(PUT, &[key, value]),
            Op::Remove { key } => self.tagged(REMOVE, &[key]),
            Op::Row { scope, row } => self.tagged(ROW, &[scope.as_bytes(), row]),
        }
    }

    fn tagged(&mut self, tag: u8, fields: &[&[u8]]) {
        self.0.push(tag);
        for field in fields {
            // Values are bounded far below 4 GiB.
            self.0
                .extend_from_slice(&(field.len() as u32).to_le_bytes());
            self.0.extend_from_slice(field);
        }
    }
}

/// The record with this number.
pub(crate) fn record<'ops>(number: u64, parts: impl Iterator<Item = &'ops Ops>) -> Vec<u8> {
    let mut bytes = vec![codec::VERSION];
    bytes.extend_from_slice(&number.to_le_bytes());
    for part in parts {
        bytes.extend_from_slice(&part.0);
    }
    codec::sealed(bytes)
}

/// The elements of the record with this number, in their order.
pub(crate) fn ops(number: u64, record: &[u8]) -> Result<Vec<Op<'_>>, String> {
    let (found, mut rest) = codec::body(record)?
        .split_first_chunk()
        .ok_or("it has no number")?;
    let found = u64::from_le_bytes(*found);
    if found != number {
        return Err(format!("it is number {found} in the place of {number}"));
    }
    let mut ops = Vec::new();
    while let Some((tag, fields)) = rest.split_first() {
        rest = fields;
        ops.push(match *tag {
            PUT => Op::Put {
                key: field(&mut rest)?,
                value: field(&mut rest)?,
            },
            REMOVE => Op::Remove {
                key: field(&mut rest)?,
            },
            ROW => Op::Row {
                scope: std::str::from_utf8(field(&mut rest)?).map_err(|error| error.to_string())?,
                row: field(&mut rest)?,
            },
            other => return Err(format!("it has an element of unknown sort {other}")),
        });
    }
    Ok(ops)
}

fn field<'bytes>(rest: &mut &'bytes [u8]) -> Result<&'bytes [u8], String> {
    let short = || "it ends within an element".to_owned();
    let (length, after) = rest.split_first_chunk().ok_or_else(short)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (field, after) = after.split_at_checked(length).ok_or_else(short)?;
    *rest = after;
    Ok(field)
}

/// A commit is refused when its record would not fit into a value.
pub(crate) fn check_length(ops: &Ops, most: usize) -> Result<(), Error> {
    if ops.0.len() <= most {
        return Ok(());
    }
    Err(Error::Io {
        what: "storing a commit",
        place: "the journal".to_owned(),
        reason: format!("{} bytes are more than {most}", ops.0.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::{Op, Ops, ops, record};

    #[test]
    fn a_record_is_read_back_element_by_element_and_no_other_bytes_are_one() {
        let written = [
            Op::Put {
                key: b"k",
                value: b"",
            },
            Op::Row {
                scope: "订单",
                row: b"row",
            },
            Op::Remove { key: b"k" },
        ];
        let mut parts = [Ops::default(), Ops::default()];
        parts[0].push(&written[0]);
        parts[1].push(&written[1]);
        parts[1].push(&written[2]);
        let bytes = record(7, parts.iter());
        assert_eq!(ops(7, &bytes).unwrap(), written);
        assert_eq!(
            ops(8, &bytes).unwrap_err(),
            "it is number 7 in the place of 8"
        );
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            ops(7, &flipped).unwrap_err();
            ops(7, &bytes[..at]).unwrap_err();
        }
    }
}
