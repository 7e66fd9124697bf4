//! 旗舰版, called directly and behind the gateway, through the same code that serves HTTP.

use super::super::{Flagship, Layered};
use super::{NOW, ask, encode, server};
use crate::clock::china_text;
use crate::config::Dialect;
use crate::exchange::{Effect, Vendor};
use crate::form::Form;
use crate::signature::{TopMethod, flagship, flattened, top};
use crate::wangdiantong::Wangdiantong;
use serde_json::{Value, json};

const STOCKOUTS: &str = "wms.stockout.Sales.queryWithDetail";

fn value(answer: &[u8]) -> Value {
    serde_json::from_slice(answer).unwrap()
}

/// Dialect C; `more` are parameters of the address, the last of a name counts.
fn direct(server: &Wangdiantong, method: &str, more: &[(&str, &str)], body: &Value) -> Value {
    let who = &server.credentials;
    let timestamp = (server.clock.now() - 1_325_347_200).to_string();
    let mut all = vec![
        ("sid", who.sid.as_str()),
        ("key", &who.flagship_key),
        ("salt", &who.flagship_salt),
        ("method", method),
        ("v", "1.0"),
        ("timestamp", &timestamp),
    ];
    for (key, value) in more {
        all.retain(|(name, _)| name != key);
        all.push((key, value));
    }
    let body = body.to_string();
    let mut signed = all.clone();
    signed.push(("body", &body));
    signed.sort_unstable();
    let sign = flagship(signed.into_iter(), &who.flagship_secret);
    if !more.iter().any(|(name, _)| *name == "sign") {
        all.push(("sign", &sign));
    }
    let pairs: Vec<_> = all
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let form = Form::parse(&[&encode(&pairs)]);
    let request = Flagship {
        server,
        method: "POST",
        content_type: "application/json",
        form: &form,
        body: &body,
    };
    value(&request.apply(Effect::default()).body)
}

/// Dialect D; an argument that is an object goes as its text.
fn layered(server: &Wangdiantong, method: &str, arguments: &[(&str, &str)]) -> Value {
    let who = &server.credentials;
    let now = china_text(server.clock.now());
    let mut inner = vec![
        ("datetime", now.as_str()),
        ("wdt_appkey", &who.flagship_key),
        ("wdt_salt", &who.flagship_salt),
        ("method", method),
    ];
    for (key, value) in arguments.iter().filter(|(key, _)| *key != "wdt_sign") {
        inner.retain(|(name, _)| name != key);
        inner.push((key, value));
    }
    inner.sort_unstable();
    let flat: Vec<(&str, String)> = inner
        .iter()
        .map(|(key, value)| (*key, flattened(value)))
        .collect();
    let pairs = flat.iter().map(|(key, value)| (*key, value.as_str()));
    let own = flagship(pairs, &who.flagship_secret);
    let own = arguments
        .iter()
        .find(|(key, _)| *key == "wdt_sign")
        .map_or(own.as_str(), |(_, value)| value);
    let mut outer = inner;
    outer.extend([
        ("app_key", who.app_key.as_str()),
        ("target_app_key", &who.target_app_key),
        ("timestamp", &now),
        ("v", "2.0"),
        ("format", "json"),
        ("sign_method", "md5"),
        ("wdt3_customer_id", &who.sid),
        ("wdt_sign", own),
    ]);
    outer.sort_unstable();
    let sign = top(outer.clone().into_iter(), &who.app_secret, TopMethod::Md5);
    outer.push(("sign", &sign));
    let pairs: Vec<_> = outer
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let form = Form::parse(&[&encode(&pairs)]);
    let request = Layered {
        server,
        form: &form,
    };
    value(&request.apply(Effect::default()).body)
}

/// The hour that ends at the youngest shipment.
fn hour(server: &Wangdiantong) -> (String, String) {
    let orders = server.truth();
    let times = orders
        .iter()
        .map(|order| value(order)["consign_time"].as_str().unwrap().to_owned());
    let end = times.max().unwrap();
    let start = china_text(crate::clock::parse_china(&end).unwrap() - 3_600);
    (start, end)
}

#[test]
fn both_ways_give_the_orders_that_dialect_a_gives() {
    let server = server(600, 1);
    let (start, end) = hour(&server);
    let enterprise = ask(
        &server,
        "stockout_order_query_trade",
        &[
            ("start_time", &start),
            ("end_time", &end),
            ("page_size", "100"),
        ],
    );
    let numbers = |list: &Value| -> Vec<String> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| row["order_no"].as_str().unwrap().to_owned())
            .collect()
    };
    let expected = numbers(&enterprise["stockout_list"]);
    assert!(expected.len() > 5);
    let params = json!({"start_time": start, "end_time": end, "status_type": 0});
    let page = [("page_no", "0"), ("page_size", "200"), ("calc_total", "1")];
    let answer = direct(&server, STOCKOUTS, &page, &json!([params]));
    assert_eq!(answer["status"], 0, "{answer}");
    assert_eq!(answer["data"]["total_count"], expected.len());
    assert_eq!(numbers(&answer["data"]["order"]), expected);
    assert!(answer["data"]["order"][0]["created"].is_i64());
    assert!(answer["data"]["order"][0]["consign_time"].is_string());
    let uncounted = direct(&server, STOCKOUTS, &page[..2], &json!([params]));
    assert!(uncounted["data"].get("total_count").is_none());

    let method = "wdt.wms.stockout.sales.querywithdetail";
    let mut found = Vec::new();
    for page_no in 1..=expected.len().div_ceil(5) {
        let pager = format!(r#"{{"page_no":{page_no},"page_size":5}}"#);
        let params = params.to_string();
        let arguments = [("params", params.as_str()), ("pager", &pager)];
        let answer = layered(&server, method, &arguments);
        assert_eq!(answer["response"]["status"], 0, "{answer}");
        found.extend(numbers(&answer["response"]["data"]["order"]));
    }
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong_is_told_in_the_flagships_codes() {
    let server = server(5, 1);
    let (a, b) = (china_text(NOW - 600), china_text(NOW));
    let good = json!([{"start_time": a, "end_time": b, "status_type": 0}]);
    let page = [("page_no", "0"), ("page_size", "200")];
    let check = |more: &[(&str, &str)], body: &Value, status: u64| {
        let more: Vec<_> = page.iter().chain(more).copied().collect();
        let answer = direct(&server, STOCKOUTS, &more, body);
        assert_eq!(answer["status"], status, "{more:?} {body}: {answer}");
    };
    check(&[], &good, 0);
    check(&[("sign", "0")], &good, 1);
    check(&[("key", "other")], &good, 1);
    check(&[("salt", "other")], &good, 1);
    check(&[("sid", "other")], &good, 1);
    check(&[("v", "2.0")], &good, 8);
    check(&[("timestamp", "434631000")], &good, 7);
    check(&[("page_size", "201")], &good, 100);
    check(&[("page_size", "")], &good, 100);
    check(&[("method", "a.B.c")], &good, 2);
    check(&[], &json!({"start_time": a}), 1);
    check(&[], &json!([{"end_time": b, "status_type": 0}]), 100);
    check(&[], &json!([{"start_time": a, "end_time": b}]), 2);
    let strange = json!([{"start_time": a, "end_time": b, "status_type": 0, "is_by_modified": 1}]);
    check(&[], &strange, 2);
    let wide = json!([{"start_time": china_text(NOW - 3_601), "end_time": b, "status_type": 0}]);
    check(&[], &wide, 100);
}

#[test]
fn behind_the_gateway_both_layers_are_checked() {
    let server = server(5, 1);
    let params =
        json!({"start_time": china_text(NOW - 600), "end_time": china_text(NOW), "status_type": 0});
    let params = params.to_string();
    let pager = r#"{"page_no":1,"page_size":5}"#;
    let check = |method: &str, more: &[(&str, &str)], expected: &Value| {
        let mut arguments = vec![("params", params.as_str()), ("pager", pager)];
        arguments.extend_from_slice(more);
        let answer = layered(&server, method, &arguments);
        let found = [&answer["response"]["status"], &answer["response"]["code"]];
        assert_eq!(&json!(found), expected, "{more:?}: {answer}");
    };
    let method = "wdt.wms.stockout.sales.querywithdetail";
    check(method, &[], &json!([0, null]));
    check(method, &[("wdt_sign", "0")], &json!([1, null]));
    check(
        method,
        &[("datetime", "2025-10-01 00:00:00")],
        &json!([7, null]),
    );
    check(
        method,
        &[("pager", r#"{"page_no":0,"page_size":5}"#)],
        &json!([100, null]),
    );
    check(method, &[("params", "[]")], &json!([1, null]));
    check("wdt.no.such", &[], &json!([null, 22]));
}

#[test]
fn a_shipment_that_is_taken_back_moves_to_the_reverted_ones() {
    let server = server(30, 1);
    let number = value(&server.truth()[0])["stockout_no"].clone();
    assert!(server.revert(number.as_str().unwrap(), NOW));
    assert!(!server.revert("none", NOW));
    let (start, end) = (china_text(NOW - 2 * 86_400), china_text(NOW));
    let times = [("start_time", start.as_str()), ("end_time", &end)];
    let left = ask(&server, "stockout_order_query_trade", &times);
    assert_eq!(left["total_count"], "29");
    let reverted = ask(&server, "stockout_order_query_trade_cancel", &times);
    assert_eq!(reverted["stockout_list"][0]["stockout_no"], number);
    assert_eq!(reverted["stockout_list"][0]["modified"], end);
}

#[test]
fn rows_grow_and_change_and_their_truth_is_told() {
    let server = server(5, 1);
    for name in ["purchase_order_query", "shop", "stock_query", "goods_query"] {
        let before = server.rows(name, Dialect::Direct).len();
        server.add_rows(name, 3, NOW - 90, NOW);
        assert!(server.change_row(name, 1, NOW));
        assert!(!server.change_row(name, before + 3, NOW));
        let rows = server.rows(name, Dialect::Direct);
        assert_eq!(rows.len(), before + 3, "{name}");
        let changed = value(&rows[1]);
        assert_eq!(changed["revision"], "1", "{name}");
        assert_eq!(changed["modified"], china_text(NOW), "{name}");
    }
    assert!(!server.change_row("trade_query", 0, NOW));
}
