//! Everything that a run would do, for `duijie plan --diff`, and the plan that
//! `run --plan` goes by. Writes nothing, neither to the store nor to the
//! target. Later batches are decided as if the earlier ones had been sent.

use std::collections::{HashMap, HashSet};

use duijie_record::{Lines, SourceKey, TargetKey, Version};
use duijie_store::{DocumentRow, DocumentState, IntentEntry, LedgerRow, LineRef};

use crate::Error;
use crate::flight::Flight;
use crate::options::{Context, Options, breach};
use crate::page::{PARTIAL, Page};
use crate::planned::{Planned, PlannedAction, PlannedEntry, hex};
use crate::preview::{Would, reading, records};
use crate::stage::chunk::Chunk;
use crate::stage::drain::has_news;
use crate::stage::evidence::Recall;
use crate::stage::map::Mapper;
use crate::stage::prepare::Step;
use crate::stage::settle::Message;
use crate::stage::source::{Lined, next, verify};

mod fields;
pub(crate) mod look;

pub use fields::FieldChange;
use look::{Looked, Looks};

/// So many records are looked at where nobody says otherwise.
pub const DIFF_RECORDS: u64 = 10_000;

/// What would become of a document, or of a record that makes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    Create,
    /// Against what was last sent; no fields where only their layout differs.
    Update {
        fields: Vec<FieldChange>,
    },
    Cancel,
    /// Nothing new about it, or the policy ignores what is.
    Unchanged,
    /// The ledger may have forgotten it, and it stands in the target: it counts
    /// as applied, and nothing is sent.
    Found {
        id: String,
    },
    /// Sent by an earlier run without an answer: it is settled first.
    Open,
    /// The target has something else under its number or id. It is held.
    Conflict(String),
    /// The target cannot tell whether it has it, and it is held; or what was
    /// last sent is no longer kept, and it is an update.
    CannotTell(String),
    Hold(String),
    DeadLetter {
        code: String,
        message: String,
    },
    /// An older version than the one dealt with or read beside it.
    Stale,
    /// Left out by a transform, or deleted before it was ever sent.
    Dropped,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffEntry {
    pub source_key: SourceKey,
    pub version: Option<Version>,
    pub part: String,
    pub target_key: Option<TargetKey>,
    pub delta: Delta,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffReport {
    /// What would be read, a line a slice.
    pub outline: Vec<String>,
    /// Whether it would go on at a checkpoint.
    pub resumed: bool,
    /// Intents that would be settled before anything is read.
    pub open_intents: usize,
    /// Records that were read.
    pub read: u64,
    /// Whether the source has more than was looked at.
    pub cut: bool,
    /// Whether the target was asked; else a create is what the ledger says.
    pub looked_up: bool,
    /// In the source's order.
    pub entries: Vec<DiffEntry>,
    pub planned: Planned,
}

impl Delta {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update { .. } => "update",
            Self::Cancel => "cancel",
            Self::Unchanged => "unchanged",
            Self::Found { .. } => "found",
            Self::Open => "open",
            Self::Conflict(_) => "conflict",
            Self::CannotTell(_) => "cannot tell",
            Self::Hold(_) => "hold",
            Self::DeadLetter { .. } => "dead letter",
            Self::Stale => "stale",
            Self::Dropped => "dropped",
        }
    }
}

/// The launch of `options` must be one that previews. Reads until the source
/// has nothing more, or until `limit` records and the next position.
pub async fn diff(options: &Options, limit: u64) -> Result<DiffReport, Error> {
    let plan = &options.plan;
    if plan.group.is_some() {
        return Err(Error::GroupsNotPlanned);
    }
    let usage = &plan.source.usage;
    let lane = options.purpose.lane();
    options.store.unlock(&plan.scope, false)?;
    let checkpoint = options.store.checkpoint(&plan.scope, lane)?;
    let position = checkpoint.map(|checkpoint| checkpoint.position);
    let outline = options.launch.outline(usage, position.as_ref()).await?;
    let context = reading(options, position.is_none())?;
    let mut differ = Differ::begin(&context).await?;
    let open_intents = differ.open_intents()?;
    let mut source = options.launch.source(usage, position.as_ref()).await?;
    let (mut positions, mut had) = (HashSet::new(), HashSet::new());
    let (mut read, mut last) = (0, None);
    let until = loop {
        let Some(mut batch) = next(&context, &mut *source).await? else {
            break None;
        };
        batch.position = batch.position.filter(|_| !plan.drains);
        if read >= limit && last.is_some() {
            break last;
        }
        let lined = verify(batch, &mut positions).map_err(|what| breach(&plan.source, what))?;
        if plan.drains && !has_news(&lined, &mut had) {
            break None;
        }
        last = lined.batch.position.clone();
        read += u64::try_from(lined.batch.entries.len()).unwrap_or(u64::MAX);
        differ.batch(lined).await?;
    };
    let planned = differ.planned;
    Ok(DiffReport {
        outline,
        resumed: position.is_some(),
        open_intents,
        read,
        cut: until.is_some(),
        looked_up: differ.looks.asks(),
        entries: differ.entries,
        planned: Planned::new(plan, lane, position.as_ref(), until, planned),
    })
}

struct Differ<'run> {
    context: &'run Context,
    mapper: Mapper,
    looks: Looks,
    recall: Recall,
    number: u64,
    /// Documents that count as sent, of this plan or of an open intent; with
    /// their content where it is known.
    sent: HashMap<TargetKey, Option<Vec<u8>>>,
    entries: Vec<DiffEntry>,
    planned: Vec<PlannedEntry>,
}

impl<'run> Differ<'run> {
    async fn begin(context: &'run Context) -> Result<Self, Error> {
        Ok(Self {
            context,
            mapper: Mapper::start(context).await?,
            looks: Looks::begin(context).await?,
            recall: Recall::default(),
            number: 0,
            sent: HashMap::new(),
            entries: Vec::new(),
            planned: Vec::new(),
        })
    }

    /// Documents of open intents count as applied from here on.
    fn open_intents(&mut self) -> Result<usize, Error> {
        let scope = &self.context.plan().scope;
        let intents = self.context.options.store.open_intents(scope)?;
        let count = intents.len();
        for intent in intents {
            for (line, entry) in (0..).zip(intent.entries) {
                self.entries.push(DiffEntry {
                    source_key: entry.source_key.clone(),
                    version: entry.version.clone(),
                    part: entry.part.clone(),
                    target_key: Some(entry.target_key.clone()),
                    delta: Delta::Open,
                });
                self.sent.insert(entry.target_key.clone(), None);
                let sent = LineRef {
                    segment: intent.segment.clone(),
                    line,
                };
                self.settled(entry, sent)?;
            }
        }
        Ok(count)
    }

    /// As the settler notes the outcome of an earlier run's document.
    fn settled(&self, entry: IntentEntry, sent: LineRef) -> Result<(), Error> {
        let keys = std::slice::from_ref(&entry.source_key);
        let known = self.context.ledger(keys)?.into_iter().flatten().next();
        let mut row = known.unwrap_or_else(|| LedgerRow {
            source_key: entry.source_key.clone(),
            version: None,
            source_print: PARTIAL,
            documents: Vec::new(),
            record: None,
            run: self.context.run.clone(),
            at_ms: 0,
        });
        if entry.part.is_empty() {
            row.version.clone_from(&entry.version);
            row.source_print = entry.source_print;
        }
        row.documents.retain(|known| known.part != entry.part);
        let mut document = applied(&entry);
        document.sent = Some(sent);
        row.documents.push(document);
        self.context.assume(row);
        Ok(())
    }

    async fn batch(&mut self, lined: Lined) -> Result<(), Error> {
        let batch = lined.batch.clone();
        let step = Step {
            context: self.context,
            // Nothing lands here, so that nobody may wait for it.
            flight: &Flight::default(),
            number: self.number,
        };
        self.number += 1;
        let Some((Message::Page(page, changes, _), chunks)) =
            step.page(&mut self.mapper, lined).await?
        else {
            return Ok(());
        };
        let told = records(self.context, &batch, &page, changes, &chunks)?;
        let looked = self.looks.at(self.context, &chunks, &self.sent).await?;
        let mut sends: HashMap<(SourceKey, String), Sends<'_>> = HashMap::new();
        let lines = chunks.iter().flat_map(|chunk| {
            let lines = Lines::new(&chunk.batch.data);
            chunk.entries.iter().zip(lines)
        });
        for ((entry, line), looked) in lines.zip(looked) {
            let key = (entry.source_key.clone(), entry.part.clone());
            sends.insert(key, (entry, line, looked));
        }
        for record in told {
            let key = (record.source_key.clone(), record.part.clone());
            let delta = match sends.remove(&key) {
                Some(send) if is_sent(&record.would) => self.delta(send)?,
                _ => kept(record.would),
            };
            self.entries.push(DiffEntry {
                source_key: record.source_key,
                version: record.version,
                part: record.part,
                target_key: record.target_key,
                delta,
            });
        }
        self.assume(page, &chunks);
        Ok(())
    }

    /// Joins the plan as well.
    fn delta(&mut self, (entry, line, looked): Sends<'_>) -> Result<Delta, Error> {
        let action = PlannedAction::of(entry.action);
        let (hold, delta) = match looked {
            Looked::Hold(hold, delta) => (Some(hold), delta),
            Looked::Found(id) => (None, Delta::Found { id }),
            Looked::Send => {
                let delta = match action {
                    PlannedAction::Create => Delta::Create,
                    PlannedAction::Cancel => Delta::Cancel,
                    PlannedAction::Update => self.update(entry, line)?,
                };
                (None, delta)
            }
        };
        let content = match action {
            PlannedAction::Cancel => None,
            _ => Some(line.to_vec()),
        };
        self.sent.insert(entry.target_key.clone(), content);
        self.planned.push(PlannedEntry {
            source_key: entry.source_key.to_string(),
            part: entry.part.clone(),
            target_key: entry.target_key.to_string(),
            action,
            print: hex(entry.mapped_print),
            hold,
        });
        Ok(delta)
    }

    fn update(&mut self, entry: &IntentEntry, line: &[u8]) -> Result<Delta, Error> {
        let old = match self.sent.get(&entry.target_key) {
            Some(Some(content)) => content.clone(),
            _ => {
                let keys = std::slice::from_ref(&entry.source_key);
                let row = self.context.ledger(keys)?.into_iter().flatten().next();
                let documents = row.map(|row| row.documents).unwrap_or_default();
                let mut documents = documents.iter();
                let known = documents.find(|known| known.part == entry.part);
                let sent = known.and_then(|known| known.sent.as_ref());
                self.recall.line(self.context, sent)
            }
        };
        let fields = match old.is_empty() {
            true => None,
            false => fields::changes(&old, line),
        };
        Ok(match fields {
            Some(fields) => Delta::Update { fields },
            None => {
                Delta::CannotTell("an update, and what was last sent is no longer kept".to_owned())
            }
        })
    }

    /// What the ledger would say after this page.
    fn assume(&self, page: Page, chunks: &[Chunk]) {
        let mut rows = page.records;
        for chunk in chunks {
            for (entry, slot) in chunk.entries.iter().zip(&chunk.slots) {
                let Some(slot) = slot else {
                    continue;
                };
                let record = rows.get_mut(slot.record);
                let place = record.and_then(|record| record.documents.get_mut(slot.document));
                if let Some(place) = place {
                    let sent = place.take().and_then(|earlier| earlier.sent);
                    let document = DocumentRow {
                        sent,
                        ..applied(entry)
                    };
                    *place = Some(document);
                }
            }
        }
        for mut record in rows {
            record.waiting = 0;
            let row = record.row(&self.context.run, 0);
            self.context.assume(row);
        }
    }
}

type Sends<'page> = (&'page IntentEntry, &'page [u8], Looked);

fn applied(entry: &IntentEntry) -> DocumentRow {
    DocumentRow {
        part: entry.part.clone(),
        target_key: entry.target_key.clone(),
        target_id: entry.known_id.clone(),
        mapped_print: entry.mapped_print,
        state: match entry.action {
            duijie_record::Action::Cancel => DocumentState::Cancelled,
            _ => DocumentState::Applied,
        },
        step: entry.step,
        attempts: entry.attempt,
        tries: Vec::new(),
        sent: None,
    }
}

fn is_sent(would: &Would) -> bool {
    matches!(would, Would::Create | Would::Update | Would::Cancel)
}

fn kept(would: Would) -> Delta {
    match would {
        Would::Create => Delta::Create,
        Would::Update => Delta::Update { fields: Vec::new() },
        Would::Cancel => Delta::Cancel,
        Would::Unchanged => Delta::Unchanged,
        Would::Stale => Delta::Stale,
        Would::Drop => Delta::Dropped,
        Would::Hold(reason) => Delta::Hold(reason),
        Would::DeadLetter { code, message } => Delta::DeadLetter { code, message },
    }
}
