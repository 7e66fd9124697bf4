//! The one thread that lays full layers in their places: rows, dead letters,
//! runs and members in the long ledger, durably; after that everything else in
//! the table, durably; after that the journal of it goes. Killed anywhere, it
//! does the same again after the next opening.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use crate::Error;
use crate::chaos::{self, Point};
use crate::codec::{self, FoldedV1};
use crate::journal;
use crate::key::{Key, Kind};
use crate::layer::Layer;
use crate::long::Long;
use crate::shared::Shared;
use crate::table::{Batch, io_error};

/// The thread, from the committer's side.
pub(crate) struct Folder {
    layers: Option<Sender<Arc<Layer>>>,
    done: Receiver<Result<(), Error>>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Folder {
    pub(crate) fn start(shared: &Arc<Shared>) -> Result<Self, Error> {
        let (layers, received) = mpsc::channel::<Arc<Layer>>();
        let (answer, done) = mpsc::channel();
        let (shared, place) = (shared.clone(), shared.folder.clone());
        let thread = std::thread::Builder::new().name("store-folder".to_owned());
        let work = move || {
            for layer in received {
                let folded = fold(&shared, &layer);
                // Nobody may be waiting any more; what was laid is laid.
                drop(answer.send(folded));
            }
        };
        let thread = thread.spawn(work);
        Ok(Self {
            layers: Some(layers),
            done,
            busy: false,
            thread: Some(thread.map_err(io_error("starting the folder", &place))?),
        })
    }

    /// Sends the active layer off, where none is on its way.
    pub(crate) fn begin(&mut self, shared: &Shared) {
        let Some(layers) = &self.layers else { return };
        let mut held = shared.layers_mut();
        let last = held.active.last;
        let layer = Arc::new(std::mem::replace(
            &mut held.active,
            Layer {
                last,
                ..Layer::default()
            },
        ));
        held.folding = Some(layer.clone());
        drop(held);
        self.busy = layers.send(layer).is_ok();
    }

    /// Whether no layer is on its way; an error is the last one's.
    pub(crate) fn is_idle(&mut self) -> Result<bool, Error> {
        match self.done.try_recv() {
            Ok(result) => {
                self.busy = false;
                result.map(|()| true)
            }
            Err(_) => Ok(!self.busy),
        }
    }

    /// Returns when no layer is on its way.
    pub(crate) fn wait(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.busy) {
            return Ok(());
        }
        self.done.recv().unwrap_or(Ok(()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.layers = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn fold(shared: &Shared, layer: &Layer) -> Result<(), Error> {
    long(shared)?.take_in(layer)?;
    chaos::reach(Point::DuringArchive);
    let table = &shared.table;
    let mut batch = Batch::default();
    for (key, value) in &layer.values {
        match value {
            _ if key.is_of_many() => {}
            Some(value) => table.put(&mut batch, key, value)?,
            None => table.remove(&mut batch, key)?,
        }
    }
    let folded = codec::encode(&FoldedV1 { last: layer.last })?;
    table.put(&mut batch, &Key::new(Kind::Folded), &folded)?;
    table.apply(batch)?;
    table.sync()?;
    shared.layers_mut().folding = None;
    journal::drop_folded(&shared.folder, layer.last)?;
    chaos::reach(Point::AfterArchive);
    Ok(())
}

/// Opens or makes it where no layer was taken in before.
pub(crate) fn long(shared: &Shared) -> Result<&Long, Error> {
    get_or_open(&shared.long, || {
        Long::open(&shared.folder, shared.options.cache_bytes)
    })
}

/// Only the thread above fills it, so nothing opened is thrown away.
fn get_or_open<T>(
    slot: &OnceLock<T>,
    open: impl FnOnce() -> Result<T, Error>,
) -> Result<&T, Error> {
    if let Some(open) = slot.get() {
        return Ok(open);
    }
    let opened = open()?;
    Ok(slot.get_or_init(|| opened))
}
