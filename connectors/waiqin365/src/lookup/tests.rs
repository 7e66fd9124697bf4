//! Found, absent, or not to be told.

use duijie_sdk::http::{Failure, Response};
use duijie_sdk::lookup::Finding;
use serde_json::{Value, json};

use super::find;
use crate::operation::Write;
use crate::script::{Script, says, shows};

type Answer = Result<Response, Failure>;

fn look(operation: &str, keys: &[&str], answers: Vec<Answer>) -> (Vec<String>, Vec<String>) {
    let script = Script::new(answers);
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let write = Write::by_name(operation).unwrap();
    let findings = find(&script.client(), write, &keys).unwrap();
    let shown = findings.iter().map(|finding| match finding {
        Finding::Found(document) => format!("{:?} {}", document.state, document.id),
        Finding::FoundTwice(documents) => {
            let ids: Vec<_> = documents
                .iter()
                .map(|document| document.id.as_str())
                .collect();
            format!("twice {}", ids.join(" "))
        }
        Finding::Absent => "absent".to_owned(),
        Finding::CannotTell(reason) => reason.clone(),
        Finding::Other(reason) => format!("other {reason}"),
    });
    (script.sent(), shown.collect())
}

fn note(id: &str, number: &str, status: &str) -> Value {
    json!({ "id": id, "sent_no": number, "status": status })
}

#[track_caller]
fn check(records: &[Value], expected: &str) {
    let control = records.iter().all(|record| record["sent_no"] != "N1");
    let mut answers = vec![shows(&Value::from(records.to_vec()))];
    if control && records.len() < 1000 {
        answers.push(shows(&json!([note("9", "N9", "1")])));
    }
    let (_, findings) = look("addSent", &["N1"], answers);
    assert_eq!(findings, [expected]);
}

#[test]
fn a_number_is_found_once_twice_or_deleted() {
    check(&[note("1", "N1", "1")], "State::Open 1");
    check(&[note("1", "N1", "0")], "State::Cancelled 1");
    check(
        &[note("1", "N1", "1"), note("2", "N1", "0")],
        "State::Open 1",
    );
    check(&[note("1", "N1", "1"), note("2", "N1", "1")], "twice 1 2");
    // A filter that is not exact shows others.
    check(&[note("1", "N10", "1")], "absent");
    check(&[], "absent");
    let others: Vec<Value> = (0..1000)
        .map(|id| note(&id.to_string(), "N2", "1"))
        .collect();
    check(
        &others,
        "`send_no` was not looked at: a full page without `N1`",
    );
}

#[test]
fn absent_needs_a_document_that_is_shown() {
    let nothing = || shows(&json!([]));
    let (sent, findings) = look(
        "addSent",
        &["N1", "N2"],
        vec![nothing(), nothing(), nothing()],
    );
    assert_eq!(
        sent,
        [
            r#"read getDmsOrderSentInfos {"page_number":1,"page_length":1000,"send_no":"N1"}"#,
            r#"read getDmsOrderSentInfos {"page_number":1,"page_length":1}"#,
            r#"read getDmsOrderSentInfos {"page_number":1,"page_length":1000,"send_no":"N2"}"#,
        ]
    );
    let blind = "`getDmsOrderSentInfos` shows no document at all: the account may lack the right to see them";
    assert_eq!(findings, [blind, blind]);
    let refused = says(200, r#"{"return_code":1,"return_msg":"参数错误"}"#);
    let (_, findings) = look("returnOrder", &["N1"], vec![refused]);
    assert_eq!(findings, ["Waiqin365 answered 1: 参数错误"]);
    let (_, findings) = look("savePreDeposit", &["N1"], Vec::new());
    assert_eq!(findings, ["no query finds what `savePreDeposit` wrote"]);
}

#[test]
fn coupons_are_looked_for_among_all_there_and_back() {
    let coupons = |from: usize, count: usize| {
        let coupon = |id: usize| json!({ "id": id, "coupon_no": format!("K{id}"), "status": "1" });
        shows(&(from..from + count).map(coupon).collect())
    };
    let answers = vec![coupons(0, 1000), coupons(1000, 2), coupons(3, 1000)];
    let (sent, findings) = look("addCoupon", &["K1001", "K1002", "N"], answers);
    assert_eq!(sent.len(), 3);
    // The last of the first page slipped from the second one in between.
    assert_eq!(findings, ["State::Open 1001", "State::Open 1002", "absent"]);
}
