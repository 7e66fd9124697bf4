//! Intents that an earlier run left open go first: nothing is read before
//! every one of them is settled.

use std::collections::HashMap;
use std::convert::Infallible;

use duijie_record::{Lines, SourceKey, line_count};
use duijie_store::{DocumentState, Intent, IntentEntry, LedgerRow};
use tokio::sync::mpsc;

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

/// What of an intent has no outcome yet.
fn open_chunk(context: &Context, intent: Intent) -> Result<Chunk, Error> {
    let scope = &context.plan().scope;
    let store = &context.options.store;
    let data = store.read_segment(scope, &intent.segment)?;
    let lines = line_count(&data);
    if lines != intent.entries.len() {
        return Err(Error::Segment {
            intent: intent.id.0,
            entries: intent.entries.len(),
            lines,
        });
    }
    let keys: Vec<SourceKey> = intent
        .entries
        .iter()
        .map(|entry| entry.source_key.clone())
        .collect();
    let rows = store.ledger(scope, &keys)?;
    let rows: HashMap<SourceKey, LedgerRow> = keys
        .into_iter()
        .zip(rows)
        .filter_map(|(key, row)| Some((key, row?)))
        .collect();
    let mut chunk = Chunk::new(Vec::new());
    for (entry, line) in intent.entries.into_iter().zip(Lines::new(&data)) {
        if !is_settled(&entry, rows.get(&entry.source_key)) {
            chunk.push(line, entry, None);
        }
    }
    chunk.open = Some(intent.id);
    Ok(chunk)
}

/// Outcomes of a chunk that is resolved in steps are durable before its intent
/// is closed: the ledger then tells what this very document came to. A
/// rejection of an earlier version does not count, since a newer version may
/// be tried with an equal document.
fn is_settled(entry: &IntentEntry, row: Option<&LedgerRow>) -> bool {
    let Some(row) = row else {
        return false;
    };
    row.documents.iter().any(|document| {
        document.part == entry.part
            && document.mapped_print == entry.mapped_print
            && (row.source_print == entry.source_print
                || document.state != DocumentState::Rejected)
    })
}
