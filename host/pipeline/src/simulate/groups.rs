//! Many records become one document, and nothing of them is lost or doubled:
//! seeded schedules with deaths at every point, late records, newer versions
//! that move to another group, refused groups, and people who send late ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use duijie_contract::{
    Description, Fault, FaultKind, Guarantee, Launch, Lookup, Preview, Problem, Source, Steps,
    Tables, Target, Transform, Use,
};
use duijie_plan::{Close, Field, Fold, Group, GroupField, Late, MOST_MEMBERS, Plan, Rows, Takes};
use duijie_record::{Action, MappedBatch, MappedLine, Position, RecordBatch, Verdict};
use duijie_store::{HoldKind, Store};
use serde_json::{Value, json};

mod checks;

use checks::{check, left_over};

use super::chaos::caught;
use super::launch::Fakes;
use super::store::Slow;
use super::tests::{CALM, Play, cut_short, finish, killed, start};
use super::world::{Fate, SETTLE_MS, World, Written, fault};
use crate::chaos::Point;
use crate::{Options, Pick, Purpose, What};

/// The fakes, with a transform that takes groups.
struct Groups(Fakes);

#[async_trait]
impl Launch for Groups {
    async fn describe(&self, _: &str) -> Result<Description, Fault> {
        Err(fault(FaultKind::Other, "never asked"))
    }
    async fn check(&self, usage: &Use) -> Result<Vec<Problem>, Fault> {
        self.0.check(usage).await
    }
    async fn outline(&self, usage: &Use, at: Option<&Position>) -> Result<Vec<String>, Fault> {
        self.0.outline(usage, at).await
    }
    async fn source(&self, usage: &Use, at: Option<&Position>) -> Result<Box<dyn Source>, Fault> {
        self.0.source(usage, at).await
    }
    async fn transform(&self, _: &Use, _: &Arc<dyn Tables>) -> Result<Box<dyn Transform>, Fault> {
        Ok(Box::new(Maps))
    }
    async fn target(&self, usage: &Use) -> Result<Box<dyn Target>, Fault> {
        self.0.target(usage).await
    }
    async fn lookup(&self, usage: &Use) -> Result<Option<Box<dyn Lookup>>, Fault> {
        self.0.lookup(usage).await
    }
    async fn steps(&self, usage: &Use) -> Result<Option<Box<dyn Steps>>, Fault> {
        self.0.steps(usage).await
    }
    fn take_previews(&self) -> Vec<Preview> {
        Vec::new()
    }
}

struct Maps;

#[async_trait]
impl Transform for Maps {
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault> {
        let mut mapped = MappedBatch {
            data: Vec::new(),
            lines: Vec::new(),
            verdicts: Vec::new(),
        };
        for (index, line) in duijie_record::Lines::new(&batch.data).enumerate() {
            let group: Value = serde_json::from_slice(line).unwrap();
            let rows = group["rows"].as_array().unwrap();
            let number = format!("G{}-{}", group["parts"], group["group_part"]);
            let of = |row: &Value| (row["no"].as_str().unwrap().to_owned(), row["v"].clone());
            let document = json!({
                "FBillNo": number,
                "nos": rows.iter().map(of).collect::<BTreeMap<_, _>>(),
                "sum": group["v"],
                "members": group["group_members"],
                "poison": rows.iter().any(|row| row["fate"] == "Poison"),
            });
            // A second document of the same record, in groups of one name.
            let beside = json!({"FBillNo": format!("{number}-x"), "nos": {}, "sum": 0, "members": 0, "poison": false});
            let two = group["parts"] == 3;
            let parts = [(if two { "a" } else { "" }, document), ("b", beside)];
            for (part, document) in parts.into_iter().take(1 + usize::from(two)) {
                mapped
                    .data
                    .extend_from_slice(format!("{document}\n").as_bytes());
                mapped.lines.push(MappedLine {
                    sources: vec![index as u32],
                    part: part.to_owned(),
                });
            }
            mapped.verdicts.push(Verdict::Keep);
        }
        Ok(mapped)
    }
}

fn field(path: &str) -> Field {
    Field {
        path: path.to_owned(),
        name: path.to_owned(),
    }
}

/// Groups by what the records have in `parts`.
pub(super) fn rule(close: Close, late: Late) -> Group {
    Group {
        by: vec![GroupField {
            field: field("parts"),
            takes: Takes::Value,
        }],
        close,
        collect: vec![(Fold::Sum, field("v"))],
        list: Rows {
            name: "rows".to_owned(),
            from: None,
            by: Vec::new(),
            collect: Vec::new(),
        },
        late,
    }
}

fn some_rule(world: &World) -> Group {
    let close = Close {
        on_key_change: world.below(3) == 0,
        count: match world.below(2) {
            0 => 1 + world.below(4) as u32,
            _ => MOST_MEMBERS,
        },
        after: (world.below(3) == 0).then(|| Duration::from_millis(world.below(300))),
        at_end: world.below(3) == 0,
    };
    let late = match world.below(2) {
        0 => Late::Hold,
        _ => Late::Next,
    };
    rule(close, late)
}

fn with(options: &Options, change: impl FnOnce(&mut Plan)) -> Options {
    let mut plan = Plan::clone(&options.plan);
    change(&mut plan);
    Options {
        plan: Arc::new(plan),
        ..options.clone()
    }
}

fn begin(seed: u64, play: Play) -> (Arc<Slow>, Options) {
    let (store, options) = start(seed, play, true);
    {
        let world = &store.world;
        let mut source = Vec::new();
        for key in 0..2 + world.below(14) {
            let mut parts = 1 + world.below(4) as u32;
            for version in 0..=world.below(play.versions) {
                if world.below(4) == 0 {
                    parts = 1 + world.below(4) as u32;
                }
                source.push(Written {
                    key: format!("CK{key}"),
                    version: version as u32,
                    parts,
                    fate: play.fates[world.below(play.fates.len() as u64) as usize],
                });
            }
        }
        match world.below(2) {
            0 => source.sort_by_key(|written| written.parts),
            _ => {
                for place in (1..source.len()).rev() {
                    source.swap(place, world.below(place as u64 + 1) as usize);
                }
            }
        }
        world.ground().source = source;
    }
    let launch = Groups(Fakes {
        world: Arc::clone(&store.world),
        store: Arc::clone(&store),
    });
    let rule = some_rule(&store.world);
    let options = with(&options, |plan| plan.group = Some(rule));
    let options = Options {
        launch: Arc::new(launch),
        ..options
    };
    (store, options)
}

async fn one(seed: u64, play: Play, kills: &[(Point, u32)]) -> bool {
    let (store, options) = begin(seed, play);
    let world = &store.world;
    let mut dead = false;
    for (point, nth) in kills {
        dead = killed(&options, *point, *nth).await;
    }
    for _ in 0..world.below(play.cut_short + 1) {
        cut_short(&options, world).await;
    }
    finish(&options).await;
    // Whatever the rules left open is closed in the end.
    let last = with(&options, |plan| {
        plan.group.as_mut().unwrap().close.at_end = true;
    });
    finish(&last).await;
    tokio::time::sleep(Duration::from_millis(SETTLE_MS)).await;
    check(&store, &last);
    let writes = world.ground().writes;
    finish(&last).await;
    assert_eq!(world.ground().writes, writes, "a second run wrote again");
    check(&store, &last);
    left_over(&store);
    send_late(&store, &last, play).await;
    dead
}

/// A person sends on what came late; runs of that are cut short as well.
async fn send_late(store: &Arc<Slow>, options: &Options, play: Play) {
    let scope = &options.plan.scope;
    let late = || {
        let holds = store.memory.holds(scope).unwrap().into_iter();
        let holds = holds.filter(|hold| {
            hold.kind == HoldKind::Late && hold.action == Action::Create && hold.target_id.is_none()
        });
        let pick = holds.map(|hold| Pick {
            source_key: hold.source_key,
            part: hold.part,
            what: What::Resend,
        });
        pick.collect::<Vec<_>>()
    };
    for _ in 0..1 + store.world.below(play.cut_short + 1) {
        let replay = Options {
            purpose: Purpose::Replay(late()),
            ..options.clone()
        };
        cut_short(&replay, &store.world).await;
    }
    let replay = Options {
        purpose: Purpose::Replay(late()),
        ..options.clone()
    };
    finish(&replay).await;
    finish(options).await;
    tokio::time::sleep(Duration::from_millis(SETTLE_MS)).await;
    assert_eq!(late(), []);
    check(store, options);
}

fn holds(seed: u64, play: Play, kills: &[(Point, u32)]) -> bool {
    let outcome = caught(one(seed, play, kills));
    outcome.unwrap_or_else(|_| panic!("seed {seed} {kills:?}"))
}

fn play(play: Play) {
    let only = std::env::var("SEED").ok();
    let only = only.and_then(|seed| seed.parse().ok());
    for seed in only.map_or(0..1_000, |seed: u64| seed..seed + 1) {
        holds(seed, play, &[]);
    }
}

const MANY: Play = Play {
    guarantee: Guarantee::UniqueKey,
    versions: 3,
    fates: &[
        Fate::Keep,
        Fate::Keep,
        Fate::Keep,
        Fate::Delete,
        Fate::Poison,
    ],
    ..CALM
};

#[test]
fn every_record_is_in_one_document_when_nothing_fails() {
    play(CALM);
    play(MANY);
}

#[test]
fn every_record_is_in_one_document_whatever_fails() {
    play(Play {
        trouble: 40,
        cut_short: 5,
        ..CALM
    });
    play(Play {
        trouble: 30,
        cut_short: 5,
        ..MANY
    });
}

#[test]
fn every_record_is_in_one_document_wherever_the_process_dies() {
    let mut deaths = 0;
    for point in Point::ALL.into_iter().chain(Point::GROUPING) {
        for nth in [1, 2, 3, 5, 8] {
            for seed in 0..12 {
                let seed = 1_000 * u64::from(nth) + seed;
                deaths += u32::from(holds(seed, MANY, &[(point, nth)]));
                holds(seed, MANY, &[(point, nth), (Point::AfterOutcome, 2)]);
            }
        }
    }
    assert!(deaths > 300, "{deaths} deaths");
}
