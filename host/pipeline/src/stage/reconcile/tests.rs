//! What each finding means, as a table.

use duijie_record::{Action, Finding, FoundDocument, State};

use duijie_store::HoldKind;

use super::{Resolution, after_doubt, before_change};

fn found(id: &str, state: State) -> Finding {
    Finding::Found(FoundDocument {
        id: id.to_owned(),
        state,
    })
}

fn check(action: Action, known_id: Option<&str>, finding: Finding, expected: &str) {
    let resolution = after_doubt(action, known_id, finding);
    let told = match resolution {
        Resolution::Applied(id) => format!("applied {id:?}"),
        Resolution::Send(id) => format!("send {id:?}"),
        Resolution::Hold(kind, reason) => format!("hold as {kind:?}: {reason}"),
    };
    assert_eq!(told, expected);
}

#[test]
fn doubt_about_a_create_ends_with_a_look() {
    check(
        Action::Create,
        None,
        found("7", State::Open),
        r#"applied Some("7")"#,
    );
    let locked = State::Locked("audited".to_owned());
    check(
        Action::Create,
        None,
        found("7", locked),
        r#"applied Some("7")"#,
    );
    check(Action::Create, None, Finding::Absent, "send None");
    check(
        Action::Create,
        None,
        Finding::CannotTell("no rights".to_owned()),
        "hold as Doubt: the target cannot tell whether it has it: no rights",
    );
}

#[test]
fn doubt_about_a_change_is_sent_again_where_it_may_be() {
    check(
        Action::Update,
        Some("7"),
        found("7", State::Open),
        r#"send Some("7")"#,
    );
    let locked = State::Locked("audited".to_owned());
    check(
        Action::Update,
        Some("7"),
        found("7", locked),
        "hold as Locked: the target says it is audited",
    );
    check(
        Action::Update,
        Some("7"),
        Finding::Absent,
        "hold as Conflict: the target no longer has it",
    );
    check(Action::Cancel, Some("7"), Finding::Absent, "applied None");
}

#[test]
fn another_document_of_the_same_number_is_never_changed() {
    let resolution = before_change(Some("7"), found("8", State::Open));
    assert!(
        matches!(resolution, Resolution::Hold(HoldKind::Conflict, reason) if reason.contains("`8`"))
    );
}
