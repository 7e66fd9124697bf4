//! What people decide without a send, and what they write.

use duijie_plan::OnChange;
use duijie_record::Action;
use duijie_store::{Came, DocumentState, HoldKind};

use super::people::{FIRST, POISONED, SECOND, World, changed, held};
use crate::{Decision, Error};

#[tokio::test(start_paused = true)]
async fn a_decision_is_the_ledgers_from_then_on() {
    let cases = [
        (
            Decision::Applied {
                id: Some("7".to_owned()),
            },
            DocumentState::Applied,
            "7",
        ),
        (
            Decision::Applied { id: None },
            DocumentState::Applied,
            "id-CK1",
        ),
        (Decision::Discard, DocumentState::Discarded, "id-CK1"),
        (Decision::Keep, DocumentState::Applied, "id-CK1"),
    ];
    for (decision, state, id) in cases {
        let world = changed().await;
        world.decide(&[("1", "")], decision.clone()).await.unwrap();
        assert_eq!(world.holds(), []);
        let row = world.row("1");
        let document = &row.documents[0];
        assert_eq!(document.state, state, "{decision:?}");
        assert_eq!(document.target_id.as_deref(), Some(id));
        let last = document.tries.last().unwrap();
        assert!(matches!(last.came, Came::Decided(_)));
        assert_eq!((last.action, last.at_ms), (Action::Update, 5));

        // Neither the same record nor another manifest brings it back.
        let mut world = world;
        world.plan.manifest_digest = "another".to_owned();
        let report = world.read(&[("1", "v2", SECOND)]).await;
        assert_eq!((report.counts.unchanged, report.counts.held), (1, 0));
        let third = SECOND.replace('2', "3");
        let report = world.read(&[("1", "v3", &third)]).await;
        assert_eq!(report.counts.held, 1, "{decision:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_discarded_letter_is_not_sent_again_until_it_changes() {
    let mut world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    world.decide(&[("1", "")], Decision::Discard).await.unwrap();
    assert_eq!(world.letters(), []);
    world.plan.manifest_digest = "another".to_owned();
    let report = world.read(&[("1", "v1", POISONED)]).await;
    assert_eq!((report.counts.unchanged, report.counts.rejected), (1, 0));
    let report = world.read(&[("1", "v2", FIRST)]).await;
    assert_eq!(report.counts.applied, 1);
}

#[tokio::test(start_paused = true)]
async fn a_held_cancel_that_a_person_did_is_cancelled() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", FIRST)]).await;
    held(&world, HoldKind::Change, Action::Cancel).await;
    let done = Decision::Applied { id: None };
    world.decide(&[("1", "")], done).await.unwrap();
    assert_eq!(world.state("1", ""), DocumentState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn decisions_are_taken_all_or_none() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    let items = [("1", ""), ("2", "")];
    let error = world.decide(&items, Decision::Discard).await.unwrap_err();
    assert!(
        error.to_string().contains("waits under `2`, part ``"),
        "{error}"
    );
    assert_eq!(world.letters().len(), 1);
    assert_eq!(world.state("1", ""), DocumentState::Rejected);
    let error = world
        .decide(&[("1", "")], Decision::Keep)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("nothing of it stands"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_transform_refused_cannot_count_as_applied() {
    let world = World::mapped(OnChange::Hold);
    let line = r#"{"no":"CK","parts":"a","is":"unmapped","a":1}"#;
    world.read(&[("1", "v1", line)]).await;
    let done = Decision::Applied { id: None };
    let error = world.decide(&[("1", "")], done).await.unwrap_err();
    assert!(
        error.to_string().contains("before it became a document"),
        "{error}"
    );
    world.decide(&[("1", "")], Decision::Discard).await.unwrap();
    assert_eq!(world.state("1", ""), DocumentState::Discarded);
}

#[tokio::test(start_paused = true)]
async fn only_a_json_object_takes_the_place_of_a_document() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    for text in ["{\"a\":", "[1]", "{} {}", ""] {
        let error = world.edit("1", "", text).await.unwrap_err();
        assert!(matches!(error, Error::NotJson { .. }), "{text}: {error}");
    }
    assert_eq!(world.letters()[0].edited, None);
    let error = world.edit("1", "x", "{}").await.unwrap_err();
    assert!(matches!(error, Error::NothingWaits { .. }), "{error}");
}
