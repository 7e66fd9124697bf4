//! Values with every field filled, told apart by a number or a key.

use duijie_record::{
    Action, Position, Rejection, Resolution, Retry, RunId, Scope, SourceKey, TargetKey, Version,
};

use crate::{
    Came, Caution, Checkpoint, DeadLetter, DocumentRow, DocumentState, Fill, Fingerprint, Group,
    GroupPart, GroupState, Hold, HoldKind, Intent, IntentEntry, IntentId, LedgerRow, LineRef,
    Member, Owed, RunRow, RunState, SegmentKind, SegmentRef, TableRow, Try,
};

pub(crate) fn checkpoint(number: u64) -> Checkpoint {
    Checkpoint {
        lane: String::new(),
        position: Position(format!("page {number}").into_bytes()),
        run: RunId::from("run-1"),
        at_ms: number,
    }
}

pub(crate) fn caution() -> Caution {
    Caution {
        reason: "restored".to_owned(),
        at_ms: 20,
    }
}

fn line(line: u32) -> LineRef {
    LineRef {
        segment: SegmentRef {
            kind: SegmentKind::Evidence,
            file: 4,
            offset: 80_000,
            bytes: 300_000,
            crc: 0x0102_0304,
        },
        line,
    }
}

/// One try for each thing that it can come to.
fn tries() -> Vec<Try> {
    let code = || "KD-500".to_owned();
    let message = || "the material is not known".to_owned();
    let came = [
        Came::Later {
            code: code(),
            message: message(),
        },
        Came::Unknown("no answer".to_owned()),
        Came::Absent,
        Came::Found,
        Came::Rejected {
            code: code(),
            message: message(),
        },
        Came::Decided("applied by hand".to_owned()),
        Came::Applied,
    ];
    let tried = |(number, came): (usize, Came)| Try {
        run: RunId::from("run-1"),
        at_ms: 1_763_700_000_000 + number as u64,
        intent: (number != 5).then_some(IntentId(number as u64)),
        action: Action::Create,
        step: 2,
        came,
        exchange: (number < 3).then(|| line(number as u32)),
    };
    came.into_iter().enumerate().map(tried).collect()
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
        step: 1,
        record: Some(line(number as u32)),
        tries: if number == 0 { tries() } else { Vec::new() },
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
        step: 2,
        attempts: 1,
        tries: match state {
            DocumentState::Applied => tries(),
            _ => Vec::new(),
        },
        sent: Some(line(3)),
        state,
    };
    LedgerRow {
        source_key: SourceKey::from(key),
        version: Some(Version::from("2026-11-21 10:00:00")),
        source_print: Fingerprint(at_ms.into()),
        documents: vec![
            document("main", DocumentState::Applied),
            document("gifts", DocumentState::Held("changed there".to_owned())),
            document("return", DocumentState::Rejected),
            document("deposit", DocumentState::Cancelled),
            document("note", DocumentState::Discarded),
        ],
        record: Some(line(9)),
        run: RunId::from("run-1"),
        at_ms,
    }
}

pub(crate) fn dead_letter(key: &str, part: &str, record: &[u8]) -> DeadLetter {
    DeadLetter {
        source_key: SourceKey::from(key),
        part: part.to_owned(),
        version: Some(Version::from("2")),
        target_key: Some(TargetKey::from("CK1")),
        code: "KD-500".to_owned(),
        message: "the material is not known".to_owned(),
        field: Some("FMaterialId".to_owned()),
        attempts: 3,
        record: record.to_vec(),
        document: Some(b"{\"F\":1}".to_vec()),
        edited: Some(b"{\"F\":2}".to_vec()),
        exchange: Some(line(5)),
        run: RunId::from("run-1"),
        at_ms: 17,
    }
}

pub(crate) fn hold(key: &str, part: &str, document: &[u8]) -> Hold {
    Hold {
        source_key: SourceKey::from(key),
        part: part.to_owned(),
        target_key: TargetKey::from("CK1"),
        target_id: Some("100234".to_owned()),
        version: None,
        action: Action::Update,
        kind: HoldKind::Locked,
        reason: "audited".to_owned(),
        record: b"{\"no\":1}".to_vec(),
        document: document.to_vec(),
        run: RunId::from("run-1"),
        at_ms: 18,
    }
}

pub(crate) fn owed(key: &str, token: &str, resolution: Resolution) -> Owed {
    Owed {
        source_key: SourceKey::from(key),
        token: token.to_owned(),
        resolution,
        run: RunId::from("run-1"),
        at_ms: 19,
    }
}

/// One of each kind.
pub(crate) fn resolutions() -> [Resolution; 3] {
    [
        Resolution::Applied(Some("100234".to_owned())),
        Resolution::Rejected(Rejection {
            code: "KD-500".to_owned(),
            message: "the material is not known".to_owned(),
            field: Some("FMaterialId".to_owned()),
            retry: Retry::Later,
        }),
        Resolution::Dropped("not wanted".to_owned()),
    ]
}

pub(crate) fn run_row(run: &str, state: RunState) -> RunRow {
    RunRow {
        run: RunId::from(run),
        started_ms: 1,
        ended_ms: Some(2),
        state,
        purpose: "live".to_owned(),
        manifest_digest: "sha256:00".to_owned(),
        components: vec![("ledgerware".to_owned(), "sha256:01".to_owned())],
        read: 10,
        unchanged: 1,
        dropped: 2,
        applied: 3,
        rejected: 4,
        held: 0,
    }
}

pub(crate) fn group(group: &str, part: u32) -> Group {
    Group {
        place: GroupPart {
            group: group.to_owned(),
            part,
        },
        lane: "backfill:b".to_owned(),
        state: GroupState::Full,
        members: 70_000,
        order: 70_001,
        first_ms: 1_763_700_000_000,
        at_ms: 1_763_700_000_001,
    }
}

pub(crate) fn member(group: &str, part: u32, key: &str, order: u64) -> Member {
    Member {
        place: GroupPart {
            group: group.to_owned(),
            part,
        },
        source_key: SourceKey::from(key),
        version: Some(Version::from("2026-11-21 10:00:00")),
        order,
        record: format!("{{\"no\":\"{key}\"}}").into_bytes(),
        at_ms: 1_763_700_000_000,
    }
}

pub(crate) fn table_row(table: &str, key: &str, to: &str) -> TableRow {
    TableRow {
        table: table.to_owned(),
        key: key.to_owned(),
        fields: vec![
            ("customer".to_owned(), to.to_owned()),
            ("shop_no".to_owned(), key.to_owned()),
        ],
    }
}

pub(crate) fn fill(table: &str, at_ms: u64) -> Fill {
    Fill {
        table: table.to_owned(),
        scope: Scope::from("wdt-shops"),
        run: RunId::from("run-1"),
        at_ms,
    }
}
