//! One run: claims the scope, starts the stages, waits for all of them and
//! says how it ended. Dropping the future ends every stage with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use duijie_contract::Guarantee;
use duijie_record::RunId;
use duijie_store::{Change, Fill, RunRow, RunState};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;

use crate::chaos::{Point, reach};
use crate::flight::Flight;
use crate::options::{Context, Options};
use crate::planned::Gate;
use crate::report::{Counts, End, Report};
use crate::retry::{Budget, Random};
use crate::stage::prepare::{HoldKinds, Preparer};
use crate::stage::settle::{Settler, State};
use crate::stage::source::Reader;
use crate::stage::writer::Writer;
use crate::table::Pinned;
use crate::{Alone, Beside, Error, Event, Purpose, Stop};

/// Runs the plan until its source has nothing more, someone stops it, or it
/// fails. A wish to stop starts nothing new and settles what is in flight.
///
/// An error means that the run may not begin, or that the store could not be
/// used: what became of the run is not recorded then. A run that failed for
/// another reason is in the report.
pub async fn run(options: &Options, stop: &Stop) -> Result<Report, Error> {
    run_beside(options, &Alone, stop).await
}

/// The same, with what its caller has to say in the same commits.
pub async fn run_beside(
    options: &Options,
    beside: &dyn Beside,
    stop: &Stop,
) -> Result<Report, Error> {
    let context = begin(options, beside).await?;
    let counts = Arc::new(Mutex::new(Counts::default()));
    let failure = stages(&context, stop, &counts).await?;
    let counts = *counts.lock().unwrap_or_else(PoisonError::into_inner);
    let halted = context.halt.is_stopped();
    let unmet = context
        .gate
        .as_ref()
        .filter(|_| failure.is_none() && !halted);
    let unmet = unmet.and_then(|gate| gate.all_met().err());
    let end = match failure.or(unmet) {
        Some(error) => End::Failed(error),
        None if halted => End::Stopped,
        None => End::Finished,
    };
    let report = Report {
        run: context.run.clone(),
        started_ms: context.started_ms,
        ended_ms: context.now_ms(),
        counts,
        end,
    };
    let ended = row(&context, Some(report.ended_ms), report.state(), counts);
    let mut changes = vec![Change::Run(ended)];
    changes.extend(cleared(&context, &report.end)?);
    changes.extend(lane_ends(&context, &report.end));
    changes.extend(fills(&context, &report));
    changes.extend(beside.ended(&report));
    reach(Point::BeforeRunEnds);
    options.store.commit(&context.claim, changes).await?;
    let run = &report.run;
    options.observer.event(Event::Ended {
        run,
        counts: &counts,
    });
    Ok(report)
}

/// Claims the scope and makes the run known, unless it may not begin.
async fn begin(options: &Options, beside: &dyn Beside) -> Result<Arc<Context>, Error> {
    let Options { plan, purpose, .. } = options;
    let started_ms = options.clock.now_ms();
    let random = Random::seeded(options.seed ^ started_ms);
    let run = RunId(format!("{started_ms:012x}-{:04x}", random.next() & 0xffff));
    options.store.unlock(&plan.scope, plan.sealed)?;
    purpose.check(started_ms, plan.policy.retention.ledger)?;
    let tables = Pinned::new(options.store.as_ref(), plan)?;
    tables.all_filled()?;
    let unbound = bind(options)?;
    let claim = options.store.claim(&plan.scope).await?;
    reach(Point::AfterClaim);
    let checkpoint = options.store.checkpoint(&plan.scope, purpose.lane())?;
    let position = checkpoint.as_ref().map(|checkpoint| &checkpoint.position);
    let gate = match purpose {
        Purpose::Planned(planned) => {
            planned.check(plan, position)?;
            Some(Gate::new(planned))
        }
        _ => None,
    };
    let context = Context {
        claim,
        tables: Arc::new(tables),
        run,
        random,
        halt: Stop::new(),
        anew: position.is_none(),
        alike: OnceLock::new(),
        started_ms,
        lane: purpose.lane().to_owned(),
        caution: options.store.caution(&plan.scope)?,
        lays_aside: true,
        budget: Budget::default(),
        kinds: HoldKinds::default(),
        gate,
        assumed: Mutex::new(HashMap::new()),
        source_ended: OnceLock::new(),
        resent: OnceLock::new(),
        options: options.bounded(),
    };
    let mut begun = abandoned(&context)?;
    begun.extend(unbound);
    let running = row(&context, None, RunState::Running, Counts::default());
    begun.push(Change::Run(running));
    begun.extend(beside.begun(&context.claim, &context.run));
    options.store.commit(&context.claim, begun).await?;
    let run = &context.run;
    let resumed = position.is_some();
    options.observer.event(Event::Started { run, resumed });
    Ok(Arc::new(context))
}

fn row(context: &Context, ended_ms: Option<u64>, state: RunState, counts: Counts) -> RunRow {
    RunRow {
        run: context.run.clone(),
        started_ms: context.started_ms,
        ended_ms,
        state,
        purpose: context.options.purpose.text(),
        manifest_digest: context.plan().manifest_digest.clone(),
        components: components(context),
        read: counts.read,
        unchanged: counts.unchanged,
        dropped: counts.dropped,
        applied: counts.applied,
        rejected: counts.rejected,
        held: counts.held,
    }
}

fn components(context: &Context) -> Vec<(String, String)> {
    let plan = context.plan();
    let target = plan.target.table.is_none().then_some(&plan.target.stage);
    let stages = std::iter::once(&plan.source)
        .chain(&plan.transforms)
        .chain(target);
    let component = |stage: &duijie_plan::Stage| {
        let name = format!("{} {}", stage.usage.connector, stage.version);
        (name, stage.digest.clone())
    };
    let tables = context.tables.digests();
    stages.map(component).chain(tables).collect()
}

/// Binds a scope without state to the plan's target; refuses the state of
/// another one, whose keys and ids mean nothing here.
fn bind(options: &Options) -> Result<Option<Change>, Error> {
    let plan = &options.plan;
    let usage = &plan.target.stage.usage;
    let connection = usage.connection.as_deref().unwrap_or_default();
    let target = format!("{}/{connection}/{}", usage.connector, usage.collection);
    match options.store.bound(&plan.scope)? {
        None => Ok(Some(Change::Bind(target))),
        Some(bound) if bound == target => Ok(None),
        Some(bound) => Err(Error::OtherTarget {
            scope: plan.scope.to_string(),
            bound,
            target,
        }),
    }
}

/// A caution lasts so long at least where the target can be asked: a record
/// that changes while the first run reads is behind that run's window, and
/// comes in a later one.
const CAUTION_LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// A run that finished under a caution has looked up whatever was sent after
/// the checkpoint, if it read all of that. One that was asked for in the
/// meantime stays.
fn cleared(context: &Context, end: &End) -> Result<Option<Change>, Error> {
    let whole = context.options.purpose.is_whole();
    let Some(caution) = context.caution.as_ref().filter(|_| whole) else {
        return Ok(None);
    };
    let target = &context.plan().target;
    let is_asked = target.lookup && target.guarantee != Guarantee::None;
    let age_ms = context.started_ms.saturating_sub(caution.at_ms);
    let is_over = !is_asked || Duration::from_millis(age_ms) >= CAUTION_LASTS;
    let now = context.options.store.caution(&context.plan().scope)?;
    let clears = matches!(end, End::Finished) && is_over && now.as_ref() == Some(caution);
    Ok(clears.then_some(Change::Caution(None)))
}

/// A backfill that has finished needs no checkpoint any more.
fn lane_ends(context: &Context, end: &End) -> Option<Change> {
    let ends = matches!(end, End::Finished) && !context.lane.is_empty();
    ends.then(|| Change::ResetCheckpoint {
        lane: context.lane.clone(),
    })
}

/// A run that has read all that there is leaves its table ready to be read.
fn fills(context: &Context, report: &Report) -> Option<Change> {
    let table = context.plan().target.table.as_ref()?;
    let whole = context.options.purpose.is_whole() && matches!(report.end, End::Finished);
    whole.then(|| {
        Change::Fill(Fill {
            table: table.clone(),
            scope: context.plan().scope.clone(),
            run: report.run.clone(),
            at_ms: report.ended_ms,
        })
    })
}

/// Closes the row of a run whose process ended before it did. The claim is
/// held, so that no such run goes on.
fn abandoned(context: &Context) -> Result<Vec<Change>, Error> {
    let runs = context.options.store.runs(&context.plan().scope, 1)?;
    let open = runs
        .into_iter()
        .filter(|run| run.state == RunState::Running);
    let closed = open.map(|run| {
        let reason = "its process ended, or its claim was taken, before it did".to_owned();
        Change::Run(RunRow {
            state: RunState::Failed(reason),
            ..run
        })
    });
    Ok(closed.collect())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Source,
    Prepare,
    Writer,
    Settle,
}

type Stages = JoinSet<(Stage, Result<(), Error>)>;

/// The error that ended the run, if one did. An error of the store goes out
/// as such, at once: nothing more can be made durable.
async fn stages(
    context: &Arc<Context>,
    stop: &Stop,
    counts: &Arc<Mutex<Counts>>,
) -> Result<Option<Error>, Error> {
    let mut stages = start(context, counts);
    let mut failure = None;
    let most = context.plan().policy.longest_run;
    let mut deadline = context.options.clock.sleep(most);
    loop {
        let joined = tokio::select! {
            biased;
            joined = stages.join_next() => joined,
            () = stop.stopped(), if !context.halt.is_stopped() => {
                context.halt.stop();
                continue;
            }
            () = &mut deadline, if !context.halt.is_stopped() => {
                context.halt.stop();
                failure.get_or_insert(Error::RunTooLong { most });
                continue;
            }
        };
        let Some(joined) = joined else {
            return Ok(failure);
        };
        match joined {
            Ok((_, Ok(()))) => {}
            Ok((_, Err(Error::Store(error)))) => return Err(error.into()),
            Ok((stage, Err(error))) => {
                // What a failed source gave before is still written, and so is
                // what came before a document that is not planned.
                let not_planned = matches!(error, Error::NotPlanned { .. });
                if stage != Stage::Source && !not_planned {
                    context.halt.stop();
                }
                failure.get_or_insert(error);
            }
            Err(died) => {
                context.halt.stop();
                failure.get_or_insert(Error::Stage(death(died)));
            }
        }
    }
}

fn death(died: JoinError) -> String {
    let text = died.try_into_panic().ok().and_then(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned())
    });
    text.unwrap_or_else(|| "for an unknown reason".to_owned())
}

fn start(context: &Arc<Context>, counts: &Arc<Mutex<Counts>>) -> Stages {
    let policy = &context.plan().policy;
    let writers = usize::try_from(policy.writers.max(1)).unwrap_or(1);
    let read_ahead = usize::try_from(policy.read_ahead.max(1)).unwrap_or(1);
    let flight = Arc::new(Flight::default());
    let (begin, begun) = oneshot::channel();
    let (page_in, page_out) = mpsc::channel(read_ahead);
    let (chunk_in, chunk_out) = mpsc::channel(writers);
    let (message_in, message_out) = mpsc::channel(4 * writers);
    let (durable_in, durable_out) = mpsc::unbounded_channel();

    let mut stages: Stages = JoinSet::new();
    let reader = Reader {
        context: Arc::clone(context),
        pages: page_in,
        durable: durable_out,
        begin: begun,
    };
    stages.spawn(async move { (Stage::Source, reader.run().await) }.in_current_span());
    let preparer = Preparer {
        context: Arc::clone(context),
        flight: Arc::clone(&flight),
        pages: page_out,
        chunks: chunk_in,
        settler: message_in.clone(),
        begin,
    };
    stages.spawn(async move { (Stage::Prepare, preparer.run().await) }.in_current_span());
    let chunks = Arc::new(tokio::sync::Mutex::new(chunk_out));
    for _ in 0..writers {
        let writer = Writer {
            context: Arc::clone(context),
            chunks: Arc::clone(&chunks),
            settler: message_in.clone(),
            target: None,
            lookup: None,
            steps: None,
        };
        stages.spawn(async move { (Stage::Writer, writer.run().await) }.in_current_span());
    }
    let settler = Settler {
        context: Arc::clone(context),
        flight,
        messages: message_out,
        durable: durable_in,
        counts: Arc::clone(counts),
        state: State::default(),
    };
    stages.spawn(async move { (Stage::Settle, settler.run().await) }.in_current_span());
    stages
}
