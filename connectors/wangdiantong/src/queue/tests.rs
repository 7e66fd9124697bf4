//! A queue that is read, acknowledged and read again.

use std::cell::RefCell;

use duijie_sdk::acknowledge::{Answer, Entry, Outcome};
use duijie_sdk::http::{Failure, Piece, Purpose, Request, Response};
use duijie_sdk::{Network, Rejection, Signed};
use serde_json::json;

use super::{acknowledge, next};
use crate::columns::Columns;
use crate::settings::Query;
use crate::tests::{direct, settings};

/// Answers in the order in which they stand, and keeps the requests.
struct Told {
    answers: RefCell<Vec<Result<&'static str, Failure>>>,
    requests: RefCell<Vec<(String, Option<Purpose>, String)>>,
}

fn told(answers: &[Result<&'static str, Failure>]) -> Told {
    let answers = answers.iter().rev().cloned().collect();
    Told {
        answers: RefCell::new(answers),
        requests: RefCell::default(),
    }
}

impl Network for Told {
    fn send(&self, request: Request) -> Result<Response, Failure> {
        let [Piece::Bytes(body)] = request.body.as_slice() else {
            panic!("one piece of bytes")
        };
        let body = String::from_utf8(body.clone()).unwrap();
        let asked = (request.url, request.purpose, body);
        self.requests.borrow_mut().push(asked);
        let body = self.answers.borrow_mut().pop().unwrap()?;
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        })
    }

    fn send_many(&self, _: Vec<Request>) -> Vec<Result<Response, Failure>> {
        panic!("a queue is not read ahead")
    }

    fn sign(&self, _: &str, _: &[(&str, &str)]) -> Result<Signed, String> {
        Ok(Signed {
            text: "signed".to_owned(),
            time_ms: 0,
        })
    }

    fn held(&self) -> Vec<String> {
        Vec::new()
    }

    fn forget(&self) {}

    fn now_ms(&self) -> u64 {
        1_760_000_000_000
    }
}

fn query(collection: &str) -> Query {
    let pipeline = json!({ "page_size": 2, "shop_no": "S1" });
    Query::resolve(&settings(&direct(), &pipeline), collection)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn entry(token: &str, outcome: Outcome) -> Entry {
    Entry {
        key: token.to_owned(),
        ack_token: token.to_owned(),
        outcome,
    }
}

#[test]
fn rows_are_given_until_all_of_them_were_given_before() {
    let rows = Ok(
        r#"{"code":0,"message":"","trades":[{"rec_id":"7","tid":"A"},{"rec_id":"8","tid":"B"}]}"#,
    );
    let more = Ok(r#"{"code":0,"trades":[{"rec_id":"8","tid":"B"},{"rec_id":"9","tid":"C"}]}"#);
    let network = told(&[rows.clone(), rows, more, Ok(r#"{"code":0,"trades":[]}"#)]);
    let query = query("logistics_sync_query");
    let columns = Columns::of(&query.collection);
    let mut given = Vec::new();
    let mut read = || {
        let batch = next(&network, &query, &columns, &mut given).unwrap();
        batch.map(|batch| {
            assert_eq!(batch.position, None);
            let tokens = batch.entries.into_iter().map(|entry| entry.ack_token);
            tokens.flatten().collect::<Vec<_>>()
        })
    };
    assert_eq!(read(), Some(vec!["7".to_owned(), "8".to_owned()]));
    assert_eq!(read(), None);
    assert_eq!(read(), Some(vec!["8".to_owned(), "9".to_owned()]));
    assert_eq!(read(), None);
    let requests = network.requests.borrow();
    let (url, purpose, body) = &requests[0];
    assert!(url.ends_with("/openapi2/logistics_sync_query.php"), "{url}");
    assert_eq!(*purpose, Some(Purpose::Read));
    assert!(body.contains("limit=2&shop_no=S1"), "{body}");
    assert!(!body.contains("page"), "{body}");
}

#[test]
fn every_row_is_told_how_it_went() {
    let network = told(&[Ok(
        r#"{"code":0,"message":"","errors":[{"rec_id":"8","error":"状态已变"}]}"#,
    )]);
    let refused = Outcome::Rejected(Rejection::never("required", "没有\"客户\""));
    let entries = [
        entry("7", Outcome::Applied(None)),
        entry("8", refused),
        entry("9", Outcome::Dropped("没有明细".to_owned())),
    ];
    let answers = acknowledge(&network, &query("logistics_sync_query"), &entries).unwrap();
    assert_eq!(answers[0], Answer::Acknowledged);
    assert_eq!(
        answers[1],
        Answer::Refused(Rejection::never("error", "状态已变"))
    );
    assert_eq!(answers[2], Answer::Acknowledged);
    let requests = network.requests.borrow();
    let (url, purpose, body) = &requests[0];
    assert!(url.ends_with("/logistics_sync_ack.php"), "{url}");
    assert_eq!(*purpose, Some(Purpose::Write(vec![0, 1, 2])));
    let list = r#"[{"rec_id":"7","status":0,"message":""},{"rec_id":"8","status":1,"message":"\u6ca1\u6709\"\u5ba2\u6237\""},{"rec_id":"9","status":0,"message":""}]"#;
    let encoded = duijie_sdk::form::encode(&[("logistics_list", list)]);
    let encoded = String::from_utf8(encoded).unwrap();
    assert!(
        body.contains(encoded.split("%22message%22%3A%22%5C").next().unwrap()),
        "{body}"
    );
}

#[test]
fn stock_is_acknowledged_with_the_counter_that_was_read() {
    let rows = Ok(
        r#"{"code":0,"stock_change_list":[{"rec_id":5,"sync_stock":"3.0000","stock_change_count":"41"}],"current_count":1}"#,
    );
    let network = told(&[rows, Ok(r#"{"code":0,"errors":[]}"#)]);
    let query = query("api_goods_stock_change_query");
    let columns = Columns::of(&query.collection);
    let batch = next(&network, &query, &columns, &mut Vec::new());
    let entries = batch.unwrap().unwrap().entries;
    assert_eq!(entries[0].ack_token.as_deref(), Some("5,3.0000,41"));
    assert_eq!(entries[0].version.as_deref(), Some("000000000041"));
    let told = [entry("5,3.0000,41", Outcome::Applied(None))];
    let answers = acknowledge(&network, &query, &told).unwrap();
    assert_eq!(answers, [Answer::Acknowledged]);
    let list = r#"[{"rec_id":"5","sync_stock":"3.0000","stock_change_count":"41"}]"#;
    let encoded = duijie_sdk::form::encode(&[("stock_sync_list", list)]);
    let body = network.requests.borrow()[1].2.clone();
    assert!(
        body.contains(std::str::from_utf8(&encoded).unwrap()),
        "{body}"
    );
}

#[test]
fn no_clear_answer_is_doubt() {
    let one = [entry("7", Outcome::Applied(None))];
    let query = query("logistics_sync_query");
    for (answer, expected) in [
        (Err(Failure::NoAnswer("cut".to_owned())), "Unknown"),
        (Ok("<html>"), "Unknown"),
        (Ok(r#"{"code":1020,"message":"系统错误"}"#), "Unknown"),
        (Ok(r#"{"code":2541,"message":"参数错误"}"#), "Refused"),
    ] {
        let answers = acknowledge(&told(&[answer]), &query, &one).unwrap();
        assert!(
            format!("{:?}", answers[0]).contains(expected),
            "{answers:?}"
        );
    }
    let busy = [Ok(r#"{"code":1012,"message":"频率超限"}"#)];
    assert!(acknowledge(&told(&busy), &query, &one).is_err());
}

fn flagship(collection: &str) -> Result<Query, String> {
    let mut connection = direct();
    connection["dialect"] = "flagship".into();
    connection["salt"] = "testsalt".into();
    let pipeline = json!({ "page_size": 2, "shop_no": "S1" });
    let query = Query::resolve(&settings(&connection, &pipeline), collection);
    query.map_err(|problems| format!("{problems:?}"))
}

#[test]
fn the_flagship_has_a_queue_under_names_of_its_own() {
    let rows =
        Ok(r#"{"status":0,"total":2,"data":[{"sync_id":7,"tid":"A"},{"sync_id":8,"tid":"B"}]}"#);
    let network = told(&[
        rows,
        Ok(r#"{"status":0,"data":["同步记录不存在!"]}"#),
        Ok(r#"{"status":0,"data":[]}"#),
        Ok(r#"{"status":0,"data":["同步记录不存在!"]}"#),
    ]);
    let query = flagship("logistics_sync_query").unwrap();
    let columns = Columns::of(&query.collection);
    let batch = next(&network, &query, &columns, &mut Vec::new());
    let entries = batch.unwrap().unwrap().entries;
    assert_eq!(entries[1].key, "8");
    let refused = Outcome::Rejected(Rejection::never("required", "没有客户"));
    let entries = [entry("7", Outcome::Applied(None)), entry("8", refused)];
    // The call tells no row, and so each is told alone.
    let answers = acknowledge(&network, &query, &entries).unwrap();
    assert_eq!(answers[0], Answer::Acknowledged);
    assert!(matches!(&answers[1], Answer::Refused(_)), "{answers:?}");
    let requests = network.requests.borrow();
    let (url, _, body) = &requests[0];
    assert!(
        url.contains("method=sales.LogisticsSync.getSyncListExt"),
        "{url}"
    );
    assert!(url.contains("page_no=0&page_size=2"), "{url}");
    assert_eq!(body, r#"[{"is_own_platform":true,"shop_no":"S1"}]"#);
    let (url, purpose, body) = &requests[1];
    assert!(url.contains("method=sales.LogisticsSync.update"), "{url}");
    assert_eq!(*purpose, Some(Purpose::Write(vec![0, 1])));
    let row = r#"{"sync_id":"7","status":0,"error_msg":""}"#;
    assert!(body.starts_with(&format!("[[{row},")), "{body}");
    assert_eq!(requests[2].2, format!("[[{row}]]"));
    assert_eq!(requests[3].1, Some(Purpose::Write(vec![1])));
}

#[test]
fn a_queue_that_is_not_read_is_said_so() {
    let said = flagship("api_goods_stock_change_query").err().unwrap();
    assert!(said.contains("for stock read `stock_query`"), "{said}");
}
