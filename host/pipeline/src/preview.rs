//! What a run would do next, for `duijie plan`: reads, maps and decides like a
//! run, and writes nothing, neither to the store nor to the target.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock};

use duijie_contract::{Fault, FaultKind, Preview, Source};
use duijie_record::{Action, Lines, RecordBatch, RecordEntry, SourceKey, TargetKey, Version};
use duijie_store::{Change, Claim};

use crate::flight::Flight;
use crate::options::{Context, Options, breach};
use crate::page::Page;
use crate::retry::{Budget, Random};
use crate::stage::chunk::Chunk;
use crate::stage::decide::{Fate, fate, print};
use crate::stage::group::Grouper;
use crate::stage::map::Mapper;
use crate::stage::prepare::{HoldKinds, Step};
use crate::stage::settle::Message;
use crate::stage::source::verify;
use crate::table::{self, Pinned};
use crate::{Error, Stop};

/// What would become of a document, or of a record that makes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Would {
    Create,
    Update,
    Cancel,
    /// Nothing new about it, or the policy ignores what is.
    Unchanged,
    /// An older version than the one dealt with or read beside it.
    Stale,
    /// Left out by a transform, or deleted before it was ever sent.
    Drop,
    Hold(String),
    DeadLetter {
        code: String,
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRecord {
    pub source_key: SourceKey,
    pub version: Option<Version>,
    pub part: String,
    pub target_key: Option<TargetKey>,
    pub would: Would,
    /// The mapped document, or what would be kept for a person.
    pub document: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewReport {
    /// What would be read, a line a slice.
    pub outline: Vec<String>,
    /// Whether it would go on at a checkpoint.
    pub resumed: bool,
    /// Intents that would be reconciled before anything is read.
    pub open_intents: usize,
    /// Of the first batch, in its order.
    pub records: Vec<PreviewRecord>,
    /// The first write, kept from leaving.
    pub requests: Vec<Preview>,
    /// Why the target could not even prepare the first write.
    pub write_fault: Option<Fault>,
}

/// The launch of `options` must be one that previews. `limit` is how many
/// records are asked for.
pub async fn preview(options: &Options, limit: u32) -> Result<PreviewReport, Error> {
    let plan = &options.plan;
    let usage = &plan.source.usage;
    let checkpoint = options
        .store
        .checkpoint(&plan.scope, options.purpose.lane())?;
    let position = checkpoint.map(|checkpoint| checkpoint.position);
    let mut report = PreviewReport {
        outline: options.launch.outline(usage, position.as_ref()).await?,
        resumed: position.is_some(),
        open_intents: options.store.open_intents(&plan.scope)?.len(),
        records: Vec::new(),
        requests: Vec::new(),
        write_fault: None,
    };
    let mut source = options.launch.source(usage, position.as_ref()).await?;
    let Some(batch) = first_records(source.as_mut(), limit).await? else {
        return Ok(report);
    };
    let lined = verify(batch, &mut HashSet::new()).map_err(|what| breach(&plan.source, what))?;
    let context = Arc::new(reading(options, !report.resumed)?);
    let (lined, waiting) = match Grouper::start(&context)? {
        Some(mut grouper) => grouper.preview(&lined)?,
        None => (lined, Vec::new()),
    };
    let batch = lined.batch.clone();
    let mut mapper = Mapper::start(&context).await?;
    let step = Step {
        context: &context,
        flight: &Flight::default(),
        number: 0,
    };
    let Some((Message::Page(page, mut changes, _), chunks)) = step.page(&mut mapper, lined).await?
    else {
        return Ok(report);
    };
    changes.extend(waiting);
    report.records = records(&context, &batch, &page, changes, &chunks)?;
    if let Some(chunk) = chunks.first() {
        let fault = first_write(options, chunk).await;
        report.requests = options.launch.take_previews();
        // A write that was kept ends as not sent, which is no fault then.
        let kept = |fault: &Fault| {
            matches!(fault.kind, FaultKind::NotSent(_)) && !report.requests.is_empty()
        };
        report.write_fault = fault.filter(|fault| !kept(fault));
    }
    Ok(report)
}

/// Empty slices at the start are nothing to show; so many are passed over.
const MOST_EMPTY: usize = 200;

async fn first_records(source: &mut dyn Source, limit: u32) -> Result<Option<RecordBatch>, Fault> {
    for _ in 0..MOST_EMPTY {
        match source.next(limit, 1).await? {
            Some(batch) if batch.entries.is_empty() => {}
            other => return Ok(other),
        }
    }
    Ok(None)
}

/// A context that nothing is committed with.
pub(crate) fn reading(options: &Options, anew: bool) -> Result<Context, Error> {
    options.store.unlock(&options.plan.scope, false)?;
    let tables = Pinned::new(options.store.as_ref(), &options.plan)?.or_empty();
    Ok(Context {
        options: options.clone(),
        tables: Arc::new(tables),
        claim: Claim {
            scope: options.plan.scope.clone(),
            epoch: 0,
        },
        run: "preview".into(),
        random: Random::seeded(options.seed),
        halt: Stop::new(),
        anew,
        alike: OnceLock::new(),
        started_ms: options.clock.now_ms(),
        lane: options.purpose.lane().to_owned(),
        caution: None,
        lays_aside: false,
        budget: Budget::default(),
        kinds: HoldKinds::default(),
        gate: None,
        assumed: Mutex::default(),
        source_ended: OnceLock::new(),
        resent: OnceLock::new(),
    })
}

async fn first_write(options: &Options, chunk: &Chunk) -> Option<Fault> {
    match table::target(options).await {
        Ok(mut target) => target.write(&chunk.batch).await.err(),
        Err(fault) => Some(fault),
    }
}

pub(crate) fn records(
    context: &Context,
    batch: &RecordBatch,
    page: &Page,
    changes: Vec<Change>,
    chunks: &[Chunk],
) -> Result<Vec<PreviewRecord>, Error> {
    let mut records: Vec<PreviewRecord> = chunks.iter().flat_map(sent).collect();
    records.extend(changes.into_iter().filter_map(kept_back));
    let told: HashSet<SourceKey> = records.iter().map(|one| one.source_key.clone()).collect();
    for record in &page.records {
        if !told.contains(&record.source_key) {
            let would = match record.documents.is_empty() {
                true => Would::Drop,
                false => Would::Unchanged,
            };
            let document = record.documents.iter().flatten().next();
            records.push(PreviewRecord {
                source_key: record.source_key.clone(),
                version: record.version.clone(),
                part: String::new(),
                target_key: document.map(|document| document.target_key.clone()),
                would,
                document: None,
            });
        }
    }
    let worked: HashSet<&SourceKey> = page.records.iter().map(|one| &one.source_key).collect();
    let entries = batch.entries.iter().zip(Lines::new(&batch.data));
    for (entry, line) in entries.filter(|(entry, _)| !worked.contains(&entry.key)) {
        records.push(known(context, entry, line)?);
    }
    let place = |record: &PreviewRecord| {
        let mut entries = batch.entries.iter();
        entries.position(|entry| entry.key == record.source_key)
    };
    records.sort_by_cached_key(place);
    Ok(records)
}

fn sent(chunk: &Chunk) -> impl Iterator<Item = PreviewRecord> {
    let entries = chunk.entries.iter().zip(Lines::new(&chunk.batch.data));
    entries.map(|(entry, line)| PreviewRecord {
        source_key: entry.source_key.clone(),
        version: entry.version.clone(),
        part: entry.part.clone(),
        target_key: Some(entry.target_key.clone()),
        would: match entry.action {
            Action::Create => Would::Create,
            Action::Update => Would::Update,
            Action::Cancel => Would::Cancel,
        },
        document: Some(text(line)),
    })
}

fn kept_back(change: Change) -> Option<PreviewRecord> {
    match change {
        Change::Hold(hold) => Some(PreviewRecord {
            source_key: hold.source_key,
            version: hold.version,
            part: hold.part,
            target_key: Some(hold.target_key),
            would: Would::Hold(hold.reason),
            document: Some(text(&hold.document)),
        }),
        Change::DeadLetter(letter) => Some(PreviewRecord {
            source_key: letter.source_key,
            version: letter.version,
            part: letter.part,
            target_key: letter.target_key,
            would: Would::DeadLetter {
                code: letter.code,
                message: letter.message,
            },
            document: Some(text(&letter.document.unwrap_or(letter.record))),
        }),
        _ => None,
    }
}

/// A record that the ledger has dealt with.
fn known(context: &Context, entry: &RecordEntry, line: &[u8]) -> Result<PreviewRecord, Error> {
    let rows = context.ledger(std::slice::from_ref(&entry.key))?;
    let row = rows.into_iter().flatten().next();
    let fate = row.as_ref().map_or(Fate::Stale, |row| {
        let read = (entry.version.as_ref(), print(line, entry.change));
        fate((row.version.as_ref(), row.source_print), read, entry.change)
    });
    let document = row.and_then(|row| row.documents.into_iter().next());
    Ok(PreviewRecord {
        source_key: entry.key.clone(),
        version: entry.version.clone(),
        part: String::new(),
        target_key: document.map(|document| document.target_key),
        would: match fate {
            Fate::Unchanged => Would::Unchanged,
            Fate::Stale | Fate::Newer => Would::Stale,
        },
        document: None,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
