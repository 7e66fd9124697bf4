//! Requests of each way to log in, and what happens when a session is lost.

use serde_json::json;

use super::*;
use crate::script::{
    Script, answer, connection, logged_in, refused, request_text, saved, says, session_lost,
};

fn write(script: &Script, auth: &str) -> Result<Told<Status>, Stop> {
    Client::new(script.clone(), connection(auth), false).call(
        Call {
            operation: "BatchSave",
            form: Some("SAL_OUTSTOCK"),
            op_number: None,
        },
        b"{\"Model\":[]}".to_vec(),
        Purpose::Write(vec![0, 2]),
    )
}

#[track_caller]
fn check(auth: &str, answers: Vec<Result<Response, Failure>>, expected: &str) {
    let script = Script::new(answers);
    write(&script, auth).unwrap().unwrap();
    let sent: Vec<String> = script.sent().iter().map(request_text).collect();
    assert_eq!(sent.join("\n\n"), expected);
}

const KEPT: &str = "
keeps KDSVCSessionId from Place::Pointer(\"/KDSVCSessionId\")
keeps Context.SessionId from Place::Pointer(\"/Context/SessionId\")
keeps Context.UserToken from Place::Pointer(\"/Context/UserToken\")
keeps kdservice-sessionid from Place::Cookie(\"kdservice-sessionid\")
keeps ASP.NET_SessionId from Place::Cookie(\"ASP.NET_SessionId\")";

const SAVE: &str = "write [0, 2]: POST http://erp.example.com/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc
Content-Type: application/json";

fn login(operation: &str, body: &str) -> String {
    format!(
        "session: POST http://erp.example.com/k3cloud/Kingdee.BOS.WebApi.ServicesStub.AuthService.{operation}.common.kdsvc\nContent-Type: application/json\n{body}{KEPT}\n\n{SAVE}\n"
    )
}

const BODY: &str = r#"{"formid":"SAL_OUTSTOCK","data":{"Model":[]}}"#;

#[test]
fn a_password_is_a_hole_in_the_login() {
    let with_cookies = Response {
        headers: vec![
            (
                "set-cookie".to_owned(),
                "kdservice-sessionid=***; path=/".to_owned(),
            ),
            (
                "set-cookie".to_owned(),
                "ASP.NET_SessionId=***; path=/".to_owned(),
            ),
        ],
        ..logged_in().unwrap()
    };
    let expected = login(
        "ValidateUser",
        r#"{"parameters":["5fd1c2a9f0e3b8","测试员","«secret password Encoding::JsonString»",2052]}"#,
    ) + "kdservice-sessionid: «captured KDSVCSessionId Encoding::Raw»\nCookie: kdservice-sessionid=«captured kdservice-sessionid Encoding::Raw»; ASP.NET_SessionId=«captured ASP.NET_SessionId Encoding::Raw»\n"
        + BODY;
    check(
        "password",
        vec![Ok(with_cookies), answer(&saved(&[]))],
        &expected,
    );
}

#[test]
fn an_app_secret_is_a_hole_in_the_login() {
    let expected = login(
        "LoginByAppSecret",
        r#"{"parameters":["5fd1c2a9f0e3b8","测试员","251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk","«secret app_secret Encoding::JsonString»",2052]}"#,
    ) + "kdservice-sessionid: «captured KDSVCSessionId Encoding::Raw»\n"
        + BODY;
    check(
        "app_secret",
        vec![logged_in(), answer(&saved(&[]))],
        &expected,
    );
}

#[test]
fn a_signed_login_sends_the_time_that_was_signed() {
    let expected = login(
        "LoginBySign",
        r#"{"parameters":["5fd1c2a9f0e3b8","测试员","251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk",1700000000,"<login-by-sign>",2052]}"#,
    ) + "kdservice-sessionid: «captured KDSVCSessionId Encoding::Raw»\n"
        + BODY;
    check("sign", vec![logged_in(), answer(&saved(&[]))], &expected);
}

#[test]
fn signed_headers_need_no_login() {
    let expected = format!(
        "{SAVE}
Accept-Charset: utf-8
X-Api-ClientID: 251234
X-Api-Auth-Version: 2.0
x-api-timestamp: 1700000000
x-api-nonce: 1700000000
x-api-signheaders: x-api-timestamp,x-api-nonce
X-Api-Signature: <api-signature path=%2Fk3cloud%2FKingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc>
X-Kd-Appkey: 251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk
X-Kd-Appdata: NWZkMWMyYTlmMGUzYjgs5rWL6K+V5ZGYLDIwNTIsMA==
X-Kd-Signature: <kd-signature appdata=5fd1c2a9f0e3b8,测试员,2052,0>
{BODY}
keeps kdservice-sessionid from Place::Cookie(\"kdservice-sessionid\")
keeps ASP.NET_SessionId from Place::Cookie(\"ASP.NET_SessionId\")"
    );
    check("signed_headers", vec![answer(&saved(&[]))], &expected);
}

#[test]
fn data_can_go_as_text() {
    let script = Script::logged_in(vec![answer(&json!([]))]);
    let client = Client::new(script.clone(), connection("sign"), true);
    let _: Rows = client
        .read("ExecuteBillQuery", None, json!({"a": "\"中"}).to_string())
        .unwrap();
    assert!(
        request_text(&script.sent()[0])
            .ends_with("\n{\"data\":\"{\\\"a\\\":\\\"\\\\\\\"中\\\"}\"}")
    );
}

#[test]
fn a_lost_session_is_renewed_once_and_the_request_sent_again() {
    let script = Script::logged_in(vec![session_lost(), logged_in(), answer(&saved(&[(0, 7)]))]);
    assert!(write(&script, "sign").unwrap().unwrap().is_success());
    assert_eq!(
        script.operations(),
        ["BatchSave", "LoginBySign", "BatchSave"]
    );
    let sent = script.sent();
    assert_eq!(sent[0].body, sent[2].body);

    let script = Script::new(vec![session_lost(), answer(&saved(&[]))]);
    write(&script, "signed_headers").unwrap().unwrap();
    assert_eq!(script.operations(), ["BatchSave", "BatchSave"]);
}

#[test]
fn a_session_that_stays_lost_is_a_refusal_of_what_left() {
    let no = || answer(&json!({"LoginResultType": 0, "Message": "x"}));
    let no_route = || Err(Failure::NotSent("no route".to_owned()));
    for (script, expected) in [
        (
            Script::logged_in(vec![session_lost(), logged_in(), session_lost()]),
            "Refused(Fault::Unauthorized",
        ),
        (
            Script::new(vec![logged_in(), session_lost()]),
            "Refused(Fault::Unauthorized",
        ),
        (
            Script::logged_in(vec![session_lost(), no()]),
            "Refused(Fault::Unauthorized",
        ),
        (
            Script::logged_in(vec![session_lost(), no_route()]),
            "Refused(Fault::NotSent",
        ),
        (
            Script::logged_in(vec![session_lost(), logged_in(), no_route()]),
            "Refused(Fault::NotSent",
        ),
        (
            Script::logged_in(vec![
                session_lost(),
                logged_in(),
                Err(Failure::NoAnswer("cut".to_owned())),
            ]),
            "After",
        ),
    ] {
        let shown = format!("{:?}", write(&script, "sign").unwrap_err());
        assert!(shown.starts_with(expected), "{shown}");
        script.sent();
    }
}

#[test]
fn a_lost_session_of_a_query_comes_as_a_row() {
    let lost = json!([[refused(1, &[(0, "会话信息已丢失，请重新登录")])]]);
    let script = Script::logged_in(vec![answer(&lost), logged_in(), answer(&json!([["1"]]))]);
    let client = Client::new(script.clone(), connection("sign"), false);
    let rows: Rows = client
        .read("ExecuteBillQuery", None, "{}".to_owned())
        .unwrap();
    assert!(matches!(rows, Rows::Found(rows) if rows.len() == 1));
    assert_eq!(
        script.operations(),
        ["ExecuteBillQuery", "LoginBySign", "ExecuteBillQuery"]
    );
}

#[test]
fn a_session_is_not_renewed_when_something_was_applied() {
    let mut half = saved(&[(0, 7)]);
    let status = &mut half["Result"]["ResponseStatus"];
    status["IsSuccess"] = json!(false);
    status["MsgCode"] = json!(1);
    let script = Script::logged_in(vec![answer(&half)]);
    write(&script, "sign").unwrap().unwrap();
    assert_eq!(script.operations(), ["BatchSave"]);
}

#[track_caller]
fn check_stop(answers: Vec<Result<Response, Failure>>, expected: &str) {
    let script = Script::new(answers);
    let stop = write(&script, "password").unwrap_err();
    let shown = format!("{stop:?}");
    assert!(shown.starts_with(expected), "{shown}");
    script.sent();
    let held = script.held();
    assert!(held.is_empty() || held == ["KDSVCSessionId"], "{held:?}");
}

#[test]
fn a_login_that_fails_says_why() {
    let no = json!({"LoginResultType": "0", "Message": "用户名或密码错误", "KDSVCSessionId": "x"});
    let script = Script::new(vec![answer(&no)]);
    let stop = write(&script, "password").unwrap_err();
    assert!(matches!(&stop, Stop::Before(Fault::Unauthorized(why)) if why.contains("密码错误")));
    assert!(
        script.held().is_empty(),
        "a refused login leaves no session"
    );

    check_stop(vec![says(503, "busy")], "Before(Fault::Unavailable");
    check_stop(vec![says(429, "")], "Before(Fault::RateLimited");
    check_stop(vec![says(200, "<html>")], "Before(Fault::Broken");
    check_stop(
        vec![says(200, r#"{"LoginResultType":1}"#)],
        "Before(Fault::Broken",
    );
    check_stop(
        vec![Err(Failure::Refused("x".to_owned()))],
        "Before(Fault::NotSent",
    );
    check_stop(
        vec![Err(Failure::NoAnswer("x".to_owned()))],
        "Before(Fault::Unavailable",
    );
}

#[test]
fn a_request_that_may_have_left_is_told_from_one_that_did_not() {
    check_stop(
        vec![logged_in(), Err(Failure::NotSent("x".to_owned()))],
        "Before(Fault::NotSent",
    );
    check_stop(
        vec![logged_in(), says(429, "")],
        "Refused(Fault::RateLimited",
    );
    check_stop(
        vec![logged_in(), Err(Failure::NoAnswer("x".to_owned()))],
        "After",
    );
    check_stop(
        vec![logged_in(), Err(Failure::Other("x".to_owned()))],
        "After",
    );
}

#[test]
fn base64_is_that_of_others() {
    use base64::Engine;
    let text = "5fd1c2a9f0e3b8,测试员,2052,0";
    for end in text.char_indices().map(|(at, _)| at) {
        let bytes = &text.as_bytes()[..end];
        let expected = base64::engine::general_purpose::STANDARD.encode(bytes);
        assert_eq!(super::base64(bytes), expected);
    }
}
