//! Holds that a person sends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use duijie_contract::Guarantee;
use duijie_plan::OnChange;
use duijie_record::{Action, Finding, Outcome, Rejection, Retry};
use duijie_store::{Change, DocumentState, HoldKind, Store};

use super::people::{FIRST, SCOPE, SECOND, World, after, changed, held, sent};
use super::script::found;
use super::world::plan;
use crate::What;

#[tokio::test(start_paused = true)]
async fn a_held_change_that_is_resent_updates_what_stands() {
    let world = changed().await;
    let script = after();
    let report = world.replay(&[("1", "", What::Resend)], &script).await;
    assert_eq!(report.counts.applied, 1);
    let id = Some("id-CK1".to_owned());
    assert_eq!(sent(&script), [(Action::Update, id, SECOND.to_owned())]);
    assert_eq!(world.holds(), []);
    let report = world.read(&[("1", "v2", SECOND)]).await;
    assert_eq!(report.counts.unchanged, 1);
}

#[tokio::test(start_paused = true)]
async fn a_held_change_is_mapped_again_where_it_is_wished() {
    let world = World::mapped(OnChange::Hold);
    world
        .read(&[("1", "v1", r#"{"no":"CK","parts":"b","is":"1"}"#)])
        .await;
    world
        .read(&[("1", "v2", r#"{"no":"CK","parts":"b","is":"unlike"}"#)])
        .await;
    let script = after();
    let report = world.replay(&[("1", "b", What::Again)], &script).await;
    assert_eq!(report.counts.applied, 1, "{report:?}");
    let line = r#"{"FBillNo":"CKb","is":"unlike"}"#.to_owned();
    let id = Some("id-CKb".to_owned());
    assert_eq!(sent(&script), [(Action::Update, id, line)]);
    assert_eq!(world.holds(), []);
}

/// What a resend comes to: writes, and kinds of what is still held.
async fn resent(kind: HoldKind, finding: Finding) -> (usize, Vec<HoldKind>) {
    let resent = gone_on(kind, finding.clone(), What::Resend).await;
    assert_eq!(gone_on(kind, finding, What::Again).await, resent);
    resent
}

async fn gone_on(kind: HoldKind, finding: Finding, what: What) -> (usize, Vec<HoldKind>) {
    let world = World::plain(OnChange::Hold);
    held(&world, kind, Action::Create).await;
    let mut script = after();
    script.find = Arc::new(move |_| finding.clone());
    world.replay(&[("1", "", what)], &script).await;
    let holds = world.holds().into_iter().map(|hold| hold.kind);
    (script.writes.load(Ordering::Relaxed), holds.collect())
}

#[tokio::test(start_paused = true)]
async fn a_held_create_is_looked_up_before_it_is_resent() {
    use HoldKind::{Conflict, Doubt, Twice};
    let there = found(&"CK1".into());
    assert_eq!(resent(Doubt, there.clone()).await, (0, vec![]));
    assert_eq!(resent(Doubt, Finding::Absent).await, (1, vec![]));
    assert_eq!(resent(Conflict, Finding::Absent).await, (1, vec![]));
    assert_eq!(resent(Conflict, there.clone()).await, (0, vec![Conflict]));
    assert_eq!(resent(Twice, there).await, (0, vec![]));
    let twice = Finding::FoundTwice(Vec::new());
    assert_eq!(resent(Twice, twice).await, (0, vec![Twice]));
}

#[tokio::test(start_paused = true)]
async fn a_person_may_send_what_the_target_cannot_be_asked_about() {
    let mut world = World::plain(OnChange::Hold);
    world.plan = plan(Guarantee::None, OnChange::Hold, 0);
    held(&world, HoldKind::Caution, Action::Create).await;
    let claim = world.store.claim(&SCOPE.into()).await.unwrap();
    let caution = duijie_store::Caution {
        reason: "restored from a backup".to_owned(),
        at_ms: 1,
    };
    let change = Change::Caution(Some(caution.clone()));
    world.store.commit(&claim, vec![change]).await.unwrap();
    let script = after();
    let report = world.replay(&[("1", "", What::Resend)], &script).await;
    assert_eq!(report.counts.applied, 1);
    assert_eq!(world.holds(), []);
    // Nothing else was looked up: the caution stays.
    let kept = world.store.caution(&SCOPE.into()).unwrap();
    assert_eq!(kept, Some(caution));
}

#[tokio::test(start_paused = true)]
async fn a_held_cancel_that_is_resent_cancels() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", FIRST)]).await;
    held(&world, HoldKind::Change, Action::Cancel).await;
    let script = after();
    let report = world.replay(&[("1", "", What::Resend)], &script).await;
    assert_eq!(report.counts.applied, 1);
    let id = Some("id-CK1".to_owned());
    assert_eq!(sent(&script), [(Action::Cancel, id, "{}".to_owned())]);
    assert_eq!(world.state("1", ""), DocumentState::Cancelled);
    assert_eq!(world.holds(), []);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_refused_when_it_is_resent_becomes_a_dead_letter() {
    let world = changed().await;
    let mut script = after();
    script.write = Arc::new(|_, _| {
        Ok(vec![Outcome::Rejected(Rejection {
            code: "sim.bad".to_owned(),
            message: "no".to_owned(),
            field: None,
            retry: Retry::Never,
        })])
    });
    world.replay(&[("1", "", What::Resend)], &script).await;
    assert_eq!(world.holds(), []);
    assert_eq!(world.letters().len(), 1);
    assert_eq!(world.state("1", ""), DocumentState::Rejected);
}
