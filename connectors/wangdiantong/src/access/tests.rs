//! What each dialect sends and signs, by the published and cross-checked
//! samples: the digests over these inputs stand in `tests/golden/recipes.json`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use duijie_sdk::http::{Failure, Piece, Request, Response};
use duijie_sdk::{Network, Signed};

use super::{Access, Argument, Call, Page, Value};
use crate::dialect::Dialect;

/// Keeps what is signed; the signature is the recipe's name.
#[derive(Default)]
struct Signer {
    now_s: u64,
    signed: RefCell<Vec<(String, BTreeMap<String, String>)>>,
}

impl Network for Signer {
    fn send(&self, _: Request) -> Result<Response, Failure> {
        unreachable!("nothing is sent")
    }

    fn send_many(&self, _: Vec<Request>) -> Vec<Result<Response, Failure>> {
        Vec::new()
    }

    fn sign(&self, recipe: &str, inputs: &[(&str, &str)]) -> Result<Signed, String> {
        let inputs = inputs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.signed
            .borrow_mut()
            .push((recipe.to_owned(), inputs.collect()));
        Ok(Signed {
            text: format!("by-{recipe}"),
            time_ms: 0,
        })
    }

    fn held(&self) -> Vec<String> {
        Vec::new()
    }

    fn forget(&self) {}

    fn now_ms(&self) -> u64 {
        self.now_s * 1000
    }
}

fn access(dialect: Dialect) -> Access {
    let text = str::to_owned;
    Access {
        dialect,
        base_url: text("https://api.example.com"),
        sid: text("wdtapi3"),
        appkey: text("wdtkey"),
        salt: text("testsalt"),
        app_key: text("12345678"),
        target_app_key: text("21363512"),
    }
}

fn texts(pairs: &[(&'static str, &str)]) -> Vec<Argument> {
    let argument = |(name, value): &(&'static str, &str)| Argument {
        name,
        value: Value::Text((*value).to_owned()),
    };
    pairs.iter().map(argument).collect()
}

fn query(method: &str, arguments: Vec<Argument>) -> Call {
    Call {
        method: method.to_owned(),
        arguments,
        page: Some(Page {
            number: 0,
            size: 100,
        }),
    }
}

fn push(method: &str, arguments: Vec<Argument>) -> Call {
    Call {
        page: None,
        ..query(method, arguments)
    }
}

type Sent = (Request, Vec<(String, BTreeMap<String, String>)>);

fn sent(dialect: Dialect, call: &Call) -> Sent {
    let signer = Signer {
        // 2025-10-09 11:00:00 in China.
        now_s: 1_759_978_800,
        ..Signer::default()
    };
    let request = access(dialect).request(&signer, call).unwrap();
    (request, signer.signed.into_inner())
}

fn body(request: &Request) -> &str {
    let [Piece::Bytes(bytes)] = request.body.as_slice() else {
        panic!("one piece of bytes")
    };
    std::str::from_utf8(bytes).unwrap()
}

#[track_caller]
fn check(inputs: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    let found: Vec<_> = inputs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn v6_and_v7_sign_the_body_among_the_parameters_of_the_address() {
    let mut arguments = texts(&[
        ("start_time", "2025-10-09 10:00:00"),
        ("end_time", "2025-10-09 11:00:00"),
    ]);
    arguments.push(Argument {
        name: "status_type",
        value: Value::Json("0".to_owned()),
    });
    let call = query("wms.stockout.Sales.queryWithDetail", arguments);
    let (request, signed) = sent(Dialect::Flagship, &call);
    let expected = r#"[{"start_time":"2025-10-09 10:00:00","end_time":"2025-10-09 11:00:00","status_type":0}]"#;
    assert_eq!(body(&request), expected);
    assert_eq!(signed[0].0, "flagship");
    check(
        &signed[0].1,
        &[
            ("body", expected),
            ("calc_total", "1"),
            ("key", "wdtkey"),
            ("method", "wms.stockout.Sales.queryWithDetail"),
            ("page_no", "0"),
            ("page_size", "100"),
            ("salt", "testsalt"),
            ("sid", "wdtapi3"),
            ("timestamp", "434631600"),
            ("v", "1.0"),
        ],
    );
    let (address, query) = request.url.split_once('?').unwrap();
    assert_eq!(address, "https://api.example.com");
    assert!(query.contains("&calc_total=1&sign=by-flagship"), "{query}");
    assert!(!query.contains("body="), "{query}");
}

#[test]
fn v9_signs_twice_the_flattened_values_and_the_raw_ones() {
    let arguments = texts(&[
        ("start_time", "2025-10-09 10:00:00"),
        ("end_time", "2025-10-09 11:00:00"),
        ("status", "110"),
    ]);
    let call = query("wdt.wms.stockout.sales.querywithdetail", arguments);
    let (request, signed) = sent(Dialect::FlagshipQimen, &call);
    check(
        &signed[0].1,
        &[
            ("datetime", "2025-10-09 11:00:00"),
            ("method", "wdt.wms.stockout.sales.querywithdetail"),
            ("pager", "calc_total1page_no1page_size100"),
            (
                "params",
                "end_time2025-10-09 11:00:00start_time2025-10-09 10:00:00status110",
            ),
            ("wdt_appkey", "wdtkey"),
            ("wdt_salt", "testsalt"),
        ],
    );
    assert_eq!(
        (signed[0].0.as_str(), signed[1].0.as_str()),
        ("flagship", "qimen")
    );
    let outer = &signed[1].1;
    assert_eq!(outer["wdt_sign"], "by-flagship");
    assert_eq!(outer["wdt3_customer_id"], "wdtapi3");
    assert_eq!(
        outer["pager"],
        r#"{"page_no":1,"page_size":100,"calc_total":1}"#
    );
    assert_eq!(outer["timestamp"], "2025-10-09 11:00:00");
    assert_eq!(outer["target_app_key"], "21363512");
    assert!(body(&request).ends_with("&sign=by-qimen"));
}

#[test]
fn v3a_sends_what_is_nested_in_ascii() {
    let json = r#"[{"tid":"T1","receiver_name":"张三","num":1.0000}]"#;
    let list = Argument {
        name: "trade_list",
        value: Value::Json(json.to_owned()),
    };
    let mut arguments = texts(&[("shop_no", "001"), ("switch", "")]);
    arguments.push(list);
    let (request, signed) = sent(
        Dialect::Openapi2,
        &push("trade_push.php", arguments.clone()),
    );
    assert_eq!(request.url, "https://api.example.com/trade_push.php");
    let escaped = r#"[{"tid":"T1","receiver_name":"\u5f20\u4e09","num":1.0000}]"#;
    check(
        &signed[0].1,
        &[
            ("appkey", "wdtkey"),
            ("shop_no", "001"),
            ("sid", "wdtapi3"),
            ("timestamp", "1759978800"),
            ("trade_list", escaped),
        ],
    );
    let (_, signed) = sent(Dialect::Qimen, &push("wdt.trade.push", arguments));
    assert_eq!(signed[0].1["trade_list"], escaped);
    assert_eq!(signed[0].1["sign_method"], "md5");
}

#[test]
fn a_push_of_the_flagship_has_its_arguments_by_place_or_by_name() {
    let order = Argument {
        name: "stockin_order",
        value: Value::Json(r#"{"outer_no":"N1","goods_list":[{"num":1.50}]}"#.to_owned()),
    };
    let mut arguments = texts(&[("shop_no", "店\"1")]);
    arguments.push(order);
    let (request, signed) = sent(Dialect::Flagship, &push("a.B.c", arguments.clone()));
    let expected = r#"["店\"1",{"outer_no":"N1","goods_list":[{"num":1.50}]}]"#;
    assert_eq!(body(&request), expected);
    assert!(!signed[0].1.contains_key("page_no"));
    let (_, signed) = sent(Dialect::FlagshipQimen, &push("wdt.a.b.c", arguments));
    assert_eq!(signed[0].1["stockin_order"], "goods_listnum1.50outer_noN1");
    let quoted = r#"{"outer_no":"N1","goods_list":[{"num":"1.50"}]}"#;
    assert_eq!(signed[1].1["stockin_order"], quoted);
}
