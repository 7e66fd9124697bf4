//! A source whose records come again until each was acknowledged: whatever
//! fails and wherever a process dies, each is told once its outcome is
//! durable, and none before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use duijie_contract::Guarantee;
use duijie_plan::OnChange;
use duijie_record::{Resolution, SourceKey, Version};
use duijie_store::Store;

use super::chaos::caught;
use super::checks::check;
use super::launch::Fakes;
use super::tests::{ALL, CALM, Play, cut_short, finish, killed, start};
use super::world::{Fate, SETTLE_MS, Written};
use crate::chaos::Point;
use crate::owed::resolution;
use crate::{Decision, End, Options, Report, Stop, decide, run};

mod queue;

use queue::{Drains, Queue, token};

fn drained(seed: u64, play: Play) -> (Queue, Options) {
    let (store, options) = start(seed, play, true);
    let rows = store.world.ground().source.len();
    let refused = match play.trouble {
        0 => BTreeSet::new(),
        _ => (0..rows)
            .filter(|row| (row + 3) % 7 == 0)
            .map(token)
            .collect(),
    };
    let queue = Queue {
        store: Arc::clone(&store),
        told: Arc::default(),
        refused: Arc::new(refused),
        mute: Arc::default(),
    };
    let mut plan = (*options.plan).clone();
    plan.drains = true;
    let fakes = Fakes {
        world: Arc::clone(&store.world),
        store,
    };
    let options = Options {
        plan: Arc::new(plan),
        launch: Arc::new(Drains {
            fakes,
            queue: queue.clone(),
        }),
        ..options
    };
    (queue, options)
}

/// Everything was told, but for what waits for a person.
fn all_told(queue: &Queue, options: &Options) {
    let scope = &options.plan.scope;
    let store = &queue.store.memory;
    assert_eq!(store.owed(scope).unwrap(), []);
    assert_eq!(store.checkpoint(scope, "").unwrap(), None);
    let told = queue.told();
    for (row, written) in queue.rows().iter().enumerate() {
        let key = SourceKey(written.key.clone());
        let known = store.ledger(scope, &[key]).unwrap().remove(0).unwrap();
        let is_newest = known.version == Some(Version(written.version()));
        let word = resolution(&known.documents).filter(|_| is_newest);
        let waits = is_newest && word.is_none();
        let told = told.get(&token(row)).map(Vec::as_slice).unwrap_or_default();
        if waits || queue.refused.contains(&token(row)) {
            assert_eq!(told, [], "{written:?}");
            continue;
        }
        let last = told
            .last()
            .unwrap_or_else(|| panic!("no word of {written:?}"));
        // An equal version of another line counts as the same.
        if let Some(word) = word {
            let kind = std::mem::discriminant::<Resolution>;
            assert_eq!(kind(last), kind(&word), "{written:?}");
        }
    }
}

async fn one(seed: u64, play: Play, kills: &[(Point, u32)]) -> bool {
    let (queue, options) = drained(seed, play);
    let world = &queue.store.world;
    let mut dead = false;
    for (point, nth) in kills {
        dead = killed(&options, *point, *nth).await;
    }
    for _ in 0..world.below(play.cut_short + 1) {
        cut_short(&options, world).await;
    }
    finish(&options).await;
    tokio::time::sleep(Duration::from_millis(SETTLE_MS)).await;
    let may_hold = play.fates.len() > 1 || play.versions > 1;
    check(&queue.store, &options.plan, may_hold);
    let writes = world.ground().writes;
    finish(&options).await;
    check(&queue.store, &options.plan, may_hold);
    all_told(&queue, &options);
    let after = world.ground().writes;
    assert_eq!(after, writes, "what came again was written again");
    dead
}

#[track_caller]
fn play(seeds: u64, play: Play, kills: impl Fn(u64) -> Vec<(Point, u32)>) -> u32 {
    let mut deaths = 0;
    for seed in 0..seeds {
        let kills = kills(seed);
        let dead = caught(one(seed, play, &kills));
        deaths += u32::from(dead.unwrap_or_else(|_| panic!("{kills:?}, seed {seed}")));
    }
    deaths
}

const ROUGH: Play = Play {
    trouble: 30,
    cut_short: 3,
    ..CALM
};

#[test]
fn every_record_is_told_once_it_stands_whatever_fails() {
    play(500, CALM, |_| Vec::new());
    play(1_000, ROUGH, |_| Vec::new());
}

#[test]
fn what_is_refused_dropped_or_superseded_is_told_too_and_what_is_held_is_not() {
    let mixed = Play {
        guarantee: Guarantee::UniqueKey,
        versions: 3,
        fates: ALL,
        ..ROUGH
    };
    play(1_000, mixed, |_| Vec::new());
}

#[test]
fn a_process_may_die_at_any_point() {
    let points = [
        Point::AfterClaim,
        Point::BeforeIntent,
        Point::AfterSegment,
        Point::AfterIntent,
        Point::DuringSend,
        Point::AfterSend,
        Point::AfterLookup,
        Point::BeforeOutcome,
        Point::AfterOutcome,
        Point::BeforeAcknowledge,
        Point::AfterAcknowledge,
        Point::BeforeRunEnds,
    ];
    let mixed = Play {
        fates: &[Fate::Keep, Fate::Keep, Fate::Poison],
        versions: 2,
        ..ROUGH
    };
    for point in points {
        let once = matches!(point, Point::AfterClaim | Point::BeforeRunEnds);
        let nth = |seed: u64| if once { 1 } else { 1 + (seed % 3) as u32 };
        let deaths = play(150, mixed, |seed| vec![(point, nth(seed))]);
        assert!(deaths > 10, "{point:?}: {deaths} deaths");
    }
}

async fn live(options: &Options) -> Report {
    run(options, &Stop::new()).await.unwrap()
}

/// Three documents, each of one record.
fn three() -> (Queue, Options) {
    let (queue, mut options) = drained(1, CALM);
    Arc::make_mut(&mut options.plan).policy.on_change = OnChange::Hold;
    let row = |key: &str| Written {
        key: key.to_owned(),
        version: 0,
        parts: 1,
        fate: Fate::Keep,
    };
    queue.world().ground().source = ["CK1", "CK2", "CK3"].map(row).to_vec();
    (queue, options)
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_stays_owed_while_the_source_tells_nothing() {
    let (queue, options) = three();
    *queue.mute.lock().unwrap() = true;
    let report = live(&options).await;
    let End::Failed(error) = &report.end else {
        panic!("{report:?}");
    };
    let error = error.to_string();
    assert!(
        error.contains("cannot be told whether it was acknowledged"),
        "{error}"
    );
    let scope = &options.plan.scope;
    let owed = queue.store.memory.owed(scope).unwrap();
    assert!(!owed.is_empty());
    let writes = queue.world().ground().writes;
    *queue.mute.lock().unwrap() = false;
    let report = live(&options).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert_eq!(queue.store.memory.owed(scope).unwrap(), []);
    assert_eq!(queue.told().len(), 3);
    let standing = queue.world().ground().target.len() as u64;
    assert_eq!((standing, queue.world().ground().writes), (3, 3));
    assert_eq!(writes, owed.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_held_record_comes_again_and_is_told_when_a_person_has_decided() {
    let (queue, options) = three();
    live(&options).await;
    let later = Written {
        version: 1,
        ..queue.rows()[0].clone()
    };
    queue.world().ground().source.push(later);
    for _ in 0..2 {
        let report = live(&options).await;
        assert!(matches!(report.end, End::Finished), "{report:?}");
        assert!(!queue.told().contains_key(&token(3)));
    }
    let store = &queue.store;
    let hold = store.holds(&options.plan.scope).unwrap().remove(0);
    let claim = store.claim(&options.plan.scope).await.unwrap();
    let items = [(hold.source_key, hold.part)];
    let decided = decide(&**store, &claim, 1, &items, &Decision::Discard);
    decided.await.unwrap();
    live(&options).await;
    let word = "a person decided that it is not sent".to_owned();
    assert_eq!(queue.told()[&token(3)], [Resolution::Dropped(word)]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_told_is_not_read() {
    let (queue, options) = three();
    let fakes = Fakes {
        world: Arc::clone(&queue.store.world),
        store: Arc::clone(&queue.store),
    };
    let options = Options {
        launch: Arc::new(fakes),
        ..options
    };
    let report = live(&options).await;
    let End::Failed(error) = &report.end else {
        panic!("{report:?}");
    };
    assert!(
        error.to_string().contains("cannot be told what became"),
        "{error}"
    );
    assert_eq!(queue.world().ground().writes, 0);
}
