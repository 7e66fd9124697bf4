//! Answers in, outcomes out.

use super::*;
use crate::reply;
use crate::script::{refused, saved};
use duijie_sdk::http::Response;
use serde_json::{Value, json};

#[track_caller]
fn check(answer: &Value, documents: usize, expected: &[&str]) {
    check_call(false, answer, documents, expected);
}

#[track_caller]
fn check_call(audits: bool, answer: &Value, documents: usize, expected: &[&str]) {
    let response = Response {
        status: 200,
        headers: Vec::new(),
        body: answer.to_string().into_bytes(),
    };
    let status = reply::status(&response).unwrap();
    let keys: Vec<String> = (0..documents).map(|index| format!("CK{index}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let shown: Vec<String> = judge(status, &keys, audits).iter().map(show).collect();
    assert_eq!(shown, expected);
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied(id) => format!("applied {}", id.as_deref().unwrap_or("-")),
        Outcome::Rejected(Rejection {
            code,
            message,
            field,
            retry,
        }) => {
            format!(
                "rejected {code} {message} {} {retry:?}",
                field.as_deref().unwrap_or("-")
            )
        }
        Outcome::Unknown(_) => "unknown".to_owned(),
        Outcome::Other(_) => "other".to_owned(),
    }
}

/// Errors beside what was saved.
fn half(msg_code: u32, done: &[(usize, i64)], errors: &[(usize, &str)]) -> Value {
    let mut answer = refused(msg_code, errors);
    let saved = saved(done);
    answer["Result"]["ResponseStatus"]["SuccessEntitys"] =
        saved["Result"]["ResponseStatus"]["SuccessEntitys"].clone();
    answer
}

#[test]
fn each_document_is_judged_by_its_index() {
    check(
        &saved(&[(1, 105_411), (0, 105_410)]),
        2,
        &["applied 105410", "applied 105411"],
    );
    check(
        &half(11, &[(2, 7)], &[(0, "客户不存在"), (0, "数量不能为空")]),
        4,
        &[
            "rejected 11 客户不存在; 数量不能为空 - Retry::Never",
            "unknown",
            "applied 7",
            "unknown",
        ],
    );
    check(&saved(&[]), 1, &["unknown"]);
    check(&saved(&[(0, 0)]), 1, &["applied -"]);
}

#[test]
fn done_and_failed_at_once_is_unknown() {
    check(&half(11, &[(0, 7)], &[(0, "审核失败")]), 1, &["unknown"]);
}

#[test]
fn classes_of_codes_decide_on_retries() {
    check(
        &half(13, &[(0, 7)], &[(1, "网控冲突")]),
        2,
        &["applied 7", "rejected 13 网控冲突 - Retry::Later"],
    );
    check(
        &half(14, &[(0, 7)], &[(1, "限流")]),
        2,
        &["applied 7", "rejected 14 限流 - Retry::Later"],
    );
    check(
        &half(4, &[(0, 7)], &[(1, "异常")]),
        2,
        &["applied 7", "unknown"],
    );
    check(
        &refused(6, &[(0, "数据库操作失败")]),
        2,
        &["unknown", "unknown"],
    );
    check(
        &refused(8, &[(0, "参数错误")]),
        2,
        &["rejected 8 参数错误 - Retry::Never", "unknown"],
    );
}

#[test]
fn a_refusal_of_the_whole_call_refuses_each_document_for_now() {
    for (msg_code, code) in [
        (1, "kingdee.unauthorized"),
        (2, "kingdee.forbidden"),
        (3, "kingdee.malformed"),
        (5, "kingdee.malformed"),
        (7, "kingdee.barred"),
        (14, "kingdee.throttled"),
        (15, "kingdee.barred"),
    ] {
        let expected = format!("rejected {code} 不行 - Retry::Later");
        let answer = refused(msg_code, &[(0, "不行")]);
        check(&answer, 2, &[&expected, &expected]);
        if msg_code != 2 {
            check_call(true, &answer, 2, &[&expected, &expected]);
        }
    }
}

#[test]
fn a_failed_document_of_a_call_that_audits_may_have_been_saved() {
    let unknown = ["applied 7", "unknown"];
    for msg_code in [2, 8, 11, 13] {
        check_call(
            true,
            &half(msg_code, &[(0, 7)], &[(1, "审核失败")]),
            2,
            &unknown,
        );
    }
    let taken = "单据编号为“CK1”的单据已经存在，违反字段唯一性要求";
    let duplicate = format!("rejected kingdee.duplicate {taken} - Retry::Never");
    check_call(
        true,
        &half(11, &[(0, 7)], &[(1, taken)]),
        2,
        &["applied 7", &duplicate],
    );
    check_call(true, &refused(2, &[(0, "没有审核权限")]), 1, &["unknown"]);
    check_call(
        true,
        &refused(2, &[(0, "没有审核权限")]),
        2,
        &["unknown", "unknown"],
    );
}

#[test]
fn a_permission_that_is_missing_for_each_document_refuses_it_for_good() {
    check(
        &refused(2, &[(0, "没有权限")]),
        1,
        &["rejected 2 没有权限 - Retry::Never"],
    );
}

#[test]
fn a_number_that_is_taken_has_a_code_of_its_own() {
    let taken = "单据编号为“CK1”的单据已经存在，违反字段唯一性要求";
    check(
        &half(11, &[(0, 7)], &[(1, taken)]),
        2,
        &[
            "applied 7",
            &format!("rejected kingdee.duplicate {taken} - Retry::Never"),
        ],
    );
    check(
        &refused(11, &[(0, "批号重复")]),
        1,
        &["rejected 11 批号重复 - Retry::Never"],
    );
}

#[test]
fn the_field_at_fault_is_told() {
    let mut answer = refused(11, &[(0, "必填")]);
    answer["Result"]["ResponseStatus"]["Errors"][0]["FieldName"] = json!("FCustomerID");
    check(&answer, 1, &["rejected 11 必填 FCustomerID Retry::Never"]);
}
