//! Makes outcomes durable, in one commit at a time, and moves the checkpoint
//! along the contiguous prefix of what is resolved. The only one that writes
//! the ledger.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use duijie_plan::OnRejected;
use duijie_record::{Position, SourceKey, TargetKey, Version};
use duijie_store::{
    Change, Checkpoint, DocumentRow, DocumentState, Fingerprint, Hold, IntentId, LedgerRow, LineRef,
};
use tokio::sync::{mpsc, oneshot};

use crate::chaos::{self, Point, reach};
use crate::flight::Flight;
use crate::options::Context;
use crate::page::{PARTIAL, Page, Slot, follow, release};
use crate::report::Counts;
use crate::stage::chunk::Guard;
use crate::{Error, Event, Observer};

pub(crate) enum Message {
    /// Comes before any outcome of its documents.
    Page(Page, Vec<Change>, Counts),
    Outcomes(Outcomes),
}

#[derive(Default)]
pub(crate) struct Outcomes {
    pub(crate) settled: Vec<Settled>,
    /// Dead letters and holds.
    pub(crate) changes: Vec<Change>,
    pub(crate) settle: Option<IntentId>,
    /// Told when all of this is durable.
    pub(crate) durable: Option<oneshot::Sender<()>>,
    /// Dropped when all of this is durable.
    pub(crate) guard: Option<Guard>,
}

/// The outcome of one document.
pub(crate) struct Settled {
    pub(crate) place: Place,
    pub(crate) row: DocumentRow,
}

pub(crate) enum Place {
    Page(Slot),
    /// Sent by an earlier run.
    Earlier {
        source_key: SourceKey,
        version: Option<Version>,
        print: Fingerprint,
        record: Option<LineRef>,
    },
}

pub(crate) struct Settler {
    pub(crate) context: Arc<Context>,
    pub(crate) flight: Arc<Flight>,
    pub(crate) messages: mpsc::Receiver<Message>,
    /// Towards the source.
    pub(crate) durable: mpsc::UnboundedSender<Position>,
    pub(crate) counts: Arc<std::sync::Mutex<Counts>>,
    pub(crate) state: State,
}

#[derive(Default)]
pub(crate) struct State {
    /// Pages not yet part of the resolved prefix, numbered without gaps.
    pages: VecDeque<Page>,
    /// The end of the resolved prefix, where it is not yet durable.
    checkpoint: Option<Position>,
    /// Pages resolved since the last commit.
    uncommitted: u32,
    /// Of the pages resolved since the last commit.
    guards: Vec<Guard>,
    failure: Option<Error>,
}

/// What the next commit holds, and what is to be done after it.
#[derive(Default)]
struct Gathered {
    changes: Vec<Change>,
    earlier: HashMap<SourceKey, LedgerRow>,
    records: Vec<SourceKey>,
    documents: Vec<TargetKey>,
    durable: Vec<oneshot::Sender<()>>,
    guards: Vec<Guard>,
    /// When each batch began that nothing of waits any more.
    begun_ms: Vec<u64>,
    counts: Counts,
}

/// So many messages share a commit at most, to bound its size.
const SHARED: usize = 64;

impl Settler {
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        while let Some(message) = self.messages.recv().await {
            let mut gathered = Gathered::default();
            self.take(message, &mut gathered)?;
            for _ in 1..SHARED {
                let Ok(message) = self.messages.try_recv() else {
                    break;
                };
                self.take(message, &mut gathered)?;
            }
            self.advance();
            self.commit(gathered, false).await?;
        }
        self.commit(Gathered::default(), true).await?;
        self.state.failure.map_or(Ok(()), Err)
    }

    fn take(&mut self, message: Message, gathered: &mut Gathered) -> Result<(), Error> {
        match message {
            Message::Page(mut page, changes, counts) => {
                let now_ms = self.context.now_ms();
                for record in &mut page.records {
                    if record.waiting == 0 {
                        gathered.records.push(record.source_key.clone());
                        record.resolved(&self.context.run, now_ms, &mut gathered.changes);
                    }
                }
                gathered.counts.add(&counts);
                self.tell(&changes);
                gathered.changes.extend(changes);
                self.state.pages.push_back(page);
            }
            Message::Outcomes(outcomes) => {
                self.tell(&outcomes.changes);
                gathered.changes.extend(outcomes.changes);
                gathered.changes.extend(outcomes.settle.map(Change::Settle));
                gathered.durable.extend(outcomes.durable);
                gathered.guards.extend(outcomes.guard);
                self.settle(outcomes.settled, gathered)?;
            }
        }
        Ok(())
    }

    /// Notes outcomes with their records. A record of which only some
    /// documents are resolved gets a partial row, so that a crash forgets none.
    fn settle(&mut self, settled: Vec<Settled>, gathered: &mut Gathered) -> Result<(), Error> {
        let now_ms = self.context.now_ms();
        let run = self.context.run.clone();
        let replays = self.context.replays();
        let mut partial: Vec<Slot> = Vec::new();
        for Settled { place, mut row } in settled {
            match row.state {
                DocumentState::Applied | DocumentState::Cancelled => gathered.counts.applied += 1,
                DocumentState::Rejected => gathered.counts.rejected += 1,
                DocumentState::Held(_) => gathered.counts.held += 1,
                DocumentState::Discarded | DocumentState::Grouped => {}
            }
            let slot = match place {
                Place::Page(slot) => slot,
                Place::Earlier {
                    source_key,
                    version,
                    print,
                    record,
                } => {
                    let read = (version, print, record);
                    self.settle_earlier(source_key, read, row, gathered)?;
                    continue;
                }
            };
            gathered.documents.push(row.target_key.clone());
            let Some(page) = self.page(slot) else {
                continue;
            };
            let Some(record) = page.records.get_mut(slot.record) else {
                continue;
            };
            if let Some(document) = record.documents.get_mut(slot.document) {
                let released = release(&record.source_key, replays || document.is_some(), &row);
                record.after.extend(released);
                follow(document.take(), &mut row);
                *document = Some(row);
                record.waiting -= 1;
            }
            if record.waiting > 0 {
                partial.push(slot);
                continue;
            }
            gathered.records.push(record.source_key.clone());
            record.resolved(&run, now_ms, &mut gathered.changes);
            page.waiting -= 1;
            if page.waiting == 0 {
                gathered.begun_ms.push(page.since_ms);
            }
        }
        for slot in partial {
            if let Some(page) = self.page(slot)
                && let Some(record) = page.records.get_mut(slot.record)
                && record.waiting > 0
            {
                let row = record.row(&run, now_ms);
                gathered.changes.push(Change::Ledger(row));
            }
        }
        Ok(())
    }

    /// A document without a name is its record's only one, so that its row is
    /// complete. The others of a record may never have been sent: its row
    /// stays partial until the record is read again.
    fn settle_earlier(
        &self,
        source_key: SourceKey,
        (version, print, record): (Option<Version>, Fingerprint, Option<LineRef>),
        mut document: DocumentRow,
        gathered: &mut Gathered,
    ) -> Result<(), Error> {
        let complete = document.part.is_empty();
        let mut row = match gathered.earlier.remove(&source_key) {
            Some(row) => row,
            None => self.ledger_row(&source_key)?,
        };
        if print == PARTIAL {
            // Of a replay, which says nothing of the record itself.
        } else if complete {
            row.version = version;
            row.source_print = print;
        } else if row.source_print == print || (version.is_some() && row.version == version) {
            // It was being tried again, and is to be read as one half done.
            row.source_print = PARTIAL;
        }
        row.record = record.or(row.record);
        let mut known = row.documents.iter();
        let known = known.position(|known| known.part == document.part);
        let known = known.map(|place| row.documents.swap_remove(place));
        let released = release(&source_key, true, &document);
        gathered.changes.extend(released);
        follow(known, &mut document);
        row.documents.push(document);
        gathered.earlier.insert(source_key, row);
        Ok(())
    }

    fn ledger_row(&self, source_key: &SourceKey) -> Result<LedgerRow, Error> {
        let scope = &self.context.plan().scope;
        let store = &self.context.options.store;
        let rows = store.ledger(scope, std::slice::from_ref(source_key))?;
        Ok(rows.into_iter().flatten().next().unwrap_or(LedgerRow {
            source_key: source_key.clone(),
            version: None,
            source_print: PARTIAL,
            documents: Vec::new(),
            record: None,
            run: self.context.run.clone(),
            at_ms: 0,
        }))
    }

    fn page(&mut self, slot: Slot) -> Option<&mut Page> {
        let first = self.state.pages.front()?.number;
        let index = usize::try_from(slot.page.checked_sub(first)?).ok()?;
        self.state.pages.get_mut(index)
    }

    fn advance(&mut self) {
        while let Some(page) = self.state.pages.front()
            && page.waiting == 0
        {
            if let Some(page) = self.state.pages.pop_front() {
                self.state.checkpoint = page.position.or(self.state.checkpoint.take());
                self.state.guards.extend(page.guard);
            }
            self.state.uncommitted += 1;
        }
        let any = chaos::is_off(chaos::Guard::OutcomeBeforeCheckpoint);
        if any || chaos::is_off(chaos::Guard::ContiguousPrefix) {
            let mut pages = self.state.pages.iter().rev();
            let ahead = pages.find(|page| page.position.is_some() && (any || page.waiting == 0));
            let ahead = ahead.and_then(|page| page.position.clone());
            self.state.checkpoint = ahead.or(self.state.checkpoint.take());
        }
    }

    async fn commit(&mut self, mut gathered: Gathered, last: bool) -> Result<(), Error> {
        gathered.guards.append(&mut self.state.guards);
        let context = &self.context;
        let now_ms = context.now_ms();
        for (_, mut row) in gathered.earlier.drain() {
            row.run = context.run.clone();
            row.at_ms = now_ms;
            gathered.changes.push(Change::Ledger(row));
        }
        let due = last || self.state.uncommitted >= context.options.checkpoint_every;
        let mut checkpoint = None;
        if !gathered.changes.is_empty() || due {
            checkpoint = self.state.checkpoint.take();
            self.state.uncommitted = 0;
        }
        if let Some(position) = &checkpoint {
            gathered.changes.push(Change::Checkpoint(Checkpoint {
                lane: context.lane.clone(),
                position: position.clone(),
                run: context.run.clone(),
                at_ms: now_ms,
            }));
        }
        if !gathered.changes.is_empty() {
            if checkpoint.is_some() {
                reach(Point::BeforeCheckpoint);
            }
            let changes = std::mem::take(&mut gathered.changes);
            context
                .options
                .store
                .commit(&context.claim, changes)
                .await?;
            reach(Point::AfterOutcome);
        }
        if let Some(position) = checkpoint {
            reach(Point::AfterCheckpoint);
            context.options.observer.event(Event::Checkpoint);
            // A source that has ended early hears it when it is opened again.
            let _heard = self.durable.send(position);
        }
        self.land(gathered);
        Ok(())
    }

    /// What was committed is no longer on its way.
    fn land(&self, gathered: Gathered) {
        let mut keys = self.flight.keys();
        for key in &gathered.records {
            keys.records.remove(key);
        }
        for key in &gathered.documents {
            keys.documents.remove(key);
        }
        drop(keys);
        self.flight.land();
        for durable in gathered.durable {
            let _heard = durable.send(());
        }
        drop(gathered.guards);
        let now_ms = self.context.now_ms();
        for begun_ms in gathered.begun_ms {
            let took = Duration::from_millis(now_ms.saturating_sub(begun_ms));
            self.context.options.observer.event(Event::Batch { took });
        }
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        counts.add(&gathered.counts);
        let event = Event::Settled { counts: &counts };
        self.context.options.observer.event(event);
    }

    fn tell(&mut self, changes: &[Change]) {
        let observer = &self.context.options.observer;
        for change in changes {
            match change {
                Change::DeadLetter(letter) => {
                    observer.event(Event::Rejected {
                        source_key: &letter.source_key,
                        code: &letter.code,
                        message: &letter.message,
                    });
                    if self.context.plan().policy.on_rejected == OnRejected::Stop {
                        self.context.halt.stop();
                        self.state.failure.get_or_insert(Error::Rejected {
                            source_key: letter.source_key.to_string(),
                            code: letter.code.clone(),
                            message: letter.message.clone(),
                        });
                    }
                }
                Change::Hold(hold) => tell_hold(&**observer, hold),
                _ => {}
            }
        }
    }
}

fn tell_hold(observer: &dyn Observer, hold: &Hold) {
    let (source_key, target_key) = (&hold.source_key, &hold.target_key);
    let reason = hold.reason.as_str();
    observer.event(Event::Held {
        source_key,
        target_key,
        reason,
    });
    if hold.kind.is_alarm() {
        observer.event(Event::Alarm {
            source_key,
            target_key,
            kind: hold.kind,
            reason,
        });
    }
}
