//! The stored form of a row of the ledger, with the history of its documents.

use duijie_record::{RunId, SourceKey, TargetKey, Version};
use serde::{Deserialize, Serialize};

use super::place::LineRefV1;
use super::{ActionV1, PrintV1};
use crate::{Came, DocumentRow, DocumentState, Fingerprint, IntentId, LedgerRow, LineRef, Try};

#[derive(Debug, Serialize, Deserialize)]
enum CameV1<'a> {
    Applied,
    Rejected { code: &'a str, message: &'a str },
    Later { code: &'a str, message: &'a str },
    Unknown(&'a str),
    Found,
    Absent,
    Decided(&'a str),
}

impl<'a> From<&'a Came> for CameV1<'a> {
    fn from(came: &'a Came) -> Self {
        match came {
            Came::Applied => Self::Applied,
            Came::Rejected { code, message } => Self::Rejected { code, message },
            Came::Later { code, message } => Self::Later { code, message },
            Came::Unknown(reason) => Self::Unknown(reason),
            Came::Found => Self::Found,
            Came::Absent => Self::Absent,
            Came::Decided(reason) => Self::Decided(reason),
        }
    }
}

impl From<CameV1<'_>> for Came {
    fn from(stored: CameV1<'_>) -> Self {
        match stored {
            CameV1::Applied => Self::Applied,
            CameV1::Rejected { code, message } => Self::Rejected {
                code: code.to_owned(),
                message: message.to_owned(),
            },
            CameV1::Later { code, message } => Self::Later {
                code: code.to_owned(),
                message: message.to_owned(),
            },
            CameV1::Unknown(reason) => Self::Unknown(reason.to_owned()),
            CameV1::Found => Self::Found,
            CameV1::Absent => Self::Absent,
            CameV1::Decided(reason) => Self::Decided(reason.to_owned()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TryV1<'a> {
    run: &'a str,
    at_ms: u64,
    intent: Option<u64>,
    action: ActionV1,
    step: u8,
    #[serde(borrow)]
    came: CameV1<'a>,
    exchange: Option<LineRefV1>,
}

impl<'a> From<&'a Try> for TryV1<'a> {
    fn from(one: &'a Try) -> Self {
        Self {
            run: &one.run.0,
            at_ms: one.at_ms,
            intent: one.intent.map(|intent| intent.0),
            action: one.action.into(),
            step: one.step,
            came: (&one.came).into(),
            exchange: one.exchange.as_ref().map(LineRefV1::from),
        }
    }
}

impl From<TryV1<'_>> for Try {
    fn from(stored: TryV1<'_>) -> Self {
        Self {
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
            intent: stored.intent.map(IntentId),
            action: stored.action.into(),
            step: stored.step,
            came: stored.came.into(),
            exchange: stored.exchange.map(LineRef::from),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum DocumentStateV1<'a> {
    Applied,
    Rejected,
    Held(&'a str),
    Cancelled,
    Discarded,
    Grouped,
}

#[derive(Debug, Serialize, Deserialize)]
struct DocumentRowV1<'a> {
    part: &'a str,
    target_key: &'a str,
    target_id: Option<&'a str>,
    mapped_print: PrintV1,
    #[serde(borrow)]
    state: DocumentStateV1<'a>,
    step: u8,
    attempts: u32,
    tries: Vec<TryV1<'a>>,
    sent: Option<LineRefV1>,
}

impl<'a> From<&'a DocumentRow> for DocumentRowV1<'a> {
    fn from(row: &'a DocumentRow) -> Self {
        Self {
            part: &row.part,
            target_key: &row.target_key.0,
            target_id: row.target_id.as_deref(),
            mapped_print: row.mapped_print.0.to_le_bytes(),
            state: match &row.state {
                DocumentState::Applied => DocumentStateV1::Applied,
                DocumentState::Rejected => DocumentStateV1::Rejected,
                DocumentState::Held(reason) => DocumentStateV1::Held(reason),
                DocumentState::Cancelled => DocumentStateV1::Cancelled,
                DocumentState::Discarded => DocumentStateV1::Discarded,
                DocumentState::Grouped => DocumentStateV1::Grouped,
            },
            step: row.step,
            attempts: row.attempts,
            tries: row.tries.iter().map(TryV1::from).collect(),
            sent: row.sent.as_ref().map(LineRefV1::from),
        }
    }
}

impl From<DocumentRowV1<'_>> for DocumentRow {
    fn from(stored: DocumentRowV1<'_>) -> Self {
        Self {
            part: stored.part.to_owned(),
            target_key: TargetKey::from(stored.target_key),
            target_id: stored.target_id.map(str::to_owned),
            mapped_print: Fingerprint(u128::from_le_bytes(stored.mapped_print)),
            state: match stored.state {
                DocumentStateV1::Applied => DocumentState::Applied,
                DocumentStateV1::Rejected => DocumentState::Rejected,
                DocumentStateV1::Held(reason) => DocumentState::Held(reason.to_owned()),
                DocumentStateV1::Cancelled => DocumentState::Cancelled,
                DocumentStateV1::Discarded => DocumentState::Discarded,
                DocumentStateV1::Grouped => DocumentState::Grouped,
            },
            step: stored.step,
            attempts: stored.attempts,
            tries: stored.tries.into_iter().map(Try::from).collect(),
            sent: stored.sent.map(LineRef::from),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LedgerRowV1<'a> {
    pub(crate) source_key: &'a str,
    version: Option<&'a str>,
    source_print: PrintV1,
    #[serde(borrow)]
    documents: Vec<DocumentRowV1<'a>>,
    record: Option<LineRefV1>,
    run: &'a str,
    pub(crate) at_ms: u64,
}

/// A row in the long ledger, with the number of its writing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LongRowV1<'a> {
    pub(crate) order: u64,
    #[serde(borrow)]
    pub(crate) row: LedgerRowV1<'a>,
}

impl LedgerRowV1<'_> {
    /// Target keys and target ids.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &str> {
        let numbers = self.documents.iter();
        numbers.flat_map(|document| std::iter::once(document.target_key).chain(document.target_id))
    }

    /// Whether nothing of it waits for a person.
    pub(crate) fn is_done(&self) -> bool {
        self.documents.iter().all(|document| {
            !matches!(
                document.state,
                DocumentStateV1::Rejected | DocumentStateV1::Held(_)
            )
        })
    }
}

impl<'a> From<&'a LedgerRow> for LedgerRowV1<'a> {
    fn from(row: &'a LedgerRow) -> Self {
        Self {
            source_key: &row.source_key.0,
            version: row.version.as_ref().map(Version::as_str),
            source_print: row.source_print.0.to_le_bytes(),
            documents: row.documents.iter().map(DocumentRowV1::from).collect(),
            record: row.record.as_ref().map(LineRefV1::from),
            run: &row.run.0,
            at_ms: row.at_ms,
        }
    }
}

impl From<LedgerRowV1<'_>> for LedgerRow {
    fn from(stored: LedgerRowV1<'_>) -> Self {
        let documents = stored.documents.into_iter();
        Self {
            source_key: SourceKey::from(stored.source_key),
            version: stored.version.map(Version::from),
            source_print: Fingerprint(u128::from_le_bytes(stored.source_print)),
            documents: documents.map(DocumentRow::from).collect(),
            record: stored.record.map(LineRef::from),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}
