//! The reader against a Wangdiantong that is played.

mod played;

use std::collections::BTreeSet;

use duijie_sdk::{Fault, SourceBatch, time};
use played::Played;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Reader;
use crate::collection::Collection;
use crate::position::Position;
use crate::settings::Query;
use crate::tests::{direct, settings};

const START: &str = "2025-10-01 00:00:00";

fn query(pipeline: &Value) -> Query {
    let mut all = json!({ "start_time": START });
    for (name, value) in pipeline.as_object().unwrap() {
        all[name] = value.clone();
    }
    Query::resolve(&settings(&direct(), &all), "stockout_order_query_trade")
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn played(now: &str, documents: impl IntoIterator<Item = (i64, u32)>) -> Played {
    let played = Played::default();
    played.now_s.set(time::parse(now).unwrap());
    played.documents.borrow_mut().extend(documents);
    played
}

/// Seconds after the start.
fn at(offset_s: i64) -> i64 {
    time::parse(START).unwrap() + offset_s
}

fn keys(batch: &SourceBatch) -> Vec<String> {
    let lines = std::str::from_utf8(&batch.data).unwrap().lines();
    let keys: Vec<_> = batch
        .entries
        .iter()
        .map(|entry| entry.key.clone())
        .collect();
    let read: Vec<String> = lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|record| record["stockout_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys, read);
    keys
}

/// Reads on until nothing more is there; faults are passing ones.
fn drain(reader: &mut Reader<&Played>, ahead: u32) -> (Vec<Vec<String>>, Option<Vec<u8>>) {
    let (mut batches, mut last) = (Vec::new(), None);
    let mut seen = BTreeSet::new();
    for _ in 0..10_000 {
        match reader.next(ahead) {
            Ok(Some(batch)) => {
                batches.push(keys(&batch));
                assert!(seen.insert(batch.position.clone()), "a position came twice");
                last = batch.position;
            }
            Ok(None) => return (batches, last),
            Err(Fault::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it never ends");
}

#[test]
fn pages_come_from_the_last_to_the_first() {
    let played = played(
        "2025-10-01 01:01:00",
        (0..5).map(|id| (at(i64::from(id)), id)),
    );
    let mut reader = Reader::new(&played, query(&json!({ "page_size": 2 })), None);
    let (batches, last) = drain(&mut reader, 1);
    assert_eq!(batches, [vec!["4"], vec!["2", "3"], vec!["0", "1"]]);
    assert_eq!(played.pages(), ["0", "2", "1", "0"]);
    let next = at(3601);
    let expected = format!(r#"{{"v":1,"next":{next},"rested":true}}"#);
    assert_eq!(String::from_utf8(last.unwrap()).unwrap(), expected);
}

#[test]
fn the_only_page_is_fetched_once_and_an_empty_window_moves_on() {
    let played = played("2025-10-01 02:01:00", [(at(10), 1)]);
    let mut reader = Reader::new(&played, query(&json!({ "window": "1h" })), None);
    let (batches, _) = drain(&mut reader, 4);
    // The last second of the second window and the one behind it go together.
    assert_eq!(batches, [vec!["1"], vec![], vec![]]);
    assert_eq!(played.pages(), ["0", "0", "0"]);
    let bounds: Vec<_> = played
        .requests
        .borrow()
        .iter()
        .map(|form| {
            format!(
                "{} .. {}",
                &form["start_time"][11..],
                &form["end_time"][11..]
            )
        })
        .collect();
    assert_eq!(
        bounds,
        [
            "00:00:00 .. 00:59:59",
            "01:00:00 .. 01:59:58",
            "01:59:59 .. 02:00:00"
        ]
    );
}

#[test]
fn requests_carry_what_is_set_and_nothing_empty() {
    let played = played("2025-10-01 01:01:00", []);
    let pipeline =
        json!({ "shop_no": "店 1", "status": 95, "src_tid": "", "is_by_modified": true });
    drain(&mut Reader::new(&played, query(&pipeline), None), 1);
    let form = json!(played.requests.borrow()[0]);
    let expected = json!({
        "appkey": "demo2-test", "sid": "demo2", "timestamp": played.now_s.get().to_string(),
        "start_time": "2025-10-01 00:00:00", "end_time": "2025-10-01 01:00:00",
        "page_no": "0", "page_size": "100", "status": "95", "is_by_modified": "1",
        "shop_no": "店 1", "sign": "signed by openapi2",
    });
    assert_eq!(form, expected);
}

#[test]
fn a_failed_page_is_read_again_and_none_is_skipped() {
    let played = played(
        "2025-10-01 01:01:00",
        (0..10).map(|id| (at(i64::from(id)), id)),
    );
    played.fails.borrow_mut().extend([0, 3, 8]);
    let mut reader = Reader::new(&played, query(&json!({ "page_size": 2 })), None);
    let (batches, _) = drain(&mut reader, 3);
    assert_eq!(
        batches.concat(),
        ["8", "9", "6", "7", "4", "5", "2", "3", "0", "1"]
    );
}

#[test]
fn a_page_without_its_list_is_a_fault_and_is_read_again() {
    for request in [0, 1, 2, 3] {
        let played = played(
            "2025-10-01 01:01:00",
            (0..5).map(|id| (at(i64::from(id)), id)),
        );
        played.listless.borrow_mut().insert(request);
        let mut reader = Reader::new(&played, query(&json!({ "page_size": 2 })), None);
        let mut batches = Vec::new();
        let fault = loop {
            match reader.next(1) {
                Ok(Some(batch)) => batches.push(keys(&batch)),
                Ok(None) => panic!("the answer to request {request} was taken for no records"),
                Err(fault) => break fault,
            }
        };
        let said = format!("{fault:?}");
        assert!(
            said.starts_with("Fault::Broken(\"expected a list of records at `stockout_list`"),
            "{said}"
        );
        batches.extend(drain(&mut reader, 1).0);
        assert_eq!(batches, [vec!["4"], vec!["2", "3"], vec!["0", "1"]]);
    }
}

#[test]
fn reading_goes_on_where_a_position_says() {
    let played = played(
        "2025-10-01 01:01:00",
        (0..6).map(|id| (at(i64::from(id)), id)),
    );
    let mut reader = Reader::new(&played, query(&json!({ "page_size": 2 })), None);
    let first = reader.next(3).unwrap().unwrap();
    assert_eq!(keys(&first), ["4", "5"]);
    let position = Position::from_bytes(&first.position.unwrap()).unwrap();
    // Another page size must not move the pages of a window half read.
    let mut reader = Reader::new(&played, query(&json!({ "page_size": 3 })), Some(position));
    let (batches, _) = drain(&mut reader, 1);
    assert_eq!(batches, [vec!["2", "3"], vec!["0", "1"]]);
}

#[test]
fn a_window_that_grew_while_it_was_read_is_read_again() {
    let played = played(
        "2025-10-01 01:01:00",
        (0..4).map(|id| (at(i64::from(id) * 10), id)),
    );
    // Comes in after the last page was read and moves document 1 onto it.
    played.arrivals.borrow_mut().insert(2, vec![(at(5), 9)]);
    let mut reader = Reader::new(&played, query(&json!({ "page_size": 2 })), None);
    let (batches, _) = drain(&mut reader, 1);
    assert_eq!(
        batches,
        [
            vec!["2", "3"],
            vec!["0", "9"],
            vec!["3"],
            vec!["1", "2"],
            vec!["0", "9"]
        ]
    );
}

#[test]
fn what_leaves_while_pages_are_read_at_once_takes_no_other_along() {
    // Pages 3, 2 and 1 are asked for at once and served the other way round;
    // before page 3 is served, document 2 leaves.
    for leaves_at in 1..5 {
        let documents: Vec<_> = (0..8).map(|id| (at(i64::from(id)), id)).collect();
        let played = played("2025-10-01 01:01:00", documents.clone());
        played.backwards.set(true);
        let leaving = documents[2];
        played
            .departures
            .borrow_mut()
            .insert(leaves_at, vec![leaving]);
        let mut reader = Reader::new(&played, query(&json!({ "page_size": 2 })), None);
        let (batches, _) = drain(&mut reader, 4);
        let read: BTreeSet<String> = batches.concat().into_iter().collect();
        for (_, id) in documents.iter().filter(|document| **document != leaving) {
            assert!(
                read.contains(&id.to_string()),
                "{id} was lost, leaving at {leaves_at}"
            );
        }
    }
}

#[test]
fn nothing_new_is_no_request() {
    let played = played("2025-10-01 01:01:00", []);
    let rested = Position::Between {
        next_s: at(3601),
        rested: true,
    };
    let mut reader = Reader::new(&played, query(&json!({})), Some(rested));
    assert!(reader.next(4).unwrap().is_none());
    let mut later = Reader::new(&played, query(&json!({ "start_time": "2026-01-01" })), None);
    assert!(later.next(4).unwrap().is_none());
    assert!(played.pages().is_empty());
}

#[test]
fn a_page_of_documents_without_their_key_is_named() {
    let played = played("2025-10-01 01:01:00", [(at(3), 1)]);
    let mut query = query(&json!({}));
    query.collection = Collection::by_name("refund_query").unwrap();
    query.collection.name = "stockout_order_query_trade";
    let fault = Reader::new(&played, query, None).next(1).unwrap_err();
    let place = "page 0 of consign_time 2025-10-01 00:00:00 .. 2025-10-01 01:00:00";
    let expected = format!("record 0 of {place} has no `refund_no`");
    assert_eq!(fault, Fault::broken(expected));
}

proptest! {
    /// Documents anywhere, faults anywhere, runs stopped anywhere, late
    /// documents in windows to come: what was read is what there is.
    #[test]
    fn what_is_read_is_what_there_is(
        documents in prop::collection::vec(0_i64..7200, 0..120),
        later in prop::collection::vec((0_usize..30, 0_i64..3000), 0..20),
        fails in prop::collection::btree_set(0_usize..60, 0..8),
        size in 1_u32..=100,
        window_s in 60_i64..7200,
        ahead in 1_u32..6,
        stop_after in 1_usize..8,
    ) {
        let documents = documents.into_iter().zip(0..).map(|(offset, id)| (at(offset), id));
        let played = played("2025-10-01 02:01:00", documents);
        *played.fails.borrow_mut() = fails;
        for (id, (request, offset)) in (1000..).zip(later) {
            let document = (at(7201 + offset), id);
            played.arrivals.borrow_mut().entry(request).or_default().push(document);
        }
        let pipeline = json!({ "page_size": size, "window": format!("{window_s}s") });
        let mut read = BTreeSet::new();
        let mut position = None;
        // Runs that are stopped after some batches, while time moves on.
        for run in 0_i64.. {
            let resume = position.as_ref().map(|bytes: &Vec<u8>| Position::from_bytes(bytes).unwrap());
            let mut reader = Reader::new(&played, query(&pipeline), resume);
            if run > 3 {
                let (batches, _) = drain(&mut reader, ahead);
                read.extend(batches.concat());
                break;
            }
            for _ in 0..stop_after {
                match reader.next(ahead) {
                    Ok(Some(batch)) => {
                        read.extend(keys(&batch));
                        position = batch.position;
                    }
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
            // Nothing that was already read may be behind the clock's moves.
            played.now_s.set(played.now_s.get() + 600 * i64::from(run == 2));
        }
        played.arrivals.borrow_mut().clear();
        played.now_s.set(played.now_s.get() + 7200);
        let resume = Position::Between { next_s: at(7201), rested: false };
        let (batches, _) = drain(&mut Reader::new(&played, query(&pipeline), Some(resume)), ahead);
        read.extend(batches.concat());
        let truth: BTreeSet<_> =
            played.documents.borrow().iter().map(|(_, id)| id.to_string()).collect();
        prop_assert_eq!(read, truth);
    }
}
