//! Seeded schedules. A failing seed is in the message; `SEED=n` runs it alone.

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::Guarantee;
use duijie_plan::OnChange;
use duijie_store::{Memory, Store};

use super::chaos::{caught, kill_at, spare};
use super::checks::check;
use super::launch::Fakes;
use super::store::Slow;
use super::world::{Fate, SETTLE_MS, World, Written, plan};
use crate::chaos::Point;
use crate::{End, Options, Silent, Stop, VirtualClock, run};

const SEEDS: u64 = 2_000;
/// So many tries are never used up.
pub(super) const PLENTY: u32 = 40;

/// What one seed plays.
#[derive(Clone, Copy)]
pub(super) struct Play {
    pub(super) guarantee: Guarantee,
    /// Versions of one document, at most.
    pub(super) versions: u64,
    pub(super) fates: &'static [Fate],
    pub(super) trouble: u64,
    /// Whether the target lets some documents be changed no more.
    pub(super) locked: bool,
    /// Runs that end in the middle, by a crash or by a wish.
    pub(super) cut_short: u64,
    /// Tries of a call; a run whose tries are used up fails and is run again.
    pub(super) attempts: u32,
    /// What documents go through after they were written.
    pub(super) steps: &'static [&'static str],
}

/// Whole runs that are not killed at a point of their own.
pub(super) const CALM: Play = Play {
    guarantee: Guarantee::Lookup,
    versions: 1,
    fates: &[Fate::Keep],
    trouble: 0,
    locked: false,
    cut_short: 0,
    attempts: PLENTY,
    steps: &[],
};

pub(super) fn play(play: Play) {
    let only = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    for seed in seeds {
        if holds(seed, play, &[], true).is_err() {
            panic!("seed {seed}");
        }
    }
}

/// Whether all is well in the end, and whether the last kill took place.
pub(super) fn holds(
    seed: u64,
    play: Play,
    kills: &[(Point, u32)],
    watchful: bool,
) -> std::thread::Result<bool> {
    caught(one(seed, play, kills, watchful))
}

/// A store and a world, and what runs between them.
pub(super) fn start(seed: u64, play: Play, watchful: bool) -> (Arc<Slow>, Options) {
    let upsert = play.guarantee == Guarantee::NaturalUpsert;
    let whole = play.attempts < PLENTY;
    let world = World::new(seed, play.trouble, upsert, whole, watchful);
    let policies = [OnChange::Hold, OnChange::Update, OnChange::Ignore];
    let on_change = policies[world.below(3) as usize];
    fill(&world, play);
    let store = Arc::new(Slow {
        memory: Memory::new(),
        world: Arc::clone(&world),
    });
    let mut plan = plan(play.guarantee, on_change, 1);
    plan.policy.retries.attempts = play.attempts;
    plan.target.steps = play.steps.iter().map(|step| (*step).to_owned()).collect();
    let options = Options {
        plan: Arc::new(plan),
        launch: Arc::new(Fakes {
            world: Arc::clone(&world),
            store: Arc::clone(&store),
        }),
        store: Arc::clone(&store) as Arc<dyn Store>,
        clock: Arc::new(VirtualClock::starting_at(1_700_000_000_000)),
        observer: Arc::new(Silent),
        seed,
        checkpoint_every: 3,
        purpose: crate::Purpose::Live,
    };
    (store, options)
}

async fn one(seed: u64, play: Play, kills: &[(Point, u32)], watchful: bool) -> bool {
    let (store, options) = start(seed, play, watchful);
    let (world, plan) = (&store.world, &options.plan);
    let may_hold = (plan.policy.on_change == OnChange::Hold && play.versions > 1)
        || play.fates.len() > 1
        || play.locked
        || (!play.steps.is_empty() && play.versions > 1)
        || !plan.target.lookup;
    let mut dead = false;
    for (point, nth) in kills {
        dead = killed(&options, *point, *nth).await;
    }
    for _ in 0..world.below(play.cut_short + 1) {
        cut_short(&options, world).await;
    }
    finish(&options).await;
    tokio::time::sleep(Duration::from_millis(SETTLE_MS)).await;
    check(&store, plan, may_hold);
    let writes = world.ground().writes;
    finish(&options).await;
    assert_eq!(world.ground().writes, writes, "a second run wrote again");
    check(&store, plan, may_hold);
    dead
}

/// One run, dead when it comes to the point for the nth time.
pub(super) async fn killed(options: &Options, point: Point, nth: u32) -> bool {
    let dead = kill_at(point, nth);
    let stop = Stop::new();
    tokio::select! {
        biased;
        () = dead.stopped() => {}
        _ended = run(options, &stop) => {}
    }
    spare();
    dead.is_stopped()
}

/// With few tries, runs fail until one does not.
pub(super) async fn finish(options: &Options) {
    for _ in 0..1_000 {
        let report = run(options, &Stop::new()).await.unwrap();
        match report.end {
            End::Finished => return,
            End::Failed(_) if few_tries(options) => {}
            _ => panic!("{report:?}"),
        }
    }
    panic!("no run finished");
}

fn few_tries(options: &Options) -> bool {
    options.plan.policy.retries.attempts < PLENTY
}

pub(super) async fn cut_short(options: &Options, world: &World) {
    let after = Duration::from_millis(world.below(250));
    let stop = Stop::new();
    let way = world.below(3);
    if way == 0 {
        let point = Point::ALL[world.below(Point::ALL.len() as u64) as usize];
        let nth = 1 + world.below(4) as u32;
        let most = tokio::time::timeout(Duration::from_secs(3_600), killed(options, point, nth));
        drop(most.await);
        return;
    }
    if way == 1 {
        let crashed = tokio::time::timeout(after, run(options, &stop)).await;
        drop(crashed);
        return;
    }
    let stopped = async {
        tokio::time::sleep(after).await;
        stop.stop();
    };
    let (report, ()) = tokio::join!(run(options, &stop), stopped);
    let report = report.unwrap();
    let failed = matches!(report.end, End::Failed(_));
    assert!(!failed || few_tries(options), "{report:?}");
}

/// Versions of a few documents in any order, backwards too.
fn fill(world: &World, play: Play) {
    let keys = 1 + world.below(12);
    let mut source = Vec::new();
    for key in 0..keys {
        let parts = if world.below(4) == 0 { 2 } else { 1 };
        for version in 0..=world.below(play.versions) {
            let fate = play.fates[world.below(play.fates.len() as u64) as usize];
            source.push(Written {
                key: format!("CK{key}"),
                version: version as u32,
                parts,
                fate,
            });
        }
    }
    for place in (1..source.len()).rev() {
        source.swap(place, world.below(place as u64 + 1) as usize);
    }
    let mut ground = world.ground();
    if play.locked {
        ground.locked = (0..keys / 2).map(|key| format!("CK{key}")).collect();
    }
    ground.source = source;
}

pub(super) const ALL: &[Fate] = &[
    Fate::Keep,
    Fate::Keep,
    Fate::Keep,
    Fate::Drop,
    Fate::Reject,
    Fate::Poison,
    Fate::Delete,
];

#[test]
fn every_document_arrives_once_when_nothing_fails() {
    play(Play {
        guarantee: Guarantee::UniqueKey,
        versions: 1,
        fates: &[Fate::Keep],
        trouble: 0,
        locked: false,
        cut_short: 0,
        attempts: PLENTY,
        steps: &[],
    });
}

#[test]
fn every_document_arrives_once_whatever_fails() {
    play(Play {
        guarantee: Guarantee::Lookup,
        versions: 1,
        fates: &[Fate::Keep],
        trouble: 40,
        locked: false,
        cut_short: 0,
        attempts: PLENTY,
        steps: &[],
    });
}

#[test]
fn every_document_arrives_once_though_runs_are_cut_short() {
    play(Play {
        guarantee: Guarantee::Lookup,
        versions: 1,
        fates: &[Fate::Keep],
        trouble: 40,
        locked: false,
        cut_short: 5,
        attempts: PLENTY,
        steps: &[],
    });
}

#[test]
fn changes_follow_the_policy_whatever_fails() {
    play(Play {
        guarantee: Guarantee::UniqueKey,
        versions: 4,
        fates: ALL,
        trouble: 30,
        locked: false,
        cut_short: 5,
        attempts: PLENTY,
        steps: &[],
    });
}

#[test]
fn a_target_that_upserts_ends_with_the_newest() {
    play(Play {
        guarantee: Guarantee::NaturalUpsert,
        versions: 3,
        fates: &[Fate::Keep],
        trouble: 40,
        locked: false,
        cut_short: 5,
        attempts: PLENTY,
        steps: &[],
    });
}

#[test]
fn a_target_that_promises_nothing_gets_no_document_twice() {
    play(Play {
        guarantee: Guarantee::None,
        versions: 3,
        fates: &[Fate::Keep],
        trouble: 40,
        locked: false,
        cut_short: 5,
        attempts: PLENTY,
        steps: &[],
    });
}

#[test]
fn a_locked_document_is_held_and_not_changed() {
    play(Play {
        guarantee: Guarantee::UniqueKey,
        versions: 4,
        fates: &[Fate::Keep],
        trouble: 20,
        locked: true,
        cut_short: 3,
        attempts: PLENTY,
        steps: &[],
    });
}

#[test]
fn the_newest_version_stands_after_updates_whatever_fails() {
    play(Play {
        guarantee: Guarantee::ServerKey,
        versions: 6,
        fates: &[Fate::Keep],
        trouble: 40,
        locked: false,
        cut_short: 6,
        attempts: PLENTY,
        steps: &[],
    });
}

/// The same with so few tries that many runs fail.
fn play_with_few_tries(guarantee: Guarantee, attempts: u32, versions: u64) {
    play(Play {
        guarantee,
        versions,
        fates: &[Fate::Keep],
        trouble: 40,
        locked: false,
        cut_short: 2,
        attempts,
        steps: &[],
    });
}

#[test]
fn nothing_is_held_or_lost_when_the_tries_are_used_up() {
    play_with_few_tries(Guarantee::Lookup, 2, 1);
    play_with_few_tries(Guarantee::UniqueKey, 1, 1);
}

#[test]
fn the_newest_version_stands_though_the_tries_are_used_up() {
    play_with_few_tries(Guarantee::ServerKey, 2, 4);
    play_with_few_tries(Guarantee::NaturalUpsert, 1, 3);
}

#[test]
fn a_poisoned_document_spoils_no_other_whatever_fails() {
    for guarantee in Guarantee::ALL {
        play(Play {
            guarantee,
            versions: 2,
            fates: &[Fate::Keep, Fate::Keep, Fate::Keep, Fate::Poison],
            trouble: 25,
            cut_short: 3,
            ..CALM
        });
    }
}

#[test]
fn a_poisoned_document_spoils_no_other_though_the_tries_are_used_up() {
    for attempts in [3, 6] {
        play(Play {
            guarantee: Guarantee::Lookup,
            fates: &[Fate::Keep, Fate::Keep, Fate::Poison],
            trouble: 25,
            cut_short: 2,
            attempts,
            ..CALM
        });
    }
}
