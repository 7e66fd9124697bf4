//! Pushes and queues, through the same code that serves HTTP.

use super::{NOW, ask, ask_qimen, server};
use crate::config::Dialect;
use crate::system::System;
use crate::wangdiantong::Spoken;
use serde_json::Value;
use std::sync::Arc;

fn spoken(orders: usize) -> Spoken {
    Spoken {
        server: Arc::new(server(orders, 1)),
        dialect: Dialect::Direct,
    }
}

#[test]
fn a_document_is_taken_once_and_shown_by_its_query() {
    let spoken = spoken(5);
    let server = &*spoken.server;
    let sample = spoken.sample("stockin_order_push", 1);
    let first = ask(server, "stockin_order_push", &[("stockin_info", &sample)]);
    assert_eq!(first["code"], 0, "{first}");
    let number = first["stockin_no"].clone();
    let shown = ask(server, "stockin_order_query", &[("outer_no", "OI1")]);
    assert_eq!(shown["stockin_list"][0]["stockin_no"], number);
    let second = ask(server, "stockin_order_push", &[("stockin_info", &sample)]);
    assert_eq!(second["code"], 21_000_006);
    assert_eq!(spoken.written("stockin_order_push").len(), 1);
    for broken in spoken.broken("stockin_order_push") {
        let answer = ask(
            server,
            "stockin_order_push",
            &[("stockin_info", &broken.json)],
        );
        assert_ne!(answer["code"], 0, "{}", broken.field);
    }
}

#[test]
fn a_list_is_taken_but_for_what_is_wrong_in_it() {
    let spoken = spoken(5);
    let server = &*spoken.server;
    let good = spoken.sample("goods_push", 1);
    let bad = good.replace("NG1", "NG2").replace("goods_name", "name");
    let list = format!("[{good},{bad}]");
    let answer = ask(server, "goods_push", &[("goods_list", &list)]);
    assert_eq!(
        (&answer["code"], &answer["new_count"]),
        (&0.into(), &1.into())
    );
    assert_eq!(answer["errors"][0]["goods_no"], "NG2");
    let again = ask(
        server,
        "goods_push",
        &[("goods_list", &format!("[{good}]"))],
    );
    assert_eq!(again["chg_count"], 1);
}

#[test]
fn rows_of_a_queue_come_again_until_they_are_acknowledged() {
    let server = server(5, 1);
    let ids = server.queue("logistics_sync_query", 3);
    let peek = || -> Vec<String> {
        let answer = ask(&server, "logistics_sync_query", &[("limit", "2")]);
        let rows = answer["trades"].as_array().unwrap().clone();
        let id = |row: &Value| row["rec_id"].to_string();
        rows.iter().map(id).collect()
    };
    let first = ids[..2].iter().map(u64::to_string).collect::<Vec<_>>();
    assert_eq!(peek(), first);
    assert_eq!(peek(), first);
    let list = format!(
        r#"[{{"rec_id":"{}","status":0,"message":""}},{{"rec_id":"9","status":0}}]"#,
        ids[0]
    );
    let answer = ask(&server, "logistics_sync_ack", &[("logistics_list", &list)]);
    assert_eq!(answer["errors"][0]["rec_id"], "9");
    assert_eq!(
        peek(),
        ids[1..].iter().map(u64::to_string).collect::<Vec<_>>()
    );
    assert_eq!(server.acknowledged("logistics_sync_query").len(), 1);
    assert_eq!(
        ask(&server, "logistics_sync_query", &[("limit", "0")])["code"],
        2541
    );
    assert_eq!(server.clock.now(), NOW);
}

#[test]
fn the_gateway_refuses_in_its_own_shape() {
    let server = server(5, 2);
    for (key, value, code) in [
        ("app_key", "1", 29),
        ("target_app_key", "1", 41),
        ("v", "1.0", 41),
        ("timestamp", "1760000000", 41),
        ("method", "wdt.no.such", 22),
        ("sign_method", "sha1", 41),
    ] {
        let answer: Value = serde_json::from_str(&ask_qimen(&server, &[(key, value)])).unwrap();
        assert_eq!(answer["response"]["flag"], "failure", "{key}: {answer}");
        assert_eq!(answer["response"]["code"], code, "{key}: {answer}");
    }
    let answer: Value = serde_json::from_str(&ask_qimen(&server, &[("sid", "other")])).unwrap();
    assert_eq!(answer["response"]["errorcode"], 2030);
}
