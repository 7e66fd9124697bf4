//! A value table that is filled: what stands in it is what the ledger says of
//! its documents, wherever the process dies.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use duijie_contract::Guarantee;
use duijie_plan::{OnChange, Plan};
use duijie_record::SourceKey;
use duijie_store::{DocumentState, Fingerprint, Store, TableRow};

mod reads;

use super::chaos::caught;
use super::store::Slow;
use super::tests::{CALM, Play, cut_short, finish, killed, start};
use super::world::{Fate, Written};
use crate::Options;
use crate::chaos::Point;

const TABLE: &str = "shops";

/// The row that a document makes.
fn row(number: &str, content: &str) -> TableRow {
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_str(content).unwrap();
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    TableRow {
        table: TABLE.to_owned(),
        key: number.to_owned(),
        fields: fields
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect(),
    }
}

/// Holds at any moment: table and ledger change in one commit.
fn check_alike(store: &Slow, plan: &Plan) {
    let source = store.world.ground().source.clone();
    let made = source.iter().flat_map(Written::documents);
    let made: HashMap<Fingerprint, TableRow> = made
        .map(|(_, number, content)| (Fingerprint::of(content.as_bytes()), row(&number, &content)))
        .collect();
    let rows = store.memory.table(TABLE).unwrap();
    let standing: BTreeMap<&str, &TableRow> =
        rows.iter().map(|row| (row.key.as_str(), row)).collect();
    let mut known = 0;
    let mut keys: Vec<SourceKey> = source
        .iter()
        .map(|one| SourceKey(one.key.clone()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    for found in store
        .memory
        .ledger(&plan.scope, &keys)
        .unwrap()
        .into_iter()
        .flatten()
    {
        for document in &found.documents {
            let standing = standing.get(document.target_key.as_str());
            match document.state {
                DocumentState::Applied => {
                    assert_eq!(standing, made.get(&document.mapped_print).as_ref());
                }
                DocumentState::Cancelled => assert_eq!(standing, None),
                _ => {}
            }
            known += usize::from(standing.is_some());
        }
    }
    assert_eq!(known, rows.len(), "a row that the ledger does not know");
}

/// What the newest versions make, but for what waits for a person.
fn check_whole(store: &Slow, plan: &Plan) {
    let ground = store.world.ground();
    let mut newest: BTreeMap<&str, &Written> = BTreeMap::new();
    for written in &ground.source {
        let best = newest.entry(&written.key).or_insert(written);
        if written.version > best.version {
            *best = written;
        }
    }
    let rows = store.memory.table(TABLE).unwrap();
    for written in newest.into_values() {
        let of = |row: &&TableRow| row.key.split('-').next() == Some(&*written.key);
        let standing: Vec<&TableRow> = rows.iter().filter(of).collect();
        for (_, number, content) in written.documents() {
            let expected = row(&number, &content);
            assert!(standing.contains(&&expected), "{written:?}: {standing:?}");
        }
        if written.fate == Fate::Delete {
            assert!(standing.is_empty(), "{written:?}: {standing:?}");
        }
    }
    assert!(store.memory.open_intents(&plan.scope).unwrap().is_empty());
    let fills = store.memory.fills().unwrap();
    let [fill] = fills.as_slice() else {
        panic!("{fills:?}");
    };
    assert_eq!((&*fill.table, &fill.scope), (TABLE, &plan.scope));
}

fn begin(seed: u64, play: Play) -> (Arc<Slow>, Options) {
    let (store, options) = start(seed, play, true);
    let mut plan = Plan::clone(&options.plan);
    plan.target.table = Some(TABLE.to_owned());
    plan.policy.on_change = OnChange::Update;
    let options = Options {
        plan: Arc::new(plan),
        ..options
    };
    // A record whose documents change in number waits for a person.
    for written in &mut store.world.ground().source {
        written.parts = 1;
    }
    (store, options)
}

async fn one(seed: u64, play: Play, kills: &[(Point, u32)]) -> bool {
    let (store, options) = begin(seed, play);
    let mut dead = false;
    for (point, nth) in kills {
        dead = killed(&options, *point, *nth).await;
        check_alike(&store, &options.plan);
    }
    for _ in 0..store.world.below(play.cut_short + 1) {
        cut_short(&options, &store.world).await;
        check_alike(&store, &options.plan);
    }
    finish(&options).await;
    check_alike(&store, &options.plan);
    check_whole(&store, &options.plan);
    let before = store.memory.table(TABLE).unwrap();
    finish(&options).await;
    assert_eq!(store.memory.table(TABLE).unwrap(), before);
    let ground = store.world.ground();
    assert!(ground.target.is_empty(), "a connector was written to");
    dead
}

fn holds(seed: u64, play: Play, kills: &[(Point, u32)]) -> bool {
    let outcome = caught(one(seed, play, kills));
    outcome.unwrap_or_else(|_| panic!("seed {seed} {kills:?}"))
}

const MANY: Play = Play {
    guarantee: Guarantee::NaturalUpsert,
    versions: 4,
    fates: &[Fate::Keep, Fate::Keep, Fate::Delete],
    ..CALM
};

#[test]
fn a_table_has_what_the_source_has_whatever_cuts_runs_short() {
    let only = std::env::var("SEED").ok();
    let only = only.and_then(|seed| seed.parse().ok());
    for seed in only.map_or(0..600, |seed: u64| seed..seed + 1) {
        let cut = Play {
            trouble: 30,
            cut_short: 5,
            ..MANY
        };
        holds(seed, if seed % 3 == 0 { MANY } else { cut }, &[]);
    }
}

#[test]
fn a_table_and_its_checkpoint_stay_together_wherever_the_process_dies() {
    let mut deaths = 0;
    for point in Point::ALL {
        for nth in [1, 2, 3, 5] {
            for seed in 0..10 {
                let seed = 1_000 * u64::from(nth) + seed;
                deaths += u32::from(holds(seed, MANY, &[(point, nth)]));
                holds(seed, MANY, &[(point, nth), (Point::AfterOutcome, 2)]);
            }
        }
    }
    assert!(deaths > 150, "{deaths} deaths");
}
