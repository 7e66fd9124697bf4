//! Reads a collection whose records come again until each was acknowledged:
//! one batch at a time, and the next one when the last is resolved and its
//! source has been told. Such a collection has no positions: where it goes on
//! is what it was not told of yet.

use std::collections::HashSet;

use duijie_contract::{Acknowledge, Fault, FaultKind};
use duijie_record::{Acknowledged, Acknowledgement, RecordEntry};
use duijie_store::{Change, Fingerprint, Owed};
use tokio::sync::mpsc;

use crate::chaos::{Point, reach};
use crate::options::{Context, breach};
use crate::stage::source::{Lined, next, verify};
use crate::{Error, Event};

/// Ends when the source has nothing more, or nothing that this run has not
/// had: what waits for a person comes again and again.
pub(crate) async fn read(context: &Context, pages: mpsc::Sender<Lined>) -> Result<(), Error> {
    let stage = &context.plan().source;
    let launch = &context.options.launch;
    let mut debts = Debts::open(context).await?;
    // What an earlier run left goes first, so that less comes again.
    debts.pay().await?;
    let mut source = launch.source(&stage.usage, None).await?;
    let mut had = HashSet::new();
    loop {
        let read = tokio::select! {
            biased;
            () = context.halt.stopped() => return Ok(()),
            read = next(context, &mut *source) => read?,
        };
        let Some(mut batch) = read else {
            return Ok(());
        };
        batch.position = None;
        let mut lined = verify(batch, &mut HashSet::new()).map_err(|what| breach(stage, what))?;
        let records = lined.batch.entries.len();
        let observer = &context.options.observer;
        if records == 0 {
            return Ok(());
        }
        if !has_news(&lined, &mut had) {
            observer.event(Event::ComesAgain { records });
            return Ok(());
        }
        observer.event(Event::Read { records });
        let (guard, mut durable) = mpsc::channel(1);
        lined.guard = Some(guard);
        if pages.send(lined).await.is_err() {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = context.halt.stopped() => return Ok(()),
            _all = durable.recv() => {}
        }
        debts.pay().await?;
    }
}

/// Whether a record of the batch comes for the first time in this run.
pub(crate) fn has_news(lined: &Lined, had: &mut HashSet<Fingerprint>) -> bool {
    let records = lined.batch.entries.iter().zip(&lined.lines);
    let mut news = false;
    for (entry, span) in records {
        let line = lined.batch.data.get(span.clone()).unwrap_or_default();
        news |= had.insert(identity(entry, line));
    }
    news
}

fn identity(entry: &RecordEntry, line: &[u8]) -> Fingerprint {
    let token = entry.ack_token.as_deref().unwrap_or_default();
    let parts = [entry.key.as_str().as_bytes(), token.as_bytes(), line];
    Fingerprint::of(&parts.join(&0))
}

/// What the source is owed, and who tells it.
struct Debts<'run> {
    context: &'run Context,
    source: Box<dyn Acknowledge>,
}

impl<'run> Debts<'run> {
    async fn open(context: &'run Context) -> Result<Self, Error> {
        let stage = &context.plan().source;
        let source = context.options.launch.acknowledge(&stage.usage).await?;
        let what = || "cannot be told what became of its records".to_owned();
        let source = source.ok_or_else(|| breach(stage, what()))?;
        Ok(Self { context, source })
    }

    /// Tells the source all that it is owed, or leaves it for the next run
    /// when this one halts.
    async fn pay(&mut self) -> Result<(), Error> {
        let context = self.context;
        let owed = context.options.store.owed(&context.plan().scope)?;
        let most = usize::try_from(context.plan().policy.page_records).unwrap_or(usize::MAX);
        for some in owed.chunks(most.max(1)) {
            self.pay_some(some.to_vec()).await?;
        }
        Ok(())
    }

    async fn pay_some(&mut self, mut owed: Vec<Owed>) -> Result<(), Error> {
        let mut failed = 0;
        while !self.context.halt.is_stopped() {
            reach(Point::BeforeAcknowledge);
            let entries: Vec<_> = owed.iter().map(entry).collect();
            let fault = match self.source.acknowledge(&entries).await {
                Err(fault) => fault,
                Ok(answers) => {
                    reach(Point::AfterAcknowledge);
                    let (left, doubt) = note(self.context, owed, answers).await?;
                    owed = left;
                    match doubt {
                        None => return Ok(()),
                        Some(reason) => in_doubt(self.context, reason),
                    }
                }
            };
            failed += 1;
            let Some(wait) = self.context.wait_after(&fault, failed) else {
                return Err(fault.into());
            };
            let what = "acknowledging";
            self.context.wait(what, &fault.to_string(), wait).await;
        }
        Ok(())
    }
}

/// Crosses off what the source took or refused; gives what is left and why.
async fn note(
    context: &Context,
    owed: Vec<Owed>,
    answers: Vec<Acknowledged>,
) -> Result<(Vec<Owed>, Option<String>), Error> {
    let options = &context.options;
    let (mut left, mut doubt) = (Vec::new(), None);
    let mut changes = Vec::new();
    let none = || Acknowledged::Unknown("it gave no answer".to_owned());
    let answers = answers.into_iter().chain(std::iter::repeat_with(none));
    for (owed, answer) in owed.into_iter().zip(answers) {
        match answer {
            Acknowledged::Yes => {}
            Acknowledged::Refused(rejection) => options.observer.event(Event::NotAcknowledged {
                source_key: &owed.source_key,
                reason: &rejection.message,
            }),
            Acknowledged::Unknown(reason) => {
                doubt.get_or_insert(reason);
                left.push(owed);
                continue;
            }
        }
        changes.push(Change::Paid {
            source_key: owed.source_key,
            token: owed.token,
        });
    }
    if !changes.is_empty() {
        options.store.commit(&context.claim, changes).await?;
    }
    Ok((left, doubt))
}

fn entry(owed: &Owed) -> Acknowledgement {
    Acknowledgement {
        key: owed.source_key.clone(),
        token: owed.token.clone(),
        resolution: owed.resolution.clone(),
    }
}

/// Doubt is waited out like any passing fault: telling twice does no harm.
fn in_doubt(context: &Context, reason: String) -> Fault {
    let stage = &context.plan().source;
    let connector = format!("{} {}", stage.usage.connector, stage.version);
    let kind = FaultKind::Unavailable {
        reason: format!("it cannot be told whether it was acknowledged: {reason}"),
        retry_after: None,
    };
    Fault::new(&connector, kind)
}
