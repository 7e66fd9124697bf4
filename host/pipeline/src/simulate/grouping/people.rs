//! What people do about records and groups that wait for them.

use std::sync::Arc;

use duijie_plan::{Close, Late, Plan};
use duijie_record::{Finding, Outcome, Rejection, Retry, TargetKey};
use duijie_store::{Caution, Change, HoldKind, Memory, Store};

use super::{AT_END, SCOPE, grouping, holds, script, sent};
use crate::simulate::script::{Script, found};
use crate::{End, Pick, Purpose, Report, Stop, What, run};

async fn replay(
    script: &Script,
    store: &Arc<Memory>,
    plan: Plan,
    picks: &[(&str, What)],
) -> Report {
    let picks = picks.iter().map(|(key, what)| Pick {
        source_key: (*key).into(),
        part: String::new(),
        what: *what,
    });
    let mut options = script.options(plan, store);
    options.purpose = Purpose::Replay(picks.collect());
    run(&options, &Stop::new()).await.unwrap()
}

/// Refuses everything.
fn refusing(pages: &[&[&str]]) -> Script {
    let mut script = script(pages);
    script.write = Arc::new(|_, batch| {
        let refusal = Rejection {
            code: "sim.bad".to_owned(),
            message: "no".to_owned(),
            field: None,
            retry: Retry::Never,
        };
        Ok(vec![Outcome::Rejected(refusal); batch.entries.len()])
    });
    script
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_refused_is_one_dead_letter_and_is_replayed_with_the_same_members() {
    let store: Arc<Memory> = Arc::default();
    let plan = grouping(AT_END, Late::Hold);
    refusing(&[&["a W1 1", "b W1 2"]])
        .run(plan.clone(), &store)
        .await;
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].source_key.as_str(), "group:W1#1");
    let members = |store: &Memory| {
        let place = crate::group::place("group:W1#1").unwrap();
        store.members(&SCOPE.into(), &place).unwrap().len()
    };
    // A later run sends nothing of it again, and keeps what it is made of.
    let idle = script(&[&["a W1 1"]]);
    idle.run(plan.clone(), &store).await;
    assert_eq!((sent(&idle).len(), members(&store)), (0, 2));
    // What was laid aside is gone, as after a power cut.
    let mut lost = letters[0].clone();
    lost.record.clear();
    let mut row = store.ledger(&SCOPE.into(), &["group:W1#1".into()]).unwrap();
    let mut row = row.remove(0).unwrap();
    row.record = None;
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let changes = vec![
        duijie_store::Change::DeadLetter(lost),
        duijie_store::Change::Ledger(row),
    ];
    store.commit(&claim, changes).await.unwrap();
    let mended = script(&[]);
    let picks = [("group:W1#1", What::Again)];
    let report = replay(&mended, &store, plan.clone(), &picks).await;
    assert_eq!(report.counts.applied, 1, "{report:?}");
    assert_eq!(sent(&mended), ["W1-1 a+b 3"]);
    assert_eq!(store.dead_letters(&SCOPE.into()).unwrap(), []);
    script(&[]).run(plan, &store).await;
    assert_eq!(members(&store), 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_names_no_group_is_a_dead_letter_until_it_does() {
    let store: Arc<Memory> = Arc::default();
    let plan = grouping(AT_END, Late::Hold);
    let first = script(&[&["a - 1", "b W1 2", "c W1 \"x\""]]);
    let report = first.run(plan.clone(), &store).await;
    assert_eq!(
        (report.counts.rejected, sent(&first)),
        (2, vec!["W1-1 b 2".to_owned()])
    );
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    let told: Vec<(&str, Option<&str>)> = letters
        .iter()
        .map(|letter| (letter.code.as_str(), letter.field.as_deref()))
        .collect();
    let expected = [
        ("pipeline.group_key", Some("parts")),
        ("pipeline.group_value", Some("v")),
    ];
    assert_eq!(told, expected);
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let edited = br#"{"no":"a","parts":"W2","v":1}"#;
    crate::edit(&*store, &claim, &"a".into(), "", edited)
        .await
        .unwrap();
    let replayed = script(&[]);
    replay(&replayed, &store, plan.clone(), &[("a", What::AsEdited)]).await;
    let second = script(&[&["a - 1", "c W3 4 2"]]);
    let report = second.run(plan, &store).await;
    assert_eq!(report.counts.unchanged, 1);
    assert_eq!(sent(&second), ["W2-1 a 1", "W3-1 c 4"]);
    assert_eq!(store.dead_letters(&SCOPE.into()).unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_late_record_is_held_and_a_person_sends_it_as_a_part_of_its_own() {
    let store: Arc<Memory> = Arc::default();
    let plan = grouping(AT_END, Late::Hold);
    script(&[&["a W1 1"]]).run(plan.clone(), &store).await;
    let second = script(&[&["b W1 2", "c W1 4", "a W1 9 2"]]);
    let report = second.run(plan.clone(), &store).await;
    assert_eq!((report.counts.held, sent(&second).len()), (3, 0));
    let told = [
        "a changed at the source after `group:W1#1` was sent with it",
        "b it came after its group `W1` was sent",
        "c it came after its group `W1` was sent",
    ];
    assert_eq!(holds(&store), told);
    let third = script(&[]);
    let picks = [("b", What::Resend), ("c", What::Again)];
    let report = replay(&third, &store, plan.clone(), &picks).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert_eq!(sent(&third), ["W1-2 b+c 6"]);
    assert_eq!(holds(&store), told[..1]);
    let again = script(&[&["b W1 2", "c W1 4", "a W1 9 2"]]);
    let report = again.run(plan, &store).await;
    assert_eq!((report.counts.unchanged, sent(&again).len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_sent_beside_a_refused_one_is_never_used_again() {
    // The first part is closed by its rule, or because it is full.
    for count in [AT_END.count, 1] {
        let store: Arc<Memory> = Arc::default();
        let plan = grouping(Close { count, ..AT_END }, Late::Next);
        refusing(&[&["a W1 1"]]).run(plan.clone(), &store).await;
        let closed = grouping(AT_END, Late::Next);
        let second = script(&[&["b W1 2"]]);
        second.run(closed.clone(), &store).await;
        assert_eq!(sent(&second), ["W1-2 b 2"]);
        // Lets go of what the second part was made of.
        script(&[]).run(closed.clone(), &store).await;
        let last = script(&[&["c W1 4"]]);
        last.run(closed, &store).await;
        assert_eq!(sent(&last), ["W1-3 c 4"], "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_sent_before_a_restore_waits_for_a_person() {
    let store: Arc<Memory> = Arc::default();
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let caution = Caution {
        reason: "restored from a backup".to_owned(),
        at_ms: 1,
    };
    let changes = vec![Change::Caution(Some(caution))];
    store.commit(&claim, changes).await.unwrap();
    let mut script = script(&[&["a W1 1", "b W2 2"]]);
    script.find = Arc::new(|key: &TargetKey| match key.as_str() {
        "W1-1" => found(key),
        _ => Finding::Absent,
    });
    script.run(grouping(AT_END, Late::Hold), &store).await;
    assert_eq!(sent(&script), ["W2-1 b 2"]);
    let held = store.holds(&SCOPE.into()).unwrap();
    assert_eq!((held.len(), held[0].kind), (1, HoldKind::Caution));
    assert_eq!(held[0].source_key.as_str(), "group:W1#1");
}
