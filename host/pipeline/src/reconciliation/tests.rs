//! How records and documents are counted and judged. Nobody is asked here.

use duijie_record::{FoundDocument, State};
use duijie_store::DocumentRow;

use super::*;

fn tally() -> Tally {
    Tally {
        open: HashSet::from(["open".into()]),
        until_ms: 1_000,
        asked: Vec::new(),
        found: Reconciliation {
            shown: Some(0),
            ..Reconciliation::default()
        },
    }
}

fn row(key: &str, states: Vec<DocumentState>, at_ms: u64) -> LedgerRow {
    let documents = states.into_iter().map(|state| DocumentRow {
        part: String::new(),
        target_key: format!("T-{key}").as_str().into(),
        target_id: Some(format!("id-{key}")),
        mapped_print: Fingerprint(0),
        state,
        step: 0,
        attempts: 1,
        tries: Vec::new(),
        sent: None,
    });
    LedgerRow {
        source_key: key.into(),
        version: Some("2".into()),
        source_print: Fingerprint(0),
        documents: documents.collect(),
        record: None,
        run: "r".into(),
        at_ms,
    }
}

fn found(id: &str) -> Finding {
    Finding::Found(FoundDocument {
        id: id.to_owned(),
        state: State::Open,
    })
}

#[test]
fn every_record_is_counted_once_by_what_is_known_of_it() {
    let mut tally = tally();
    let two: Version = "2".into();
    let three: Version = "3".into();
    let mut record = |key: &str, version, states: Option<Vec<DocumentState>>| {
        let row = states.map(|states| row(key, states, 1));
        tally.record(&key.into(), version, row);
    };
    record("open", None, None);
    record("new", Some(&two), None);
    record("dropped", None, Some(Vec::new()));
    record("newer", Some(&three), Some(vec![DocumentState::Applied]));
    let held = DocumentState::Held("locked".to_owned());
    let all = vec![DocumentState::Rejected, held, DocumentState::Cancelled];
    record("parts", Some(&two), Some(all));
    let all = vec![DocumentState::Discarded, DocumentState::Grouped];
    record("more", None, Some(all));
    assert_eq!(tally.asked.len(), 1);
    let expected = Reconciliation {
        records: 6,
        open: 1,
        dropped: 1,
        newer: 1,
        applied: 1,
        rejected: 1,
        held: 1,
        cancelled: 1,
        discarded: 1,
        grouped: 1,
        shown: Some(0),
        differences: vec![Difference {
            kind: DifferenceKind::NoOutcome,
            source_key: "new".into(),
            target_key: None,
        }],
        differing: 1,
        ..Reconciliation::default()
    };
    assert_eq!(tally.found, expected);
}

#[track_caller]
fn check_shown(at_ms: u64, finding: Finding, counts: [u64; 3], kind: Option<DifferenceKind>) {
    let mut tally = tally();
    tally.record(
        &"a".into(),
        None,
        Some(row("a", vec![DocumentState::Applied], at_ms)),
    );
    let asked = tally.asked.pop().unwrap();
    tally.shown(&asked, finding);
    let found = tally.found;
    assert_eq!([found.shown.unwrap(), found.early, found.untold], counts);
    let told = found.differences.iter().map(|difference| difference.kind);
    assert_eq!(told.collect::<Vec<_>>(), Vec::from_iter(kind));
}

#[test]
fn what_the_target_shows_is_judged_by_the_id_that_was_given_and_by_time() {
    use DifferenceKind::{NotInTarget, OtherDocument, Twice};
    check_shown(1, found("id-a"), [1, 0, 0], None);
    check_shown(1, found("id-b"), [0, 0, 0], Some(OtherDocument));
    check_shown(1, Finding::Absent, [0, 0, 0], Some(NotInTarget));
    check_shown(1_001, Finding::Absent, [0, 1, 0], None);
    check_shown(1, Finding::FoundTwice(Vec::new()), [0, 0, 0], Some(Twice));
    check_shown(1, Finding::CannotTell("busy".to_owned()), [0, 0, 1], None);
}

#[test]
fn of_many_differences_the_first_are_told_and_all_are_counted() {
    let mut tally = tally();
    for number in 0..=MOST_TOLD {
        tally.record(&format!("n{number}").as_str().into(), None, None);
    }
    let found = tally.found;
    assert_eq!(found.differences.len(), MOST_TOLD);
    assert_eq!(found.differing, MOST_TOLD as u64 + 1);
}

#[test]
fn a_record_is_new_once_and_none_is_beyond_so_many() {
    let mut seen = Seen::of_most(2);
    let mut is_new = |key: &str| (seen.is_new(&key.into()), seen.is_cut);
    assert_eq!(is_new("a"), (true, false));
    assert_eq!(is_new("a"), (false, false));
    assert_eq!(is_new("b"), (true, false));
    assert_eq!(is_new("a"), (false, false));
    assert_eq!(is_new("c"), (false, true));
}
