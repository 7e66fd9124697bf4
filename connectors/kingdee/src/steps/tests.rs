//! Steps over a host that plays answers, and how far documents have come.

use super::{named as named_step, *};
use crate::script::{Script, answer, client, refused, saved, says, session_lost, shown};
use crate::settings::Pipeline;
use duijie_sdk::Retry;
use duijie_sdk::http::{Failure, Response};
use serde_json::{Value, json};

type Answers = Vec<Result<Response, Failure>>;

/// `CK1#105410` is a number with its id.
fn entries(named: &[&str]) -> Vec<Entry> {
    let entry = |name: &&str| {
        let (key, id) = name
            .split_once('#')
            .map_or((*name, None), |(key, id)| (key, Some(id)));
        Entry {
            target_key: key.to_owned(),
            id: id.map(str::to_owned),
        }
    };
    named.iter().map(entry).collect()
}

fn form() -> Form {
    Form::new("SAL_OUTSTOCK", &Pipeline::default())
}

fn take(step: &str, named: &[&str], answers: Answers) -> (Script, Result<Vec<Outcome>, Fault>) {
    let script = Script::logged_in(answers);
    let (pipeline, _) = Pipeline::read(r#"{"options": {"InterationFlags": "STK_InvCheckResult"}}"#);
    let entries = entries(named);
    let indices = (0..).zip(&entries).map(|(index, _)| index).collect();
    let (form, options) = (form(), &pipeline.options);
    let told = named_step(step)
        .and_then(|step| perform(&client(&script), &form, options, &step, &entries, indices));
    (script, told)
}

#[track_caller]
fn check(step: &str, named: &[&str], answers: Answers, expected: &[&str]) {
    let (script, told) = take(step, named, answers);
    script.sent();
    let shown: Vec<String> = told.unwrap().iter().map(show).collect();
    assert_eq!(shown, expected);
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied => "applied".to_owned(),
        Outcome::Rejected(rejection) => match rejection.retry {
            Retry::Never => format!("rejected {} {}", rejection.code, rejection.message),
            Retry::Later => format!("later {}", rejection.code),
        },
        Outcome::Unknown(_) => "unknown".to_owned(),
        Outcome::Other(_) => "other".to_owned(),
    }
}

#[track_caller]
fn check_progress(named: &[&str], answers: Answers, expected: &[&str]) {
    let script = Script::logged_in(answers);
    let told = progress(&client(&script), &form(), &entries(named)).unwrap();
    script.sent();
    let shown: Vec<String> = told
        .iter()
        .map(|progress| match progress {
            Progress::Done(steps) => format!("done [{}]", steps.join(" ")),
            Progress::Absent => "absent".to_owned(),
            Progress::Conflict(reason) => format!("conflict: {reason}"),
            Progress::CannotTell(_) => "cannot tell".to_owned(),
            Progress::Other(_) => "other".to_owned(),
        })
        .collect();
    assert_eq!(shown, expected);
}

/// What a step was sent as.
fn sent(script: &Script) -> (String, Value) {
    let request = script.sent().remove(0);
    let operation = script.operations().remove(0);
    let body: Value = serde_json::from_str(&shown(&request.body)).unwrap();
    assert_eq!(body["formid"], "SAL_OUTSTOCK");
    assert_eq!(request.purpose, Some(Purpose::Write(vec![0, 1])));
    (operation, body["data"].clone())
}

#[test]
fn documents_are_named_by_id_where_all_ids_are_known() {
    let done = || vec![answer(&saved(&[(0, 1), (1, 2)]))];
    let (script, _) = take("submit", &["A#1", "B#2"], done());
    let expected = json!({"CreateOrgId": 0, "Numbers": [], "Ids": "1,2", "NetworkCtrl": "", "SelectedPostId": 0});
    assert_eq!(sent(&script), ("Submit".to_owned(), expected));
    let (script, _) = take("audit", &["A#1", "B"], done());
    let expected = json!({"CreateOrgId": 0, "Numbers": ["A", "B"], "Ids": "", "NetworkCtrl": "",
        "InterationFlags": "STK_InvCheckResult", "IsVerifyProcInst": true});
    assert_eq!(sent(&script), ("Audit".to_owned(), expected));
}

#[test]
fn a_success_is_about_the_document_of_its_id() {
    let ids = &["A#1", "B#2", "C#3"];
    let done = answer(&saved(&[(0, 3), (1, 1)]));
    check(
        "submit",
        ids,
        vec![done],
        &["applied", "unknown", "applied"],
    );
    // An id that nobody asked for says nothing of who stands at its index.
    let other = answer(&saved(&[(0, 7), (1, 2), (2, 3)]));
    check(
        "submit",
        ids,
        vec![other],
        &["unknown", "applied", "applied"],
    );
    let by_index = answer(&saved(&[(1, 8), (0, 9)]));
    check(
        "audit",
        &["A", "B"],
        vec![by_index],
        &["applied", "applied"],
    );
}

#[test]
fn a_refusal_is_judged_by_the_documents_own_state() {
    let refusal = || answer(&refused(11, &[(0, "单据“A”已经审核"), (1, "库存不足")]));
    let states = |a: &str, b: &str| answer(&json!([[1, "A", a], [2, "B", b]]));
    let ids = &["A#1", "B#2"];
    check(
        "audit",
        ids,
        vec![refusal(), states("C", "B")],
        &["applied", "rejected 11 库存不足"],
    );
    check(
        "submit",
        ids,
        vec![refusal(), states("B", "D")],
        &["applied", "rejected 11 库存不足"],
    );
    // The words say that it is done, the state does not: doubt.
    check(
        "audit",
        ids,
        vec![refusal(), states("B", "C")],
        &["unknown", "applied"],
    );
    check(
        "audit",
        ids,
        vec![refusal(), answer(&json!([[1, "A", "C"], [9, "B", "C"]]))],
        &["applied", "unknown"],
    );
    check(
        "audit",
        ids,
        vec![refusal(), answer(&json!([[1, "A", "C"]]))],
        &["applied", "unknown"],
    );
    check(
        "audit",
        ids,
        vec![refusal(), says(502, "")],
        &["unknown", "unknown"],
    );
}

#[test]
fn what_cannot_be_understood_is_doubt() {
    let unknown = &["unknown", "unknown"];
    let ids = &["A#1", "B#2"];
    check("audit", ids, vec![says(502, "<html>")], unknown);
    check("audit", ids, vec![says(200, "{}")], unknown);
    check(
        "audit",
        ids,
        vec![Err(Failure::NoAnswer("x".to_owned()))],
        unknown,
    );
    check(
        "audit",
        ids,
        vec![answer(&refused(4, &[(0, "x"), (1, "y")]))],
        unknown,
    );
    // What stood a moment ago is not named any more.
    check(
        "audit",
        ids,
        vec![answer(&refused(9, &[(0, "编码值[\"A\"]不存在")]))],
        unknown,
    );
}

#[test]
fn a_call_refused_for_now_is_tried_later() {
    let busy = answer(&refused(13, &[(0, "网控冲突"), (1, "网控冲突")]));
    check(
        "audit",
        &["A#1", "B#2"],
        vec![busy],
        &["later 13", "later 13"],
    );
    let limited = answer(&refused(14, &[(0, "限流")]));
    check(
        "audit",
        &["A#1"],
        vec![limited],
        &["later kingdee.throttled"],
    );
    let lost = vec![
        session_lost(),
        crate::script::logged_in(),
        answer(&saved(&[(0, 1)])),
    ];
    check("audit", &["A#1"], lost, &["applied"]);
}

#[test]
fn what_did_not_leave_is_a_fault_and_so_is_an_unknown_step() {
    let (_, told) = take("audit", &["A"], vec![Err(Failure::NotSent("x".to_owned()))]);
    assert_eq!(told, Err(Fault::NotSent("x".to_owned())));
    let (script, told) = take("approve", &["A"], Vec::new());
    assert!(matches!(told, Err(Fault::InvalidSettings(_))), "{told:?}");
    assert!(script.sent().is_empty());
}

#[test]
fn progress_is_the_documents_own_state() {
    let rows = json!([
        [1, "A1", "A"],
        [2, "B1", "B"],
        [3, "C1", "C"],
        [4, "D1", "D"],
        [5, "X1", "?"],
        [6, "T", "C"],
        [7, "T", "C"],
        [8, "I", "C"],
    ]);
    check_progress(
        &["A1#1", "B1#2", "C1", "D1#4", "X1", "T", "I#9", "N#1"],
        vec![answer(&rows)],
        &[
            "done []",
            "done [submit]",
            "done [submit audit]",
            "done []",
            "cannot tell",
            "conflict: more than one document with this number",
            "conflict: found id `8` under this number, expected `9`",
            "absent",
        ],
    );
}

#[test]
fn absent_counts_only_when_the_form_shows_something() {
    let empty = || answer(&json!([]));
    check_progress(&["A"], vec![empty(), answer(&json!([[5]]))], &["absent"]);
    let forbidden = answer(&refused(2, &[(0, "没有权限")]));
    check_progress(&["A"], vec![empty(), empty(), forbidden], &["cannot tell"]);
    let no_field = json!([[refused(9, &[(0, "元数据中标识为FBillNo的字段不存在")])]]);
    check_progress(&["A"], vec![answer(&no_field)], &["cannot tell"]);
}
