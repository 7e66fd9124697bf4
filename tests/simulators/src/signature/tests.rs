//! Published and cross-checked vectors of both vendors. Every digest was computed by code that is not ours.

use super::{
    TopMethod, enterprise, flagship, flattened, kingdee_api, kingdee_client_secret, kingdee_data,
    kingdee_login, top,
};

const APP_ID: &str = "251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk";
const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";
const BATCH_SAVE: &str =
    "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc";

fn check_enterprise(secret: &str, mut params: Vec<(&str, &str)>, digest: &str) {
    params.sort_unstable();
    assert_eq!(enterprise(params.into_iter(), secret), digest);
}

fn check_top(mut params: Vec<(&str, &str)>, method: TopMethod, digest: &str) {
    params.sort_unstable();
    assert_eq!(top(params.into_iter(), "helloworld", method), digest);
}

#[test]
fn v1_is_the_official_enterprise_sample() {
    check_enterprise(
        "12345",
        vec![
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
fn v2_signs_a_stock_out_query() {
    check_enterprise(
        "s3cr3t",
        vec![
            ("appkey", "demo2-test"),
            ("end_time", "2025-10-09 11:00:00"),
            ("page_no", "0"),
            ("page_size", "100"),
            ("sid", "demo2"),
            ("start_time", "2025-10-09 10:00:00"),
            ("status", "95"),
            ("timestamp", "1760000000"),
        ],
        "cbcbe276d5869075673b957f4e4452ef",
    );
}

fn check_v3(key: &str, value: &str, digest: &str) {
    let mut params = vec![
        ("sid", "demo2"),
        ("appkey", "demo2-test"),
        ("timestamp", "1760000000"),
        (key, value),
    ];
    if key == "trade_list" {
        params.push(("shop_no", "001"));
    }
    check_enterprise("s3cr3t", params, digest);
}

#[test]
fn v3_counts_characters_of_chinese_text() {
    check_v3(
        "trade_list",
        r#"[{"tid":"T1","receiver_name":"张三","num":"1.0000"}]"#,
        "6c816948733b0a76e279f37bf10b4b3e",
    );
}

#[test]
fn v3a_is_the_same_in_every_unit_when_escaped() {
    check_v3(
        "trade_list",
        r#"[{"tid":"T1","receiver_name":"\u5f20\u4e09","num":"1.0000"}]"#,
        "c4f635f725de5953550ca50867826ab3",
    );
}

#[test]
fn v3e_counts_an_emoji_as_one_code_point() {
    check_v3(
        "trade_list",
        r#"[{"tid":"T1","buyer_nick":"张😀"}]"#,
        "13fadc0aac49c4c4fb3f4243ad269631",
    );
}

#[test]
fn v3l_lets_lengths_of_five_digits_stand() {
    check_v3(
        "goods_list",
        &"x".repeat(12_345),
        "9de93aef9b9b7416ebc7c747c40afc68",
    );
}

fn v4(method: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("app_key", "12345678"),
        ("fields", "num_iid,title,nick,price,num"),
        ("format", "json"),
        ("method", "taobao.item.seller.get"),
        ("num_iid", "11223344"),
        ("session", "test"),
        ("sign_method", method),
        ("timestamp", "2016-01-01 12:00:00"),
        ("v", "2.0"),
        ("ignored_when_empty", ""),
    ]
}

#[test]
fn v4_is_the_official_top_sample() {
    check_top(
        v4("md5"),
        TopMethod::Md5,
        "66987CB115214E59E6EC978214934FB8",
    );
}

#[test]
fn v4h_and_v4s_cover_both_hmacs() {
    check_top(
        v4("hmac"),
        TopMethod::HmacMd5,
        "D56D7858309C31B6251083A874D48273",
    );
    check_top(
        v4("hmac-sha256"),
        TopMethod::HmacSha256,
        "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8",
    );
}

#[test]
fn v5_signs_an_enterprise_qimen_query() {
    check_top(
        vec![
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
        TopMethod::Md5,
        "5E9110FA0251DA0341C7AF7AFDDF0595",
    );
}

fn check_flagship(secret: &str, mut params: Vec<(&str, &str)>, digest: &str) {
    params.sort_unstable();
    assert_eq!(flagship(params.into_iter(), secret), digest);
}

#[test]
fn v6_and_v7_sign_a_flagship_body() {
    check_flagship(
        "secret",
        vec![
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
    check_flagship(
        "testsecret",
        vec![
            (
                "body",
                r#"[{"start_time":"2025-10-09 10:00:00","end_time":"2025-10-09 11:00:00","status_type":0}]"#,
            ),
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

#[test]
fn v8_and_v9_sign_what_is_nested_flattened() {
    let params = flattened(
        r#"{"warehouse_no":"1001","spec_no":null,"start_date":"2020-08-23 00:00:00","end_date":"2020-09-20 00:00:00"}"#,
    );
    check_flagship(
        "secret",
        vec![
            ("datetime", "2020-09-17 19:22:26"),
            ("method", "wdt.wms.stockspec.querychangehistory"),
            ("pager", &flattened(r#"{"page_size":10,"page_no":1}"#)),
            ("params", &params),
            ("wdt_appkey", "wdt_appkey"),
            ("wdt_salt", "salt"),
        ],
        "1f5e87bbbc8bc68f4f0af70f79620b7d",
    );
    let params =
        r#"{"end_time":"2025-10-09 11:00:00","start_time":"2025-10-09 10:00:00","status":"110"}"#;
    check_flagship(
        "testsecret",
        vec![
            ("datetime", "2025-10-09 11:00:00"),
            ("method", "wdt.wms.stockout.sales.querywithdetail"),
            ("pager", &flattened(r#"{"page_no":1,"page_size":100}"#)),
            ("params", &flattened(params)),
            ("wdt_appkey", "wdtkey"),
            ("wdt_salt", "testsalt"),
        ],
        "1f2d68e8e3eb0e7a192ceb7b67f46684",
    );
    check_top(
        vec![
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
            ("wdt_sign", "1f2d68e8e3eb0e7a192ceb7b67f46684"),
        ],
        TopMethod::Md5,
        "D705758FF4EB26F0E0A856C1157C1D8C",
    );
}

#[test]
fn k1_and_k2_sign_path_nonce_and_time_in_both_units() {
    let secret = kingdee_client_secret(APP_ID);
    assert_eq!(secret, "cmVvfPle260230w65f662483/Oc82c3X");
    for (timestamp, signature) in [
        (
            "1700000000",
            "N2ZjMWVmOTM4NTY2ZmFjOGRiMWU1MTU1Nzg5YTk0YjlkMzAwOGE4OThlZTIxY2UzOGMwMDAyMjhhMzY5ODA1YQ==",
        ),
        (
            "1795297801147",
            "ZjZmNTI3YWQ2MTkwNDMyODQzNGEzNDQyYzhlMmFjNTllNWQ1YWU2ZDdjMjYwMzUxOWI4NDBiY2RiMDhjYTcyMw==",
        ),
    ] {
        assert_eq!(
            kingdee_api(BATCH_SAVE, timestamp, timestamp, &secret),
            signature
        );
    }
}

#[test]
fn k1_and_k3_sign_the_application_data() {
    for (data, signature) in [
        (
            "5fd1c2a9f0e3b8,测试员,2052,0",
            "YWE3Mjc0YTkzNWViZmExN2M2OGMyMTBiYzM2OTZjMTE0ZTBkNjMxOGM2OWFjOTAwNjEyMDY2ZGE2YzhhN2I2NQ==",
        ),
        (
            "5fd1c2a9f0e3b8,demo,2052,100",
            "N2E3YzM2ZWQ2ZjA2Mjk5ZWU2ZTM3N2EyOWY2YmI5YjgyMzJhM2QwNjBjY2NmMDQ0M2I1ODhhMWIyMDIyMjc3Mw==",
        ),
    ] {
        assert_eq!(kingdee_data(APP_ID, data, APP_SECRET), signature);
    }
}

#[test]
fn k4_signs_a_login() {
    assert_eq!(
        kingdee_login("5fd1c2a9f0e3b8", "demo", APP_ID, APP_SECRET, "1700000000"),
        "b32fe5c704088c41a0a2c607918b73921a73339ccc8635c65f935b2602c032c3"
    );
}

#[test]
fn an_app_id_of_another_shape_has_an_empty_client_secret() {
    assert_eq!(kingdee_client_secret("251234_short"), "");
    assert_eq!(kingdee_client_secret("nounderscore"), "");
}
