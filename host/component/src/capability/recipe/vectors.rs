//! The recipes of docs/recipes.md against test vectors: the vendors' own
//! published ones (V1, V4), those of public client libraries (V6, V8, K1 to
//! K3), and ones on which independent implementations agree (the others).
//! Every credential in here is a published example or invented.

use std::collections::BTreeMap;

use super::super::secret::Secret;
use super::{Call, Recipe};

const LENGTH_PREFIXED: &str = r#"{"hex": {"md5": {"concat": [
    {"pairs": [
        {"length": {"part": "name"}, "digits": 2}, {"text": "-"}, {"part": "name"}, {"text": ":"},
        {"length": {"part": "value"}, "digits": 4}, {"text": "-"}, {"part": "value"}
    ], "between": ";"},
    {"secret": "appsecret"}]}}}"#;

const WRAPPED: &str = r#"{"hex": {"md5": {"concat": [
    {"secret": "appsecret"},
    {"pairs": [{"part": "name"}, {"part": "value"}], "between": ""},
    {"secret": "appsecret"}]}}}"#;

const KEYED_MD5: &str = r#"{"upper": {"hex": {"hmac-md5": {
    "key": {"secret": "appsecret"},
    "over": {"pairs": [{"part": "name"}, {"part": "value"}], "between": ""}}}}}"#;

const GATEWAY: &str = r#"{"base64": {"hex": {"hmac-sha256": {
    "key": {"base64": {"xor":
        {"base64-decode": {"split": {"setting": "app_id"}, "at": "_", "take": 1}},
        "with": "0054f397c6234378b09ca7d3e5debce7"}},
    "over": {"concat": [{"text": "POST\n"}, {"input": "path"}, {"text": "\n\nx-api-nonce:"},
        {"time": "unix-seconds"}, {"text": "\nx-api-timestamp:"}, {"time": "unix-seconds"},
        {"text": "\n"}]}}}}}"#;

const APP_DATA: &str = r#"{"base64": {"hex": {"hmac-sha256": {
    "key": {"secret": "app_secret"},
    "over": {"concat": [{"setting": "app_id"}, {"join": [{"setting": "acct_id"},
        {"setting": "username"}, {"setting": "lcid"}, {"setting": "org"}], "with": ","}]}}}}}"#;

const LOGIN: &str = r#"{"hex": {"sha256": {"sort": [{"setting": "acct_id"},
    {"setting": "username"}, {"setting": "app_id"}, {"secret": "app_secret"},
    {"time": "unix-seconds"}]}}}"#;

fn upper(recipe: &str) -> String {
    format!(r#"{{"upper": {recipe}}}"#)
}

struct Given<'a> {
    settings: &'a [(&'a str, &'a str)],
    secret: (&'a str, &'a str),
    inputs: &'a [(&'a str, &'a str)],
    time_ms: u64,
}

#[track_caller]
fn check(recipe: &str, given: &Given<'_>, expected: &str) {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    };
    let (name, secret) = given.secret;
    let text = Recipe::compile(recipe).unwrap().evaluate(&Call {
        settings: &owned(given.settings).into_iter().collect(),
        secrets: &BTreeMap::from([(name.to_owned(), Secret::new(secret.to_owned()))]),
        inputs: &owned(given.inputs),
        time_ms: given.time_ms,
    });
    assert_eq!(text.as_deref(), Ok(expected));
}

#[track_caller]
fn check_pairs(recipe: &str, secret: &str, inputs: &[(&str, &str)], expected: &str) {
    let given = Given {
        settings: &[],
        secret: ("appsecret", secret),
        inputs,
        time_ms: 0,
    };
    check(recipe, &given, expected);
}

#[test]
fn v1_official_length_prefixed_sample() {
    check_pairs(
        LENGTH_PREFIXED,
        "12345",
        &[
            ("appkey", "test2-xx"),
            ("page_no", "0"),
            ("end_time", "2016-08-01 13:00:00"),
            ("start_time", "2016-08-01 12:00:00"),
            ("page_size", "40"),
            ("sid", "test2"),
            ("timestamp", "1470042310"),
        ],
        "ad4e6fe037ea6e3ba4768317be9d1309",
    );
}

#[test]
fn v2_stock_out_query() {
    check_pairs(
        LENGTH_PREFIXED,
        "s3cr3t",
        &[
            ("sid", "demo2"),
            ("appkey", "demo2-test"),
            ("timestamp", "1760000000"),
            ("start_time", "2025-10-09 10:00:00"),
            ("end_time", "2025-10-09 11:00:00"),
            ("status", "95"),
            ("page_no", "0"),
            ("page_size", "100"),
        ],
        "cbcbe276d5869075673b957f4e4452ef",
    );
}

#[track_caller]
fn check_push(name: &str, value: &str, expected: &str) {
    let inputs = [
        ("sid", "demo2"),
        ("appkey", "demo2-test"),
        ("timestamp", "1760000000"),
        ("shop_no", "001"),
        (name, value),
    ];
    check_pairs(LENGTH_PREFIXED, "s3cr3t", &inputs, expected);
}

#[test]
fn v3_lengths_count_characters() {
    check_push(
        "trade_list",
        r#"[{"tid":"T1","receiver_name":"张三","num":"1.0000"}]"#,
        "6c816948733b0a76e279f37bf10b4b3e",
    );
}

#[test]
fn v3a_escaped_characters_count_alike_in_every_unit() {
    check_push(
        "trade_list",
        r#"[{"tid":"T1","receiver_name":"\u5f20\u4e09","num":"1.0000"}]"#,
        "c4f635f725de5953550ca50867826ab3",
    );
}

#[test]
fn v3e_an_emoji_counts_as_one() {
    check_push(
        "trade_list",
        r#"[{"tid":"T1","buyer_nick":"张😀"}]"#,
        "13fadc0aac49c4c4fb3f4243ad269631",
    );
}

#[test]
fn v3l_long_lengths_grow_beyond_their_digits() {
    check_push(
        "goods_list",
        &"x".repeat(12_345),
        "9de93aef9b9b7416ebc7c747c40afc68",
    );
}

const TOP: [(&str, &str); 9] = [
    ("method", "taobao.item.seller.get"),
    ("app_key", "12345678"),
    ("session", "test"),
    ("timestamp", "2016-01-01 12:00:00"),
    ("format", "json"),
    ("v", "2.0"),
    ("sign_method", "md5"),
    ("fields", "num_iid,title,nick,price,num"),
    ("num_iid", "11223344"),
];

fn top_signed_by(sign_method: &str) -> Vec<(&str, &str)> {
    let mut inputs = TOP.to_vec();
    inputs[6].1 = sign_method;
    inputs
}

#[test]
fn v4_official_wrapped_sample() {
    check_pairs(
        &upper(WRAPPED),
        "helloworld",
        &TOP,
        "66987CB115214E59E6EC978214934FB8",
    );
}

#[test]
fn v4h_keyed_md5() {
    check_pairs(
        KEYED_MD5,
        "helloworld",
        &top_signed_by("hmac"),
        "D56D7858309C31B6251083A874D48273",
    );
}

#[test]
fn v4s_keyed_sha256() {
    check_pairs(
        &KEYED_MD5.replace("hmac-md5", "hmac-sha256"),
        "helloworld",
        &top_signed_by("hmac-sha256"),
        "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8",
    );
}

#[test]
fn v5_stock_out_query_through_the_gateway() {
    check_pairs(
        &upper(WRAPPED),
        "helloworld",
        &[
            ("app_key", "12345678"),
            ("end_time", "2025-10-09 11:00:00"),
            ("format", "json"),
            ("is_by_modified", "1"),
            ("method", "wdt.stockout.order.query.trade"),
            ("page_no", "0"),
            ("page_size", "100"),
            ("sid", "demo2"),
            ("sign_method", "md5"),
            ("start_time", "2025-10-09 10:00:00"),
            ("status", "95"),
            ("target_app_key", "21363512"),
            ("timestamp", "2025-10-09 11:00:00"),
            ("v", "2.0"),
        ],
        "5E9110FA0251DA0341C7AF7AFDDF0595",
    );
}

#[test]
fn v6_wrapped_over_a_body() {
    check_pairs(
        WRAPPED,
        "secret",
        &[
            ("sid", "wdtapi3"),
            ("key", "appkey"),
            ("salt", "salt"),
            ("method", "goods.Goods.queryWithSpec"),
            ("timestamp", "100"),
            ("v", "1.0"),
            ("body", r#"[{"goods_no":"G001"}]"#),
        ],
        "703b2c4b5b16565883e6b58d18e254a2",
    );
}

#[test]
fn v7_wrapped_over_a_body_and_pages() {
    let body = r#"[{"start_time":"2025-10-09 10:00:00","end_time":"2025-10-09 11:00:00","status_type":0}]"#;
    check_pairs(
        WRAPPED,
        "testsecret",
        &[
            ("body", body),
            ("calc_total", "1"),
            ("key", "demo"),
            ("method", "wms.stockout.Sales.queryWithDetail"),
            ("page_no", "0"),
            ("page_size", "100"),
            ("salt", "testsalt"),
            ("sid", "wdtapi3"),
            ("timestamp", "434652800"),
            ("v", "1.0"),
        ],
        "c42c25aec808d52e019f13bd9f495cf6",
    );
}

/// The guest flattens nested values; no secret stands inside them.
#[test]
fn v8_inner_layer() {
    check_pairs(
        WRAPPED,
        "secret",
        &[
            ("datetime", "2020-09-17 19:22:26"),
            ("method", "wdt.wms.stockspec.querychangehistory"),
            ("pager", "page_no1page_size10"),
            (
                "params",
                "end_date2020-09-20 00:00:00start_date2020-08-23 00:00:00warehouse_no1001",
            ),
            ("wdt_appkey", "wdt_appkey"),
            ("wdt_salt", "salt"),
        ],
        "1f5e87bbbc8bc68f4f0af70f79620b7d",
    );
}

#[test]
fn v9_both_layers() {
    let inner = "1f2d68e8e3eb0e7a192ceb7b67f46684";
    check_pairs(
        WRAPPED,
        "testsecret",
        &[
            ("datetime", "2025-10-09 11:00:00"),
            ("method", "wdt.wms.stockout.sales.querywithdetail"),
            ("pager", "page_no1page_size100"),
            (
                "params",
                "end_time2025-10-09 11:00:00start_time2025-10-09 10:00:00status110",
            ),
            ("wdt_appkey", "wdtkey"),
            ("wdt_salt", "testsalt"),
        ],
        inner,
    );
    let params = r#"{"end_time":"2025-10-09 11:00:00","start_time":"2025-10-09 10:00:00","status":"110"}"#;
    check_pairs(
        &upper(WRAPPED),
        "helloworld",
        &[
            ("app_key", "12345678"),
            ("datetime", "2025-10-09 11:00:00"),
            ("format", "json"),
            ("method", "wdt.wms.stockout.sales.querywithdetail"),
            ("pager", r#"{"page_no":1,"page_size":100}"#),
            ("params", params),
            ("sign_method", "md5"),
            ("target_app_key", "21363512"),
            ("timestamp", "2025-10-09 11:00:00"),
            ("v", "2.0"),
            ("wdt3_customer_id", "wdtapi3"),
            ("wdt_appkey", "wdtkey"),
            ("wdt_salt", "testsalt"),
            ("wdt_sign", inner),
        ],
        "D705758FF4EB26F0E0A856C1157C1D8C",
    );
}

#[track_caller]
fn check_cloud(recipe: &str, (user, org): (&str, &str), time_ms: u64, expected: &str) {
    let path = "%2Fk3cloud%2FKingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc";
    let inputs = [("path", path)];
    let given = Given {
        settings: &[
            ("acct_id", "5fd1c2a9f0e3b8"),
            ("username", user),
            ("lcid", "2052"),
            ("org", org),
            ("app_id", "251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk"),
        ],
        secret: ("app_secret", "0123456789abcdef0123456789abcdef"),
        inputs: if recipe.contains("path") { &inputs } else { &[] },
        time_ms,
    };
    check(recipe, &given, expected);
}

#[test]
fn k1_gateway_signature_in_seconds() {
    check_cloud(
        GATEWAY,
        ("测试员", "0"),
        1_700_000_000_123,
        "N2ZjMWVmOTM4NTY2ZmFjOGRiMWU1MTU1Nzg5YTk0YjlkMzAwOGE4OThlZTIxY2UzOGMwMDAyMjhhMzY5ODA1YQ==",
    );
}

#[test]
fn k1_signature_over_app_data() {
    check_cloud(
        APP_DATA,
        ("测试员", "0"),
        1_700_000_000_000,
        "YWE3Mjc0YTkzNWViZmExN2M2OGMyMTBiYzM2OTZjMTE0ZTBkNjMxOGM2OWFjOTAwNjEyMDY2ZGE2YzhhN2I2NQ==",
    );
}

#[test]
fn k2_gateway_signature_in_milliseconds() {
    check_cloud(
        &GATEWAY.replace("unix-seconds", "unix-millis"),
        ("测试员", "0"),
        1_795_297_801_147,
        "ZjZmNTI3YWQ2MTkwNDMyODQzNGEzNDQyYzhlMmFjNTllNWQ1YWU2ZDdjMjYwMzUxOWI4NDBiY2RiMDhjYTcyMw==",
    );
}

#[test]
fn k3_app_data_of_another_user() {
    check_cloud(
        APP_DATA,
        ("demo", "100"),
        0,
        "N2E3YzM2ZWQ2ZjA2Mjk5ZWU2ZTM3N2EyOWY2YmI5YjgyMzJhM2QwNjBjY2NmMDQ0M2I1ODhhMWIyMDIyMjc3Mw==",
    );
}

#[test]
fn k4_login_by_sign() {
    check_cloud(
        LOGIN,
        ("demo", "0"),
        1_700_000_000_999,
        "b32fe5c704088c41a0a2c607918b73921a73339ccc8635c65f935b2602c032c3",
    );
}
