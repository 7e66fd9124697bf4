//! What is written down of who did what.

use serde_json::Value;

use super::House;
use crate::{EVERY, Role};

#[tokio::test]
async fn deeds_and_refusals_are_written_down() {
    let house = House::new().await;
    let own = house.token("a", Role::Operator);
    let other = house.token("b", Role::Admin);
    house
        .call("POST /v1/tenants/a/pipelines/p/run", &own, "")
        .await;
    house.call("GET /v1/tenants/a/holds", &own, "").await;
    house.call("POST /v1/tenants/a/pause", &other, "").await;
    let every = house.token(EVERY, Role::Admin);
    let (_, text) = house.call("GET /v1/tenants/a/events", &every, "").await;
    let deeds: Vec<Value> = serde_json::from_str(&text).unwrap();
    let told: Vec<(&str, u64)> = deeds
        .iter()
        .map(|deed| {
            (
                deed["what"].as_str().unwrap(),
                deed["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("pause", 403), ("run p", 200)]);
    let id = deeds[1]["token"].as_str().unwrap();
    assert_eq!(own.split('_').nth(1), Some(id));
    assert!(!text.contains(&own) && !text.contains(&other));
}
