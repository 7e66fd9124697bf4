//! Writes a batch: looks at what stands where a document is to be changed or
//! cancelled, sends packets, and tells what became of each entry.

use std::borrow::Cow;

use duijie_sdk::catalogue::{Catalogue, Checker, Collection};
use duijie_sdk::http::Purpose;
use duijie_sdk::target::{Action, Batch, Entry, Outcome};
use duijie_sdk::{Fault, Network, Rejection};

use crate::act;
use crate::bill::{self, Bill, same_number};
use crate::client::{Call, Client, Stop};
use crate::form::Form;
use crate::normalise::{Normaliser, Reject};
use crate::operation::{Operation, Saving};
use crate::outcome;
use crate::packet::{self, Kind, Packet};
use crate::reply::Status;
use crate::settings::Options;
use crate::table;
use crate::tree::quote_all;
use crate::update;

pub(crate) struct Writer<N> {
    client: Client<N>,
    form: Form,
    options: Options,
    operation: Operation,
    normaliser: Normaliser,
    /// Of new documents of a known form that the system is to check as well.
    checker: Option<Checker<'static>>,
    /// One Model at a time, kept for its room.
    model: Vec<u8>,
}

/// What is to be sent, and what is settled without sending.
struct Work {
    packets: Vec<Packet>,
    /// Entries to delete.
    cancelled: Vec<u32>,
    outcomes: Vec<Option<Outcome>>,
}

impl<N: Network> Writer<N> {
    pub(crate) fn new(
        client: Client<N>,
        form: Form,
        options: Options,
        operation: Operation,
    ) -> Self {
        let normaliser = Normaliser::new(form.clone());
        let is_checked = operation != Operation::Save(Saving::Draft)
            && options.get("ValidateFlag") != Some("false");
        let known = Catalogue::new(table::TEXT).collection(&form.id);
        let checker = known.filter(|_| is_checked).map(Collection::checker);
        Self {
            checker,
            client,
            form,
            options,
            operation,
            normaliser,
            model: Vec::new(),
        }
    }

    pub(crate) fn write(&mut self, batch: &Batch) -> Result<Vec<Outcome>, Fault> {
        let (client, form, options) = (&self.client, &self.form, &self.options);
        match &self.operation {
            Operation::Save(saving) => self.save(batch, *saving),
            Operation::Step(step) => act::step(client, form, options, step, &batch.entries),
            Operation::Push => act::push(client, form, options, &batch.entries),
        }
    }

    fn save(&mut self, batch: &Batch, saving: Saving) -> Result<Vec<Outcome>, Fault> {
        let bills = self.standing(&batch.entries)?;
        let work = self.prepare(batch, &bills)?;
        let mut run = Run {
            writer: self,
            entries: &batch.entries,
            outcomes: work.outcomes,
            left: false,
        };
        for packet in work.packets {
            let audits = packet.audits;
            let (data, entries) = packet.into_data();
            run.send(saving.name(), data, &entries, audits)?;
        }
        if !work.cancelled.is_empty() {
            let numbers = run.keys(&work.cancelled);
            let data = format!(
                "{{\"CreateOrgId\":0,\"Numbers\":{},\"Ids\":\"\",\"NetworkCtrl\":\"\"}}",
                quote_all(numbers)
            );
            run.send("Delete", data.into_bytes(), &work.cancelled, false)?;
        }
        Ok(run.finish())
    }

    /// Documents that updates and cancellations are about.
    fn standing(&self, entries: &[Entry]) -> Result<Vec<Bill>, Fault> {
        let about = |action| {
            entries
                .iter()
                .filter(move |entry| entry.action == action)
                .map(|entry| entry.target_key.as_str())
                .collect::<Vec<_>>()
        };
        let mut bills = Vec::new();
        for (action, with_rows) in [(Action::Update, true), (Action::Cancel, false)] {
            let keys = about(action);
            if !keys.is_empty() {
                bills.extend(bill::find(&self.client, &self.form, &keys, with_rows)?);
            }
        }
        Ok(bills)
    }

    fn prepare(&mut self, batch: &Batch, bills: &[Bill]) -> Result<Work, Fault> {
        let mut work = Work {
            packets: Vec::new(),
            cancelled: Vec::new(),
            outcomes: vec![None; batch.entries.len()],
        };
        let mut rest = batch.data.as_slice();
        for ((index, entry), outcome) in (0..).zip(&batch.entries).zip(&mut work.outcomes) {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            if rest.is_empty() {
                return Err(Fault::broken("fewer lines than entries in the batch"));
            }
            rest = rest.get(end + 1..).unwrap_or_default();
            let done = match entry.action {
                Action::Create => self.model(line, entry, None, &mut work.packets, index, batch),
                Action::Update | Action::Cancel => match changeable(bills, entry) {
                    Err(rejection) => Err(rejection),
                    Ok(_) if entry.action == Action::Cancel => {
                        work.cancelled.push(index);
                        Ok(())
                    }
                    Ok(bill) => {
                        self.model(line, entry, Some(bill), &mut work.packets, index, batch)
                    }
                },
            };
            *outcome = done.err().map(Outcome::Rejected);
        }
        if rest.is_empty() {
            Ok(work)
        } else {
            Err(Fault::broken("more lines than entries in the batch"))
        }
    }

    fn model(
        &mut self,
        line: &[u8],
        entry: &Entry,
        bill: Option<&Bill>,
        packets: &mut Vec<Packet>,
        index: u32,
        batch: &Batch,
    ) -> Result<(), Rejection> {
        let id = bill.map_or(Cow::Borrowed("0"), |bill| {
            Cow::Owned(update::id_text(&bill.id))
        });
        self.model.clear();
        let carried = self
            .normaliser
            .document(line, &id, &entry.target_key, &mut self.model)
            .map_err(Rejection::from)?;
        let kind = if bill.is_some() {
            Kind::Update
        } else {
            Kind::Create
        };
        // An update may say less than a document must have.
        if let (None, Some(checker)) = (bill, &mut self.checker) {
            checker.check(&self.model)?;
        }
        if let Some(bill) = bill {
            let entity = &self.form.entity;
            let material = self.form.material.unwrap_or("FMaterialID");
            self.model = update::with_row_ids(&self.model, entity, material, &bill.rows)
                .ok_or_else(|| Rejection::never("kingdee.shape", "rows that cannot be matched"))?;
        }
        let many = self.operation == Operation::Save(Saving::Batch);
        let room = packet::Room {
            bytes: batch.data.len(),
            many,
        };
        packet::add(
            packets,
            kind,
            carried,
            &self.options,
            room,
            &self.model,
            index,
        );
        Ok(())
    }
}

impl From<Reject> for Rejection {
    fn from(reject: Reject) -> Self {
        Self {
            field: reject.field,
            ..Self::never(reject.code, reject.message)
        }
    }
}

/// The one standing document of an entry, when it may be changed.
fn changeable<'b>(bills: &'b [Bill], entry: &Entry) -> Result<&'b Bill, Rejection> {
    let mut found = bills
        .iter()
        .filter(|bill| same_number(&bill.number, &entry.target_key));
    let Some(bill) = found.next() else {
        let message = "no document with this number, or no right to see it";
        return Err(Rejection::never("kingdee.not-found", message));
    };
    if found.next().is_some() {
        let message = "more than one document with this number";
        return Err(Rejection::never("kingdee.found-twice", message));
    }
    if let Some(known) = entry.known_id.as_ref().filter(|known| **known != bill.id) {
        let message = format!(
            "found id `{}` under this number, expected `{known}`",
            bill.id
        );
        return Err(Rejection::never("kingdee.other-document", message));
    }
    if let Some(word) = bill.locked() {
        let message = format!("the document is {word} and may not be changed");
        return Err(Rejection::never("kingdee.locked", message));
    }
    Ok(bill)
}

/// Sends in order. Until a request left, trouble is a fault; after that it is
/// told entry by entry.
struct Run<'w, N> {
    writer: &'w Writer<N>,
    entries: &'w [Entry],
    outcomes: Vec<Option<Outcome>>,
    left: bool,
}

impl<'w, N: Network> Run<'w, N> {
    fn keys(&self, entries: &[u32]) -> Vec<&'w str> {
        let at = |entry: &u32| self.entries.get(*entry as usize);
        entries
            .iter()
            .filter_map(at)
            .map(|entry| entry.target_key.as_str())
            .collect()
    }

    /// `audits`: the call submits and audits what it saved.
    fn send(
        &mut self,
        operation: &str,
        data: Vec<u8>,
        entries: &[u32],
        audits: bool,
    ) -> Result<(), Fault> {
        let call = Call {
            operation,
            form: Some(&self.writer.form.id),
            op_number: None,
        };
        let purpose = Purpose::Write(entries.to_vec());
        let outcomes = match self.writer.client.call::<Status>(call, data, purpose) {
            Ok(Ok(status)) => outcome::judge(status, &self.keys(entries), audits),
            Ok(Err(reason)) | Err(Stop::After(reason)) => {
                outcome::all_unknown(&reason, entries.len())
            }
            Err(Stop::Refused(fault)) => {
                outcome::all_later(code(&fault), &reason(fault), entries.len())
            }
            Err(Stop::Before(fault)) if !self.left => return Err(fault),
            Err(Stop::Before(fault)) => {
                outcome::all_later("kingdee.not-sent", &reason(fault), entries.len())
            }
        };
        self.left = true;
        for (entry, outcome) in entries.iter().zip(outcomes) {
            if let Some(place) = self.outcomes.get_mut(*entry as usize) {
                *place = Some(outcome);
            }
        }
        Ok(())
    }

    fn finish(self) -> Vec<Outcome> {
        let missing = || Outcome::Unknown("nothing is known of this entry".to_owned());
        self.outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(missing))
            .collect()
    }
}

/// The code of documents that were refused for now.
pub(crate) fn code(fault: &Fault) -> &'static str {
    match fault {
        Fault::RateLimited(_) => outcome::THROTTLED,
        Fault::Unauthorized(_) => outcome::UNAUTHORIZED,
        _ => "kingdee.not-sent",
    }
}

pub(crate) fn reason(fault: Fault) -> String {
    match fault {
        Fault::InvalidSettings(problems) => problems
            .into_iter()
            .map(|problem| problem.message)
            .collect::<Vec<_>>()
            .join("; "),
        Fault::RateLimited(pause) | Fault::Unavailable(pause) => pause.reason,
        Fault::Unauthorized(reason)
        | Fault::NotSent(reason)
        | Fault::Broken(reason)
        | Fault::Other(reason) => reason,
    }
}

#[cfg(test)]
mod tests;
