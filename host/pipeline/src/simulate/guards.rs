//! Every point at which a process may die, and every guard: with it all is
//! well, and without it the same plays end wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use duijie_contract::Guarantee;
use duijie_store::{Caution, Change, Memory, Store};

use super::chaos::take_away;
use super::checks::check as check_end;
use super::launch::Fakes;
use super::store::Slow;
use super::tests::{CALM, Play, cut_short, finish, holds, start};
use super::world::Fate;
use crate::Options;
use crate::chaos::{Guard, Point};

const POINTS: [Point; 15] = [
    Point::AfterClaim,
    Point::RecoveryBegins,
    Point::RecoveryLookedUp,
    Point::BeforeIntent,
    Point::AfterSegment,
    Point::AfterIntent,
    Point::DuringSend,
    Point::AfterSend,
    Point::AfterLookup,
    Point::AfterBisect,
    Point::BeforeOutcome,
    Point::AfterOutcome,
    Point::BeforeCheckpoint,
    Point::AfterCheckpoint,
    Point::BeforeRunEnds,
];

#[test]
fn a_process_may_die_at_any_point() {
    let play = Play {
        guarantee: Guarantee::Lookup,
        versions: 3,
        fates: &[Fate::Keep, Fate::Keep, Fate::Poison],
        trouble: 30,
        cut_short: 2,
        ..CALM
    };
    at_every_point(play);
}

/// All is well wherever a process dies, and some do die everywhere.
#[track_caller]
pub(super) fn at_every_point(play: Play) {
    for point in POINTS {
        // Something is recovered only where an earlier run died in the middle.
        let recovers = matches!(point, Point::RecoveryBegins | Point::RecoveryLookedUp);
        let mut deaths = 0;
        for seed in 0..200 {
            let nth = 1 + u32::try_from(seed % 5).unwrap();
            let before = (Point::AfterIntent, nth);
            let last = match point {
                Point::AfterClaim | Point::BeforeRunEnds => (point, 1),
                _ if recovers => (point, 1),
                _ => (point, nth),
            };
            let kills = if recovers {
                vec![before, last]
            } else {
                vec![last]
            };
            let dead = holds(seed, play, &kills, true);
            let dead = dead.unwrap_or_else(|_| panic!("{point:?}, seed {seed}"));
            deaths += u32::from(dead);
        }
        assert!(deaths > 20, "{point:?}: {deaths} deaths");
    }
}

/// All is well with the guard, and without it a few hundred seeds find a
/// fault.
#[track_caller]
fn check(guard: Guard, play: Play, kill: Option<Point>) {
    const SEEDS: u64 = 300;
    let well = |seed: u64| {
        let nth = 1 + u32::try_from(seed % 4).unwrap();
        let kills: Vec<_> = kill.into_iter().map(|point| (point, nth)).collect();
        holds(seed, play, &kills, false).is_ok()
    };
    assert!((0..SEEDS).all(well), "with {guard:?}");
    take_away(Some(guard));
    let found = (0..SEEDS).find(|seed| !well(*seed));
    take_away(None);
    assert!(found.is_some(), "without {guard:?} nothing goes wrong");
}

const ROUGH: Play = Play {
    trouble: 40,
    cut_short: 3,
    ..CALM
};

#[test]
fn the_intent_is_durable_before_the_send() {
    let point = Some(Point::AfterSend);
    check(Guard::IntentBeforeSend, CALM, point);
}

#[test]
fn outcomes_are_durable_before_the_checkpoint() {
    let point = Some(Point::AfterCheckpoint);
    check(Guard::OutcomeBeforeCheckpoint, CALM, point);
}

#[test]
fn the_checkpoint_waits_for_the_slowest_page() {
    let play = Play {
        trouble: 40,
        ..CALM
    };
    check(Guard::ContiguousPrefix, play, Some(Point::AfterCheckpoint));
}

#[test]
fn an_open_intent_is_looked_up_before_it_is_sent_again() {
    check(Guard::LookUpInDoubt, ROUGH, None);
}

#[test]
fn a_look_up_is_believed_after_the_settle_time() {
    check(Guard::SettleTime, ROUGH, None);
}

#[test]
fn no_answer_is_no_failure() {
    check(Guard::UnknownIsNotFailure, ROUGH, None);
}

#[test]
fn the_ledger_tells_what_was_dealt_with() {
    check(Guard::LedgerDedup, ROUGH, None);
}

#[test]
fn a_key_has_one_open_intent() {
    let play = Play {
        versions: 5,
        ..ROUGH
    };
    check(Guard::OneIntentPerKey, play, None);
}

#[test]
fn a_lower_version_does_not_follow_a_higher_one() {
    let play = Play {
        versions: 5,
        ..CALM
    };
    check(Guard::VersionOrder, play, None);
}

#[test]
fn the_targets_state_is_read_before_a_change() {
    let play = Play {
        versions: 4,
        locked: true,
        guarantee: Guarantee::UniqueKey,
        ..CALM
    };
    check(Guard::ReadBeforeChange, play, None);
}

/// A store restored from a backup that knows nothing, after whole runs.
fn restored(seed: u64) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let play = Play {
        trouble: 20,
        ..CALM
    };
    let run = async {
        let (old, options) = start(seed, play, false);
        cut_short(&options, &old.world).await;
        let store = Arc::new(Slow {
            memory: Memory::new(),
            world: Arc::clone(&old.world),
        });
        let claim = store.claim(&options.plan.scope).await.unwrap();
        let caution = Caution {
            reason: "restored from a backup".to_owned(),
            at_ms: 1,
        };
        let changes = vec![Change::Caution(Some(caution))];
        store.memory.commit(&claim, changes).await.unwrap();
        let launch = Arc::new(Fakes {
            world: Arc::clone(&old.world),
            store: Arc::clone(&store),
        });
        let restored = Options {
            launch,
            store: Arc::clone(&store) as Arc<dyn Store>,
            ..options
        };
        finish(&restored).await;
        check_end(&store, &restored.plan, false);
        assert_eq!(store.caution(&restored.plan.scope).unwrap(), None);
    };
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(run))).is_ok()
}

#[test]
fn after_a_restore_a_key_is_looked_up_before_it_is_sent() {
    assert!((0..300).all(restored));
    take_away(Some(Guard::Caution));
    let found = (0..300).find(|seed| !restored(*seed));
    take_away(None);
    assert!(found.is_some(), "without caution nothing goes wrong");
}
