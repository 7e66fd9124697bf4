//! What envelopes say.

use duijie_sdk::Fault;
use duijie_sdk::http::Response;

use super::{Code, Reply, records};

fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }
}

/// Records of an answer, or its fault, as text.
fn read(status: u16, body: &str) -> String {
    match records(response(status, body)) {
        Ok(None) => "none".to_owned(),
        Ok(Some(page)) => String::from_utf8(page.into_lines())
            .unwrap()
            .trim()
            .to_owned(),
        Err(Fault::RateLimited(pause)) => format!("rate limited: {}", pause.reason),
        Err(Fault::Unavailable(pause)) => format!("unavailable: {}", pause.reason),
        Err(Fault::Unauthorized(reason)) => format!("unauthorized: {reason}"),
        Err(Fault::Broken(reason)) => format!("broken: {reason}"),
        Err(Fault::Other(reason)) => format!("other: {reason}"),
        Err(fault) => format!("{fault:?}"),
    }
}

#[track_caller]
fn check(body: &str, expected: &str) {
    assert_eq!(read(200, body), expected);
}

#[test]
fn records_come_as_a_string_as_a_value_and_with_any_good_code() {
    let record = r#"{"id":7226306356013346628,"n":"2.00000000","t":"a\"b"}"#;
    for code in ["0", "\"0\"", "true"] {
        check(
            &format!(
                r#"{{"return_code":{code},"response_data":"[{{\"id\":7226306356013346628,\"n\":\"2.00000000\",\"t\":\"a\\\"b\"}}]"}}"#
            ),
            record,
        );
        check(
            &format!(r#"{{"response_data":[{record}],"return_code":{code}}}"#),
            record,
        );
        for name in ["rows", "list", "data"] {
            let answer =
                format!(r#"{{"return_code":{code},"response_data":{{"{name}":[{record}]}}}}"#);
            check(&answer, record);
        }
        check(
            &format!(r#"{{"return_code":{code},"response_data":"[]"}}"#),
            "",
        );
    }
    check(
        r#"{"return_code":"0","return_msg":null,"response_data":""}"#,
        "none",
    );
    check(
        r#"{"return_code":"0","return_msg":null,"response_data":null}"#,
        "none",
    );
}

#[test]
fn what_is_no_list_of_records_is_broken() {
    for (body, expected) in [
        (
            r#"{"return_code":true,"response_data":null}"#,
            "broken: expected records in `response_data`, found `{\"return_code\":true,\"response_data\":null}`",
        ),
        (
            r#"{"return_code":"0"}"#,
            "broken: expected records in `response_data`, found `{\"return_code\":\"0\"}`",
        ),
        (
            r#"{"code":0}"#,
            "broken: expected an envelope with `return_code`, found `{\"code\":0}`",
        ),
        (
            r#"{"return_code":"0","response_data":"7"}"#,
            "broken: expected a list of records, found `7`",
        ),
        (
            "<html>",
            "broken: expected a JSON object, found `<html>`: the address or the operation may be wrong",
        ),
        (
            r#"{"return_code":"0","resp"#,
            "broken: at byte 24: expected the end of a string, found `{\"return_code\":\"0\",\"resp`",
        ),
    ] {
        check(body, expected);
    }
}

#[test]
fn refusals_are_told_apart_by_their_words() {
    for (code, message, expected) in [
        ("1", "客户编码不存在", "other"),
        ("\"1\"", "请求过于频繁", "rate limited"),
        ("1", "系统繁忙,请稍后再试", "unavailable"),
        ("1", "处理超时", "unavailable"),
        ("1", "签名错误", "unauthorized"),
        ("1", "没有接口权限", "unauthorized"),
    ] {
        let expected = format!("{expected}: Waiqin365 answered 1: {message}");
        check(
            &format!(r#"{{"return_code":{code},"return_msg":"{message}"}}"#),
            &expected,
        );
    }
    check(
        r#"{"return_code":false,"return_msg":null}"#,
        "other: Waiqin365 answered false: ",
    );
    assert_eq!(read(502, "<b>"), "unavailable: HTTP 502: `<b>`");
    assert_eq!(read(429, ""), "rate limited: HTTP 429: ``");
    assert_eq!(read(404, ""), "broken: HTTP 404: ``");
}

#[test]
fn true_is_no_one() {
    let reply = Reply::read(br#"{"return_code":true}"#.to_vec()).unwrap();
    assert_eq!(reply.code, Code::Truth);
    let reply = Reply::read(br#"{"return_code":1,"return_msg":""}"#.to_vec()).unwrap();
    assert_eq!(reply.code, Code::Failed("1".to_owned()));
}
