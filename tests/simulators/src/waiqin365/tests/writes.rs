//! What writes do, and what they refuse.

use super::{ORDERS, ask, ask_with, call, check_refused, config, keys, path, server};
use crate::exchange::{Effect, Vendor};
use crate::fault_rule::FaultKind;
use crate::system::System;
use crate::waiqin365::{Waiqin365, system, write};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn every_sample_takes_effect_and_every_broken_one_is_refused() {
    let server = server();
    let fill = |collection: &str, json: &str| {
        let mut body: Value = serde_json::from_str(json).unwrap();
        for (operation, name) in system::FILLED {
            if operation == collection {
                body[name] = if name == "operate_type" {
                    json!("1")
                } else {
                    body[write::number_field(collection)].clone()
                };
            }
        }
        if collection == system::LISTED.0 {
            body = json!({ system::LISTED.1: [body] });
        }
        body.to_string()
    };
    let mut rules = 0;
    for target in server.targets() {
        for n in 0..3 {
            let body = fill(&target, &server.sample(&target, n));
            let answer = ask(&server, &target, &body);
            assert!(
                answer["return_code"] == 0 || answer["return_code"] == "0",
                "{target} {body} {answer}"
            );
        }
        let written = server.written(&target);
        let keys: BTreeSet<_> = written.iter().map(|row| row.key.as_str()).collect();
        assert_eq!((written.len(), keys.len()), (3, 3), "{target}");
        for broken in server.broken(&target) {
            let answer = ask(&server, &target, &fill(&target, &broken.json));
            check_refused(&answer, &broken.field);
            rules += 1;
        }
        assert_eq!(server.written(&target).len(), 3, "{target}");
    }
    assert!(rules > 70, "{rules}");
}

#[test]
fn a_number_used_again_is_two_documents_unless_the_rules_refuse_it() {
    let body = r#"{"sent_no":"N1","order_no":"1","cm_id":"1"}"#;
    let shown = |server: &Waiqin365| {
        keys(server, "getDmsOrderSentInfos", &json!({ "send_no": "N1" })).len()
    };
    let twice = server();
    for _ in 0..2 {
        assert_eq!(ask(&twice, "addSent", body)["return_code"], 0);
    }
    assert_eq!((shown(&twice), twice.written("addSent").len()), (2, 2));
    let mut config = config();
    config.waiqin365.unique_numbers = true;
    let once = Waiqin365::new(&config);
    assert_eq!(ask(&once, "addSent", body)["return_code"], 0);
    check_refused(&ask(&once, "addSent", body), "N1已存在");
    assert_eq!(shown(&once), 1);
    let edit = r#"{"operate_type":"2","order_no":"N9","cm_id":"1"}"#;
    check_refused(&ask(&once, "addPurchase", edit), "订单不存在");
}

#[test]
fn a_set_value_is_the_last_one() {
    let server = server();
    for balance in ["1.00", "2.00"] {
        let body = json!({ "data": [{ "dealerCode": "D1", "balance": balance }, { "dealerCode": "D2", "balance": "0" }] });
        assert_eq!(
            ask(&server, "receiveCustomerWithBalance", &body.to_string())["return_code"],
            0
        );
    }
    let written = server.written("receiveCustomerWithBalance");
    let rows: Vec<_> = written.iter().map(|row| row.json.as_str()).collect();
    assert_eq!(
        rows,
        [
            r#"{"dealerCode":"D1","balance":"2.00"}"#,
            r#"{"dealerCode":"D2","balance":"0"}"#
        ]
    );
}

#[test]
fn writes_can_be_late_and_hidden_and_pages_can_change_behind_the_reader() {
    let server = server();
    let body = |number: &str| format!(r#"{{"sent_no":"{number}","order_no":"1","cm_id":"1"}}"#);
    let shown = |number: &str| {
        keys(
            &server,
            "getDmsOrderSentInfos",
            &json!({ "send_no": number }),
        )
        .len()
    };
    let late = Effect {
        late_ms: Some(3_600_000),
        ..Effect::default()
    };
    ask_with(&server, "addSent", &body("L"), late);
    assert_eq!((shown("L"), server.written("addSent").len()), (0, 0));
    server.catch_up(None);
    assert_eq!((shown("L"), server.written("addSent").len()), (1, 1));
    let hidden = Effect {
        hidden_ms: 5000,
        ..Effect::default()
    };
    ask_with(&server, "addSent", &body("H"), hidden);
    assert_eq!((shown("H"), server.written("addSent").len()), (0, 2));
    server.clock.advance(5);
    assert_eq!(shown("H"), 1);
    let changing = Effect {
        change_ms: Some(0),
        ..Effect::default()
    };
    let before = server.rows(ORDERS);
    ask_with(&server, ORDERS, "{}", changing);
    let changed = server
        .rows(ORDERS)
        .iter()
        .zip(&before)
        .filter(|(now, then)| now.json != then.json)
        .count();
    assert_eq!(changed, 1);
}

#[test]
fn a_message_counts_once_in_writes() {
    let server = server();
    let body = server.sample("autoSignFromSentNo", 1);
    let path = path(&server, "autoSignFromSentNo", &body);
    assert_eq!(
        call(&server, &path, &body, Effect::default())["return_code"],
        0
    );
    check_refused(
        &call(&server, &path, &body, Effect::default()),
        "msg_id重复",
    );
}

#[test]
fn spoilt_answers_take_no_effect() {
    let server = server();
    let body = server.sample("addSent", 1);
    let path = path(&server, "addSent", &body);
    let spoil = |kind| {
        let call = server
            .call("POST", &path, Bytes::copy_from_slice(body.as_bytes()))
            .unwrap();
        serde_json::from_slice::<Value>(&call.spoil(kind).body).unwrap()
    };
    check_refused(&spoil(FaultKind::Throttle), "频繁");
    check_refused(&spoil(FaultKind::SessionLost), "签名");
    assert_eq!(
        spoil(FaultKind::WrongEnvelope),
        json!({ "d": { "ok": true } })
    );
    assert!(spoil(FaultKind::WrongTypes)["return_code"].is_object());
    assert!(server.written("addSent").is_empty());
}
