//! `contract::Acknowledge` over `duijie:acknowledge@0.1`.

use async_trait::async_trait;
use duijie_contract::{Acknowledge, Fault, Use};
use duijie_record::{Acknowledged, Acknowledgement, Resolution, Retry};

use super::bindings::duijie::types::types;
use super::bindings::exports::duijie::acknowledge::acknowledge as wit;
use super::convert;
use super::target::{open_window, window};
use crate::guest::Running;

pub(crate) use wit::GuestIndices as AcknowledgeIndices;

struct Acknowledger {
    running: Running,
    guest: wit::Guest,
    usage: Use,
}

pub(crate) fn open_acknowledge(
    mut running: Running,
    indices: &AcknowledgeIndices,
    usage: &Use,
) -> Result<Box<dyn Acknowledge>, Fault> {
    let guest = indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))?;
    Ok(Box::new(Acknowledger {
        running,
        guest,
        usage: usage.clone(),
    }))
}

#[async_trait]
impl Acknowledge for Acknowledger {
    async fn acknowledge(
        &mut self,
        entries: &[Acknowledgement],
    ) -> Result<Vec<Acknowledged>, Fault> {
        let given: Vec<_> = entries.iter().map(entry).collect();
        open_window(&mut self.running, entries.len());
        let answer = call!(self.running, |store| self.guest.call_acknowledge(
            store,
            convert::settings(&self.usage),
            self.usage.collection.as_str(),
            &given,
        ));
        let wrote = window(&self.running)?;
        match convert::answer(&self.running, answer?) {
            Ok(told) => Ok(told.into_iter().map(acknowledged).collect()),
            Err(fault) if wrote => Ok(vec![
                Acknowledged::Unknown(fault.to_string());
                entries.len()
            ]),
            Err(fault) => Err(fault),
        }
    }
}

fn entry(entry: &Acknowledgement) -> wit::Entry<'_> {
    wit::Entry {
        key: entry.key.as_str(),
        ack_token: &entry.token,
        outcome: match &entry.resolution {
            Resolution::Applied(id) => wit::Outcome::Applied(id.as_deref()),
            Resolution::Rejected(rejection) => wit::Outcome::Rejected(types::RejectionParam {
                code: &rejection.code,
                message: &rejection.message,
                field: rejection.field.as_deref(),
                retry: match rejection.retry {
                    Retry::Never => types::Retry::Never,
                    Retry::Later => types::Retry::Later,
                },
            }),
            Resolution::Dropped(reason) => wit::Outcome::Dropped(reason),
        },
    }
}

/// Whatever this host does not know is doubt.
fn acknowledged(answer: wit::Answer) -> Acknowledged {
    match answer {
        wit::Answer::Acknowledged => Acknowledged::Yes,
        wit::Answer::Refused(rejection) => Acknowledged::Refused(convert::rejection(rejection)),
        wit::Answer::Unknown(reason) | wit::Answer::Other(reason) => {
            Acknowledged::Unknown(convert::told(reason))
        }
    }
}
