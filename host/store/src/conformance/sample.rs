//! Values with every field filled, told apart by a number or a key.

use duijie_record::{Action, Position, RunId, SourceKey, TargetKey, Version};

use crate::{
    Checkpoint, DeadLetter, DocumentRow, DocumentState, Fingerprint, Hold, Intent, IntentEntry,
    IntentId, LedgerRow, RunRow, RunState, SegmentRef,
};

pub(crate) fn checkpoint(number: u64) -> Checkpoint {
    Checkpoint {
        position: Position(format!("page {number}").into_bytes()),
        run: RunId::from("run-1"),
        at_ms: number,
    }
}

pub(crate) fn intent(id: IntentId, segment: SegmentRef) -> Intent {
    let actions = [Action::Create, Action::Update, Action::Cancel];
    let entry = |(number, action): (usize, Action)| IntentEntry {
        source_key: SourceKey(format!("stockout-{}-{number}", id.0)),
        part: "main".to_owned(),
        version: Some(Version::from("2026-11-21 10:00:00")),
        source_print: Fingerprint::of(b"source"),
        mapped_print: Fingerprint::of(b"mapped"),
        target_key: TargetKey(format!("CK{number}")),
        action,
        known_id: Some("100234".to_owned()),
        attempt: 2,
    };
    Intent {
        id,
        run: RunId::from("run-1"),
        at_ms: 1_763_700_000_000,
        entries: actions.into_iter().enumerate().map(entry).collect(),
        segment,
    }
}

pub(crate) fn ledger_row(key: &str, at_ms: u64) -> LedgerRow {
    let document = |part: &str, state| DocumentRow {
        part: part.to_owned(),
        target_key: TargetKey(format!("CK-{key}")),
        target_id: Some("100234".to_owned()),
        mapped_print: Fingerprint::of(key.as_bytes()),
        state,
        attempts: 1,
    };
    LedgerRow {
        source_key: SourceKey::from(key),
        version: Some(Version::from("2026-11-21 10:00:00")),
        source_print: Fingerprint(at_ms.into()),
        documents: vec![
            document("main", DocumentState::Applied),
            document("gifts", DocumentState::Held("changed there".to_owned())),
            document("return", DocumentState::Rejected),
        ],
        run: RunId::from("run-1"),
        at_ms,
    }
}

pub(crate) fn dead_letter(key: &str, part: &str, payload: &[u8]) -> DeadLetter {
    DeadLetter {
        source_key: SourceKey::from(key),
        part: part.to_owned(),
        target_key: Some(TargetKey::from("CK1")),
        code: "KD-500".to_owned(),
        message: "the material is not known".to_owned(),
        field: Some("FMaterialId".to_owned()),
        attempts: 3,
        payload: payload.to_vec(),
        run: RunId::from("run-1"),
        at_ms: 17,
    }
}

pub(crate) fn hold(key: &str, part: &str, payload: &[u8]) -> Hold {
    Hold {
        source_key: SourceKey::from(key),
        part: part.to_owned(),
        target_key: TargetKey::from("CK1"),
        version: None,
        reason: "audited".to_owned(),
        payload: payload.to_vec(),
        run: RunId::from("run-1"),
        at_ms: 18,
    }
}

pub(crate) fn run_row(run: &str, state: RunState) -> RunRow {
    RunRow {
        run: RunId::from(run),
        started_ms: 1,
        ended_ms: Some(2),
        state,
        manifest_digest: "sha256:00".to_owned(),
        read: 10,
        unchanged: 1,
        dropped: 2,
        applied: 3,
        rejected: 4,
        held: 0,
    }
}
