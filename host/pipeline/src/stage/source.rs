//! Reads ahead of everything else, checks what the source claims, and tells
//! it what became durable. One task owns the source.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use duijie_contract::{Fault, Source};
use duijie_record::{Position, RecordBatch, RecordEntry};
use duijie_store::Fingerprint;
use tokio::sync::{mpsc, oneshot};

use crate::options::{Context, breach};
use crate::replay::{self, Wish};
use crate::stage::chunk::{Guard, spans};
use crate::stage::drain;
use crate::{Error, Event, Purpose};

pub(crate) struct Reader {
    pub(crate) context: Arc<Context>,
    /// Bounded by the plan's read-ahead.
    pub(crate) pages: mpsc::Sender<Lined>,
    /// Positions that became durable.
    pub(crate) durable: mpsc::UnboundedReceiver<Position>,
    /// Nothing is read before this is told: an earlier run's open intents
    /// come first.
    pub(crate) begin: oneshot::Receiver<()>,
}

impl Reader {
    pub(crate) async fn run(self) -> Result<(), Error> {
        let (context, pages, mut durable) = (self.context, self.pages, self.durable);
        if self.begin.await.is_err() {
            return Ok(());
        }
        let until = match &context.options.purpose {
            Purpose::Replay(picks) => return replay::read(&context, picks, pages).await,
            Purpose::Planned(planned) => planned.until.as_deref(),
            Purpose::Live | Purpose::Backfill { .. } => None,
        };
        if !replay::read_due(&context, &pages).await? {
            return Ok(());
        }
        if context.plan().drains {
            return drain::read(&context, pages).await;
        }
        let stage = &context.plan().source;
        let mut source = open(&context).await?;
        let mut seen = HashSet::new();
        loop {
            let room = tokio::select! {
                biased;
                () = context.halt.stopped() => break,
                Some(position) = durable.recv() => {
                    committed(&mut *source, &position).await?;
                    continue;
                }
                room = pages.reserve() => room,
            };
            let Ok(room) = room else {
                break;
            };
            let read = tokio::select! {
                biased;
                // The call is abandoned in the middle, so nothing more can be
                // asked of this source; it learns the position when the next
                // run opens it.
                () = context.halt.stopped() => return Ok(()),
                read = next(&context, &mut *source) => read?,
            };
            let Some(batch) = read else {
                context.ends();
                break;
            };
            let lined = verify(batch, &mut seen).map_err(|what| breach(stage, what))?;
            let records = lined.batch.entries.len();
            context.options.observer.event(Event::Read { records });
            let position = lined.batch.position.as_ref();
            let ends = until.is_some() && position.map(|position| &*position.0) == until;
            room.send(lined);
            if ends {
                context.ends();
                break;
            }
        }
        drop(pages);
        while let Some(position) = durable.recv().await {
            committed(&mut *source, &position).await?;
        }
        Ok(())
    }
}

/// The source, at the checkpoint of this run's lane.
async fn open(context: &Context) -> Result<Box<dyn Source>, Error> {
    let (plan, options) = (context.plan(), &context.options);
    let checkpoint = options.store.checkpoint(&plan.scope, &context.lane)?;
    let position = checkpoint.map(|checkpoint| checkpoint.position);
    let launched = options.launch.source(&plan.source.usage, position.as_ref());
    Ok(launched.await?)
}

/// The next batch; passing faults are waited out.
pub(crate) async fn next(
    context: &Context,
    source: &mut dyn Source,
) -> Result<Option<RecordBatch>, Fault> {
    let policy = &context.plan().policy;
    let ahead = if context.plan().drains {
        0
    } else {
        policy.read_ahead
    };
    let mut failed = 0;
    loop {
        match source.next(policy.page_records, ahead).await {
            Ok(batch) => return Ok(batch),
            Err(fault) => {
                failed += 1;
                let Some(wait) = context.wait_after(&fault, failed) else {
                    return Err(fault);
                };
                if !context.wait("reading", &fault.to_string(), wait).await {
                    // The halt ends this call from outside, perhaps a moment
                    // after it is seen here: no further try may use that.
                    return std::future::pending().await;
                }
            }
        }
    }
}

/// The checkpoint is durable whatever the source makes of it, and the next
/// one covers this one: a passing fault is no reason to stop.
async fn committed(source: &mut dyn Source, position: &Position) -> Result<(), Fault> {
    match source.committed(position).await {
        Err(fault) if fault.is_passing() => {
            tracing::warn!(%fault, "the source did not hear of a checkpoint");
            Ok(())
        }
        other => other,
    }
}

/// A batch and where its lines lie; as many lines as entries.
#[derive(Clone)]
pub(crate) struct Lined {
    pub(crate) batch: RecordBatch,
    pub(crate) lines: Vec<Range<usize>>,
    /// One a record in a replay; none of what a source gave.
    pub(crate) wishes: Vec<Wish>,
    /// Dropped when all of it is durable.
    pub(crate) guard: Option<Guard>,
}

/// What a position may hold at most, in bytes; the contract says so.
const MOST_POSITION: usize = 64 * 1024;

/// Checks what the source claims of a batch; `seen` are the positions before.
pub(crate) fn verify(batch: RecordBatch, seen: &mut HashSet<Fingerprint>) -> Result<Lined, String> {
    let lines = spans(&batch.data);
    let (given, entries) = (lines.len(), batch.entries.len());
    if given != entries {
        return Err(format!("gave {given} lines for {entries} entries"));
    }
    let keyless = |entry: &RecordEntry| entry.key.as_str().is_empty();
    if let Some(number) = batch.entries.iter().position(keyless) {
        return Err(format!(
            "gave entry {number} an empty key, and every record needs one of its own"
        ));
    }
    let position_bytes = batch
        .position
        .as_ref()
        .map_or(0, |position| position.0.len());
    if position_bytes > MOST_POSITION {
        return Err(format!(
            "gave a position of {position_bytes} bytes, and at most {MOST_POSITION} are allowed"
        ));
    }
    let repeated = batch
        .position
        .as_ref()
        .is_some_and(|position| !seen.insert(Fingerprint::of(&position.0)));
    if repeated {
        return Err("gave the same position twice, so it would never end".to_owned());
    }
    Ok(Lined {
        batch,
        lines,
        wishes: Vec::new(),
        guard: None,
    })
}
