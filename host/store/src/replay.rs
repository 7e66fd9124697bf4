//! What was committed and not laid in its places when the store was last
//! closed or killed, read back into memory. Here it is told whether anything
//! that was acknowledged is missing.

use std::path::Path;

use crate::codec::{self, FoldedV1};
use crate::journal::{self, Replayed};
use crate::key::{Key, Kind};
use crate::layer::Layer;
use crate::long::Long;
use crate::table::{Table, damaged};
use crate::{Error, acknowledged};

/// The layer that holds every record after the last one laid in its places.
/// A record that was being written when the process died, and so never
/// acknowledged, is not in it.
pub(crate) fn fresh(
    folder: &Path,
    table: &Table,
    long: Option<&Long>,
) -> Result<(Layer, Replayed), Error> {
    let folded = folded(table)?;
    let taken_in = long.map_or(Ok(0), Long::folded)?;
    if taken_in < folded {
        let reason =
            format!("it ends at commit {taken_in}, and everything up to {folded} was moved there");
        return Err(damaged(&folder.join(crate::long::FILE), reason));
    }
    let mut layer = Layer {
        last: folded,
        ..Layer::default()
    };
    let replayed = journal::replay(folder, folded, |number, ops| layer.replay(number, ops))?;
    match missing(folder, &replayed) {
        Some(reason) => Err(damaged(&folder.join(journal::FOLDER), reason)),
        None => Ok((layer, replayed)),
    }
}

/// Says so where commits are missing that were acknowledged.
pub(crate) fn missing(folder: &Path, replayed: &Replayed) -> Option<String> {
    let last = replayed.last;
    let acknowledged = acknowledged::read(folder).filter(|acknowledged| *acknowledged > last)?;
    let ends = format!("it ends at commit {last}, and commit {acknowledged} was acknowledged");
    Some(match &replayed.broken {
        Some(why) => format!("{ends}; {why}"),
        None => ends,
    })
}

/// The last record that was laid in its places.
pub(crate) fn folded(table: &Table) -> Result<u64, Error> {
    let Some(bytes) = table.get(&Key::new(Kind::Folded))? else {
        return Ok(0);
    };
    let stored: Result<FoldedV1, _> = codec::decode(&bytes);
    let stored = stored.map_err(|reason| damaged(table.place(), reason))?;
    Ok(stored.last)
}
