//! Who may call: logins, sessions and signed headers.

use super::{NOW, Server, bill};
use crate::config::Config;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

#[test]
fn all_logins_open_a_session_and_wrong_ones_say_so_with_status_200() {
    let server = Server::new(|_| {});
    let who = Config::new(0, 0).credentials.kingdee;
    let sign = crate::signature::kingdee_login(
        &who.acct_id,
        &who.username,
        &who.app_id,
        &who.app_secret,
        "1700000000",
    );
    for (operation, body, right) in [
        (
            "ValidateUser",
            json!({"acctID": who.acct_id, "username": who.username, "password": who.password, "lcid": 2052}),
            true,
        ),
        (
            "ValidateUser",
            json!({"parameters": [who.acct_id, who.username, "no", 2052]}),
            false,
        ),
        (
            "LoginByAppSecret",
            json!({"parameters": [who.acct_id, who.username, who.app_id, who.app_secret, 2052]}),
            true,
        ),
        (
            "LoginByAppSecret",
            json!({"parameters": ["other", who.username, who.app_id, who.app_secret, 2052]}),
            false,
        ),
        (
            "LoginBySign",
            json!({"parameters": [who.acct_id, who.username, who.app_id, 1_700_000_000, sign, 2052]}),
            true,
        ),
        (
            "LoginBySign",
            json!({"parameters": [who.acct_id, who.username, who.app_id, 1_700_000_001, sign, 2052]}),
            false,
        ),
    ] {
        let answer = server.auth(operation, &body);
        assert_eq!(
            answer["LoginResultType"] == 1,
            right,
            "{operation} {answer}"
        );
        assert_eq!(answer["KDSVCSessionId"].is_string(), right);
    }
}

#[test]
fn a_session_ends_after_twenty_idle_minutes_and_the_answer_is_the_vendors() {
    let server = Server::new(|_| {});
    for _ in 0..3 {
        server.clock.advance(20 * 60);
        assert_eq!(
            server.ask("Save", &json!({"Model": {}}))["Result"]["ResponseStatus"]["MsgCode"],
            11
        );
    }
    server.clock.advance(20 * 60 + 1);
    let lost = r#"{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":1}}}"#;
    assert_eq!(server.text("Save", &json!({"Model": bill("A")})), lost);
    assert_eq!(
        server.text("ExecuteBillQuery", &json!({})),
        format!("[[{lost}]]")
    );
}

/// Signed headers for a Save at `timestamp`, as an SDK would send them.
fn signed(timestamp: &str, change: Option<(&'static str, &str)>) -> HeaderMap {
    let who = Config::new(0, 0).credentials.kingdee;
    let path = "/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.Save.common.kdsvc";
    let secret = crate::signature::kingdee_client_secret(&who.app_id);
    let data = format!("{},{},2052,0", who.acct_id, who.username);
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    };
    set("x-api-clientid", "251234");
    set("x-api-auth-version", "2.0");
    set("x-api-timestamp", timestamp);
    set("x-api-nonce", timestamp);
    set("x-api-signheaders", "X-Api-TimeStamp,X-Api-Nonce");
    set(
        "x-api-signature",
        &crate::signature::kingdee_api(path, timestamp, timestamp, &secret),
    );
    set("x-kd-appkey", &who.app_id);
    set("x-kd-appdata", &STANDARD.encode(&data));
    set(
        "x-kd-signature",
        &crate::signature::kingdee_data(&who.app_id, &data, &who.app_secret),
    );
    if let Some((name, value)) = change {
        set(name, value);
    }
    headers
}

#[test]
fn signed_headers_need_no_login_and_each_is_checked() {
    let mut server = Server::new(|_| {});
    let (seconds, millis) = (NOW.to_string(), (NOW * 1000 + 147).to_string());
    let mut check = |headers: HeaderMap, code: i64| {
        server.headers = headers;
        let answer = server.ask("Save", &json!({"Model": {}}));
        assert_eq!(
            answer["Result"]["ResponseStatus"]["MsgCode"], code,
            "{:?}",
            server.headers
        );
    };
    // An empty model is refused as such (11) once the caller is known.
    check(signed(&seconds, None), 11);
    check(signed(&millis, None), 11);
    check(signed(&(NOW - 901).to_string(), None), 1);
    check(signed("17600000", None), 1);
    for (name, value) in [
        ("x-api-clientid", "1"),
        ("x-api-auth-version", "1.0"),
        ("x-api-nonce", "1"),
        ("x-api-timestamp", "1760000001"),
        ("x-api-signheaders", "x-api-nonce"),
        ("x-api-signature", "bm8="),
        ("x-kd-appkey", "251234_x"),
        ("x-kd-appdata", "b3RoZXIsZGVtbywyMDUyLDA="),
        ("x-kd-signature", "bm8="),
    ] {
        check(signed(&seconds, Some((name, value))), 1);
    }
}
