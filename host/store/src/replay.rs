//! What was committed and not laid in its places when the store was last
//! closed or killed, read back into memory. Here it is told whether anything
//! that was acknowledged is missing.

use crate::Error;
use crate::codec::{self, FoldedV1};
use crate::key::{Key, Kind};
use crate::layer::Layer;
use crate::long::Long;
use crate::redo;
use crate::table::{Batch, Table, damaged};

/// The layer that holds every record after the last one laid in its places.
/// `acknowledged` is the number of one that was acknowledged, where it is
/// known. A record that was being written when the process died, and so never
/// acknowledged, is taken away.
pub(crate) fn fresh(
    table: &Table,
    long: Option<&Long>,
    acknowledged: Option<u64>,
) -> Result<Layer, Error> {
    let failed = |reason| damaged(table.place(), reason);
    let folded = folded(table)?;
    let taken_in = long.map_or(Ok(0), Long::folded)?;
    if taken_in < folded {
        return Err(failed(format!(
            "the long ledger beside it ends at commit {taken_in}, and {folded} was moved there"
        )));
    }
    let mut layer = Layer {
        last: folded,
        ..Layer::default()
    };
    let mut broken = None;
    table.scan(&Key::new(Kind::Redo), |key, record| {
        let number = key.last_chunk().copied().map_or(0, u64::from_be_bytes);
        if let Some(reason) = broken.take() {
            return Err(failed(reason));
        }
        if number != layer.last + 1 {
            let expected = layer.last + 1;
            let reason = format!("commit {expected} is missing, and {number} is there");
            return Err(failed(reason));
        }
        let replayed = redo::ops(number, record).and_then(|ops| layer.replay(number, &ops));
        if let Err(reason) = replayed {
            broken = Some(format!("commit {number} cannot be read: {reason}"));
        }
        Ok(true)
    })?;
    match (broken, acknowledged) {
        (Some(reason), Some(acknowledged)) if acknowledged > layer.last => {
            return Err(failed(reason));
        }
        (None, Some(acknowledged)) if acknowledged > layer.last => {
            return Err(failed(format!(
                "it ends at commit {}, and commit {acknowledged} was acknowledged",
                layer.last
            )));
        }
        (Some(_), _) => forget_after(table, layer.last)?,
        (None, _) => {}
    }
    Ok(layer)
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

fn forget_after(table: &Table, last: u64) -> Result<(), Error> {
    let mut batch = Batch::default();
    table.remove_range(&mut batch, &redo::key(last + 1), &redo::key(u64::MAX))?;
    table.apply(batch)?;
    table.sync()
}
