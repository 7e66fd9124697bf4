//! `contract::Source` over `duijie:source@0.1`.

use async_trait::async_trait;
use duijie_contract::{Fault, Source, Use};
use duijie_record::{Position, RecordBatch};
use wasmtime::component::ResourceAny;

use super::bindings::exports::duijie::source::source as wit;
use super::convert;
use crate::guest::Running;

pub(crate) use wit::GuestIndices as SourceIndices;

struct Reader {
    running: Running,
    guest: wit::Guest,
    reader: ResourceAny,
}

pub(crate) async fn outline(
    mut running: Running,
    indices: &SourceIndices,
    usage: &Use,
    position: Option<&Position>,
) -> Result<Vec<String>, Fault> {
    let guest = load(&mut running, indices)?;
    let settings = convert::settings(usage);
    let answer = call!(running, |store| guest.call_outline(
        store,
        settings,
        usage.collection.as_str(),
        position.map(|position| position.0.as_slice()),
    ))?;
    convert::answer(&running, answer)
}

pub(crate) async fn open_source(
    mut running: Running,
    indices: &SourceIndices,
    usage: &Use,
    position: Option<&Position>,
) -> Result<Box<dyn Source>, Fault> {
    let guest = load(&mut running, indices)?;
    let settings = convert::settings(usage);
    let answer = call!(running, |store| guest.call_open(
        store,
        settings,
        usage.collection.as_str(),
        position.map(|position| position.0.as_slice()),
    ))?;
    let reader = convert::answer(&running, answer)?;
    Ok(Box::new(Reader {
        running,
        guest,
        reader,
    }))
}

fn load(running: &mut Running, indices: &SourceIndices) -> Result<wit::Guest, Fault> {
    indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))
}

#[async_trait]
impl Source for Reader {
    async fn next(&mut self, limit: u32, ahead: u32) -> Result<Option<RecordBatch>, Fault> {
        let reader = self.guest.reader();
        let answer = call!(self.running, |store| reader.call_next(
            store,
            self.reader,
            limit,
            ahead
        ))?;
        let batch = convert::answer(&self.running, answer)?;
        Ok(batch.map(|batch| RecordBatch {
            data: batch.data,
            entries: batch.entries.into_iter().map(convert::entry).collect(),
            position: batch.position.map(Position),
        }))
    }

    async fn committed(&mut self, position: &Position) -> Result<(), Fault> {
        let reader = self.guest.reader();
        let answer = call!(self.running, |store| reader.call_committed(
            store,
            self.reader,
            &position.0
        ))?;
        convert::answer(&self.running, answer)
    }
}
