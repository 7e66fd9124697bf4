//! `contract::Target` and `contract::Lookup` over `duijie:target@0.1`.

use async_trait::async_trait;
use duijie_contract::{Exchange, Fault, FaultKind, Lookup, Target, Use};
use duijie_record::{
    Action, DocumentBatch, DocumentEntry, Finding, FoundDocument, Outcome, State, TargetKey,
};
use wasmtime::component::ResourceAny;

use super::bindings::exports::duijie::target::{lookup, target as wit};
use super::convert;
use crate::capability::{PREVIEW, Reach};
use crate::guest::Running;

pub(crate) use lookup::GuestIndices as LookupIndices;
pub(crate) use wit::GuestIndices as TargetIndices;

struct Writer {
    running: Running,
    guest: wit::Guest,
    writer: ResourceAny,
}

struct Finder {
    running: Running,
    guest: lookup::Guest,
    usage: Use,
}

pub(crate) async fn open_target(
    mut running: Running,
    indices: &TargetIndices,
    usage: &Use,
) -> Result<Box<dyn Target>, Fault> {
    let guest = indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))?;
    let settings = convert::settings(usage);
    let answer = call!(running, |store| guest.call_open(
        store,
        settings,
        usage.collection.as_str()
    ))?;
    let writer = convert::answer(&running, answer)?;
    Ok(Box::new(Writer {
        running,
        guest,
        writer,
    }))
}

pub(crate) fn find(
    mut running: Running,
    indices: &LookupIndices,
    usage: &Use,
) -> Result<Box<dyn Lookup>, Fault> {
    let guest = indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))?;
    Ok(Box::new(Finder {
        running,
        guest,
        usage: usage.clone(),
    }))
}

#[async_trait]
impl Target for Writer {
    async fn write(&mut self, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault> {
        let entries: Vec<_> = batch.entries.iter().map(entry).collect();
        let documents = wit::Batch {
            data: &batch.data,
            entries: &entries,
        };
        open_window(&mut self.running, batch.entries.len());
        let writer = self.guest.writer();
        let answer = call!(self.running, |store| writer.call_write(
            store,
            self.writer,
            documents
        ));
        let wrote = window(&self.running)?;
        match convert::answer(&self.running, answer?) {
            Ok(outcomes) => Ok(outcomes.into_iter().map(outcome).collect()),
            Err(fault) => doubted(wrote, fault, batch.entries.len()),
        }
    }

    fn take_exchanges(&mut self) -> Vec<Exchange> {
        exchanges(&mut self.running)
    }
}

/// From here to the end of the call, writes for so many entries may leave.
pub(super) fn open_window(running: &mut Running, entries: usize) {
    if let Some(reach) = &mut running.store.data_mut().reach {
        reach.open_write(u32::try_from(entries).unwrap_or(u32::MAX));
    }
}

/// Whether a write of the window may have left. A preview kept it, whatever
/// the guest made of the refusal: nothing was written.
pub(super) fn window(running: &Running) -> Result<bool, Fault> {
    let guest = running.store.data();
    if guest.reach.as_ref().is_some_and(Reach::kept_preview) {
        let kept = FaultKind::NotSent(PREVIEW.to_owned());
        return Err(Fault::new(&guest.connector, kept));
    }
    Ok(guest.reach.as_ref().is_some_and(Reach::wrote))
}

/// Once a write may have left, a fault is doubt about every document,
/// whatever the guest makes of it.
pub(super) fn doubted(wrote: bool, fault: Fault, entries: usize) -> Result<Vec<Outcome>, Fault> {
    match wrote {
        true => Ok(vec![Outcome::Unknown(fault.to_string()); entries]),
        false => Err(fault),
    }
}

pub(super) fn exchanges(running: &mut Running) -> Vec<Exchange> {
    let reach = running.store.data_mut().reach.as_mut();
    reach.map(Reach::take_exchanges).unwrap_or_default()
}

#[async_trait]
impl Lookup for Finder {
    async fn find(&mut self, keys: &[TargetKey]) -> Result<Vec<Finding>, Fault> {
        let keys: Vec<&str> = keys.iter().map(TargetKey::as_str).collect();
        let answer = call!(self.running, |store| self.guest.call_find(
            store,
            convert::settings(&self.usage),
            self.usage.collection.as_str(),
            &keys,
        ))?;
        let findings = convert::answer(&self.running, answer)?;
        Ok(findings.into_iter().map(finding).collect())
    }
}

fn entry(entry: &DocumentEntry) -> wit::Entry<'_> {
    wit::Entry {
        target_key: entry.target_key.as_str(),
        action: match entry.action {
            Action::Create => wit::Action::Create,
            Action::Update => wit::Action::Update,
            Action::Cancel => wit::Action::Cancel,
        },
        known_id: entry.known_id.as_deref(),
        attempt: entry.attempt,
    }
}

/// Whatever this host does not know is doubt, never a refusal.
fn outcome(outcome: wit::Outcome) -> Outcome {
    match outcome {
        wit::Outcome::Applied(id) => Outcome::Applied(id),
        wit::Outcome::Rejected(rejection) => Outcome::Rejected(convert::rejection(rejection)),
        wit::Outcome::Unknown(reason) | wit::Outcome::Other(reason) => {
            Outcome::Unknown(convert::told(reason))
        }
    }
}

fn finding(finding: lookup::Finding) -> Finding {
    match finding {
        lookup::Finding::Found(found) => Finding::Found(document(found)),
        lookup::Finding::Absent => Finding::Absent,
        lookup::Finding::FoundTwice(found) => {
            Finding::FoundTwice(found.into_iter().map(document).collect())
        }
        lookup::Finding::CannotTell(reason) | lookup::Finding::Other(reason) => {
            Finding::CannotTell(convert::told(reason))
        }
    }
}

/// A state that this host does not know may not be changed.
fn document(found: lookup::Document) -> FoundDocument {
    FoundDocument {
        id: found.id,
        state: match found.state {
            lookup::State::Open => State::Open,
            lookup::State::Locked(word) | lookup::State::Other(word) => State::Locked(word),
            lookup::State::Cancelled => State::Locked("cancelled".to_owned()),
        },
    }
}
