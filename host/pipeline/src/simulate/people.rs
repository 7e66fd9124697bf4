//! What tests of replays and decisions share: a target that refuses poison, a
//! mapping that can be put right, and a store to look into.

use std::sync::Arc;

use duijie_contract::{Fault, Guarantee};
use duijie_plan::{OnChange, Plan};
use duijie_record::{
    Action, DocumentBatch, Lines, MappedBatch, MappedLine, Outcome, RecordBatch, Rejection, Retry,
    SourceKey, Verdict,
};
use duijie_store::{Change, DeadLetter, DocumentState, Hold, HoldKind, LedgerRow, Memory, Store};

use super::script::{Script, applied, batch, found};
use super::world::plan;
use crate::{Decision, Error, Options, Pick, Purpose, Report, Stop, What, decide, edit, run};

pub(crate) const SCOPE: &str = "orders";

fn rejection(code: &str) -> Rejection {
    Rejection {
        code: code.to_owned(),
        message: "no such customer".to_owned(),
        field: Some("customer".to_owned()),
        retry: Retry::Never,
    }
}

/// Refuses documents that hold the word `poison`.
fn picky(_call: usize, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault> {
    let outcomes = applied(batch).into_iter().zip(Lines::new(&batch.data));
    let judged =
        outcomes.map(
            |(outcome, line)| match String::from_utf8_lossy(line).contains("poison") {
                true => Outcome::Rejected(rejection("sim.bad")),
                false => outcome,
            },
        );
    Ok(judged.collect())
}

/// A document a part; the parts are the letters of the record's `parts`.
/// Refuses records that hold the word `unmapped`.
pub(crate) fn map(batch: &RecordBatch) -> MappedBatch {
    let mut mapped = MappedBatch {
        data: Vec::new(),
        lines: Vec::new(),
        verdicts: Vec::new(),
    };
    for (source, line) in (0..).zip(Lines::new(&batch.data)) {
        let value: serde_json::Value = serde_json::from_slice(line).unwrap();
        if value["is"] == "unmapped" {
            let refused = Verdict::Reject(rejection("map.bad"));
            mapped.verdicts.push(refused);
            continue;
        }
        for part in value["parts"].as_str().unwrap().chars() {
            let is = if part == 'b' {
                &value["is"]
            } else {
                &value["a"]
            };
            let no = value["no"].as_str().unwrap();
            let document = format!("{{\"FBillNo\":\"{no}{part}\",\"is\":{is}}}\n");
            mapped.data.extend_from_slice(document.as_bytes());
            mapped.lines.push(MappedLine {
                sources: vec![source],
                part: part.to_string(),
            });
        }
        mapped.verdicts.push(Verdict::Keep);
    }
    mapped
}

pub(crate) fn fixed(batch: &RecordBatch) -> MappedBatch {
    let text = String::from_utf8(batch.data.clone()).unwrap();
    let data = text
        .replace("unmapped", "mapped")
        .replace("poison", "cured");
    map(&RecordBatch {
        data: data.into_bytes(),
        ..batch.clone()
    })
}

pub(crate) struct World {
    pub(crate) store: Arc<Memory>,
    pub(crate) plan: Plan,
}

impl World {
    /// Documents are the records themselves.
    pub(crate) fn plain(on_change: OnChange) -> Self {
        Self {
            store: Arc::default(),
            plan: plan(Guarantee::UniqueKey, on_change, 0),
        }
    }

    pub(crate) fn mapped(on_change: OnChange) -> Self {
        Self {
            store: Arc::default(),
            plan: plan(Guarantee::UniqueKey, on_change, 1),
        }
    }

    pub(crate) async fn run(&self, purpose: Purpose, script: &Script) -> Report {
        let options = Options {
            purpose,
            ..script.options(self.plan.clone(), &self.store)
        };
        run(&options, &Stop::new()).await.unwrap()
    }

    pub(crate) async fn read(&self, lines: &[(&str, &str, &str)]) -> Report {
        let mut script = Script::new(vec![batch(lines[0].1, lines)]);
        script.write = Arc::new(picky);
        script.map = Some(map);
        script.find = Arc::new(found);
        self.run(Purpose::Live, &script).await
    }

    /// With the mapping put right.
    pub(crate) async fn replay(&self, picks: &[(&str, &str, What)], script: &Script) -> Report {
        let picks = picks.iter().map(|(key, part, what)| Pick {
            source_key: SourceKey::from(*key),
            part: (*part).to_owned(),
            what: *what,
        });
        self.run(Purpose::Replay(picks.collect()), script).await
    }

    pub(crate) fn row(&self, key: &str) -> LedgerRow {
        let rows = self.store.ledger(&SCOPE.into(), &[key.into()]).unwrap();
        rows.into_iter().flatten().next().unwrap()
    }

    pub(crate) fn state(&self, key: &str, part: &str) -> DocumentState {
        let documents = self.row(key).documents.into_iter();
        let mut documents = documents.filter(|document| document.part == part);
        documents.next().unwrap().state
    }

    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        self.store.dead_letters(&SCOPE.into()).unwrap()
    }

    pub(crate) fn holds(&self) -> Vec<Hold> {
        self.store.holds(&SCOPE.into()).unwrap()
    }

    pub(crate) async fn edit(&self, key: &str, part: &str, text: &str) -> Result<(), Error> {
        let claim = self.store.claim(&SCOPE.into()).await.unwrap();
        edit(&*self.store, &claim, &key.into(), part, text.as_bytes()).await
    }

    pub(crate) async fn decide(
        &self,
        items: &[(&str, &str)],
        decision: Decision,
    ) -> Result<(), Error> {
        let claim = self.store.claim(&SCOPE.into()).await.unwrap();
        let items = items
            .iter()
            .map(|(key, part)| ((*key).into(), (*part).to_owned()));
        let items: Vec<_> = items.collect();
        decide(&*self.store, &claim, 5, &items, &decision).await
    }
}

/// Takes everything that is not poisoned, by the mapping put right.
pub(crate) fn after() -> Script {
    let mut script = Script::new(Vec::new());
    script.write = Arc::new(picky);
    script.map = Some(fixed);
    script
}

/// What the only call of a run sent.
pub(crate) fn sent(script: &Script) -> Vec<(Action, Option<String>, String)> {
    let batches = script.sent.lock().unwrap();
    let of_batch = |batch: &DocumentBatch| {
        let text = String::from_utf8(batch.data.clone()).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let entries = batch.entries.clone().into_iter();
        let entries = entries.map(|entry| (entry.action, entry.known_id));
        entries
            .zip(lines)
            .map(|((action, id), line)| (action, id, line))
            .collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).collect()
}

pub(crate) const POISONED: &str = r#"{"FBillNo":"CK1","is":"poison"}"#;

pub(crate) const FIRST: &str = r#"{"FBillNo":"CK1","is":"1"}"#;
pub(crate) const SECOND: &str = r#"{"FBillNo":"CK1","is":"2"}"#;

/// A record that was applied and has changed since.
pub(crate) async fn changed() -> World {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", FIRST)]).await;
    world.read(&[("1", "v2", SECOND)]).await;
    assert_eq!(world.holds().len(), 1);
    world
}

/// A hold of this kind about a record that was never applied.
pub(crate) async fn held(world: &World, kind: HoldKind, action: Action) {
    let claim = world.store.claim(&SCOPE.into()).await.unwrap();
    let hold = Hold {
        source_key: "1".into(),
        part: String::new(),
        target_key: "CK1".into(),
        target_id: (action != Action::Create).then(|| "id-CK1".to_owned()),
        version: Some("v1".into()),
        action,
        kind,
        reason: "a person looks".to_owned(),
        record: FIRST.as_bytes().to_vec(),
        document: FIRST.as_bytes().to_vec(),
        run: "earlier".into(),
        at_ms: 1,
    };
    world
        .store
        .commit(&claim, vec![Change::Hold(hold)])
        .await
        .unwrap();
}
