//! Groups, one rule at a time: what closes them, what comes late, what waits
//! for a person, and what is told of them.

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::Guarantee;
use duijie_plan::{Close, Late, MOST_MEMBERS, OnChange, OnRejected, Plan};
use duijie_record::{Action, Lines, MappedBatch, MappedLine, RecordBatch, Verdict};
use duijie_store::{DocumentState, HoldKind, Memory, Store};

use super::groups::rule;
use super::script::{Script, batch};
use super::world::plan;
use crate::{End, Error, Purpose, Stop, Would, preview, run};

mod people;

const SCOPE: &str = "orders";

const NEVER: Close = Close {
    on_key_change: false,
    count: MOST_MEMBERS,
    after: None,
    at_end: false,
};
const AT_END: Close = Close {
    at_end: true,
    ..NEVER
};
const ON_CHANGE: Close = Close {
    on_key_change: true,
    ..NEVER
};

fn grouping(close: Close, late: Late) -> Plan {
    let mut plan = plan(Guarantee::UniqueKey, OnChange::Update, 1);
    plan.group = Some(rule(close, late));
    plan
}

/// A document under the group's key and part, with the records' names.
fn map(batch: &RecordBatch) -> MappedBatch {
    let mut mapped = MappedBatch {
        data: Vec::new(),
        lines: Vec::new(),
        verdicts: Vec::new(),
    };
    for (index, line) in Lines::new(&batch.data).enumerate() {
        let group: serde_json::Value = serde_json::from_slice(line).unwrap();
        let rows = group["rows"].as_array().unwrap().iter();
        let names: Vec<&str> = rows.map(|row| row["no"].as_str().unwrap()).collect();
        let number = format!(
            "{}-{}",
            group["parts"].as_str().unwrap(),
            group["group_part"]
        );
        let document = serde_json::json!({"FBillNo": number, "names": names, "sum": group["v"]});
        mapped
            .data
            .extend_from_slice(format!("{document}\n").as_bytes());
        mapped.lines.push(MappedLine {
            sources: vec![index as u32],
            part: String::new(),
        });
        mapped.verdicts.push(Verdict::Keep);
    }
    mapped
}

/// Pages of records `name group amount`, each of version 1 or of the fourth word.
fn script(pages: &[&[&str]]) -> Script {
    let page = |(number, records): (usize, &&[&str])| {
        let lines: Vec<(String, String, String)> = records
            .iter()
            .map(|record| {
                let words: Vec<&str> = record.split(' ').collect();
                let version = words.get(3).unwrap_or(&"1");
                let line = match words[1] {
                    "-" => format!(r#"{{"no":"{}","v":{}}}"#, words[0], words[2]),
                    group => format!(
                        r#"{{"no":"{}","parts":"{group}","v":{}}}"#,
                        words[0], words[2]
                    ),
                };
                (words[0].to_owned(), (*version).to_owned(), line)
            })
            .collect();
        let lines: Vec<(&str, &str, &str)> = lines
            .iter()
            .map(|(key, version, line)| (key.as_str(), version.as_str(), line.as_str()))
            .collect();
        batch(&number.to_string(), &lines)
    };
    let mut script = Script::new(pages.iter().enumerate().map(page).collect());
    script.map = Some(map);
    script
}

/// What was written, a document each.
fn sent(script: &Script) -> Vec<String> {
    let sent = script.sent.lock().unwrap();
    let lines = sent.iter().flat_map(|batch| Lines::new(&batch.data));
    let mut documents: Vec<String> = lines
        .map(|line| {
            let document: serde_json::Value = serde_json::from_slice(line).unwrap();
            let names = document["names"].as_array().unwrap().iter();
            let names: Vec<&str> = names.map(|name| name.as_str().unwrap()).collect();
            let number = document["FBillNo"].as_str().unwrap();
            format!("{number} {} {}", names.join("+"), document["sum"])
        })
        .collect();
    documents.sort();
    documents
}

async fn check_sent(plan: Plan, pages: &[&[&str]], expected: &[&str]) {
    let script = script(pages);
    let report = script.run(plan, &Arc::default()).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert_eq!(sent(&script), expected);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_closes_every_group() {
    let plan = grouping(AT_END, Late::Hold);
    let pages: &[&[&str]] = &[&["a W1 \"1.50\"", "b W2 2"], &["c W1 0.5"]];
    check_sent(plan, pages, &["W1-1 a+c \"2.00\"", "W2-1 b 2"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_of_another_group_closes_the_one_before() {
    let plan = grouping(ON_CHANGE, Late::Hold);
    let pages: &[&[&str]] = &[&["a W1 1", "b W1 2", "c W2 4"], &["d W2 8", "e W3 16"]];
    check_sent(plan, pages, &["W1-1 a+b 3", "W2-1 c+d 12"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_part_is_followed_by_the_next() {
    let close = Close { count: 2, ..AT_END };
    let plan = grouping(close, Late::Hold);
    let pages: &[&[&str]] = &[&["a W1 1", "b W1 2", "c W1 4"], &["d W1 8", "e W1 16"]];
    let expected = ["W1-1 a+b 3", "W1-2 c+d 12", "W1-3 e 16"];
    check_sent(plan, pages, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_is_closed_some_time_after_its_first_record() {
    let after = Close {
        after: Some(Duration::from_secs(3_000)),
        ..NEVER
    };
    let plan = grouping(after, Late::Hold);
    let store = Arc::default();
    let first = script(&[&["a W1 1"], &["b W1 2"]]);
    first.run(plan.clone(), &store).await;
    assert_eq!(sent(&first), [""; 0]);
    assert_eq!(store.groups(&SCOPE.into()).unwrap()[0].members, 2);
    // Each run begins an hour after the one before.
    let second = script(&[&["c W2 4"]]);
    second.run(plan, &store).await;
    assert_eq!(sent(&second), ["W1-1 a+b 3"]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_read_once_and_sent_by_a_later_run() {
    let store: Arc<Memory> = Arc::default();
    let first = script(&[&["a W1 1", "b W1 2"]]);
    first.run(grouping(NEVER, Late::Hold), &store).await;
    let waiting = store.checkpoint(&SCOPE.into(), "").unwrap().unwrap();
    assert_eq!(waiting.position.0, b"0");
    let second = script(&[&["a W1 1", "b W1 5 2", "c W1 4"]]);
    let report = second.run(grouping(AT_END, Late::Hold), &store).await;
    assert_eq!((report.counts.read, report.counts.unchanged), (3, 1));
    assert_eq!(report.counts.applied, 1);
    assert_eq!(sent(&second), ["W1-1 a+b+c 10"]);
    let member = &store.ledger(&SCOPE.into(), &["b".into()]).unwrap()[0];
    let document = &member.as_ref().unwrap().documents[0];
    assert_eq!(document.state, DocumentState::Grouped);
    assert_eq!(document.target_key.as_str(), "group:W1#1");
    let third = script(&[]);
    third.run(grouping(AT_END, Late::Hold), &store).await;
    assert_eq!(store.groups(&SCOPE.into()).unwrap(), []);
}

/// What waits for a person, with why.
fn holds(store: &Memory) -> Vec<String> {
    let holds = store.holds(&SCOPE.into()).unwrap().into_iter();
    let told = holds.map(|hold| {
        assert_eq!(hold.kind, HoldKind::Late);
        format!("{} {}", hold.source_key, hold.reason)
    });
    told.collect()
}

#[tokio::test(start_paused = true)]
async fn late_records_make_a_next_part_and_changed_ones_are_held_all_the_same() {
    let store: Arc<Memory> = Arc::default();
    let plan = grouping(AT_END, Late::Next);
    script(&[&["a W1 1"]]).run(plan.clone(), &store).await;
    let second = script(&[&["b W1 2", "a W1 9 2", "c W1 4"]]);
    second.run(plan, &store).await;
    assert_eq!(sent(&second), ["W1-2 b+c 6"]);
    assert_eq!(holds(&store).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_record_closes_no_group_that_goes_on() {
    let plan = grouping(ON_CHANGE, Late::Next);
    let pages: &[&[&str]] = &[&["a W1 1", "b W2 2", "c W1 4"], &["d W2 8", "e W3 16"]];
    check_sent(plan, pages, &["W1-1 a 1", "W1-2 c 4", "W2-1 b+d 10"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_without_a_group_stops_the_run_where_the_manifest_says_so() {
    let mut plan = grouping(AT_END, Late::Hold);
    plan.policy.on_rejected = OnRejected::Stop;
    let report = script(&[&["a - 1"]]).run(plan, &Arc::default()).await;
    assert!(matches!(report.end, End::Failed(Error::Rejected { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_backfill_closes_its_own_groups_and_no_others() {
    let store: Arc<Memory> = Arc::default();
    script(&[&["a W1 1", "b W2 2"]])
        .run(grouping(NEVER, Late::Hold), &store)
        .await;
    let filling = script(&[&["c W3 4", "d W2 8"]]);
    let mut options = filling.options(grouping(ON_CHANGE, Late::Hold), &store);
    options.purpose = Purpose::Backfill {
        lane: "backfill:x".to_owned(),
        from_ms: None,
    };
    run(&options, &Stop::new()).await.unwrap();
    assert_eq!(sent(&filling), ["W3-1 c 4"]);
    let last = script(&[]);
    last.run(grouping(AT_END, Late::Hold), &store).await;
    assert_eq!(sent(&last), ["W1-1 a 1", "W2-1 b+d 10"]);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_lost_its_group_is_refused_while_records_wait() {
    let store: Arc<Memory> = Arc::default();
    script(&[&["a W1 1"]])
        .run(grouping(NEVER, Late::Hold), &store)
        .await;
    let mut plan = grouping(NEVER, Late::Hold);
    plan.group = None;
    let report = script(&[&["b W1 1"]]).run(plan, &store).await;
    let End::Failed(error) = report.end else {
        panic!("{report:?}");
    };
    assert!(error.to_string().contains("`W1`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_preview_shows_what_the_records_would_become_and_writes_nothing() {
    let store: Arc<Memory> = Arc::default();
    let plan = grouping(NEVER, Late::Hold);
    script(&[&["a W1 1"]]).run(plan.clone(), &store).await;
    let mut shown = script(&[&["b W1 2", "c W2 4", "d - 8"]]);
    shown.preview = true;
    let report = preview(&shown.options(plan, &store), 10).await.unwrap();
    let records = report.records.iter();
    let told: Vec<(&str, &Would)> = records
        .map(|record| (record.source_key.as_str(), &record.would))
        .collect();
    assert_eq!(
        told[1..],
        [
            ("group:W1#1", &Would::Create),
            ("group:W2#1", &Would::Create)
        ]
    );
    assert!(matches!(told[0], ("d", Would::DeadLetter { .. })));
    let document = report.records[1].document.as_deref().unwrap();
    assert!(document.contains(r#""names":["a","b"]"#), "{document}");
    assert_eq!(store.groups(&SCOPE.into()).unwrap()[0].members, 1);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_record_leaves_its_group_and_one_that_was_sent_is_held() {
    let store: Arc<Memory> = Arc::default();
    let first = script(&[&["a W1 1", "b W1 2"], &["b W1 2 2"]]);
    if let Ok(page) = &mut first.batches.lock().unwrap()[1] {
        page.entries[0].change = duijie_record::Change::Delete;
    }
    first.run(grouping(AT_END, Late::Hold), &store).await;
    assert_eq!(sent(&first), ["W1-1 a 1"]);
    let second = script(&[&["a W1 1 2"]]);
    if let Ok(page) = &mut second.batches.lock().unwrap()[0] {
        page.entries[0].change = duijie_record::Change::Delete;
    }
    second.run(grouping(AT_END, Late::Hold), &store).await;
    let held = store.holds(&SCOPE.into()).unwrap();
    assert_eq!((held.len(), held[0].action), (1, Action::Cancel));
    assert_eq!(sent(&second), [""; 0]);
}
