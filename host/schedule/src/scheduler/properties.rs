//! What holds whatever happens: deaths at any moment, clocks that jump, runs
//! of any length, tenants of any weight.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{HOUR, MINUTE, START, at, declared, every, key, scheduler};
use super::{Ended, Limits, Scheduler};
use crate::{Cause, Missed, Schedule, Share, State, Tenant};

#[derive(Debug, Clone, Copy)]
enum Event {
    /// Time goes on, to the next wake or by so much.
    Pass(Option<u64>),
    End(bool),
    /// The process dies; before or after the last begun run was stored.
    Die {
        stored: bool,
        down_ms: u64,
    },
    Back(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Pass(None)),
        3 => (0..200 * MINUTE).prop_map(|ms| Event::Pass(Some(ms))),
        6 => prop::bool::weighted(0.8).prop_map(Event::End),
        1 => (any::<bool>(), 0..5 * HOUR).prop_map(|(stored, down_ms)| Event::Die { stored, down_ms }),
        1 => (0..50 * MINUTE).prop_map(Event::Back),
    ]
}

struct World {
    schedule: Schedule,
    /// The clock is put back by no more than this in all.
    most_back: u64,
    scheduler: Scheduler,
    now: u64,
    furthest: u64,
    disk: Option<State>,
    /// Handed out and not stored yet.
    unstored: Option<State>,
    running: bool,
    /// Slots of runs that were stored as begun, first attempts only.
    slots: Vec<u64>,
}

impl World {
    fn new(schedule: Schedule, most_back: u64) -> Self {
        let mut world = Self {
            schedule,
            most_back,
            scheduler: scheduler(),
            now: START,
            furthest: START,
            disk: None,
            unstored: None,
            running: false,
            slots: Vec::new(),
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let key = key("t", "orders");
        let declared = declared(&key, &self.schedule);
        self.scheduler = scheduler();
        self.scheduler
            .declare(declared, self.disk.clone(), self.now)
            .unwrap();
        let state = self.scheduler.state(&key).unwrap();
        self.disk = Some(State::from_bytes(&state.to_bytes().unwrap()).unwrap());
        self.running = false;
        self.unstored = None;
    }

    /// The run that was handed out is on disk now.
    fn store(&mut self) {
        let Some(state) = self.unstored.take() else {
            return;
        };
        if let Some(begun) = state.begun().filter(|begun| begun.attempt == 1)
            && let Cause::Slot { at_ms } = begun.cause
        {
            self.slots.push(at_ms);
        }
        self.disk = Some(state);
    }

    fn play(&mut self, event: Event) {
        let key = key("t", "orders");
        match event {
            Event::Pass(None) => {
                let wake = self.scheduler.next_wake().unwrap_or(self.now);
                self.now = self.now.max(wake);
            }
            Event::Pass(Some(ms)) => self.now += ms,
            Event::Back(ms) => self.now = (self.now - ms).max(self.furthest - self.most_back),
            Event::End(well) => {
                self.store();
                if std::mem::take(&mut self.running) {
                    let again_ms = Some(self.now + MINUTE);
                    let ended = match well {
                        true => Ended::Well,
                        false => Ended::Failed { again_ms },
                    };
                    self.disk = Some(self.scheduler.ended(&key, ended, self.now).unwrap());
                }
            }
            Event::Die { stored, down_ms } => {
                if stored {
                    self.store();
                }
                self.now += down_ms;
                self.start();
            }
        }
        self.furthest = self.furthest.max(self.now);
        for run in self.scheduler.due(self.now).runs {
            assert!(!std::mem::replace(&mut self.running, true), "two at once");
            self.store();
            self.unstored = Some(run.state);
        }
    }

    /// Nothing goes wrong any more, for a while.
    fn calm(&mut self) {
        self.now = self.furthest;
        self.play(Event::Pass(Some(2 * MINUTE)));
        for _ in 0..3000 {
            if !self.running {
                break;
            }
            self.play(Event::End(true));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn with_all_every_slot_is_begun_once_and_in_order(events in prop::collection::vec(event(), 1..80)) {
        for (schedule, back) in [(at("*/20 * * * *"), 50), (every(17), 17)] {
            let missed = Missed::All(100_000);
            let mut world = World::new(Schedule { missed, ..schedule }, back * MINUTE);
            events.iter().for_each(|event| world.play(*event));
            world.calm();
            let (first, step) = match back {
                17 => (START, 17 * MINUTE),
                _ => (START + 20 * MINUTE, 20 * MINUTE),
            };
            let expected: Vec<u64> = (0..)
                .map(|nth| first + nth * step)
                .take_while(|slot| *slot <= world.furthest)
                .collect();
            prop_assert_eq!(&world.slots, &expected);
        }
    }

    #[test]
    fn without_all_no_slot_is_begun_twice_and_the_newest_is_never_lost(
        events in prop::collection::vec(event(), 1..80),
    ) {
        for missed in [Missed::Once, Missed::Skip] {
            let mut world = World::new(Schedule { missed, ..at("*/20 * * * *") }, 50 * MINUTE);
            events.iter().for_each(|event| world.play(*event));
            world.calm();
            let unique: BTreeSet<u64> = world.slots.iter().copied().collect();
            prop_assert!(world.slots.is_sorted());
            prop_assert_eq!(unique.len(), world.slots.len());
            let newest = world.furthest - world.furthest % (20 * MINUTE);
            if missed == Missed::Once && newest > START {
                let dealt = world.scheduler.state(&key("t", "orders")).unwrap().seen_ms;
                prop_assert_eq!(dealt, newest);
            }
        }
    }

    #[test]
    fn turns_follow_the_weights_and_nobody_starves(
        weights in prop::collection::vec(1_u32..20, 2..7),
        places in 1_usize..6,
        ends in prop::collection::vec(any::<prop::sample::Index>(), 200..400),
    ) {
        let mut scheduler = Scheduler::new(Limits { runs: places }, 1);
        // So many pipelines that each tenant always has runs waiting.
        let tenant = |nth: usize| format!("t{nth}");
        for (nth, weight) in weights.iter().enumerate() {
            let share = Share { weight: *weight, runs: usize::MAX };
            scheduler.share(&Tenant(tenant(nth)), share);
            for scope in 0..=places {
                let key = key(&tenant(nth), &format!("p{scope}"));
                scheduler.declare(declared(&key, &every(1)), None, START).unwrap();
            }
        }
        let mut running = Vec::new();
        let mut turns = vec![0_u32; weights.len()];
        let mut now = START;
        for end in &ends {
            running.extend(scheduler.due(now).runs.into_iter().map(|run| {
                let nth: usize = run.key.tenant.0[1..].parse().unwrap();
                turns[nth] += 1;
                run.key
            }));
            prop_assert_eq!(running.len(), places);
            for (one, weight) in turns.iter().zip(&weights) {
                for (other, other_weight) in turns.iter().zip(&weights) {
                    let (one, weight) = (f64::from(*one), f64::from(*weight));
                    let (other, other_weight) = (f64::from(*other), f64::from(*other_weight));
                    let apart = one / weight - other / other_weight;
                    let most = 1.0 / weight + 1.0 / other_weight + 1e-6;
                    prop_assert!(apart.abs() <= most, "{:?} for {:?}", turns, weights);
                }
            }
            now += MINUTE;
            let ended = running.swap_remove(end.index(running.len()));
            scheduler.ended(&ended, Ended::Well, now).unwrap();
        }
    }

    #[test]
    fn a_tenant_that_floods_takes_no_more_than_its_places(
        cap in 1_usize..4,
        ends in prop::collection::vec(any::<prop::sample::Index>(), 100..200),
    ) {
        let mut scheduler = Scheduler::new(Limits { runs: 6 }, 1);
        let flood = Tenant("flood".to_owned());
        scheduler.share(&flood, Share { weight: 1, runs: cap });
        for nth in 0..50 {
            let key = key("flood", &format!("p{nth}"));
            scheduler.declare(declared(&key, &every(1)), None, START).unwrap();
        }
        let small = key("small", "p");
        scheduler.declare(declared(&small, &every(10)), None, START).unwrap();
        let mut running = Vec::new();
        let mut now = START;
        let mut begun = BTreeMap::new();
        for end in &ends {
            for run in scheduler.due(now).runs {
                if let Cause::Slot { at_ms } = run.cause && run.key == small {
                    begun.insert(at_ms, now);
                }
                running.push(run.key);
            }
            let flooding = running.iter().filter(|key| key.tenant == flood).count();
            prop_assert!(flooding <= cap);
            now += MINUTE / 2;
            let ended = running.swap_remove(end.index(running.len()));
            scheduler.ended(&ended, Ended::Well, now).unwrap();
        }
        for (slot, at) in begun {
            prop_assert!(at < slot + 10 * MINUTE, "waited {} ms", at - slot);
        }
    }
}
