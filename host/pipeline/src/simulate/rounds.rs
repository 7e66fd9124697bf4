//! Replays that die at every point they come by, and go on until nothing
//! waits: each document stands once, as a person wrote it. And runs by
//! schedule.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duijie_contract::Guarantee;
use duijie_plan::{OnChange, Schedule};
use duijie_schedule::{When, Zone};
use duijie_store::{DeadLetter, Memory, Store};

use super::chaos::{caught, kill_at, spare};
use super::script::{Script, applied, batch};
use super::store::Slow;
use super::tests::{CALM, Play, finish, killed, start};
use super::world::{Fate, SETTLE_MS, Written, plan};
use crate::chaos::Point;
use crate::{Decision, Options, Pick, Purpose, Stop, What, decide, edit, follow};

const SCOPE: &str = "orders";

const PLAY: Play = Play {
    guarantee: Guarantee::Lookup,
    fates: &[Fate::Keep, Fate::Poison, Fate::Reject],
    trouble: 30,
    ..CALM
};

fn letters(store: &Slow) -> Vec<DeadLetter> {
    store.dead_letters(&SCOPE.into()).unwrap()
}

/// What a person writes in place of what was refused.
async fn cure(store: &Slow) -> Vec<Pick> {
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let mut picks = Vec::new();
    for letter in letters(store) {
        let refused = letter.document.unwrap_or(letter.record);
        let text = String::from_utf8(refused).unwrap();
        let text = text.replace("true", "false").replace("Reject", "Keep");
        edit(
            store,
            &claim,
            &letter.source_key,
            &letter.part,
            text.as_bytes(),
        )
        .await
        .unwrap();
        picks.push(Pick {
            source_key: letter.source_key,
            part: letter.part,
            what: What::AsEdited,
        });
    }
    picks
}

async fn replay(options: &Options, store: &Slow) -> Options {
    Options {
        purpose: Purpose::Replay(cure(store).await),
        ..options.clone()
    }
}

/// Whether it died.
async fn one(seed: u64, point: Point, nth: u32) -> bool {
    let (store, options) = start(seed, PLAY, true);
    finish(&options).await;
    let dead = killed(&replay(&options, &store).await, point, nth).await;
    for _ in 0..20 {
        finish(&replay(&options, &store).await).await;
        if letters(&store).is_empty() {
            break;
        }
    }
    finish(&options).await;
    tokio::time::sleep(Duration::from_millis(SETTLE_MS)).await;
    let ground = store.world.ground();
    assert_eq!(ground.wrongs, Vec::<String>::new());
    assert_eq!(letters(&store), []);
    assert_eq!(store.holds(&SCOPE.into()).unwrap(), []);
    assert_eq!(store.open_intents(&SCOPE.into()).unwrap(), []);
    for written in &ground.source {
        let cured = Written {
            fate: Fate::Keep,
            ..written.clone()
        };
        for (_, number, content) in cured.documents() {
            let standing = ground.target.get(&number).map(Vec::as_slice);
            let standing = standing.unwrap_or_default();
            let contents: Vec<_> = standing.iter().map(|one| one.content.as_str()).collect();
            assert_eq!(contents, [content], "{written:?}");
        }
    }
    dead
}

#[test]
fn a_replay_may_die_at_any_point() {
    let points = [
        Point::AfterClaim,
        Point::DuringReplay,
        Point::BeforeIntent,
        Point::AfterSegment,
        Point::AfterIntent,
        Point::DuringSend,
        Point::AfterSend,
        Point::AfterLookup,
        Point::BeforeOutcome,
        Point::AfterOutcome,
        Point::BeforeRunEnds,
    ];
    for point in points {
        let mut deaths = 0;
        for seed in 0..60 {
            let nth = 1 + u32::try_from(seed % 3).unwrap();
            let dead = caught(one(seed, point, nth));
            let dead = dead.unwrap_or_else(|_| panic!("{point:?}, seed {seed}"));
            deaths += u32::from(dead);
        }
        assert!(deaths > 5, "{point:?}: {deaths} deaths");
    }
}

#[test]
fn a_decision_is_whole_or_not_at_all() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (store, options) = start(3, PLAY, true);
        finish(&options).await;
        let items: Vec<_> = letters(&store)
            .into_iter()
            .map(|letter| (letter.source_key, letter.part))
            .collect();
        assert!(items.len() > 1, "{items:?}");
        let claim = store.claim(&SCOPE.into()).await.unwrap();
        let dead = kill_at(Point::DuringReplay, 1);
        tokio::select! {
            biased;
            () = dead.stopped() => {}
            _decided = decide(&*store, &claim, 1, &items, &Decision::Discard) => {}
        }
        spare();
        assert_eq!(letters(&store).len(), items.len());
        decide(&*store, &claim, 1, &items, &Decision::Discard)
            .await
            .unwrap();
        assert_eq!(letters(&store), []);
    });
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_a_command_took_is_taken_back_by_the_next_run() {
    let store: Arc<Memory> = Arc::default();
    let line = r#"{"FBillNo":"CK1"}"#;
    let mut script = Script::new(vec![batch("1", &[("1", "1", line)])]);
    let taken = Arc::clone(&store);
    let stop = Stop::new();
    let seen = stop.clone();
    script.write = Arc::new(move |call, batch| {
        match call {
            0 => drop(at_once(taken.claim(&SCOPE.into())).unwrap()),
            _ => seen.stop(),
        }
        Ok(applied(batch))
    });
    let mut plan = plan(Guarantee::ServerKey, OnChange::Hold, 0);
    plan.target.lookup = false;
    let zone = Zone::named("Asia/Shanghai").unwrap();
    let every = When::Every(Duration::from_secs(60));
    plan.schedule = Some(Schedule::new(every, zone));
    let options = script.options(plan, &store);
    let report = follow(&options, &stop, async |_| None).await.unwrap();
    let report = report.unwrap();
    assert_eq!(report.counts.applied, 1);
    assert_eq!(script.writes.load(Ordering::Relaxed), 2);
}

/// The claim of the memory store is there at once.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}
