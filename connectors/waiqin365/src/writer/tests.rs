//! Batches in, requests and outcomes out.

use duijie_sdk::Fault;
use duijie_sdk::http::{Failure, Response};
use duijie_sdk::target::Batch;

use super::Writer;
use crate::operation::Write;
use crate::script::{Script, batch, says, show};

const DONE: &str = r#"{"msg_id":"X","return_code":0,"return_msg":""}"#;
const REFUSED: &str = r#"{"msg_id":"X","return_code":1,"return_msg":"客户编码不存在"}"#;

fn write(
    operation: &str,
    batch: &Batch,
    answers: Vec<Result<Response, Failure>>,
) -> (Vec<String>, Result<Vec<String>, Fault>) {
    let script = Script::new(answers);
    let mut writer = Writer::new(script.client(), Write::by_name(operation).unwrap());
    let outcomes = writer.write(batch);
    let outcomes = outcomes.map(|outcomes| outcomes.iter().map(show).collect());
    (script.sent(), outcomes)
}

#[test]
fn documents_go_one_by_one_and_a_broken_one_stays() {
    let batch = batch(&[
        ("N1", r#"{"sent_no":"N1"}"#),
        ("N2", r#"{"sent_no":""}"#),
        ("N3", r#"{"sent_no":"N3"}"#),
    ]);
    let (sent, outcomes) = write(
        "autoSignFromSentNo",
        &batch,
        vec![says(200, DONE), says(200, REFUSED)],
    );
    assert_eq!(
        sent,
        [
            r#"write [0] autoSignFromSentNo {"sent_no":"N1"}"#,
            r#"write [2] autoSignFromSentNo {"sent_no":"N3"}"#,
        ]
    );
    let expected = [
        "applied -",
        "rejected required sent_no",
        "rejected waiqin365.1",
    ];
    assert_eq!(outcomes.unwrap(), expected);
}

#[test]
fn balances_go_in_one_request() {
    let batch = batch(&[
        ("D1", r#"{"dealerCode":"D1","balance":"1.00"}"#),
        ("D2", r#"{"dealerCode":"D2"}"#),
        ("D3", r#"{"dealerCode":"D3","balance":-0.10}"#),
    ]);
    let (sent, outcomes) = write(
        "receiveCustomerWithBalance",
        &batch,
        vec![says(200, REFUSED)],
    );
    assert_eq!(
        sent,
        [
            r#"write [0, 2] receiveCustomerWithBalance {"data":[{"dealerCode":"D1","balance":"1.00"},{"dealerCode":"D3","balance":-0.10}]}"#
        ]
    );
    let expected = [
        "rejected waiqin365.batch",
        "rejected required data.balance",
        "rejected waiqin365.batch",
    ];
    assert_eq!(outcomes.unwrap(), expected);
}

#[test]
fn a_request_that_did_not_leave_is_a_fault_only_before_all_others() {
    let documents = batch(&[("N1", r#"{"sent_no":"N1"}"#), ("N2", r#"{"sent_no":"N2"}"#)]);
    let not_sent = || Err(Failure::NotSent("no route".to_owned()));
    let (_, outcomes) = write("autoSignFromSentNo", &documents, vec![not_sent()]);
    assert_eq!(outcomes, Err(Fault::NotSent("no route".to_owned())));
    let no_answer = Err(Failure::NoAnswer("cut".to_owned()));
    let (_, outcomes) = write(
        "autoSignFromSentNo",
        &documents,
        vec![no_answer, not_sent()],
    );
    assert_eq!(outcomes.unwrap(), ["unknown", "later waiqin365.not-sent"]);
}

#[test]
fn credentials_that_are_refused_are_no_fault_of_a_document() {
    let documents = batch(&[("N1", r#"{"sent_no":"N1"}"#), ("N2", r#"{"sent_no":"N2"}"#)]);
    let unsigned = || says(200, r#"{"return_code":1,"return_msg":"签名错误"}"#);
    let (_, outcomes) = write(
        "autoSignFromSentNo",
        &documents,
        vec![unsigned(), unsigned()],
    );
    let refused = "later waiqin365.unauthorized";
    assert_eq!(outcomes.unwrap(), [refused, refused]);
    let answers = vec![says(200, DONE), unsigned()];
    let (_, outcomes) = write("autoSignFromSentNo", &documents, answers);
    assert_eq!(
        outcomes.unwrap(),
        ["applied -", "later waiqin365.unauthorized"]
    );
}

#[test]
fn lines_and_entries_have_to_agree() {
    let mut documents = batch(&[("N1", r#"{"sent_no":"N1"}"#)]);
    documents.data.extend_from_slice(b"{}\n");
    let (_, outcomes) = write("autoSignFromSentNo", &documents, Vec::new());
    assert_eq!(
        outcomes,
        Err(Fault::broken("more lines than entries in the batch"))
    );
    documents.data.clear();
    let (_, outcomes) = write("autoSignFromSentNo", &documents, Vec::new());
    assert_eq!(
        outcomes,
        Err(Fault::broken("fewer lines than entries in the batch"))
    );
}
