//! Intents that an earlier run left open go first: nothing is read before
//! every one of them is settled.
//!
//! Their documents are in doubt from the first moment, so the writer waits the
//! target's whole settle time before it looks or sends again. The wait begins
//! now, not when the intent was made: how old an intent is says nothing of when
//! its request left, and a request was sent again under the same intent while
//! nothing had left. The time that a request may take is not added: the sockets
//! of a dead process are closed by its kernel, so only what the target had
//! received by then can still take effect, and that is what the settle time
//! covers. A request without an answer inside a run has ended as well when its
//! outcome is unknown, and is waited for as long.

use std::convert::Infallible;

use duijie_record::{Lines, line_count};
use duijie_store::Intent;
use tokio::sync::mpsc;

use crate::chaos::{Point, reach};
use crate::options::Context;
use crate::stage::chunk::Chunk;
use crate::{Error, Event};

/// Hands the open intents to the writers and returns when all are settled, or
/// when the run halts.
pub(crate) async fn send(context: &Context, chunks: &mpsc::Sender<Chunk>) -> Result<(), Error> {
    let scope = &context.plan().scope;
    let intents = context.options.store.open_intents(scope)?;
    if intents.is_empty() {
        return Ok(());
    }
    reach(Point::RecoveryBegins);
    context.options.observer.event(Event::Recovering {
        intents: intents.len(),
        documents: intents.iter().map(|intent| intent.entries.len()).sum(),
    });
    let (guard, mut settled) = mpsc::channel::<Infallible>(1);
    for intent in intents {
        let mut chunk = open_chunk(context, intent)?;
        chunk.guard = Some(guard.clone());
        if chunks.send(chunk).await.is_err() {
            return Ok(());
        }
    }
    drop(guard);
    tokio::select! {
        biased;
        _all = settled.recv() => {}
        () = context.halt.stopped() => {}
    }
    Ok(())
}

/// An open intent names only documents without an outcome: those that have
/// one left it in the commit that made the outcome durable.
fn open_chunk(context: &Context, intent: Intent) -> Result<Chunk, Error> {
    let scope = &context.plan().scope;
    let data = context.options.store.read_segment(scope, &intent.segment)?;
    let lines = line_count(&data);
    if lines != intent.entries.len() {
        return Err(Error::Segment {
            intent: intent.id.0,
            entries: intent.entries.len(),
            lines,
        });
    }
    let mut chunk = Chunk::new(Vec::with_capacity(data.len() + 1));
    for (entry, line) in intent.entries.into_iter().zip(Lines::new(&data)) {
        chunk.push(line, entry, None);
    }
    chunk.intent = Some((intent.id, intent.segment));
    Ok(chunk)
}
