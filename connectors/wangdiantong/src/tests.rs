//! What `describe`, `check` and `outline` say.

use duijie_sdk::{Role, Settings, Setup, time};
use serde_json::{Value, json};

use crate::position::Position;
use crate::settings::Query;
use crate::{Wangdiantong, outline};

pub(crate) fn settings(connection: &Value, pipeline: &Value) -> Settings {
    Settings {
        connection: connection.to_string(),
        pipeline: pipeline.to_string(),
    }
}

pub(crate) fn direct() -> Value {
    json!({
        "base_url": "https://api.example.com/openapi2/", "dialect": "openapi2", "sid": "demo2",
        "appkey": "demo2-test", "appsecret": { "$secret": "appsecret" },
    })
}

fn check(connection: &Value, pipeline: &Value, collection: &str, expected: &[&str]) {
    let problems = Wangdiantong::check(Role::Source, &settings(connection, pipeline), collection);
    let found: Vec<_> = problems
        .into_iter()
        .map(|problem| format!("{}: {}", problem.at, problem.message))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let stockouts = "stockout_order_query_trade";
    check(
        &direct(),
        &json!({ "start_time": "2025-10-01", "status": 95 }),
        stockouts,
        &[],
    );
    check(
        &json!({ "base_url": "api.example.com", "dialect": "qimen", "sid": "" }),
        &json!({
            "start_time": "soon", "end_time": "2025-02-30", "window": "31d", "overlap": "some",
            "settle": "1.5h", "page_size": 101, "status": "95",
        }),
        stockouts,
        &[
            "/connection/base_url: `api.example.com` is no address",
            "/connection/sid: `sid` is empty",
            "/connection/app_secret: `app_secret` is missing, which dialect `qimen` signs with",
            "/connection/app_key: `app_key` is missing, which dialect `qimen` signs with",
            "/pipeline/start_time: `soon` is no date and time",
            "/pipeline/end_time: `2025-02-30` is no date and time",
            "/pipeline/window: `31d` is longer than `30d`, the most that `stockout_order_query_trade` allows",
            "/pipeline/overlap: `some` is no length of time",
            "/pipeline/settle: `1.5h` is no length of time",
            "/pipeline/page_size: 101 records a page, where `stockout_order_query_trade` gives 1 to 100",
        ],
    );
    check(
        &direct(),
        &json!({
            "start_time": "2025-10-01", "end_time": "2025-10-01", "window": "10s", "page_size": 41,
            "stockout_no": "CK1", "shop_no": "",
        }),
        "refund_query",
        &[
            "/pipeline/end_time: `end_time` is not later than `start_time`",
            "/pipeline/window: `10s` is shorter than `1m`",
            "/pipeline/page_size: 41 records a page, where `refund_query` gives 1 to 40",
            "/pipeline/stockout_no: `stockout_no` does not narrow `refund_query`",
        ],
    );
    check(
        &direct(),
        &json!({ "start_time": "2025-10-01" }),
        "trades",
        &[": collection `trades` is not known"],
    );
}

#[test]
fn what_is_read_whole_has_no_window_and_a_dialect_its_own_offers() {
    let stockouts = "stockout_order_query_trade";
    check(&direct(), &json!({}), "shop", &[]);
    check(
        &direct(),
        &json!({ "start_time": "2025-10-01", "window": "1h", "shop_no": "S1" }),
        "warehouse_query",
        &[
            "/pipeline/start_time: `start_time` does not narrow `warehouse_query`, which is read whole",
            "/pipeline/window: `window` does not narrow `warehouse_query`, which is read whole",
            "/pipeline/shop_no: `shop_no` does not narrow `warehouse_query`",
        ],
    );
    check(
        &direct(),
        &json!({}),
        "goods_query",
        &["/pipeline/start_time: `start_time` is missing, from which on `goods_query` is read"],
    );
    let mut flagship = direct();
    flagship["dialect"] = "flagship".into();
    check(
        &flagship,
        &json!({ "start_time": "2025-10-01" }),
        stockouts,
        &["/connection/salt: `salt` is missing, which dialect `flagship` signs with"],
    );
    flagship["salt"] = "testsalt".into();
    check(
        &flagship,
        &json!({ "start_time": "2025-10-01" }),
        "vip_api_refund_query",
        &["/connection/dialect: dialect `flagship` does not offer `vip_api_refund_query`"],
    );
    check(
        &json!({}),
        &json!({ "start": 1 }),
        stockouts,
        &[
            "/connection/dialect: `` is no dialect",
            "/connection/base_url: `` is no address",
            "/connection/sid: `sid` is empty",
            "/connection/appsecret: `appsecret` is missing, which dialect `openapi2` signs with",
            "/connection/appkey: `appkey` is missing, which dialect `openapi2` signs with",
            "/pipeline/start: setting `start` is not known",
            "/pipeline/start_time: `start_time` is missing, from which on `stockout_order_query_trade` is read",
        ],
    );
}

#[test]
fn the_description_holds_what_the_settings_say() {
    let description = Wangdiantong::describe();
    let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let connection = schema(&description.connection);
    let pipeline = schema(&description.pipeline[0].1);
    assert!(
        connection["properties"]["appsecret"]["x-secret"]
            .as_bool()
            .unwrap()
    );
    for (_, setting) in [&connection, &pipeline]
        .iter()
        .flat_map(|schema| schema["properties"].as_object().unwrap())
    {
        assert!(
            setting["title"].is_string() && setting["x-title-zh"].is_string(),
            "{setting}"
        );
    }
    for recipe in &description.recipes {
        assert!(schema(&recipe.steps).is_object());
    }
    let filters = crate::Collection::all().flat_map(|collection| {
        let sides = ["openapi2", "qimen", "flagship"].map(|name| {
            let dialect = crate::dialect::Dialect::by_name(name).unwrap();
            collection.side(dialect).cloned()
        });
        let filters = sides.into_iter().flatten().flat_map(|side| side.filters);
        filters.collect::<Vec<_>>()
    });
    for (filter, _) in filters {
        assert!(pipeline["properties"].get(filter).is_some(), "{filter}");
    }
}

fn outline_of(pipeline: &Value, position: Option<&str>, now: &str) -> Vec<String> {
    let collection = "stockout_order_query_trade";
    let query = Query::resolve(&settings(&direct(), pipeline), collection)
        .ok()
        .unwrap();
    let position = position.map(|bytes| Position::from_bytes(bytes.as_bytes()).unwrap());
    outline(&query, position, time::parse(now).unwrap() as u64 * 1000)
}

#[test]
fn the_outline_lists_windows_that_touch_and_do_not_overlap() {
    let pipeline = json!({ "start_time": "2025-10-01", "window": "30d" });
    assert_eq!(
        outline_of(&pipeline, None, "2025-11-05 12:01:00"),
        [
            "consign_time 2025-10-01 00:00:00 .. 2025-10-30 23:59:59",
            "consign_time 2025-10-31 00:00:00 .. 2025-11-05 12:00:00",
        ]
    );
    assert_eq!(outline_of(&pipeline, None, "2025-09-01 00:00:00"), [""; 0]);
    let modified =
        json!({ "start_time": "2025-10-01", "status": 55, "end_time": "2025-10-01 00:10:00" });
    assert_eq!(
        outline_of(&modified, None, "2025-11-05 12:01:00"),
        ["modified 2025-10-01 00:00:00 .. 2025-10-01 00:10:00"]
    );
}

#[test]
fn a_run_after_a_rest_goes_back_by_the_overlap() {
    let pipeline = json!({ "start_time": "2025-10-01", "overlap": "1h" });
    let next = time::parse("2025-10-09 12:00:01").unwrap();
    let at = |rested| format!(r#"{{"v":1,"next":{next},"rested":{rested}}}"#);
    let now = "2025-10-09 12:31:00";
    assert_eq!(
        outline_of(&pipeline, Some(&at(true)), now),
        ["consign_time 2025-10-09 11:00:01 .. 2025-10-09 12:30:00"]
    );
    assert_eq!(
        outline_of(&pipeline, Some(&at(false)), now),
        ["consign_time 2025-10-09 12:00:01 .. 2025-10-09 12:30:00"]
    );
}

#[test]
fn a_long_outline_is_counted_not_listed() {
    let pipeline = json!({ "start_time": "2025-10-01", "window": "1m" });
    let lines = outline_of(&pipeline, None, "2025-10-01 10:01:00");
    assert_eq!(lines.len(), 201);
    assert_eq!(lines.last().unwrap(), "and 401 more windows");
}
