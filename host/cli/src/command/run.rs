//! `duijie run`: a pipeline once, or by its schedule. While it goes on it
//! owns the data folder and answers other commands over the socket there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use duijie_admin::Server;
use duijie_contract::{FaultKind, Mode};
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Document, Pipeline};
use duijie_pipeline::{
    Clock as _, End, Error, Options, Planned, Purpose, Report, Stop, SystemClock, follow,
};
use duijie_plan::{Plan, Window};
use duijie_project::{Project, granted, lane, state::State, wire};
use duijie_store::Embedded;
use serde_json::{Value, json};

use crate::args::{Global, Run};
use crate::command::diff;
use crate::exit::Failure;
use crate::moment;
use crate::output::Output;
use crate::progress::{Progress, counted};

pub(crate) async fn run(global: &Global, wish: &Run, output: &Output) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let document = project.pipeline(&wish.pipeline)?;
    let (purpose, window) = match &wish.plan {
        Some(hash) => planned(diff::kept(&project, hash)?),
        None => {
            let window = window(wish.from.as_deref(), wish.to.as_deref());
            (window.as_ref().map_or(Purpose::Live, backfill), window)
        }
    };
    let wish = Start {
        document,
        store: None,
        purpose,
        window,
        by_schedule: wish.follow,
    };
    start(&project, wish, output).await
}

/// What a run is started with.
pub(crate) struct Start {
    pub(crate) document: Document<Pipeline>,
    /// Where it is open already.
    pub(crate) store: Option<Arc<Embedded>>,
    pub(crate) purpose: Purpose,
    pub(crate) window: Option<Window>,
    pub(crate) by_schedule: bool,
}

/// Both ends or none, as the arguments demand.
pub(crate) fn window(from: Option<&str>, to: Option<&str>) -> Option<Window> {
    Some(Window {
        from: from?.to_owned(),
        to: to?.to_owned(),
    })
}

pub(crate) fn backfill(window: &Window) -> Purpose {
    lane::backfill(window, moment::read(&window.from, 0))
}

/// A plan of a backfill reads its window.
fn planned(planned: Planned) -> (Purpose, Option<Window>) {
    let window = lane::window(&planned.lane);
    (Purpose::Planned(Arc::new(planned)), window)
}

pub(crate) async fn start(project: &Project, wish: Start, output: &Output) -> Result<(), Failure> {
    let document = &wish.document;
    let launcher = wire::launcher(project, Mode::Effect)?;
    let window = wish.window.as_ref();
    let (plan, warnings) = wire::plan(project, &launcher, document, window).await?;
    if !warnings.is_empty() && !output.is_json() {
        output.problems(&warnings, &project.sources);
    }
    if !output.is_step() && granted::read(project)?.is_none() {
        output.note(&format!(
            "this folder has no lock: a component that is exchanged runs with the same rights; \
             `duijie grant {}` writes down what this pipeline may do",
            plan.name
        ));
    }
    enabled(&plan, &document.file)?;
    if wish.by_schedule {
        followable(&plan, &document.file)?;
    }
    let store = match wish.store {
        Some(store) => store,
        None => wire::store(project)?,
    };
    let server = serve(&project.data, State::new(store.clone()))?;
    let stop = Stop::new();
    let signal = listen(stop.clone())?;
    let options = Options {
        plan: Arc::new(plan),
        launch: launcher.clone(),
        store: store.clone(),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Progress::new(output)),
        seed: u64::from(std::process::id()),
        checkpoint_every: 16,
        purpose: wish.purpose,
    };
    let ended = match wish.by_schedule {
        true => {
            let catch_up = async |window: Window| {
                let planned = wire::plan(project, &launcher, document, Some(&window)).await;
                let planned = planned.map_err(Failure::from);
                caught_up(planned, &options, &window)
            };
            follow(&options, &stop, catch_up).await
        }
        false => duijie_pipeline::run(&options, &stop).await.map(Some),
    };
    drop(server);
    tidy(&store).await;
    if let Some(report) = ended? {
        tell(&report, output, &signal)?;
    }
    // By schedule nothing but a signal ends it, between two runs as well.
    match signal.load(Ordering::Relaxed) {
        number if wish.by_schedule && number != 0 => Err(Failure::Signal(number)),
        _ => Ok(()),
    }
}

fn enabled(plan: &Plan, file: &str) -> Result<(), Failure> {
    match plan.enabled {
        true => Ok(()),
        false => Err(Failure::Argument(format!(
            "pipeline `{}` is switched off\n\nhint: write `enabled: true` into {file}",
            plan.name
        ))),
    }
}

/// One pipeline by itself sees no other.
fn followable(plan: &Plan, file: &str) -> Result<(), Failure> {
    let refused = |found: &str| {
        Err(Failure::Argument(format!(
            "pipeline `{}` {found}\n\nhint: write `schedule: every 5m` into {file}",
            plan.name
        )))
    };
    match &plan.schedule {
        None => refused("has no schedule to follow"),
        Some(schedule) if schedule.others().next().is_some() => {
            refused("waits for others, which `run --follow` does not see")
        }
        Some(_) => Ok(()),
    }
}

/// The run over the window of a catch-up: a backfill.
fn caught_up(
    planned: Result<(Plan, Vec<Diagnostic>), Failure>,
    options: &Options,
    window: &Window,
) -> Option<Options> {
    let reason = match planned {
        Ok((plan, _)) => {
            return Some(Options {
                plan: Arc::new(plan),
                purpose: backfill(window),
                ..options.clone()
            });
        }
        Err(Failure::Input(problems, _)) => {
            let first = problems.into_iter().find(Diagnostic::is_error);
            first.map(|problem| problem.message).unwrap_or_default()
        }
        Err(Failure::Run(text) | Failure::Argument(text) | Failure::Environment(text)) => text,
        Err(Failure::Signal(_)) => return None,
    };
    tracing::error!(reason, "the run that catches up cannot be planned");
    None
}

/// What no longer needs to be kept goes. That it could not be is no failure of
/// the run: the next one tries again.
async fn tidy(store: &Embedded) {
    if let Err(error) = store.tidy(SystemClock.now_ms()).await {
        tracing::warn!(%error, "state that is no longer needed was not removed");
    }
}

fn serve(data: &Path, state: State) -> Result<Server, Failure> {
    Server::start(data, Arc::new(state)).map_err(|error| Failure::Environment(error.to_string()))
}

/// Which signal asked to stop, if one did.
pub(crate) type Asked = Arc<AtomicU8>;

/// The first signal asks for a graceful stop; the second ends the process.
pub(crate) fn listen(stop: Stop) -> Result<Asked, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Failure::Environment(error.to_string());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let asked = Asked::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        loop {
            let number = tokio::select! {
                _ = interrupt.recv() => 2,
                _ = terminate.recv() => 15,
            };
            if seen.swap(number, Ordering::Relaxed) != 0 {
                #[allow(clippy::exit)] // Nothing in flight may hold a second signal back.
                std::process::exit(128 + i32::from(number));
            }
            stop.stop();
        }
    });
    Ok(asked)
}

fn tell(report: &Report, output: &Output, asked: &Asked) -> Result<(), Failure> {
    let seconds = report.ended_ms.saturating_sub(report.started_ms);
    let text = format!(
        "{} in {}.{:03} s (run {})",
        counted(&report.counts),
        seconds / 1000,
        seconds % 1000,
        report.run
    );
    match &report.end {
        End::Finished => {
            output.data(&text, data(report, "finished"));
            Ok(())
        }
        End::Stopped => {
            output.data(&format!("stopped: {text}"), data(report, "stopped"));
            let signal = asked.load(Ordering::Relaxed);
            Err(Failure::Signal(signal))
        }
        End::Failed(error) => Err(Failure::Run(format!(
            "{error}\n\n{text}\nhint: {}",
            hint(error)
        ))),
    }
}

/// What to do after a failed run; what was durable stays so in any case.
fn hint(error: &Error) -> &'static str {
    match error {
        Error::Fault(fault) => match fault.kind {
            FaultKind::Unauthorized(_) => {
                "put the credentials of the connection right, then run it again"
            }
            FaultKind::InvalidSettings(_) => "put the settings right, then run it again",
            FaultKind::Guest(_) => {
                "the connector failed, not the data: report it to its author; nothing is lost"
            }
            _ => "nothing is lost; run it again to go on",
        },
        Error::Rejected { .. } => {
            "the refused document is a dead letter; the next run goes on behind it"
        }
        Error::NotReplayed { .. } => {
            "all the others are done; `duijie trace <number>` tells what became of these"
        }
        Error::NotPlanned { .. } => {
            "what came before it is done; look at it anew with `duijie plan <pipeline> --diff`"
        }
        Error::PlanUnmet { .. } => "make a new plan with `duijie plan <pipeline> --diff`",
        Error::Segment { .. } => "restore the data folder from a backup before the next run",
        _ => "nothing is lost; run it again to go on",
    }
}

fn data(report: &Report, end: &str) -> Value {
    let counts = &report.counts;
    json!({
        "run": report.run.as_str(),
        "end": end,
        "started_ms": report.started_ms,
        "ended_ms": report.ended_ms,
        "read": counts.read,
        "unchanged": counts.unchanged,
        "dropped": counts.dropped,
        "applied": counts.applied,
        "rejected": counts.rejected,
        "held": counts.held,
    })
}
