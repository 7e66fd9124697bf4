//! One blob for every stored form that was ever released. Each must decode to
//! the value beside it and encode to the same bytes, for ever: a blob is
//! never changed, only added.

use serde::{Deserialize, Serialize};

use super::{
    BoundV1, CautionV1, CheckpointV1, ClaimV1, DeadLetterV1, FillV1, FoldedV1, GroupV1, HoldV1,
    IntentMarkV1, IntentV1, LedgerRowV1, LongRowV1, MemberV1, OwedV1, RunRowV1, ScheduleV1,
    TableRowV1, decode, encode, sealed,
};
use crate::conformance::{
    caution, checkpoint, dead_letter, fill, group, hold, intent, ledger_row, member, owed,
    resolutions, run_row, table_row,
};
use crate::{
    Caution, Checkpoint, DeadLetter, DocumentState, Fill, Group, GroupState, Hold, HoldKind,
    Intent, IntentId, LedgerRow, Member, Owed, RunRow, RunState, SegmentKind, SegmentRef, TableRow,
};

fn blob(name: &str) -> Vec<u8> {
    let golden = include_str!("golden.txt");
    let mut lines = golden.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(known, _)| *known == name);
    let (_, hex) = found.unwrap_or_else(|| panic!("no line `{name}` in golden.txt"));
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// `stored` is the form as written, `read` what it is read back as.
fn check<'blob, S, T>(name: &str, bytes: &'blob [u8], stored: &S, read: impl Fn(S) -> T, value: &T)
where
    S: Serialize + Deserialize<'blob>,
    T: PartialEq + std::fmt::Debug,
{
    let encoded = encode(stored).unwrap();
    let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(encoded == bytes, "{name} {hex}");
    assert_eq!(&read(decode(bytes).unwrap()), value, "{name}");
}

macro_rules! golden {
    ($test:ident, $stored:ident, $type:ident, $value:expr) => {
        #[test]
        fn $test() {
            let bytes = blob(stringify!($test));
            let value: $type = $value;
            let stored = $stored::from(&value);
            check(stringify!($test), &bytes, &stored, $type::from, &value);
        }
    };
}

fn segment() -> SegmentRef {
    SegmentRef {
        kind: SegmentKind::Documents,
        file: 3,
        offset: 70_000,
        bytes: 512,
        crc: 0xdead_beef,
    }
}

golden!(checkpoint_v1, CheckpointV1, Checkpoint, checkpoint(7));
golden!(caution_v1, CautionV1, Caution, caution());
golden!(
    intent_v1,
    IntentV1,
    Intent,
    intent(IntentId(300), segment())
);
golden!(ledger_row_v1, LedgerRowV1, LedgerRow, ledger_row("a", 1));
golden!(
    dead_letter_v1,
    DeadLetterV1,
    DeadLetter,
    dead_letter("a", "main", b"{}")
);
golden!(hold_v1, HoldV1, Hold, hold("a", "main", b"{}"));
golden!(
    run_row_v1,
    RunRowV1,
    RunRow,
    run_row("run-1", RunState::Failed("no".to_owned()))
);
golden!(
    run_row_running_v1,
    RunRowV1,
    RunRow,
    run_row("run-1", RunState::Running)
);
golden!(
    run_row_finished_v1,
    RunRowV1,
    RunRow,
    run_row("run-1", RunState::Finished)
);
golden!(
    run_row_stopped_v1,
    RunRowV1,
    RunRow,
    run_row("run-1", RunState::Stopped)
);

golden!(group_v1, GroupV1, Group, group("W01|2025-10-01", 2));
golden!(
    group_open_v1,
    GroupV1,
    Group,
    Group {
        state: GroupState::Open,
        ..group("W01", 1)
    }
);
golden!(
    group_closed_v1,
    GroupV1,
    Group,
    Group {
        state: GroupState::Closed,
        ..group("W01", 1)
    }
);
golden!(
    member_v1,
    MemberV1,
    Member,
    member("W01|2025-10-01", 2, "30011", 70_000)
);
golden!(
    late_hold_v1,
    HoldV1,
    Hold,
    Hold {
        kind: HoldKind::Late,
        ..hold("a", "", b"{}")
    }
);
golden!(grouped_row_v1, LedgerRowV1, LedgerRow, grouped());

fn grouped() -> LedgerRow {
    let mut row = ledger_row("a", 1);
    row.documents.truncate(1);
    row.documents[0].state = DocumentState::Grouped;
    row
}

golden!(
    owed_applied_v1,
    OwedV1,
    Owed,
    owed("a", "token", resolutions()[0].clone())
);
golden!(
    owed_rejected_v1,
    OwedV1,
    Owed,
    owed("a", "token", resolutions()[1].clone())
);
golden!(
    owed_dropped_v1,
    OwedV1,
    Owed,
    owed("a", "token", resolutions()[2].clone())
);

golden!(
    table_row_v1,
    TableRowV1,
    TableRow,
    table_row("shops", "甲", "CUST01")
);
golden!(fill_v1, FillV1, Fill, fill("shops", 1_763_700_000_000));

#[test]
fn claim_v1() {
    let stored = ClaimV1 {
        scope: "orders",
        epoch: 300,
    };
    let read = |claim: ClaimV1<'_>| (claim.scope.to_owned(), claim.epoch);
    let value = ("orders".to_owned(), 300);
    check("claim_v1", &blob("claim_v1"), &stored, read, &value);
}

#[test]
fn bound_v1() {
    let stored = BoundV1 { target: "kingdee" };
    let read = |bound: BoundV1<'_>| bound.target.to_owned();
    check(
        "bound_v1",
        &blob("bound_v1"),
        &stored,
        read,
        &"kingdee".to_owned(),
    );
}

#[test]
fn schedule_v1() {
    let state = vec![1, 0, 255];
    let stored = ScheduleV1 { state: &state };
    let read = |stored: ScheduleV1<'_>| stored.state.to_vec();
    check("schedule_v1", &blob("schedule_v1"), &stored, read, &state);
}

#[test]
fn intent_mark_v1() {
    let stored = IntentMarkV1 { highest: 70_000 };
    let read = |mark: IntentMarkV1| mark.highest;
    check(
        "intent_mark_v1",
        &blob("intent_mark_v1"),
        &stored,
        read,
        &70_000,
    );
}

#[test]
fn folded_v1() {
    let stored = FoldedV1 { last: 70_000 };
    let read = |folded: FoldedV1| folded.last;
    check("folded_v1", &blob("folded_v1"), &stored, read, &70_000);
}

#[test]
fn long_row_v1() {
    let row = ledger_row("a", 1);
    let stored = LongRowV1 {
        order: 70_000,
        row: LedgerRowV1::from(&row),
    };
    let read = |long: LongRowV1<'_>| (long.order, LedgerRow::from(long.row));
    let value = (70_000, row.clone());
    check("long_row_v1", &blob("long_row_v1"), &stored, read, &value);
}

#[test]
fn an_unknown_form_and_every_damage_is_named() {
    let check = |bytes: &[u8], expected: &str| {
        let error = decode::<IntentMarkV1>(bytes).unwrap_err();
        assert_eq!(error, expected);
    };
    let other = sealed(vec![9, 1]);
    check(&other, "it has form 9 and this program reads form 1");
    check(&[], "0 bytes are no value");
    check(&sealed(vec![1, 1, 1]), "1 bytes too many");
    check(&[1, 1, 0, 0, 0, 0], "its checksum is wrong");
}
