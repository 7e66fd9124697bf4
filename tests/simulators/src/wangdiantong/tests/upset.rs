//! Pages that come again, and orders that change while their pages are read.

use super::*;
use crate::exchange::Repeat;

/// One page of ten, from a window with 30 orders.
fn page(server: &Wangdiantong, page_no: &str, effect: Effect) -> Vec<Value> {
    let (start, end) = (china_text(NOW - 2 * 86_400), china_text(NOW));
    let params = [
        ("start_time", start.as_str()),
        ("end_time", end.as_str()),
        ("page_size", "10"),
        ("page_no", page_no),
        ("is_by_modified", "1"),
    ];
    let request = Direct {
        server,
        method: "POST",
        page: "stockout_order_query_trade.php",
        content_type: "application/x-www-form-urlencoded",
        query: "",
        body: &signed(server, &params),
    };
    let answer: Value = serde_json::from_slice(&request.apply(effect).body).unwrap();
    answer["stockout_list"].as_array().unwrap().clone()
}

#[test]
fn a_page_comes_again_as_it_was_at_first_or_as_it_is_now() {
    let server = server(30, 1);
    let before = page(&server, "2", Effect::default());
    let number = before[3]["stockout_no"].as_str().unwrap();
    assert!(server.change(&OrderChange {
        stockout_no: number.to_owned(),
        more_pieces: true,
        at: Some(NOW + 10),
        ..OrderChange::default()
    }));
    let repeat = |repeat| Effect {
        repeat: Some(repeat),
        ..Effect::default()
    };
    let rows = page(&server, "1", repeat(Repeat::AsAtFirst));
    assert_eq!(rows.len(), 20);
    assert_eq!(&rows[10..], &before[..]);
    page(&server, "2", Effect::default());
    let rows = page(&server, "1", repeat(Repeat::AsNow));
    assert!(rows[10..].iter().all(|row| row["stockout_no"] != number));
    let after = rows.iter().filter(|row| before.contains(row));
    assert_eq!(after.count(), 9);
}

#[test]
fn a_row_changes_after_its_page_was_given() {
    let server = server(30, 1);
    let change = Effect {
        change_ms: Some(60_000),
        ..Effect::default()
    };
    let before = page(&server, "0", change).swap_remove(0);
    let superseded: Value = serde_json::from_slice(&server.superseded()[0]).unwrap();
    assert_eq!(superseded, before);
    let after = page(&server, "2", Effect::default()).pop().unwrap();
    assert_eq!(after["stockout_no"], before["stockout_no"]);
    assert_eq!(after["modified"], china_text(NOW - 60));
    assert_ne!(
        after["details_list"][0]["num"],
        before["details_list"][0]["num"]
    );
}
