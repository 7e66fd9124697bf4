//! The span of a run, above all that the run does, and that of a comparison:
//! names, numbers, and of an error its kind. What was said stays in the log.

use duijie_component::{SPANS, span_failed, span_number};
use duijie_pipeline::{Counts, End, Report};
use duijie_record::RunId;
use duijie_schedule::{Key, Run};
use tracing::Span;
use tracing::field::Empty;

use crate::Error;
use crate::state::word;

/// Costs nothing where nobody collects spans.
pub(crate) struct RunSpan(Span);

impl RunSpan {
    /// `pipeline` gives its name, and is asked only where somebody collects spans.
    pub(crate) fn new(run: &Run, pipeline: impl FnOnce() -> Option<String>) -> Self {
        let span = tracing::trace_span!(
            target: SPANS,
            "run",
            otel.status_description = Empty,
            duijie.tenant = run.key.tenant.0,
            duijie.pipeline = Empty,
            duijie.cause = word(run.cause),
            duijie.attempt = i64::from(run.attempt),
            duijie.run = Empty,
            duijie.end = Empty,
            duijie.read = Empty,
            duijie.unchanged = Empty,
            duijie.dropped = Empty,
            duijie.applied = Empty,
            duijie.rejected = Empty,
            duijie.held = Empty,
        );
        if !span.is_disabled() {
            span.record("duijie.pipeline", pipeline());
        }
        Self(span)
    }

    pub(crate) fn span(&self) -> Span {
        self.0.clone()
    }

    pub(crate) fn begun(&self, run: &RunId) {
        self.0.record("duijie.run", run.as_str());
    }

    /// It ended without a report.
    pub(crate) fn failed(&self, error: &Error) {
        self.0.record("duijie.end", "failed");
        span_failed(&self.0, kind(error));
    }

    pub(crate) fn ended(&self, report: &Report) {
        let Counts {
            read,
            unchanged,
            dropped,
            applied,
            rejected,
            held,
        } = report.counts;
        let end = match &report.end {
            End::Finished => "finished",
            End::Stopped => "stopped",
            End::Failed(error) => {
                span_failed(&self.0, kind_in_run(error));
                "failed"
            }
        };
        self.0
            .record("duijie.end", end)
            .record("duijie.read", span_number(read))
            .record("duijie.unchanged", span_number(unchanged))
            .record("duijie.dropped", span_number(dropped))
            .record("duijie.applied", span_number(applied))
            .record("duijie.rejected", span_number(rejected))
            .record("duijie.held", span_number(held));
    }
}

pub(crate) fn comparison(key: &Key, pipeline: &str) -> Span {
    tracing::trace_span!(
        target: SPANS,
        "comparison",
        otel.status_description = Empty,
        duijie.tenant = key.tenant.0,
        duijie.pipeline = pipeline,
    )
}

/// Which error it was, in words of this file.
pub(crate) fn kind(error: &Error) -> &'static str {
    match error {
        Error::Pipeline(error) => kind_in_run(error),
        Error::Project(duijie_project::Error::Fault(fault)) => fault.kind.name(),
        Error::Store(_) => "store",
        Error::Died(_) => "died",
        Error::Beyond { .. } => "quota",
        _ => "refused",
    }
}

fn kind_in_run(error: &duijie_pipeline::Error) -> &'static str {
    match error {
        duijie_pipeline::Error::Fault(fault) => fault.kind.name(),
        duijie_pipeline::Error::Store(_) => "store",
        duijie_pipeline::Error::RunTooLong { .. } => "too-long",
        duijie_pipeline::Error::GivenUp { .. } => "given-up",
        duijie_pipeline::Error::Rejected { .. } => "rejected",
        duijie_pipeline::Error::Stage(_) => "died",
        _ => "refused",
    }
}
