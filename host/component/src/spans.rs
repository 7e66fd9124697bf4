//! Spans of calls into connectors: how long each took, of how many records or
//! documents, and which kind of fault it ended with. Nothing that was read,
//! written or said is in them. Where nobody collects spans, there is nothing
//! between the caller and the connector.

use async_trait::async_trait;
use duijie_contract::{Exchange, Fault, Lookup, Source, Steps, Target, Transform};
use duijie_record::{
    DocumentBatch, Finding, MappedBatch, Outcome, Position, Progress, RecordBatch, StepEntry,
    TargetKey,
};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

/// The target of every span that is collected, and of nothing else.
pub const SPANS: &str = "duijie::span";

/// The span's work came to nothing, for a reason of this kind.
pub fn failed(span: &Span, kind: &str) {
    span.record("otel.status_description", kind);
}

/// As collectors take numbers; others become text on their way.
pub fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// A connector's role, each call of which is a span.
struct Spanned<T: ?Sized> {
    connector: String,
    /// Calls that failed since the last that did not.
    failures: u32,
    inner: Box<T>,
}

macro_rules! spanned {
    ($name:ident, $role:ident) => {
        pub(crate) fn $name(connector: &str, inner: Box<dyn $role>) -> Box<dyn $role> {
            // A run that nobody collects spans of has none.
            if Span::current().is_disabled() {
                return inner;
            }
            Box::new(Spanned {
                connector: connector.to_owned(),
                failures: 0,
                inner,
            })
        }
    };
}

spanned!(source, Source);
spanned!(transform, Transform);
spanned!(target, Target);
spanned!(lookup, Lookup);
spanned!(steps, Steps);

impl<T: ?Sized> Spanned<T> {
    fn span(&self, name: &'static str) -> Span {
        self.span_of(name, self.failures.saturating_add(1))
    }

    fn span_of(&self, name: &'static str, attempt: u32) -> Span {
        tracing::trace_span!(
            target: SPANS,
            "call",
            otel.name = name,
            otel.status_description = Empty,
            duijie.connector = self.connector,
            duijie.attempt = i64::from(attempt),
            duijie.entries = Empty,
            duijie.rejected = Empty,
            duijie.unknown = Empty,
        )
    }

    fn ended<R>(&mut self, span: &Span, answer: &Result<R, Fault>) {
        match answer {
            Ok(_) => self.failures = 0,
            Err(fault) => {
                self.failures = self.failures.saturating_add(1);
                failed(span, fault.kind.name());
            }
        }
    }
}

fn entries(span: &Span, count: usize) {
    span.record("duijie.entries", number(count));
}

/// How many documents were refused, and of how many it is not known.
fn outcomes(span: &Span, answer: &Result<Vec<Outcome>, Fault>) {
    let outcomes = || answer.iter().flatten();
    let rejected = outcomes().filter(|outcome| matches!(outcome, Outcome::Rejected(_)));
    let unknown = outcomes().filter(|outcome| matches!(outcome, Outcome::Unknown(_)));
    span.record("duijie.rejected", number(rejected.count()));
    span.record("duijie.unknown", number(unknown.count()));
}

#[async_trait]
impl Source for Spanned<dyn Source> {
    async fn next(&mut self, limit: u32, ahead: u32) -> Result<Option<RecordBatch>, Fault> {
        let span = self.span("source.next");
        let next = self.inner.next(limit, ahead);
        let answer = next.instrument(span.clone()).await;
        let read = answer.as_ref().ok().and_then(Option::as_ref);
        entries(&span, read.map_or(0, |batch| batch.entries.len()));
        self.ended(&span, &answer);
        answer
    }

    async fn committed(&mut self, position: &Position) -> Result<(), Fault> {
        self.inner.committed(position).await
    }
}

#[async_trait]
impl Transform for Spanned<dyn Transform> {
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault> {
        let span = self.span("transform.apply");
        entries(&span, batch.entries.len());
        let answer = self.inner.apply(batch).instrument(span.clone()).await;
        self.ended(&span, &answer);
        answer
    }
}

#[async_trait]
impl Target for Spanned<dyn Target> {
    async fn write(&mut self, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault> {
        // What was tried before may have been by another instance.
        let attempts = batch.entries.iter().map(|entry| entry.attempt);
        let span = self.span_of("target.write", attempts.max().unwrap_or_default());
        entries(&span, batch.entries.len());
        let answer = self.inner.write(batch).instrument(span.clone()).await;
        outcomes(&span, &answer);
        self.ended(&span, &answer);
        answer
    }

    fn take_exchanges(&mut self) -> Vec<Exchange> {
        self.inner.take_exchanges()
    }
}

#[async_trait]
impl Lookup for Spanned<dyn Lookup> {
    async fn find(&mut self, keys: &[TargetKey]) -> Result<Vec<Finding>, Fault> {
        let span = self.span("target.find");
        entries(&span, keys.len());
        let answer = self.inner.find(keys).instrument(span.clone()).await;
        self.ended(&span, &answer);
        answer
    }
}

#[async_trait]
impl Steps for Spanned<dyn Steps> {
    async fn progress(&mut self, of: &[StepEntry]) -> Result<Vec<Progress>, Fault> {
        let span = self.span("steps.progress");
        entries(&span, of.len());
        let answer = self.inner.progress(of).instrument(span.clone()).await;
        self.ended(&span, &answer);
        answer
    }

    async fn perform(&mut self, step: &str, of: &[StepEntry]) -> Result<Vec<Outcome>, Fault> {
        let span = self.span("steps.perform");
        entries(&span, of.len());
        let answer = self.inner.perform(step, of).instrument(span.clone()).await;
        outcomes(&span, &answer);
        self.ended(&span, &answer);
        answer
    }

    fn take_exchanges(&mut self) -> Vec<Exchange> {
        self.inner.take_exchanges()
    }
}
