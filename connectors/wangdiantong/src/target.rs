//! Writes a batch: checks every document, puts those of one call together,
//! sends call after call, and tells what became of each entry.

use duijie_sdk::catalogue::Checker;
use duijie_sdk::http::Purpose;
use duijie_sdk::target::{Batch, Outcome};
use duijie_sdk::{Fault, Network, Rejection};

use crate::access::{self, Call, Value};
use crate::document::{Desk, Prepared};
use crate::fields::CATALOGUE;
use crate::push::{Argument, Side};
use crate::settings::Target;
use crate::written::{self, Written};

pub(crate) struct Writer<N> {
    network: N,
    target: Target,
    checker: Option<Checker<'static>>,
}

impl<N: Network> Writer<N> {
    pub(crate) fn new(network: N, target: Target) -> Self {
        let name = target.push.fields(&target.side);
        Self {
            network,
            checker: CATALOGUE.collection(name).map(|found| found.checker()),
            target,
        }
    }

    pub(crate) fn write(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Fault> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.entries.len()];
        let calls = self.prepare(batch, &mut outcomes)?;
        let mut left = false;
        let mut stopped: Option<Fault> = None;
        for documents in calls {
            let told = match &stopped {
                Some(fault) => later(fault, documents.len()),
                None => match self.send(&documents)? {
                    Written::Told(told) => {
                        left = true;
                        told
                    }
                    // Where the system answered, a request left: that it refused
                    // whoever asks is told document by document.
                    Written::Stopped(fault @ Fault::NotSent(_)) if !left => return Err(fault),
                    Written::Stopped(fault) => {
                        let told = later(&fault, documents.len());
                        stopped = Some(fault);
                        told
                    }
                },
            };
            for (document, outcome) in documents.iter().zip(told) {
                if let Some(slot) = outcomes.get_mut(document.index) {
                    *slot = Some(outcome);
                }
            }
        }
        let missing = || Outcome::Other("the document was in no call".to_owned());
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(missing))
            .collect())
    }

    /// The documents of each call; what is refused before has its outcome.
    fn prepare(
        &mut self,
        batch: &Batch,
        outcomes: &mut [Option<Outcome>],
    ) -> Result<Vec<Vec<Prepared>>, Fault> {
        let Target {
            push,
            side,
            shop_no,
            ..
        } = &self.target;
        let desk = Desk {
            push,
            side,
            shop_no,
        };
        let checker = self.checker.as_mut();
        let checker = checker.ok_or_else(|| Fault::other("the push has no fields"))?;
        let mut calls: Vec<Vec<Prepared>> = Vec::new();
        let lines = batch.data.split(|byte| *byte == b'\n');
        for ((index, entry), line) in batch.entries.iter().enumerate().zip(lines) {
            let prepared = match desk.prepare(index, entry, line, checker) {
                Ok(prepared) => prepared,
                Err(rejection) => {
                    if let Some(slot) = outcomes.get_mut(index) {
                        *slot = Some(Outcome::Rejected(rejection));
                    }
                    continue;
                }
            };
            let fits = |call: &&mut Vec<Prepared>| {
                call.len() < side.most && call.iter().all(|other| other.shop_no == prepared.shop_no)
            };
            match calls.iter_mut().find(fits) {
                Some(call) => call.push(prepared),
                None => calls.push(vec![prepared]),
            }
        }
        Ok(calls)
    }

    /// The fault is about signing: nothing left.
    fn send(&self, documents: &[Prepared]) -> Result<Written, Fault> {
        let Target {
            push, side, access, ..
        } = &self.target;
        let call = Call {
            method: push.method(access.dialect, side),
            arguments: self.arguments(side, documents),
            page: None,
        };
        let indices = documents
            .iter()
            .map(|document| u32::try_from(document.index).unwrap_or(u32::MAX));
        let mut request = access.request(&self.network, &call)?;
        request.purpose = Some(Purpose::Write(indices.collect()));
        let answer = self.network.send(request);
        Ok(written::read(
            access.dialect,
            side.number,
            documents,
            answer,
        ))
    }

    fn arguments(&self, side: &Side, documents: &[Prepared]) -> Vec<access::Argument> {
        let joined = |parts: &mut dyn Iterator<Item = &str>| {
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            Value::Json(format!("[{}]", parts.join(",")))
        };
        let mut lifted = 0;
        let mut arguments = Vec::with_capacity(side.arguments.len());
        for argument in &side.arguments {
            let (name, value) = match *argument {
                Argument::Documents(name) => (
                    name,
                    joined(&mut documents.iter().map(|document| document.json.as_str())),
                ),
                Argument::Document(name) => {
                    let first = documents.first().map(|document| document.json.clone());
                    (name, Value::Json(first.unwrap_or_default()))
                }
                Argument::Lines { name, .. } => {
                    let at = lifted;
                    lifted += 1;
                    let lines = documents
                        .iter()
                        .filter_map(|document| document.lines.get(at));
                    (name, joined(&mut lines.map(String::as_str)))
                }
                Argument::Text("switch") => ("switch", Value::Text(self.target.switch.clone())),
                Argument::Text(name) => {
                    let first = documents.first().map(|document| document.shop_no.clone());
                    (name, Value::Text(first.unwrap_or_default()))
                }
                Argument::Constant { name, json } => (name, Value::Json(json.to_owned())),
            };
            arguments.push(access::Argument { name, value });
        }
        arguments
    }
}

/// Nothing of these took effect, and they may be sent again.
fn later(fault: &Fault, count: usize) -> Vec<Outcome> {
    let reason = match fault {
        Fault::RateLimited(pause) | Fault::Unavailable(pause) => pause.reason.clone(),
        Fault::Unauthorized(reason)
        | Fault::NotSent(reason)
        | Fault::Broken(reason)
        | Fault::Other(reason) => reason.clone(),
        Fault::InvalidSettings(_) => "the settings are refused".to_owned(),
    };
    vec![Outcome::Rejected(Rejection::later("later", reason)); count]
}
