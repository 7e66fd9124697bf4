//! What `describe`, `check` and `outline` say.

use duijie_sdk::{Role, Settings, Setup, time};
use serde_json::{Value, json};

use crate::position::Position;
use crate::settings::Task;
use crate::{Waiqin365, outline};

pub(crate) fn settings(connection: &Value, pipeline: &Value) -> Settings {
    Settings {
        connection: connection.to_string(),
        pipeline: pipeline.to_string(),
    }
}

pub(crate) fn connection() -> Value {
    json!({
        "base_url": "https://openapi.example.com/", "openid": "5465103569540931532",
        "appkey": { "$secret": "appkey" },
    })
}

fn check(connection: &Value, pipeline: &Value, collection: &str, expected: &[&str]) {
    let problems = Waiqin365::check(Role::Source, &settings(connection, pipeline), collection);
    let found: Vec<_> = problems
        .into_iter()
        .map(|problem| format!("{}: {}", problem.at, problem.message))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let orders = "getDmsPurchaseOrderInfos";
    check(
        &connection(),
        &json!({ "start_time": "2025-10-01" }),
        orders,
        &[],
    );
    check(
        &json!({ "base_url": "api.example.com", "openid": "WQ1", "openld": 1 }),
        &json!({
            "star_time": 1, "end_time": "2025-02-30", "window": "36h", "overlap": "some", "settle": "1.5h",
            "page_size": 1001, "filters": { "emp_code": "", "purchase_status": "CG_DFH", "status": 1 },
        }),
        orders,
        &[
            "/connection/openld: setting `openld` is not known",
            "/connection/base_url: `api.example.com` is no address",
            "/connection/openid: `WQ1` is no openid",
            "/connection/appkey: `appkey` is missing",
            "/pipeline/star_time: setting `star_time` is not known",
            "/pipeline/end_time: `2025-02-30` is no date and time",
            "/pipeline/start_time: `start_time` is missing",
            "/pipeline/window: `36h` is not whole days",
            "/pipeline/overlap: `some` is no length of time",
            "/pipeline/settle: `1.5h` is no length of time",
            "/pipeline/page_size: 1001 records a page, where `getDmsPurchaseOrderInfos` gives 1 to 1000",
            "/pipeline/filters/emp_code: `emp_code` is empty",
            "/pipeline/filters/status: `status` does not narrow `getDmsPurchaseOrderInfos`",
        ],
    );
}

#[test]
fn what_a_collection_cannot_do_is_told() {
    check(
        &json!({
            "base_url": "https://openapi.example.com/api/", "openid": 5_465_103_569_540_931_532_i64,
            "appkey": { "$secret": "appkey" },
        }),
        &json!({ "start_time": "2025-10-01", "page_size": 10 }),
        "queryCmQuota",
        &[
            "/connection/base_url: `/api` is added by the connector",
            "/pipeline/start_time: `queryCmQuota` cannot be read by time",
        ],
    );
    check(
        &connection(),
        &json!({ "end_time": "2025-10-01", "page_size": 10 }),
        "queryStock",
        &[
            "/pipeline/end_time: `end_time` without `start_time`",
            "/pipeline/page_size: `queryStock` does not let its page's size be chosen",
        ],
    );
    check(
        &connection(),
        &json!({ "start_time": "2025-10-02", "end_time": "2025-10-01" }),
        "carsales",
        &["/pipeline/end_time: `end_time` is not later than `start_time`"],
    );
    check(
        &connection(),
        &json!({}),
        "addSent",
        &[": collection `addSent` is not known"],
    );
}

#[test]
fn the_description_holds_what_the_settings_say() {
    let description = Waiqin365::describe();
    let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let schemas = [&description.connection].into_iter();
    for text in schemas.chain(description.pipeline.iter().map(|(_, text)| text)) {
        let schema = schema(text);
        for (name, setting) in schema["properties"].as_object().unwrap() {
            let titled = setting["title"].is_string() && setting["x-title-zh"].is_string();
            assert!(titled, "{name}");
        }
    }
    let connection = schema(&description.connection);
    assert_eq!(connection["properties"]["appkey"]["x-secret"], true);
    for recipe in &description.recipes {
        assert!(schema(&recipe.steps).is_object());
    }
}

fn outline_of(
    collection: &str,
    pipeline: &Value,
    position: Option<&str>,
    now: &str,
) -> Vec<String> {
    let task = Task::resolve(&settings(&connection(), pipeline), collection).unwrap();
    let position = position.map(|bytes| Position::from_bytes(bytes.as_bytes()).unwrap());
    outline(&task, position, time::parse(now).unwrap() as u64 * 1000)
}

#[test]
fn the_outline_lists_windows_by_both_times() {
    let pipeline = json!({ "start_time": "2025-10-01 08:00:00", "window": "30d" });
    let orders = "getDmsPurchaseOrderInfos";
    assert_eq!(
        outline_of(orders, &pipeline, None, "2025-11-05 12:01:00"),
        [
            "created 2025-10-01 .. 2025-10-31",
            "modified 2025-10-01 .. 2025-10-31",
            "created after 2025-10-30 23:59:59",
            "modified after 2025-10-30 23:59:59",
        ]
    );
    assert_eq!(
        outline_of("carsales", &pipeline, None, "2025-11-05 12:01:00"),
        [
            "created 2025-10-01 .. 2025-10-31",
            "modified 2025-10-01 .. 2025-10-31",
            "created 2025-10-31 .. 2025-11-06",
            "modified 2025-10-31 .. 2025-11-06",
        ]
    );
    assert_eq!(
        outline_of(orders, &pipeline, None, "2025-09-01 00:00:00"),
        [""; 0]
    );
    assert_eq!(
        outline_of("queryCmQuota", &json!({}), None, "2025-09-01"),
        ["everything"]
    );
    let backfill = json!({ "start_time": "2025-10-01", "end_time": "2025-10-02 12:00:00" });
    assert_eq!(
        outline_of(orders, &backfill, None, "2025-11-05 12:01:00"),
        [
            "created 2025-10-01 .. 2025-10-03",
            "modified 2025-10-01 .. 2025-10-03"
        ]
    );
    let within = r#"{"v":1,"next":1762000000,"at":7,"rested":true,"span":"days","from":20362,"to":20363,"modify":true,"size":100,"pass":1,"page":3,"digest":"0","before":"0"}"#;
    assert_eq!(
        outline_of(orders, &pipeline, Some(within), "2025-11-05 12:01:00"),
        ["modified 2025-10-01 .. 2025-10-02, from page 3"]
    );
}

#[test]
fn a_long_outline_is_counted_not_listed() {
    let pipeline = json!({ "start_time": "2025-01-01", "window": "1d" });
    let lines = outline_of("carsales", &pipeline, None, "2025-10-01 10:01:00");
    assert_eq!(lines.len(), 201);
    assert_eq!(lines.last().unwrap(), "and 174 more windows");
}
