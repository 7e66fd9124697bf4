//! `contract::Steps` over `duijie:steps@0.1`.

use async_trait::async_trait;
use duijie_contract::{Exchange, Fault, Steps, Use};
use duijie_record::{Outcome, Progress, StepEntry};

use super::bindings::exports::duijie::steps::steps as wit;
use super::convert;
use super::target::{doubted, exchanges, open_window, window};
use crate::guest::Running;

pub(crate) use wit::GuestIndices as StepsIndices;

struct Stepper {
    running: Running,
    guest: wit::Guest,
    usage: Use,
}

pub(crate) fn open_steps(
    mut running: Running,
    indices: &StepsIndices,
    usage: &Use,
) -> Result<Box<dyn Steps>, Fault> {
    let guest = indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))?;
    Ok(Box::new(Stepper {
        running,
        guest,
        usage: usage.clone(),
    }))
}

#[async_trait]
impl Steps for Stepper {
    async fn progress(&mut self, entries: &[StepEntry]) -> Result<Vec<Progress>, Fault> {
        let entries: Vec<_> = entries.iter().map(entry).collect();
        let answer = call!(self.running, |store| self.guest.call_progress_of(
            store,
            convert::settings(&self.usage),
            self.usage.collection.as_str(),
            &entries,
        ))?;
        let told = convert::answer(&self.running, answer)?;
        Ok(told.into_iter().map(progress).collect())
    }

    async fn perform(&mut self, step: &str, entries: &[StepEntry]) -> Result<Vec<Outcome>, Fault> {
        let given: Vec<_> = entries.iter().map(entry).collect();
        open_window(&mut self.running, entries.len());
        let answer = call!(self.running, |store| self.guest.call_perform(
            store,
            convert::settings(&self.usage),
            self.usage.collection.as_str(),
            step,
            &given,
        ));
        let wrote = window(&self.running)?;
        match convert::answer(&self.running, answer?) {
            Ok(outcomes) => Ok(outcomes.into_iter().map(outcome).collect()),
            Err(fault) => doubted(wrote, fault, entries.len()),
        }
    }

    fn take_exchanges(&mut self) -> Vec<Exchange> {
        exchanges(&mut self.running)
    }
}

fn entry(entry: &StepEntry) -> wit::Entry<'_> {
    wit::Entry {
        target_key: entry.target_key.as_str(),
        id: entry.id.as_deref(),
    }
}

fn progress(progress: wit::Progress) -> Progress {
    match progress {
        wit::Progress::Done(steps) => Progress::Done(steps),
        wit::Progress::Absent => Progress::Absent,
        wit::Progress::Conflict(reason) => Progress::Conflict(convert::told(reason)),
        wit::Progress::CannotTell(reason) | wit::Progress::Other(reason) => {
            Progress::CannotTell(convert::told(reason))
        }
    }
}

/// Whatever this host does not know is doubt, never a refusal.
fn outcome(outcome: wit::Outcome) -> Outcome {
    match outcome {
        wit::Outcome::Applied => Outcome::Applied(None),
        wit::Outcome::Rejected(rejection) => Outcome::Rejected(convert::rejection(rejection)),
        wit::Outcome::Unknown(reason) | wit::Outcome::Other(reason) => {
            Outcome::Unknown(convert::told(reason))
        }
    }
}
