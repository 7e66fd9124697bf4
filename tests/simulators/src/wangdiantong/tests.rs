//! Windows, pages and filters of both dialects, through the same code that serves HTTP.

use super::{Direct, OrderChange, Qimen, Wangdiantong};
use crate::clock::{Clock, china_text};
use crate::config::Config;
use crate::exchange::{Effect, Vendor};
use crate::form::Form;
use crate::signature::{TopMethod, enterprise, top};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

mod flagship;
mod pushed;
mod spoilt;
mod upset;

const NOW: i64 = 1_760_000_000;
const STOCKOUTS: &str = "stockout_order_query_trade";

fn server(orders: usize, days: u64) -> Wangdiantong {
    let mut config = Config::new(orders, 7);
    config.clock = Clock::manual(NOW);
    config.period = Duration::from_secs(days * 86_400);
    config.batch_details = true;
    Wangdiantong::new(&config)
}

fn encode(params: &[(String, String)]) -> String {
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    params
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn answer(server: &Wangdiantong, page: &str, body: &str) -> Value {
    let content_type = "application/x-www-form-urlencoded; charset=UTF-8";
    let request = Direct {
        server,
        method: "POST",
        page,
        content_type,
        query: "",
        body,
    };
    serde_json::from_slice(&request.apply(Effect::default()).body).unwrap()
}

fn ask(server: &Wangdiantong, name: &str, params: &[(&str, &str)]) -> Value {
    answer(server, &format!("{name}.php"), &signed(server, params))
}

/// The parameters of a signed call of dialect A.
fn signed(server: &Wangdiantong, params: &[(&str, &str)]) -> String {
    let who = &server.credentials;
    let mut all: Vec<(String, String)> = params
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    all.push(("sid".to_owned(), who.sid.clone()));
    all.push(("appkey".to_owned(), who.appkey.clone()));
    if !params.iter().any(|(key, _)| *key == "timestamp") {
        all.push(("timestamp".to_owned(), server.clock.now().to_string()));
    }
    all.sort();
    let sign = enterprise(
        all.iter()
            .map(|(key, value)| (key.as_str(), value.as_str())),
        &who.appsecret,
    );
    all.push(("sign".to_owned(), sign));
    encode(&all)
}

fn ask_qimen(server: &Wangdiantong, params: &[(&str, &str)]) -> String {
    let form = Form::parse(&[&signed_qimen(server, params)]);
    let form = &form;
    let answer = Qimen { server, form }.apply(Effect::default());
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// The parameters of a signed call of dialect B.
fn signed_qimen(server: &Wangdiantong, params: &[(&str, &str)]) -> String {
    let who = &server.credentials;
    let now = china_text(server.clock.now());
    let mut all = vec![
        ("app_key", who.app_key.as_str()),
        ("target_app_key", who.target_app_key.as_str()),
        ("method", "wdt.stockout.order.query.trade"),
        ("timestamp", now.as_str()),
        ("v", "2.0"),
        ("format", "json"),
        ("sign_method", "md5"),
        ("sid", who.sid.as_str()),
    ];
    for (key, value) in params {
        all.retain(|(name, _)| name != key);
        all.push((key, value));
    }
    all.sort_unstable();
    let sign = top(all.clone().into_iter(), &who.app_secret, TopMethod::Md5);
    let mut all: Vec<(String, String)> = all
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    all.push(("sign".to_owned(), sign));
    encode(&all)
}

fn numbers(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|row| row["stockout_no"].as_str().unwrap().to_owned())
        .collect()
}

/// Every stock-out of a closed window, page by page from the last, as the vendor advises.
fn all(
    server: &Wangdiantong,
    start: i64,
    end: i64,
    page_size: usize,
    more: &[(&str, &str)],
) -> Vec<String> {
    let (start, end, size) = (china_text(start), china_text(end), page_size.to_string());
    let page = |page_no: usize| {
        let number = page_no.to_string();
        let mut params = vec![
            ("start_time", start.as_str()),
            ("end_time", end.as_str()),
            ("page_size", size.as_str()),
            ("page_no", number.as_str()),
        ];
        params.extend_from_slice(more);
        ask(server, STOCKOUTS, &params)
    };
    let first = page(0);
    let total: usize = first["total_count"].as_str().unwrap().parse().unwrap();
    let mut found = Vec::new();
    for page_no in (0..total.div_ceil(page_size)).rev() {
        let answer = page(page_no);
        assert_eq!(answer.get("total_count").is_some(), page_no == 0);
        found.extend(numbers(&answer["stockout_list"]));
    }
    assert_eq!(found.len(), total);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pages_of_adjoining_windows_hold_every_shipped_order_once(
        cuts in proptest::collection::btree_set(1_i64..20 * 86_400 - 1, 0..6),
        page_size in 1_usize..=100,
    ) {
        let server = server(150, 20);
        let mut borders: Vec<i64> = cuts.into_iter().map(|cut| NOW - cut).collect();
        borders.push(NOW - 21 * 86_400);
        borders.push(NOW);
        borders.sort_unstable();
        let mut found = Vec::new();
        for border in borders.windows(2).filter(|border| border[1] - border[0] > 1) {
            // Windows are closed at both ends: the next one starts a second later.
            found.extend(all(&server, border[0] + 1, border[1], page_size, &[]));
        }
        // A window of one second is refused, so seconds between two neighbouring cuts are not asked for.
        let skipped: BTreeSet<i64> = borders.windows(2).filter(|border| border[1] - border[0] == 1).map(|border| border[1]).collect();
        let truth: BTreeSet<String> = shipped(&server).into_iter().filter(|(_, at)| !skipped.contains(at)).map(|(number, _)| number).collect();
        prop_assert_eq!(found.len(), truth.len());
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), truth);
    }
}

fn shipped(server: &Wangdiantong) -> Vec<(String, i64)> {
    let orders = server.truth();
    let orders = orders
        .iter()
        .map(|order| serde_json::from_slice::<Value>(order).unwrap());
    orders
        .filter_map(|order| {
            let at = crate::clock::parse_china(order["consign_time"].as_str().unwrap())?;
            Some((order["stockout_no"].as_str().unwrap().to_owned(), at))
        })
        .collect()
}

#[test]
fn the_border_second_is_in_both_windows() {
    let server = server(20, 2);
    let (number, at) = shipped(&server).remove(0);
    assert!(all(&server, at - 100, at, 100, &[]).contains(&number));
    assert!(all(&server, at, at + 100, 100, &[]).contains(&number));
    assert!(!all(&server, at + 1, at + 100, 100, &[]).contains(&number));
}

#[test]
fn a_change_moves_an_order_in_modification_time_only() {
    let server = server(20, 2);
    let (number, _) = shipped(&server).remove(0);
    server.clock.advance(60);
    let change = OrderChange {
        stockout_no: number.clone(),
        more_pieces: true,
        ..OrderChange::default()
    };
    assert!(server.change(&change));
    let modified = [("is_by_modified", "1"), ("status", "95,105,110,113")];
    assert_eq!(all(&server, NOW + 60, NOW + 90, 100, &modified), [number]);
    assert_eq!(
        all(&server, NOW + 60, NOW + 90, 100, &[]),
        Vec::<String>::new()
    );
    assert_eq!(all(&server, NOW - 3 * 86_400, NOW + 90, 100, &[]).len(), 20);
}

#[test]
fn orders_that_are_not_shipped_come_by_modification() {
    let server = server(100, 2);
    assert_eq!(
        all(&server, NOW - 3 * 86_400, NOW, 100, &[("status", "5,55")]).len(),
        2
    );
}

#[test]
fn filters_narrow_and_document_numbers_need_no_times() {
    let server = server(200, 2);
    let (start, end) = (NOW - 3 * 86_400, NOW);
    let shops: usize = ["FENXIAO004", "TB001", "JD002", "WX003"]
        .iter()
        .map(|shop| all(&server, start, end, 100, &[("shop_no", shop)]).len())
        .sum();
    assert_eq!(shops, 200);
    let states: usize = ["95", "105,110", "113"]
        .iter()
        .map(|status| all(&server, start, end, 100, &[("status", status)]).len())
        .sum();
    assert_eq!(states, 200);
    for order in server.truth().iter().take(30) {
        let order: Value = serde_json::from_slice(order).unwrap();
        let tid = order["src_tids"]
            .as_str()
            .unwrap()
            .split(',')
            .next_back()
            .unwrap();
        for (key, value) in [
            ("stockout_no", order["stockout_no"].as_str().unwrap()),
            ("src_order_no", order["src_order_no"].as_str().unwrap()),
            ("src_tid", tid),
        ] {
            let found = ask(&server, STOCKOUTS, &[(key, value)]);
            assert_eq!(found["stockout_list"], serde_json::json!([order]));
        }
    }
}

#[test]
fn bad_parameters_are_refused_with_the_vendors_codes() {
    let server = server(5, 2);
    let (a, b, far) = (
        china_text(NOW - 600),
        china_text(NOW),
        china_text(NOW - 31 * 86_400),
    );
    let times = [("start_time", a.as_str()), ("end_time", b.as_str())];
    let check = |name: &str, params: &[(&str, &str)], code: u64| {
        let answer = ask(&server, name, params);
        assert_eq!(answer["code"], code, "{params:?}: {answer}");
    };
    check(STOCKOUTS, &[], 2160);
    check(
        STOCKOUTS,
        &[("start_time", "2025/10/09 10:00"), times[1]],
        2160,
    );
    check(STOCKOUTS, &[("start_time", &b), ("end_time", &a)], 2160);
    check(STOCKOUTS, &[("start_time", &a), ("end_time", &a)], 2105);
    check(STOCKOUTS, &[("start_time", &far), times[1]], 2104);
    check(
        "trade_query",
        &[("start_time", &china_text(NOW - 3601)), times[1]],
        2104,
    );
    check(
        "trade_query",
        &[("start_time", &china_text(NOW - 3600)), times[1]],
        0,
    );
    for (name, size, code) in [
        (STOCKOUTS, "101", 2220),
        (STOCKOUTS, "0", 2220),
        (STOCKOUTS, "ten", 2220),
        (STOCKOUTS, "100", 0),
        ("refund_query", "41", 2220),
        ("refund_query", "40", 0),
    ] {
        check(name, &[times[0], times[1], ("page_size", size)], code);
    }
    check(STOCKOUTS, &[times[0], times[1], ("page_no", "-1")], 2541);
    check(STOCKOUTS, &[times[0], times[1], ("status", "96")], 2541);
    check(STOCKOUTS, &[times[0], times[1], ("shop_no", "")], 2541);
    check(
        STOCKOUTS,
        &[times[0], times[1], ("timestamp", &(NOW - 301).to_string())],
        2090,
    );
    check(
        STOCKOUTS,
        &[times[0], times[1], ("timestamp", &(NOW - 300).to_string())],
        0,
    );
    check("nothing_query", &times, 2541);
    check(
        "warehouse_query",
        &[("page_no", "0"), ("page_size", "1")],
        0,
    );
}

#[test]
fn a_wrong_signature_and_a_wrong_caller_are_refused() {
    let server = server(5, 2);
    let check = |body: &str, code: u64| {
        assert_eq!(answer(&server, "warehouse_query.php", body)["code"], code)
    };
    check(
        &format!(
            "sid=demo2&appkey=demo2-test&timestamp={NOW}&sign=0123456789abcdef0123456789abcdef"
        ),
        2100,
    );
    check(
        &format!("sid=other&appkey=demo2-test&timestamp={NOW}&sign=0"),
        2030,
    );
    check(
        &format!("sid=demo2&appkey=other&timestamp={NOW}&sign=0"),
        2060,
    );
    check("sid=demo2&appkey=demo2-test&sign=0", 2900);
}

#[test]
fn the_61st_call_of_a_minute_is_refused() {
    let mut config = Config::new(5, 7);
    config.clock = Clock::manual(NOW);
    config.calls_per_minute = Some(60);
    let server = Wangdiantong::new(&config);
    for _ in 0..60 {
        assert_eq!(ask(&server, "warehouse_query", &[])["code"], 0);
    }
    assert_eq!(ask(&server, "warehouse_query", &[])["code"], 1012);
    server.clock.advance(60);
    assert_eq!(ask(&server, "warehouse_query", &[])["code"], 0);
}

#[test]
fn qimen_gives_the_same_orders_with_bare_numbers() {
    let server = server(20, 2);
    let (start, end) = (china_text(NOW - 3 * 86_400), china_text(NOW));
    let times = [("start_time", start.as_str()), ("end_time", end.as_str())];
    let text = ask_qimen(&server, &times);
    assert!(text.starts_with(r#"{"response":{"errorcode":0,"message":"ok","total_count":20,"stockout_list":[{"stockout_id":"#));
    assert!(text.contains("\"batch_details\":["));
    let qimen: Value = serde_json::from_str(&text).unwrap();
    let direct = ask(&server, STOCKOUTS, &times);
    assert_eq!(
        numbers(&qimen["response"]["stockout_list"]),
        numbers(&direct["stockout_list"])
    );
    let digits = direct["stockout_list"][0]["goods_total_amount"]
        .as_str()
        .unwrap();
    assert!(text.contains(&format!("\"goods_total_amount\":{digits},")));
}
