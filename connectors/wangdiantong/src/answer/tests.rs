//! What each kind of answer is taken for.

use duijie_sdk::Fault;
use duijie_sdk::http::Response;

use super::{Contents, read};
use crate::dialect::Dialect;

fn answer(dialect: Dialect, status: u16, body: &str) -> Result<Contents, Fault> {
    answer_to(dialect, 0, status, body)
}

fn answer_to(dialect: Dialect, page_no: u64, status: u16, body: &str) -> Result<Contents, Fault> {
    let headers = vec![("retry-after".to_owned(), "7".to_owned())];
    let body = body.as_bytes().to_vec();
    read(
        dialect,
        "stockout_list",
        page_no,
        Response {
            status,
            headers,
            body,
        },
    )
}

fn check_fault(dialect: Dialect, status: u16, body: &str, expected: &str) {
    let fault = answer(dialect, status, body).err().unwrap();
    assert_eq!(
        format!("{fault:?}").replace("\\\"", "'").replace('"', "'"),
        expected
    );
}

fn check_contents(dialect: Dialect, body: &str, total: Option<u64>, records: Option<usize>) {
    let contents = answer(dialect, 200, body).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(contents.total, total, "{body}");
    assert_eq!(contents.page.map(|page| page.len()), records, "{body}");
}

use Dialect::{Openapi2, Qimen};

#[test]
fn numbers_and_strings_are_read_alike() {
    check_contents(
        Openapi2,
        r#"{"code":0,"total_count":"2","stockout_list":[{},{}]}"#,
        Some(2),
        Some(2),
    );
    check_contents(
        Openapi2,
        r#"{"code":"0","total_count":2,"stockout_list":[{}]}"#,
        Some(2),
        Some(1),
    );
    check_contents(
        Openapi2,
        r#"{"code":0,"total_count":null,"stockout_list":[{}]}"#,
        None,
        Some(1),
    );
    check_contents(
        Qimen,
        r#"{"response":{"errorcode":0,"message":"ok","total_count":3,"stockout_list":[{}]}}"#,
        Some(3),
        Some(1),
    );
}

#[test]
fn no_list_means_no_records_where_the_code_says_so() {
    check_contents(Openapi2, r#"{"code":0,"total_count":0}"#, Some(0), None);
    check_contents(
        Openapi2,
        r#"{"code":7200,"message":"单据不存在"}"#,
        Some(0),
        None,
    );
    check_contents(
        Qimen,
        r#"{"response":{"errorcode":"0","total_count":"0"}}"#,
        Some(0),
        None,
    );
}

/// `total` and `list` are members with their commas, or nothing.
#[track_caller]
fn check_broken(page_no: u64, total: &str, list: &str, expected: &str) {
    for (dialect, body, path) in [
        (Openapi2, format!(r#"{{"code":0{total}{list}}}"#), ""),
        (
            Qimen,
            format!(r#"{{"response":{{"errorcode":0{total}{list}}}}}"#),
            "response.",
        ),
    ] {
        match answer_to(dialect, page_no, 200, &body) {
            Err(Fault::Broken(said)) => {
                let expected = expected.replace("PATH", &format!("{path}stockout_list"));
                assert!(said.starts_with(&expected), "{said}");
            }
            Err(fault) => panic!("{body}: {fault:?}"),
            Ok(_) => panic!("{body} was taken for records"),
        }
    }
}

#[test]
fn no_list_is_broken_unless_the_total_is_known_to_be_0() {
    for list in [
        "",
        r#","stockout_list":null"#,
        r#","stockout_list":"none" "#,
        r#","stockout_list":{"0":{}}"#,
    ] {
        let expected = "expected a list of records at `PATH`, found `{";
        for total in ["", r#","total_count":null"#, r#","total_count":"3" "#] {
            check_broken(0, total, list, expected);
        }
        // A later page stands in a window that holds records, whatever it says.
        for total in ["", r#","total_count":0"#, r#","total_count":"3" "#] {
            check_broken(1, total, list, expected);
            check_broken(7, total, list, expected);
        }
    }
}

#[test]
fn an_empty_list_on_page_0_agrees_with_the_total() {
    let empty = r#","stockout_list":[]"#;
    let expected = "`total_count` is 3 and `PATH` is empty";
    check_broken(0, r#","total_count":3"#, empty, expected);
    // Records may leave a window while it is read.
    let body = r#"{"code":0,"stockout_list":[]}"#;
    let contents = answer_to(Openapi2, 2, 200, body).unwrap_or_else(|fault| panic!("{fault:?}"));
    assert_eq!(contents.page.map(|page| page.len()), Some(0));
}

#[test]
fn throttling_says_when_to_come_back() {
    let limited = |reason: &str, ms: u64| {
        format!("Fault::RateLimited(Pause {{ reason: '{reason}', retry-after-ms: Some({ms}) }})")
    };
    let check = |dialect, status, body, reason, ms| {
        check_fault(dialect, status, body, &limited(reason, ms));
    };
    check(
        Openapi2,
        200,
        r#"{"code":1012,"message":"请求过于频繁"}"#,
        "Wangdiantong answered 1012: 请求过于频繁",
        31_000,
    );
    check(
        Openapi2,
        200,
        r#"{"code":"99","message":"调用频率超限"}"#,
        "Wangdiantong answered 99: 调用频率超限",
        31_000,
    );
    check(
        Qimen,
        200,
        r#"{"response":{"flag":"failure","code":7,"sub_code":"accesscontrol.limited-by-app-access-count","message":"This ban will last for 17 more seconds"}}"#,
        "the gateway answered 7 (accesscontrol.limited-by-app-access-count): This ban will last for 17 more seconds",
        17_000,
    );
    check(
        Qimen,
        200,
        r#"{"error_response":{"code":"7","msg":"App Call Limited"}}"#,
        "the gateway answered 7: App Call Limited",
        60_000,
    );
    check(Openapi2, 429, "slow down", "HTTP 429: `slow down`", 7_000);
}

#[test]
fn credentials_and_outages_are_told_apart() {
    for (dialect, body, expected) in [
        (
            Openapi2,
            r#"{"code":2090,"message":"appkey已停用"}"#,
            "Fault::Unauthorized('Wangdiantong answered 2090: appkey已停用')",
        ),
        (
            Openapi2,
            r#"{"code":1007,"message":"店铺ID不存在"}"#,
            "Fault::Other('Wangdiantong answered 1007: 店铺ID不存在')",
        ),
        (
            Openapi2,
            r#"{"code":1020,"message":"系统错误"}"#,
            "Fault::Unavailable(Pause { reason: 'Wangdiantong answered 1020: 系统错误', retry-after-ms: None })",
        ),
        (
            Openapi2,
            r#"{"code":1020,"message":"时间跨度超过一个月"}"#,
            "Fault::Other('Wangdiantong answered 1020: 时间跨度超过一个月')",
        ),
        (
            Qimen,
            r#"{"response":{"flag":"failure","code":25,"message":"Invalid signature","request_id":"x"}}"#,
            "Fault::Unauthorized('the gateway answered 25: Invalid signature')",
        ),
        (
            Qimen,
            r#"{"error_response":{"code":15,"msg":"Remote service error","sub_code":"isv.x","sub_msg":"busy"}}"#,
            "Fault::Unavailable(Pause { reason: 'the gateway answered 15 (isv.x): busy', retry-after-ms: None })",
        ),
        (
            Qimen,
            r#"{"response":{"errorcode":2104,"message":"超过30天"}}"#,
            "Fault::Other('Wangdiantong answered 2104: 超过30天')",
        ),
    ] {
        check_fault(dialect, 200, body, expected);
    }
    check_fault(
        Openapi2,
        502,
        "<h1>Bad Gateway</h1>",
        "Fault::Unavailable(Pause { reason: 'HTTP 502: `<h1>Bad Gateway</h1>`', retry-after-ms: Some(7000) })",
    );
}

#[test]
fn what_is_no_answer_is_quoted_with_its_numbers_masked() {
    check_fault(
        Openapi2,
        200,
        "<html>\n <p>call 13800138000</p>",
        "Fault::Broken('at byte 0: expected a JSON object, found `<html> <p>call ***</p>`')",
    );
    check_fault(
        Openapi2,
        200,
        r#"{"code":0,"stockout_list":[{"a":1},{"b"#,
        "Fault::Broken('at byte 38: expected the end of a string, found `{'code':0,'stockout_list':[{'a':1},{'b`')",
    );
    check_fault(
        Qimen,
        200,
        r#"{"code":0,"stockout_list":[]}"#,
        "Fault::Broken('expected an envelope with `response.errorcode`, found `{'code':0,'stockout_list':[]}`')",
    );
    check_fault(
        Openapi2,
        200,
        r#"{"code":0,"total_count":"many"}"#,
        "Fault::Broken('`total_count` is no number, found `{'code':0,'total_count':'many'}`')",
    );
    check_fault(Openapi2, 302, "", "Fault::Broken('HTTP 302: ``')");
}
