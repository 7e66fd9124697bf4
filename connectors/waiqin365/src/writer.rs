//! Writes a batch: a request a document, or one for all where the operation
//! takes a list, and tells what became of each entry.

use duijie_sdk::http::{Failure, Response};
use duijie_sdk::target::{Batch, Outcome};
use duijie_sdk::{Fault, Network, Rejection};

use crate::call::Client;
use crate::document::{Document, Preparer};
use crate::operation::Write;
use crate::outcome;

pub(crate) struct Writer<N> {
    client: Client<N>,
    write: Write,
    preparer: Preparer,
}

/// The entries of one request and its body.
struct Job {
    entries: Vec<u32>,
    body: Vec<u8>,
}

impl<N: Network> Writer<N> {
    pub(crate) fn new(client: Client<N>, write: Write) -> Self {
        Self {
            client,
            preparer: Preparer::new(write),
            write,
        }
    }

    pub(crate) fn write(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Fault> {
        let (jobs, mut outcomes) = self.prepare(batch)?;
        let mut left = false;
        for job in jobs {
            let told = match self.send(&job) {
                Ok(told) => {
                    left = true;
                    told
                }
                Err(fault) if !left => return Err(fault),
                Err(fault) => outcome::not_sent(fault),
            };
            for place in &job.entries {
                if let Some(outcome) = outcomes.get_mut(*place as usize) {
                    *outcome = Some(told.clone());
                }
            }
        }
        let missing = || Outcome::Unknown("nothing is known of this entry".to_owned());
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(missing))
            .collect())
    }

    fn prepare(&mut self, batch: &Batch) -> Result<(Vec<Job>, Vec<Option<Outcome>>), Fault> {
        let mut lines = batch.data.split(|byte| *byte == b'\n');
        let mut jobs = Vec::new();
        let mut gathered = Job {
            entries: Vec::new(),
            body: Vec::new(),
        };
        let mut outcomes = Vec::with_capacity(batch.entries.len());
        for (index, entry) in (0..).zip(&batch.entries) {
            let line = lines
                .next()
                .map(<[u8]>::trim_ascii)
                .filter(|line| !line.is_empty())
                .ok_or_else(|| Fault::broken("fewer lines than entries in the batch"))?;
            let prepared = self.preparer.prepare(line, entry);
            outcomes.push(prepared.as_ref().err().cloned().map(Outcome::Rejected));
            match prepared {
                Ok(Document::Alone(body)) => jobs.push(Job {
                    entries: vec![index],
                    body,
                }),
                Ok(Document::Line(line)) => {
                    if !gathered.entries.is_empty() {
                        gathered.body.push(b',');
                    }
                    gathered.body.extend_from_slice(&line);
                    gathered.entries.push(index);
                }
                Err(Rejection { .. }) => {}
            }
        }
        if lines.any(|line| !line.trim_ascii().is_empty()) {
            return Err(Fault::broken("more lines than entries in the batch"));
        }
        if !gathered.entries.is_empty() {
            let list = self.write.list.as_bytes();
            gathered.body = [b"{\"", list, b"\":[", &gathered.body, b"]}"].concat();
            jobs.push(gathered);
        }
        Ok((jobs, outcomes))
    }

    /// What became of a request's entries, all alike: the answer has nothing
    /// that tells them apart. A fault says that it did not leave.
    fn send(&self, job: &Job) -> Result<Outcome, Fault> {
        let body = String::from_utf8(job.body.clone())
            .map_err(|_| Fault::broken("a document that is no UTF-8"))?;
        let request = self.client.request(self.write.operation.path, body)?;
        let answer: Result<Response, Failure> =
            self.client.network.send(request.write(job.entries.clone()));
        match answer {
            Err(Failure::Refused(reason) | Failure::NotSent(reason)) => Err(Fault::NotSent(reason)),
            Err(Failure::NoAnswer(reason) | Failure::Other(reason)) => Ok(Outcome::Unknown(reason)),
            Ok(response) => Ok(outcome::judge(response, job.entries.len())),
        }
    }
}

#[cfg(test)]
mod tests;
