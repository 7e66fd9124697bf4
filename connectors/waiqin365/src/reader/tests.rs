//! What is read is what there is, whatever happens meanwhile.

use std::collections::BTreeMap;

use duijie_sdk::{Change, Fault, SourceBatch, time};
use serde_json::{Value, json};

use super::Reader;
use crate::call::Client;
use crate::position::Position;
use crate::settings::{self, Task};
use crate::tests::{connection, settings};

mod played;
mod property;

use played::{Event, Order, Played};

const ORDERS: &str = "getDmsPurchaseOrderInfos";

fn at(offset_s: i64) -> i64 {
    time::parse("2025-10-01").unwrap() + offset_s
}

fn played(now: i64, created: impl IntoIterator<Item = i64>) -> Played {
    let played = Played::default();
    played.now_s.set(now);
    played.fixed_size.set(100);
    for created_s in created {
        played.arrive(created_s);
    }
    played
}

fn reader<'p>(
    played: &'p Played,
    collection: &str,
    pipeline: &Value,
    position: Option<&[u8]>,
) -> Reader<&'p Played> {
    let settings = settings(&connection(), pipeline);
    let client = Client::new(played, settings::connection(&settings).unwrap());
    let task = Task::resolve(&settings, collection).unwrap();
    let position = position.map(|bytes| Position::from_bytes(bytes).unwrap());
    Reader::new(client, task, position)
}

/// What was given of each document last, as the host would hold it.
#[derive(Default)]
struct Host {
    records: BTreeMap<String, Value>,
    position: Option<Vec<u8>>,
    batches: usize,
}

impl Host {
    fn take(&mut self, batch: SourceBatch) {
        let text = String::from_utf8(batch.data).unwrap();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        assert_eq!(lines.len(), batch.entries.len());
        for (line, entry) in lines.into_iter().zip(batch.entries) {
            self.records
                .insert(entry.key, serde_json::from_str(line).unwrap());
        }
        assert!(batch.position.is_some() && batch.position != self.position);
        self.position = batch.position;
        self.batches += 1;
    }

    /// Reads to the end, and again after faults.
    fn run(&mut self, reader: &mut Reader<&Played>) {
        let mut faults = 0;
        loop {
            match reader.next() {
                Ok(Some(batch)) => self.take(batch),
                Ok(None) => return,
                Err(fault) => {
                    faults += 1;
                    assert!(faults < 50, "{fault:?}");
                }
            }
        }
    }
}

#[track_caller]
fn check(host: &Host, played: &Played) {
    for document in played.documents.borrow().iter() {
        let found = host
            .records
            .iter()
            .find(|(key, _)| key.rsplit('/').next() == Some(&document.id.to_string()));
        let revision = found.map(|(_, record)| record["revision"].clone());
        assert_eq!(revision, Some(json!(document.revision)), "{document:?}");
    }
}

#[test]
fn every_collection_is_read_whole_in_pages_of_any_size() {
    let collections: Vec<_> = crate::operation::Query::all().collect();
    assert_eq!(collections.len(), 20);
    for query in collections {
        for size in [1, 7, 1000] {
            for bounds_count in [false, true] {
                let played = played(at(20 * 86_400), (0..40).map(|day| at(day * 40_000)));
                played.bounds_count.set(bounds_count);
                played.fixed_size.set(size);
                let mut pipeline = json!({});
                if query.max_page_size > 0 {
                    pipeline["page_size"] = json!(size);
                }
                if query.reads != crate::operation::Reads::Whole {
                    pipeline["start_time"] = json!("2025-10-01");
                }
                let name = query.operation.name;
                let mut host = Host::default();
                // Quotas name a document by two fields.
                if name.starts_with("queryCmQuotaBy") {
                    continue;
                }
                let key = |name: &str| matches!(name, "id" | "car_id" | "storehouse" | "prod_id");
                if !query.key.split(',').all(key) {
                    continue;
                }
                host.run(&mut reader(&played, name, &pipeline, None));
                assert_eq!(host.records.len(), 40, "{name} {size}");
                check(&host, &played);
            }
        }
    }
}

#[test]
fn the_last_window_of_queries_to_the_second_has_no_end() {
    let played = played(at(8 * 86_400 + 7260), [at(3600), at(8 * 86_400)]);
    let pipeline =
        json!({ "start_time": "2025-10-01 10:00:00", "filters": { "purchase_status": "CG_DFH" } });
    let mut host = Host::default();
    host.run(&mut reader(&played, ORDERS, &pipeline, None));
    let page = |filters: Value| {
        let mut page =
            json!({ "page_number": 1, "page_length": 1000, "purchase_status": "CG_DFH" });
        for (name, value) in filters.as_object().unwrap() {
            page[name] = value.clone();
        }
        page
    };
    assert_eq!(
        *played.requests.borrow(),
        [
            page(json!({ "start_create_date": "2025-10-01", "end_create_date": "2025-10-08" })),
            page(json!({ "start_modify_date": "2025-10-01", "end_modify_date": "2025-10-08" })),
            page(json!({ "after_create_date": "2025-10-07 23:59:59" })),
            page(json!({ "after_modify_date": "2025-10-07 23:59:59" })),
        ]
    );
    let url = &played.urls.borrow()[0];
    let base = "https://openapi.example.com/api/dmsdatasearch/v1/getDmsPurchaseOrderInfos/5465103569540931532/20251009020100/0123456789abcdef0123456789abcdef/";
    let message_id = url.strip_prefix(base).unwrap();
    assert!(message_id.len() == 32 && message_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn a_run_after_a_rest_goes_back_by_the_overlap() {
    let played = played(at(7260), [at(0)]);
    let pipeline = json!({ "start_time": "2025-10-01", "overlap": "1h" });
    let mut host = Host::default();
    host.run(&mut reader(&played, ORDERS, &pipeline, None));
    played.requests.borrow_mut().clear();
    played.now_s.set(at(9060));
    let mut second = reader(&played, ORDERS, &pipeline, host.position.as_deref());
    host.run(&mut second);
    assert_eq!(
        played.requests.borrow()[0]["after_create_date"],
        // An hour before the first run's end, and one second: the bound may not count.
        "2025-10-01 01:00:00"
    );
}

#[test]
fn a_run_right_after_another_finds_what_came_between_and_a_backfill_ends() {
    let played = played(at(7260), [at(0)]);
    let check_run = |pipeline: Value, requests: usize| {
        played.requests.borrow_mut().clear();
        let mut host = Host::default();
        host.run(&mut reader(&played, ORDERS, &pipeline, None));
        let before = played.requests.borrow().len();
        played.arrive(played.now_s.get());
        let mut again = reader(&played, ORDERS, &pipeline, host.position.clone().as_deref());
        host.run(&mut again);
        assert_eq!(played.requests.borrow().len(), before + requests);
        host
    };
    let host = check_run(json!({ "start_time": "2025-10-01" }), 2);
    check(&host, &played);
    let end = "2025-10-01 01:00:00";
    check_run(json!({ "start_time": "2025-10-01", "end_time": end }), 0);
    let later = json!({ "start_time": "2026-01-01" });
    assert_eq!(check_run(later, 0).batches, 0);
}

#[test]
fn days_are_asked_for_by_their_own_names() {
    for (collection, names) in [
        (
            "queryCouponDetail",
            ["create_start", "create_end", "modify_start", "modify_end"],
        ),
        (
            "carsales",
            [
                "start_create_date",
                "end_create_date",
                "start_modify_date",
                "end_modify_date",
            ],
        ),
    ] {
        let played = played(at(7260), []);
        let pipeline = json!({ "start_time": "2025-10-01" });
        let mut host = Host::default();
        host.run(&mut reader(&played, collection, &pipeline, None));
        let requests = played.requests.borrow();
        let days: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(place, name)| requests[place / 2][*name].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            days,
            ["2025-10-01", "2025-10-02", "2025-10-01", "2025-10-02"]
        );
    }
    let played = played(at(0), []);
    let mut host = Host::default();
    host.run(&mut reader(
        &played,
        "queryOrder",
        &json!({ "start_time": "2025-09-30" }),
        None,
    ));
    assert_eq!(
        played.requests.borrow()[0],
        json!({ "page": 1, "rows": 1000, "after_create_date": "2025-09-29 23:59:59" })
    );
}

#[test]
fn sign_notes_of_every_state_are_asked_for() {
    let played = played(at(7260), []);
    let pipeline = json!({ "start_time": "2025-10-01" });
    Host::default().run(&mut reader(
        &played,
        "getDmsOrderSignInfos",
        &pipeline,
        None,
    ));
    let states = "FH_CLZ,FH_DQS,FH_QSZ,FH_YQS,FH_YJQ";
    assert_eq!(played.requests.borrow()[0]["s_sign_status"], states);
}

#[test]
fn a_page_is_not_torn_and_several_are_read_back_once() {
    let pages = |documents: i64, size: u32| {
        let played = played(at(7260), (0..documents).map(at));
        let pipeline = json!({ "start_time": "2025-10-01", "page_size": size });
        let mut host = Host::default();
        host.run(&mut reader(&played, ORDERS, &pipeline, None));
        check(&host, &played);
        let requests = played.requests.borrow();
        let created = requests
            .iter()
            .filter(|asked| asked.get("after_create_date").is_some());
        created
            .map(|asked| asked["page_number"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(pages(2, 3), [1]);
    assert_eq!(pages(5, 3), [1, 2, 2, 1]);
    assert_eq!(pages(6, 3), [1, 2, 3, 2, 1]);
}

#[test]
fn a_system_that_does_not_look_at_the_page_number_ends() {
    let played = played(at(7260), (0..30).map(at));
    played.one_page.set(true);
    let mut host = Host::default();
    host.run(&mut reader(&played, "queryStock", &json!({}), None));
    assert_eq!(
        (host.records.len(), played.requests.borrow().len()),
        (30, 3)
    );
}

#[test]
fn a_record_is_the_same_line_wherever_it_stands_in_a_page() {
    let page = |body: &str| super::lines(crate::call::Reply::page(body.as_bytes()).unwrap());
    let lines = page("[ {\"id\":1,\n\"n\":2.50} ,\n  {\"id\":2}]");
    assert_eq!(lines, b"{\"id\":1, \"n\":2.50}\n{\"id\":2}");
    assert_eq!(page("[]"), b"");
}

#[test]
fn a_deleted_document_is_a_deletion_and_a_line_of_it_is_none() {
    let client = |body: &str| {
        let page = crate::call::Reply::page(body.as_bytes()).unwrap();
        let columns = super::Columns::of(&crate::operation::Query::by_name(ORDERS).unwrap());
        let entries: Vec<_> = page.records().map(|record| columns.entry(record)).collect();
        entries
    };
    let entries = client(
        r#"[{"prods":[{"id":"1","status":"0"}],"id":7226306356013346628,"status":"1","modify_time_str":"2016-12-01 00:00:00.999"},
            {"id":"2","status":0,"modify_time_str":""},{"prods":[{"id":"1"}],"id":""}]"#,
    );
    let [first, second, third] = entries.as_slice() else {
        panic!("three entries")
    };
    let first = first.as_ref().unwrap();
    assert_eq!(
        (first.key.as_str(), first.change),
        ("7226306356013346628", Change::Upsert)
    );
    assert_eq!(first.version.as_deref(), Some("2016-12-01 00:00:00.999"));
    let second = second.as_ref().unwrap();
    assert_eq!((second.change, &second.version), (Change::Delete, &None));
    assert_eq!(third.as_ref().unwrap_err(), &"id");
}

#[test]
fn what_never_stands_still_is_not_called_read() {
    let played = played(at(7260), (0..40).map(at));
    played.order.set(Order::Newest);
    // Something comes in at the front in every pass.
    for request in (0..4000).step_by(4) {
        played.events.borrow_mut().insert(request, Event::Arrives);
    }
    let pipeline = json!({ "start_time": "2025-10-01", "page_size": 2 });
    let mut reader = reader(&played, ORDERS, &pipeline, None);
    let fault = loop {
        match reader.next() {
            Ok(batch) => assert!(batch.is_some()),
            Err(fault) => break fault,
        }
    };
    assert!(
        matches!(&fault, Fault::Unavailable(pause) if pause.reason.contains("moved while it was read")),
        "{fault:?}"
    );
    // It begins anew, and ends when there is peace.
    played.events.borrow_mut().clear();
    let mut host = Host::default();
    host.run(&mut reader);
    check(&host, &played);
}
