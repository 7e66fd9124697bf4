//! Signatures, envelopes, pages and writes, through the same code that serves HTTP.

use super::{Waiqin365, WaiqinOrder};
use crate::clock::{Clock, china_text};
use crate::config::Config;
use crate::exchange::{Effect, Vendor};
use crate::signature::waiqin365;
use crate::system::System;
use bytes::Bytes;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;

mod writes;

const NOW: i64 = 1_760_000_000;
const ORDERS: &str = "getDmsPurchaseOrderInfos";

thread_local! {
    static MESSAGES: Cell<u32> = const { Cell::new(0) };
}

fn config() -> Config {
    let mut config = Config::new(0, 7);
    config.clock = Clock::manual(NOW);
    config
}

fn server() -> Waiqin365 {
    Waiqin365::new(&config())
}

fn digits(unix_s: i64) -> String {
    china_text(unix_s)
        .chars()
        .filter(char::is_ascii_digit)
        .collect()
}

/// The path of a signed call.
fn path(server: &Waiqin365, operation: &str, body: &str) -> String {
    let known = &server.credentials;
    let place = server.operation(operation).unwrap().path;
    let time = digits(server.clock.now());
    let digest = waiqin365(body.as_bytes(), &known.appkey, &time);
    let message = MESSAGES.get();
    MESSAGES.set(message + 1);
    format!("{place}/{}/{time}/{digest}/m{message}", known.openid)
}

fn call(server: &Waiqin365, path: &str, body: &str, effect: Effect) -> Value {
    let call = server
        .call("POST", path, Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    serde_json::from_slice(&call.apply(effect).body).unwrap()
}

fn ask_with(server: &Waiqin365, operation: &str, body: &str, effect: Effect) -> Value {
    call(server, &path(server, operation, body), body, effect)
}

fn ask(server: &Waiqin365, operation: &str, body: &str) -> Value {
    ask_with(server, operation, body, Effect::default())
}

/// Keys of the records of a query, and their number.
fn keys(server: &Waiqin365, operation: &str, body: &Value) -> Vec<String> {
    let answer = ask(server, operation, &body.to_string());
    let data = answer["response_data"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"));
    let rows: Vec<Value> = serde_json::from_str(data).unwrap();
    let key = &server.operation(operation).unwrap().key;
    let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    rows.iter()
        .map(|row| {
            key.iter()
                .map(|name| text(&row[*name]))
                .collect::<Vec<_>>()
                .join("/")
        })
        .collect()
}

#[track_caller]
fn check_refused(answer: &Value, words: &str) {
    assert!(
        answer["return_code"] == 1 || answer["return_code"] == "1",
        "{answer}"
    );
    let message = answer["return_msg"].as_str().unwrap();
    assert!(message.contains(words), "`{words}` in {message}");
}

#[test]
fn the_digest_is_that_of_the_vendors_sample() {
    let body =
        r#"{"org_id":"ORG001","org_name":"南京掌控网络","org_parent_id":"","org_sequence":001}"#;
    let digest = waiqin365(body.as_bytes(), "BFCO0PAgIUgd50c0l6", "20150806142836");
    assert_eq!(digest, "74267bf0cae0998a719879ec9b3c7780");
}

#[test]
fn strangers_and_crooked_calls_are_refused() {
    let server = server();
    let good = path(&server, ORDERS, "{}");
    for (from, to, words) in [
        (
            server.credentials.openid.as_str(),
            "5000000000000000366",
            "openid不存在",
        ),
        (&digits(NOW), &digits(NOW - 901), "时间戳超出有效范围"),
        (&digits(NOW), "1760000000000", "时间戳格式错误"),
        ("/m", "/m-", "msg_id格式错误"),
        ("/m", &format!("/{}", "m".repeat(32)), "msg_id格式错误"),
    ] {
        check_refused(
            &call(
                &server,
                &good.replacen(from, to, 1),
                "{}",
                Effect::default(),
            ),
            words,
        );
    }
    check_refused(&call(&server, &good, "{ }", Effect::default()), "签名错误");
    check_refused(&ask(&server, ORDERS, "[]"), "请求体应为对象");
    check_refused(
        &ask(&server, ORDERS, "{\"page_number\":01}"),
        "请求体不是JSON",
    );
    check_refused(&ask(&server, ORDERS, r#"{"page":1}"#), "未知参数:page");
    assert!(server.call("GET", &good, Bytes::new()).is_none());
    assert!(
        server
            .call("POST", &format!("{good}/1"), Bytes::new())
            .is_none()
    );
    assert!(
        server
            .call("POST", "/api/dmssent/v2/addSent/1/2/3/4", Bytes::new())
            .is_none()
    );
}

#[test]
fn each_operation_answers_in_the_shape_of_its_documents() {
    let server = server();
    let shape = |operation: &str, body: &str| {
        let answer = ask(&server, operation, body);
        let names: Vec<_> = answer.as_object().unwrap().keys().cloned().collect();
        (answer["return_code"].clone(), names.join(" "))
    };
    let text = |names: &str| (json!("0"), names.to_owned());
    assert_eq!(
        shape(ORDERS, "{}"),
        text("msg_id return_code return_msg response_data")
    );
    assert_eq!(shape("queryOrder", "{}"), text("return_code response_data"));
    let truth = (json!(true), "return_code response_data".to_owned());
    assert_eq!(shape("getReceivableInfos", "{}"), truth);
    let sample = server.sample("addSent", 1);
    let number = (json!(0), "msg_id return_code return_msg".to_owned());
    assert_eq!(shape("addSent", &sample), number);
    let answer = ask(&server, "addCoupon", &server.sample("addCoupon", 1));
    let made: Value = serde_json::from_str(answer["response_data"].as_str().unwrap()).unwrap();
    assert_eq!(made[0]["code"], "T000001");
    let answer = ask(
        &server,
        "addPurchase",
        r#"{"operate_type":"1","order_no":"N1","cm_id":"1"}"#,
    );
    let order: Value = serde_json::from_str(answer["return_msg"].as_str().unwrap()).unwrap();
    assert_eq!(order["purchase_no"], "N1");
}

#[test]
fn pages_of_any_size_hold_every_record_once() {
    let server = server();
    for source in server.sources() {
        let truth: BTreeSet<String> = server
            .rows(&source)
            .into_iter()
            .map(|row| row.key)
            .collect();
        assert_eq!(truth.len(), 30, "{source}");
        let operation = server.operation(&source).unwrap();
        for size in [1, 7, 30, 1000] {
            let mut found = Vec::new();
            for page in 1.. {
                let mut body = json!({ operation.page: page });
                if operation.size != "-" {
                    body[operation.size] = json!(size.to_string());
                }
                let rows = keys(&server, &source, &body);
                if rows.is_empty() {
                    break;
                }
                found.extend(rows);
            }
            assert_eq!(found.len(), 30, "{source}");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), truth);
        }
    }
    for body in [
        r#"{"page_length":1001}"#,
        r#"{"page_length":0}"#,
        r#"{"page_number":"0"}"#,
    ] {
        check_refused(&ask(&server, ORDERS, body), "分页参数错误");
    }
    check_refused(
        &ask(&server, ORDERS, r#"{"page_number":"one"}"#),
        "不是整数",
    );
}

#[test]
fn windows_are_on_either_time_and_a_change_moves_one() {
    let mut config = config();
    config.waiqin365.order = WaiqinOrder::LastChangedFirst;
    let server = Waiqin365::new(&config);
    let key = server.rows(ORDERS)[3].key.clone();
    let modified = json!({ "after_modify_date": china_text(NOW - 1) });
    assert_eq!(keys(&server, ORDERS, &modified), [""; 0]);
    assert!(server.change_row(ORDERS, &key));
    assert_eq!(keys(&server, ORDERS, &modified)[..], [key.as_str()]);
    assert_eq!(keys(&server, ORDERS, &json!({}))[0], key);
    // What is after a second is not in it.
    let later = json!({ "after_modify_date": china_text(NOW) });
    assert_eq!(keys(&server, ORDERS, &later), [""; 0]);
    let added = server.add_rows(ORDERS, 2);
    assert_eq!(added.len(), 2);
    let today = china_text(NOW)[..10].to_owned();
    let tomorrow = china_text(NOW + 86_400)[..10].to_owned();
    let day = |end: &str| json!({ "start_create_date": today, "end_create_date": end });
    assert_eq!(keys(&server, ORDERS, &day(&today)), [""; 0]);
    let found = keys(&server, ORDERS, &day(&tomorrow));
    assert!(added.iter().all(|key| found.contains(key)));
    check_refused(
        &ask(
            &server,
            ORDERS,
            r#"{"start_create_date":"2025-10-01 00:00:00"}"#,
        ),
        "格式错误",
    );
    check_refused(
        &ask(&server, ORDERS, r#"{"after_create_date":"2025-10-01"}"#),
        "格式错误",
    );
}

#[test]
fn filters_narrow_by_the_fields_that_they_mean() {
    let server = server();
    let row: Value = serde_json::from_str(&server.rows(ORDERS)[5].json).unwrap();
    for (parameter, field) in [("purchase_no", "purchase_no"), ("id", "id")] {
        let found = keys(&server, ORDERS, &json!({ parameter: row[field] }));
        assert_eq!(found, [row["id"].as_str().unwrap()], "{parameter}");
    }
    let of_customer = json!({ "s_cmCode": row["cm_code"] });
    let found = keys(&server, ORDERS, &of_customer);
    let same = |json: &str| {
        let other: Value = serde_json::from_str(json).unwrap();
        other["cm_code"] == row["cm_code"]
    };
    let rows = server.rows(ORDERS);
    assert_eq!(
        found.len(),
        rows.iter().filter(|row| same(&row.json)).count()
    );
    assert!(found.len() < rows.len());
    let none = json!({ "purchase_no": "none" });
    assert_eq!(keys(&server, ORDERS, &none), [""; 0]);
}

#[test]
fn digits_and_long_ids_are_given_as_they_are() {
    let server = server();
    let row = &server.rows("queryOrder")[0].json;
    let id = row.split("\"id\":").nth(1).unwrap();
    assert!(
        id.bytes().take(19).all(|byte| byte.is_ascii_digit()),
        "{row}"
    );
    let stock = &server.rows("queryStock")[0].json;
    let quantity = stock
        .split("\"quantity\":")
        .nth(1)
        .unwrap()
        .split([',', '}'])
        .next()
        .unwrap();
    assert_eq!(quantity.split('.').nth(1).unwrap().len(), 8, "{stock}");
}
