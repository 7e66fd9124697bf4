//! Which fields of a row hold what a record or a system said. Keys, ids,
//! fingerprints, states and places are none: nothing is sent twice where they
//! can be read.

use crate::{Came, Change, DeadLetter, DocumentState, Error, Hold, Intent, LedgerRow, Member};
use crate::{RunRow, RunState, Try};

pub(crate) enum Field<'row> {
    Text(&'row mut String),
    Bytes(&'row mut Vec<u8>),
}

/// Is given what a field is bound to, and the field.
pub(crate) type Visit<'visit> = dyn FnMut(&[u8], Field<'_>) -> Result<(), Error> + 'visit;

pub(crate) trait Held {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error>;
}

/// A kind of field, and the key of its row.
fn bound(kind: &str, key: &str) -> Vec<u8> {
    [kind.as_bytes(), b"\0", key.as_bytes()].concat()
}

fn text(visit: &mut Visit<'_>, kind: &str, key: &str, text: &mut String) -> Result<(), Error> {
    match text.is_empty() {
        true => Ok(()),
        false => visit(&bound(kind, key), Field::Text(text)),
    }
}

fn bytes(visit: &mut Visit<'_>, kind: &str, key: &str, bytes: &mut Vec<u8>) -> Result<(), Error> {
    match bytes.is_empty() {
        true => Ok(()),
        false => visit(&bound(kind, key), Field::Bytes(bytes)),
    }
}

fn tried(visit: &mut Visit<'_>, key: &str, tries: &mut [Try]) -> Result<(), Error> {
    for one in tries {
        match &mut one.came {
            Came::Rejected { message, .. } | Came::Later { message, .. } => {
                text(visit, "message", key, message)?;
            }
            Came::Unknown(reason) => text(visit, "message", key, reason)?,
            Came::Applied | Came::Found | Came::Absent | Came::Decided(_) => {}
        }
    }
    Ok(())
}

impl Held for LedgerRow {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error> {
        let key = self.source_key.as_str();
        for document in &mut self.documents {
            if let DocumentState::Held(reason) = &mut document.state {
                text(visit, "message", key, reason)?;
            }
            tried(visit, key, &mut document.tries)?;
        }
        Ok(())
    }
}

impl Held for Intent {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error> {
        for entry in &mut self.entries {
            tried(visit, entry.source_key.as_str(), &mut entry.tries)?;
        }
        Ok(())
    }
}

impl Held for DeadLetter {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error> {
        let key = self.source_key.as_str();
        text(visit, "dead letter message", key, &mut self.message)?;
        bytes(visit, "dead letter record", key, &mut self.record)?;
        if let Some(document) = &mut self.document {
            bytes(visit, "dead letter document", key, document)?;
        }
        if let Some(edited) = &mut self.edited {
            bytes(visit, "dead letter edited", key, edited)?;
        }
        Ok(())
    }
}

impl Held for Hold {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error> {
        let key = self.source_key.as_str();
        text(visit, "hold reason", key, &mut self.reason)?;
        bytes(visit, "hold record", key, &mut self.record)?;
        bytes(visit, "hold document", key, &mut self.document)
    }
}

impl Held for Member {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error> {
        let key = self.source_key.as_str();
        bytes(visit, "member record", key, &mut self.record)
    }
}

impl Held for RunRow {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error> {
        match &mut self.state {
            RunState::Failed(reason) => text(visit, "run reason", self.run.as_str(), reason),
            RunState::Running | RunState::Finished | RunState::Stopped => Ok(()),
        }
    }
}

impl Held for Change {
    fn each(&mut self, visit: &mut Visit<'_>) -> Result<(), Error> {
        match self {
            Self::Intent(intent) => intent.each(visit),
            Self::Ledger(row) => row.each(visit),
            Self::DeadLetter(letter) => letter.each(visit),
            Self::Hold(hold) => hold.each(visit),
            Self::Member(member) => member.each(visit),
            Self::Run(row) => row.each(visit),
            // Nothing of a record, but for what a value table is to hold, which
            // belongs to no scope.
            Self::Settle(_)
            | Self::Release { .. }
            | Self::Checkpoint(_)
            | Self::ResetCheckpoint { .. }
            | Self::Leave { .. }
            | Self::Group(_)
            | Self::Dissolve(_)
            | Self::Caution(_)
            | Self::Bind(_)
            | Self::Owe(_)
            | Self::Paid { .. }
            | Self::TableRow(_)
            | Self::DropTableRow { .. }
            | Self::Fill(_)
            | Self::Schedule(_) => Ok(()),
        }
    }
}
