//! Findings by number, and when absence counts.

use super::*;
use crate::operation::Saving;
use crate::script::{Script, answer, client, refused, request_text};
use crate::settings::Pipeline;
use duijie_sdk::http::{Failure, Response};
use duijie_sdk::lookup::State;
use serde_json::{Value, json};

type Answers = Vec<Result<Response, Failure>>;

fn find_in(form: &str, keys: &[&str], answers: Answers) -> (Script, Result<Vec<Finding>, Fault>) {
    let script = Script::logged_in(answers);
    let form = Form::new(form, &Pipeline::default());
    let found = find(
        &client(&script),
        &form,
        &Operation::Save(Saving::Batch),
        keys,
    );
    (script, found)
}

#[track_caller]
fn check(keys: &[&str], answers: Answers, expected: &[&str]) {
    let (script, found) = find_in("SAL_OUTSTOCK", keys, answers);
    script.sent();
    let shown: Vec<String> = found.unwrap().iter().map(show).collect();
    assert_eq!(shown, expected);
}

fn show(finding: &Finding) -> String {
    let document = |document: &Document| match &document.state {
        State::Open => format!("{} open", document.id),
        State::Locked(word) => format!("{} locked {word}", document.id),
        State::Cancelled => format!("{} cancelled", document.id),
        State::Other(word) => format!("{} {word}", document.id),
    };
    match finding {
        Finding::Found(one) => document(one),
        Finding::FoundTwice(all) => all.iter().map(document).collect::<Vec<_>>().join(" and "),
        Finding::Absent => "absent".to_owned(),
        Finding::CannotTell(_) => "cannot tell".to_owned(),
        Finding::Other(_) => "other".to_owned(),
    }
}

#[test]
fn states_are_the_systems() {
    let rows = json!([
        [1, "A1", "A"],
        [2, "B1", "B"],
        [3, "C1", "C"],
        [4, "D1", "D"],
        [5, "Z1", "Z"],
        [6, "X1", null],
        [7, "a2", "A"],
        [8, "T", "A"],
        [8, "T", "A"],
        [9, "T", "C"],
    ]);
    check(
        &["T", "Z1", "C1", "A1", "B1", "D1", "X1", "A2", "N"],
        vec![answer(&rows)],
        &[
            "8 open and 9 locked 已审核",
            "5 open",
            "3 locked 已审核",
            "1 open",
            "2 locked 审核中",
            "4 open",
            "6 FDocumentStatus ``",
            "7 open",
            "absent",
        ],
    );
}

#[test]
fn the_query_asks_for_these_numbers_only() {
    let (script, _) = find_in(
        "SAL_OUTSTOCK",
        &["CK1", "O'Neil"],
        vec![answer(&json!([[1, "CK1", "A"]]))],
    );
    let text = request_text(&script.sent()[0]);
    let (head, body) = text.rsplit_once('\n').unwrap();
    assert!(head.starts_with("read: POST http://erp.example.com/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc\n"));
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        json!({"data": {
            "FormId": "SAL_OUTSTOCK", "FieldKeys": "FID,FBillNo,FDocumentStatus",
            "FilterString": "FBillNo in ('CK1','O''Neil')", "OrderString": "FID",
            "TopRowCount": 0, "StartRow": 0, "Limit": 2000, "SubSystemId": "",
        }})
    );
}

#[test]
fn many_numbers_are_asked_for_in_parts_and_long_answers_in_pages() {
    let keys: Vec<String> = (0..201).map(|index| format!("K{index}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let full: Vec<Value> = (0..2000).map(|_| json!([1, "K0", "A"])).collect();
    let answers = vec![
        answer(&json!(full)),
        answer(&json!([])),
        answer(&json!([[2, "K200", "A"]])),
    ];
    let (script, found) = find_in("SAL_OUTSTOCK", &keys, answers);
    let found = found.unwrap();
    assert_eq!(
        (show(&found[0]), show(&found[1]), show(&found[200])),
        ("1 open".into(), "absent".into(), "2 open".into())
    );
    let texts: Vec<String> = script.sent().iter().map(request_text).collect();
    assert!(texts[1].contains("\"StartRow\":2000"), "{}", texts[1]);
    assert!(texts[2].contains("in ('K200')"), "{}", texts[2]);
}

#[test]
fn nothing_found_counts_only_when_the_form_shows_something() {
    check(
        &["N"],
        vec![answer(&json!([])), answer(&json!([[5]]))],
        &["absent"],
    );
    let unknown = refused(9, &[(0, "编码值[\"N\"]不存在")]);
    let empty = || answer(&json!([]));
    check(
        &["N"],
        vec![empty(), empty(), answer(&unknown)],
        &["absent"],
    );
    check(
        &["N"],
        vec![empty(), empty(), answer(&refused(2, &[(0, "没有权限")]))],
        &["cannot tell"],
    );
    check(
        &["N"],
        vec![empty(), empty(), crate::script::says(404, "no")],
        &["cannot tell"],
    );
    check(
        &["N"],
        vec![empty(), empty(), answer(&crate::script::saved(&[]))],
        &["cannot tell"],
    );
    // Other forms may take a number twice.
    let (script, found) = find_in("PUR_Receive", &["N"], vec![empty(), empty()]);
    script.sent();
    assert_eq!(show(&found.unwrap()[0]), "cannot tell");
}

#[test]
fn a_refused_query_tells_nothing() {
    let unknown_field = json!([[refused(9, &[(0, "元数据中标识为FBillNo的字段不存在")])]]);
    check(
        &["A", "B"],
        vec![answer(&unknown_field)],
        &["cannot tell", "cannot tell"],
    );
}

#[track_caller]
fn check_fault(answer: Result<Response, Failure>, expected: &str) {
    let (_, found) = find_in("SAL_OUTSTOCK", &["A"], vec![answer]);
    let shown = format!("{:?}", found.unwrap_err());
    assert!(shown.starts_with(expected), "{shown}");
}

#[test]
fn trouble_on_the_way_is_a_fault() {
    check_fault(
        answer(&json!([[refused(2, &[(0, "没有权限")])]])),
        "Fault::Unauthorized",
    );
    check_fault(
        answer(&json!([[refused(14, &[(0, "限流")])]])),
        "Fault::RateLimited",
    );
    check_fault(
        answer(&json!([[refused(4, &[(0, "异常")])]])),
        "Fault::Unavailable",
    );
    check_fault(answer(&json!([[1, "other", "A"]])), "Fault::Broken");
    check_fault(answer(&json!([[1]])), "Fault::Broken");
    check_fault(crate::script::says(200, "<html>"), "Fault::Broken");
    check_fault(Err(Failure::NoAnswer("x".to_owned())), "Fault::Unavailable");
    check_fault(Err(Failure::NotSent("x".to_owned())), "Fault::NotSent");
}
