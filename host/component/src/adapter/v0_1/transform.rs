//! `contract::Transform` over `duijie:transform@0.1`.

use async_trait::async_trait;
use duijie_contract::{Fault, Transform, Use};
use duijie_record::{MappedBatch, MappedLine, RecordBatch, Rejection, Retry, Verdict};
use wasmtime::component::ResourceAny;

use super::bindings::exports::duijie::transform::transform as wit;
use super::convert;
use crate::guest::Running;

pub(crate) use wit::GuestIndices as TransformIndices;

struct Mapper {
    running: Running,
    guest: wit::Guest,
    mapper: ResourceAny,
}

pub(crate) async fn open_transform(
    mut running: Running,
    indices: &TransformIndices,
    usage: &Use,
) -> Result<Box<dyn Transform>, Fault> {
    let guest = indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))?;
    let answer = call!(running, |store| guest
        .call_open(store, &usage.pipeline_settings))?;
    let mapper = convert::answer(&running, answer)?;
    Ok(Box::new(Mapper {
        running,
        guest,
        mapper,
    }))
}

#[async_trait]
impl Transform for Mapper {
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault> {
        let entries: Vec<_> = batch.entries.iter().map(convert::to_entry).collect();
        let mapper = self.guest.mapper();
        let answer = call!(self.running, |store| mapper.call_apply(
            store,
            self.mapper,
            &batch.data,
            &entries
        ))?;
        let output = convert::answer(&self.running, answer)?;
        Ok(MappedBatch {
            data: output.data,
            lines: output.lines.into_iter().map(line).collect(),
            verdicts: output.verdicts.into_iter().map(verdict).collect(),
        })
    }
}

fn line(line: wit::Line) -> MappedLine {
    MappedLine {
        sources: line.sources,
        part: line.part,
    }
}

/// A verdict that this host does not know cannot be acted on, so the record
/// is kept aside.
fn verdict(verdict: wit::Verdict) -> Verdict {
    match verdict {
        wit::Verdict::Keep => Verdict::Keep,
        wit::Verdict::Drop(reason) => Verdict::Drop(convert::told(reason)),
        wit::Verdict::Reject(rejection) => Verdict::Reject(convert::rejection(rejection)),
        wit::Verdict::Other(text) => Verdict::Reject(Rejection {
            code: "transform.other".to_owned(),
            message: convert::told(text),
            field: None,
            retry: Retry::Never,
        }),
    }
}
