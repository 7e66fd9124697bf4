//! Applied, refused or in doubt.

use duijie_sdk::http::Response;

use super::judge;
use crate::script::show;

#[track_caller]
fn check(status: u16, body: &str, documents: usize, expected: &str) {
    let response = Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    };
    assert_eq!(show(&judge(response, documents)), expected, "{body}");
}

#[test]
fn zero_is_done_in_every_shape_and_tells_an_id_where_there_is_one() {
    for (body, expected) in [
        (
            r#"{"msg_id":"X","return_code":0,"return_msg":""}"#,
            "applied -",
        ),
        (
            r#"{"return_code":"0","return_msg":null,"response_data":null}"#,
            "applied -",
        ),
        (
            r#"{"return_code":"0","response_data":"[{\"id\":\"8183666817447601554\",\"code\":\"DH1\"}]"}"#,
            "applied 8183666817447601554",
        ),
        (
            r#"{"return_code":0,"response_data":[{"id":5932650281301050831}]}"#,
            "applied 5932650281301050831",
        ),
        (
            r#"{"return_code":0,"return_msg":"{\"id\":\"7\",\"cm_id\":\"1\"}"}"#,
            "applied 7",
        ),
        (r#"{"return_code":0,"return_msg":{"id":7}}"#, "applied 7"),
        (
            r#"{"return_code":0,"return_msg":"外请365直营订单详情数据"}"#,
            "applied -",
        ),
        (r#"{"return_code":true,"response_data":"[]"}"#, "applied -"),
    ] {
        check(200, body, 1, expected);
    }
}

#[test]
fn a_refusal_says_why_and_anything_else_is_doubt() {
    for (message, one, several) in [
        (
            "客户编码不存在",
            "rejected waiqin365.1",
            "rejected waiqin365.batch",
        ),
        (
            "单号N1已存在",
            "rejected waiqin365.duplicate",
            "rejected waiqin365.batch",
        ),
        (
            "请求过于频繁",
            "later waiqin365.throttled",
            "later waiqin365.throttled",
        ),
        ("系统繁忙", "later waiqin365.busy", "later waiqin365.busy"),
        (
            "没有接口权限",
            "later waiqin365.unauthorized",
            "later waiqin365.unauthorized",
        ),
        ("处理超时", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ] {
        for code in ["1", "\"1\""] {
            let body = format!(r#"{{"msg_id":"X","return_code":{code},"return_msg":"{message}"}}"#);
            check(200, &body, 1, one);
            check(200, &body, 2, several);
        }
    }
    check(
        200,
        r#"{"return_code":"40013","return_msg":"未知"}"#,
        1,
        "rejected waiqin365.40013",
    );
    for (status, body, expected) in [
        (200, "<html>", "unknown"),
        (200, r#"{"return_code":0,"return"#, "unknown"),
        (200, r#"{"ok":true}"#, "unknown"),
        (200, r#"{"return_code":true}"#, "unknown"),
        (200, r#"{"return_code":null}"#, "unknown"),
        (502, "", "unknown"),
        (404, r#"{"return_code":0}"#, "unknown"),
        (429, "", "later waiqin365.throttled"),
    ] {
        check(status, body, 1, expected);
    }
}
