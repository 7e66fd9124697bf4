//! The stored forms of what waits for a person.

use duijie_record::{RunId, SourceKey, TargetKey, Version};
use serde::{Deserialize, Serialize};

use super::ActionV1;
use super::place::LineRefV1;
use crate::{DeadLetter, Hold, HoldKind, LineRef};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeadLetterV1<'a> {
    source_key: &'a str,
    part: &'a str,
    version: Option<&'a str>,
    target_key: Option<&'a str>,
    code: &'a str,
    message: &'a str,
    field: Option<&'a str>,
    attempts: u32,
    record: &'a [u8],
    document: Option<&'a [u8]>,
    edited: Option<&'a [u8]>,
    exchange: Option<LineRefV1>,
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a DeadLetter> for DeadLetterV1<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        Self {
            source_key: &letter.source_key.0,
            part: &letter.part,
            version: letter.version.as_ref().map(Version::as_str),
            target_key: letter.target_key.as_ref().map(TargetKey::as_str),
            code: &letter.code,
            message: &letter.message,
            field: letter.field.as_deref(),
            attempts: letter.attempts,
            record: &letter.record,
            document: letter.document.as_deref(),
            edited: letter.edited.as_deref(),
            exchange: letter.exchange.as_ref().map(LineRefV1::from),
            run: &letter.run.0,
            at_ms: letter.at_ms,
        }
    }
}

impl From<DeadLetterV1<'_>> for DeadLetter {
    fn from(stored: DeadLetterV1<'_>) -> Self {
        Self {
            source_key: SourceKey::from(stored.source_key),
            part: stored.part.to_owned(),
            version: stored.version.map(Version::from),
            target_key: stored.target_key.map(TargetKey::from),
            code: stored.code.to_owned(),
            message: stored.message.to_owned(),
            field: stored.field.map(str::to_owned),
            attempts: stored.attempts,
            record: stored.record.to_vec(),
            document: stored.document.map(<[u8]>::to_vec),
            edited: stored.edited.map(<[u8]>::to_vec),
            exchange: stored.exchange.map(LineRef::from),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum HoldKindV1 {
    Change,
    Locked,
    Doubt,
    Conflict,
    Twice,
    Caution,
    Late,
}

impl From<HoldKind> for HoldKindV1 {
    fn from(kind: HoldKind) -> Self {
        match kind {
            HoldKind::Change => Self::Change,
            HoldKind::Locked => Self::Locked,
            HoldKind::Doubt => Self::Doubt,
            HoldKind::Conflict => Self::Conflict,
            HoldKind::Twice => Self::Twice,
            HoldKind::Caution => Self::Caution,
            HoldKind::Late => Self::Late,
        }
    }
}

impl From<HoldKindV1> for HoldKind {
    fn from(stored: HoldKindV1) -> Self {
        match stored {
            HoldKindV1::Change => Self::Change,
            HoldKindV1::Locked => Self::Locked,
            HoldKindV1::Doubt => Self::Doubt,
            HoldKindV1::Conflict => Self::Conflict,
            HoldKindV1::Twice => Self::Twice,
            HoldKindV1::Caution => Self::Caution,
            HoldKindV1::Late => Self::Late,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HoldV1<'a> {
    source_key: &'a str,
    part: &'a str,
    target_key: &'a str,
    target_id: Option<&'a str>,
    version: Option<&'a str>,
    action: ActionV1,
    kind: HoldKindV1,
    reason: &'a str,
    record: &'a [u8],
    document: &'a [u8],
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a Hold> for HoldV1<'a> {
    fn from(hold: &'a Hold) -> Self {
        Self {
            source_key: &hold.source_key.0,
            part: &hold.part,
            target_key: &hold.target_key.0,
            target_id: hold.target_id.as_deref(),
            version: hold.version.as_ref().map(Version::as_str),
            action: hold.action.into(),
            kind: hold.kind.into(),
            reason: &hold.reason,
            record: &hold.record,
            document: &hold.document,
            run: &hold.run.0,
            at_ms: hold.at_ms,
        }
    }
}

impl From<HoldV1<'_>> for Hold {
    fn from(stored: HoldV1<'_>) -> Self {
        Self {
            source_key: SourceKey::from(stored.source_key),
            part: stored.part.to_owned(),
            target_key: TargetKey::from(stored.target_key),
            target_id: stored.target_id.map(str::to_owned),
            version: stored.version.map(Version::from),
            action: stored.action.into(),
            kind: stored.kind.into(),
            reason: stored.reason.to_owned(),
            record: stored.record.to_vec(),
            document: stored.document.to_vec(),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}
