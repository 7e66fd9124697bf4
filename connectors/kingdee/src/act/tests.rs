//! Operations on standing documents over a host that plays answers, and what a
//! look-up says of them afterwards.

use super::*;
use crate::operation::Operation;
use crate::script::{Script, answer, client, refused, saved, says, shown};
use crate::settings::Pipeline;
use duijie_sdk::Retry;
use duijie_sdk::http::{Failure, Response};
use duijie_sdk::lookup::Finding;
use duijie_sdk::target::Action;
use serde_json::{Value, json};

type Answers = Vec<Result<Response, Failure>>;

fn entries(keys: &[&str]) -> Vec<Entry> {
    keys.iter()
        .map(|key| Entry {
            target_key: (*key).to_owned(),
            action: Action::Create,
            known_id: None,
            attempt: 1,
        })
        .collect()
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied(id) => format!("applied {}", id.as_deref().unwrap_or("-")),
        Outcome::Rejected(rejection) if rejection.retry == Retry::Later => {
            format!("later {}", rejection.code)
        }
        Outcome::Rejected(rejection) => format!("rejected {}", rejection.code),
        Outcome::Unknown(_) | Outcome::Other(_) => "unknown".to_owned(),
    }
}

/// Does what the settings choose with sales orders; `sent` are the operations.
#[track_caller]
fn check(
    settings: &Value,
    keys: &[&str],
    answers: Answers,
    sent: &[&str],
    expected: &[&str],
) -> Script {
    let script = Script::logged_in(answers);
    let (pipeline, problems) = Pipeline::read(&settings.to_string());
    assert!(problems.is_empty(), "{problems:?}");
    let operation = Operation::of(&pipeline).unwrap();
    let mut form = Form::new("SAL_SaleOrder", &pipeline);
    form.state_field = operation.state_field();
    let (client, options) = (client(&script), &pipeline.options);
    let outcomes = match &operation {
        Operation::Step(taken) => step(&client, &form, options, taken, &entries(keys)),
        Operation::Push => push(&client, &form, options, &entries(keys)),
        Operation::Save(_) => panic!("it saves"),
    };
    let shown: Vec<String> = outcomes.unwrap().iter().map(show).collect();
    assert_eq!(shown, expected);
    assert_eq!(script.operations(), sent);
    script
}

fn rows(rows: &Value) -> Result<Response, Failure> {
    answer(rows)
}

#[test]
fn a_step_is_taken_by_those_that_are_not_past_it() {
    let states = json!([[1, "A", "A"], [2, "B", "C"], [3, "C", "B"]]);
    let script = check(
        &json!({"operation": "Audit"}),
        &["A", "B", "C", "D"],
        vec![
            rows(&states),
            answer(&json!({"Result": {"ResponseStatus": {
                "IsSuccess": false, "MsgCode": 11,
                "Errors": [{"Message": "未提交", "DIndex": 0}],
                "SuccessEntitys": [{"Id": 3, "Number": "C", "DIndex": 1}],
            }}})),
            rows(&json!([[1, "A", "A"]])),
        ],
        &["ExecuteBillQuery", "Audit", "ExecuteBillQuery"],
        &[
            "rejected 11",
            "applied 2",
            "applied 3",
            "rejected kingdee.not-found",
        ],
    );
    let body: Value = serde_json::from_str(&shown(&script.sent()[1].body)).unwrap();
    assert_eq!(body["data"]["Ids"], "1,3");
    assert_eq!(
        format!("{:?}", script.sent()[1].purpose),
        "Some(Purpose::Write([0, 2]))"
    );
}

#[test]
fn what_is_gone_is_deleted_and_what_is_audited_stays() {
    check(
        &json!({"operation": "Delete"}),
        &["A", "B"],
        vec![
            rows(&json!([[1, "A", "C"]])),
            answer(&refused(11, &[(0, "已经审核，不允许此操作")])),
            rows(&json!([[1, "A", "C"]])),
        ],
        &["ExecuteBillQuery", "Delete", "ExecuteBillQuery"],
        &["rejected 11", "applied -"],
    );
}

#[test]
fn an_operation_by_number_looks_at_its_own_state() {
    let script = check(
        &json!({"operation": "ExcuteOperation", "options": {"opNumber": "YLBillClose"}}),
        &["A", "B"],
        vec![
            rows(&json!([[1, "A", "A"], [2, "B", "B"]])),
            answer(&saved(&[(0, 1)])),
        ],
        &["ExecuteBillQuery", "ExcuteOperation"],
        &["applied 1", "applied 2"],
    );
    let body: Value = serde_json::from_str(&shown(&script.sent()[1].body)).unwrap();
    assert_eq!(body["opNumber"], "YLBillClose");
    let query = shown(&script.sent()[0].body);
    assert!(query.contains("FID,FBillNo,FCloseStatus"), "{query}");
}

#[test]
fn each_document_is_pushed_by_a_call_of_its_own() {
    let push = json!({"operation": "Push", "options": {
        "TargetFormId": "SAL_OUTSTOCK", "IsEnableDefaultRule": true, "TargetOrgId": 100,
    }});
    let done = |id: i64| answer(&saved(&[(0, id)]));
    let script = check(
        &push,
        &["A", "B", "C", "D"],
        vec![
            done(71),
            answer(&refused(11, &[(0, "关联数量已全部下推")])),
            says(502, "<html>"),
            done(74),
        ],
        &["Push", "Push", "Push", "Push"],
        &["applied 71", "rejected 11", "unknown", "applied 74"],
    );
    let body: Value = serde_json::from_str(&shown(&script.sent()[0].body)).unwrap();
    assert_eq!(
        body,
        json!({"formid": "SAL_SaleOrder", "data": {
            "Ids": "", "Numbers": ["A"], "TargetFormId": "SAL_OUTSTOCK",
            "IsEnableDefaultRule": "true", "TargetOrgId": 100,
        }})
    );
    // What is in the way of one is in the way of those behind it.
    check(
        &push,
        &["A", "B"],
        vec![done(71), says(429, "")],
        &["Push", "Push"],
        &["applied 71", "later kingdee.throttled"],
    );
}

#[test]
fn a_look_up_tells_whether_the_operation_took_effect() {
    let found = |settings: Value, answers: Answers| -> Vec<String> {
        let script = Script::logged_in(answers);
        let settings = duijie_sdk::Settings {
            connection: json!({
                "base_url": "http://erp.example.com/k3cloud/", "acct_id": "a", "username": "u",
                "auth": "password", "password": {"$secret": "password"},
            })
            .to_string(),
            pipeline: settings.to_string(),
        };
        let keys = ["A".to_owned(), "B".to_owned(), "N".to_owned()];
        let found = crate::Kingdee::find_over(script.clone(), &settings, "SAL_SaleOrder", &keys);
        script.sent();
        found
            .unwrap()
            .iter()
            .map(|finding| match finding {
                Finding::Found(document) => format!("found {}", document.id),
                Finding::Absent => "absent".to_owned(),
                _ => "cannot tell".to_owned(),
            })
            .collect()
    };
    let states = || rows(&json!([[1, "A", "A"], [2, "B", "C"]]));
    assert_eq!(
        found(json!({"operation": "Audit"}), vec![states()]),
        ["absent", "found 2", "absent"]
    );
    assert_eq!(
        found(json!({"operation": "UnAudit"}), vec![states()]),
        ["found 1", "absent", "absent"]
    );
    assert_eq!(
        found(json!({"operation": "Delete"}), vec![states()]),
        ["absent", "absent", "found N"]
    );
    let unknown = json!({"operation": "ExcuteOperation", "options": {"opNumber": "Freeze"}});
    assert_eq!(
        found(unknown, vec![states()]),
        ["cannot tell", "cannot tell", "absent"]
    );
    let push = json!({"operation": "Push", "options": {
        "TargetFormId": "STK_InStock", "IsEnableDefaultRule": true,
    }});
    let pushed = rows(&json!([[7, "A", "A"], [7, "A", "A"]]));
    assert_eq!(found(push, vec![pushed]), ["found 7", "absent", "absent"]);
    let blind = json!({"operation": "Push", "options": {"RuleId": "R"}});
    assert_eq!(found(blind, vec![]), ["cannot tell"; 3]);
}

#[test]
fn settings_must_choose_what_can_be_done() {
    let problem = |settings: Value| -> String {
        let (pipeline, _) = Pipeline::read(&settings.to_string());
        Operation::of(&pipeline).unwrap_err().message
    };
    assert!(problem(json!({"operation": "Approve"})).contains("Approve"));
    assert!(problem(json!({"operation": "ExcuteOperation"})).contains("opNumber"));
    assert!(problem(json!({"operation": "Push"})).contains("RuleId"));
    let half = json!({"operation": "Push", "options": {"TargetFormId": "X"}});
    assert!(problem(half).contains("RuleId"));
}
