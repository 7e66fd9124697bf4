//! The reading of the text, and documents against it: cases that name each
//! refusal, and generated documents against a plain reading by serde_json.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Catalogue, Field, Kind, Rule};
use crate::{Retry, discovery};

const TEXT: &str = "\u{feff}#order\tpush\t100
order_no\ts8!\t订单编号\torder number
type\ti\t类型
mobile\ts\t手机
telno\ts\t电话
paid\tn
placed\tt
day\td
urgent\tb
buyer\to\t买家
buyer.name\ts4!\t姓名
details\tl!\t明细
details.spec_no\ts!\t商家编码
details.num\tn!\t数量
details.gift\ti\t赠品
details.reason\ts\t原因
details.batch\ts\t批次
anything\ta
|one-of\tmobile,telno
|when\ttype=2\tpaid,details.batch
|when\tdetails.gift=1\tdetails.reason

#goods\r\nname\ts!\r
#empty\n";

fn checked(document: &str) -> String {
    let mut checker = Catalogue::new(TEXT).collection("order").unwrap().checker();
    // The second time it knows in which order the names come.
    let first = checker.check(document.as_bytes());
    assert_eq!(first, checker.check(document.as_bytes()), "{document}");
    match first {
        Ok(()) => "good".to_owned(),
        Err(refused) => {
            assert_eq!(refused.retry, Retry::Never);
            let field = refused.field.unwrap_or_default();
            format!("{} {field}: {}", refused.code, refused.message)
        }
    }
}

/// A good document with a member put in the place of its own.
fn order(change: Value) -> Value {
    let mut document = json!({
        "order_no": "CK1", "mobile": "13", "details": [{"spec_no": "A", "num": "1.0000"}],
    });
    for (name, value) in change.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

fn check(change: Value, expected: &str) {
    assert_eq!(checked(&order(change).to_string()), expected);
}

#[test]
fn collections_fields_and_rules_are_read() {
    let catalogue = Catalogue::new(TEXT);
    assert_eq!(catalogue.problems(), Vec::<String>::new());
    let names: Vec<_> = catalogue.collections().map(|found| found.name).collect();
    assert_eq!(names, ["order", "goods", "empty"]);
    let order = catalogue.collection("order").unwrap();
    assert_eq!(order.columns().collect::<Vec<_>>(), ["push", "100"]);
    let expected = Field {
        path: "order_no",
        kind: Kind::Text,
        max_length: Some(8),
        required: true,
        zh: "订单编号",
        en: "order number",
    };
    assert_eq!(order.fields().next(), Some(expected));
    assert_eq!(order.fields().count(), 17);
    let expected = Rule::When {
        path: "type",
        equals: Some("2"),
        fields: "paid,details.batch",
    };
    assert_eq!(order.rules().nth(1), Some(expected));
    let goods = catalogue.collection("goods").unwrap();
    assert_eq!(
        goods.fields().map(|field| field.path).collect::<Vec<_>>(),
        ["name"]
    );
    assert_eq!(catalogue.collection("empty").unwrap().fields().count(), 0);
    assert!(catalogue.collection("none").is_none());
}

#[test]
fn discovery_tells_what_stands_in_the_text() {
    let told = Catalogue::new(TEXT)
        .collection("order")
        .unwrap()
        .discovery();
    assert_eq!(told.fields.len(), 17);
    let number = told.fields.first().unwrap();
    assert_eq!(number.path, "order_no");
    assert_eq!((number.required, number.max_length), (true, Some(8)));
    assert_eq!(
        (number.title.zh.as_str(), number.title.en.as_str()),
        ("订单编号", "order number")
    );
    let expected = discovery::Rule::OneOf(vec!["mobile".to_owned(), "telno".to_owned()]);
    assert_eq!(told.rules.first(), Some(&expected));
}

#[test]
fn problems_of_a_text_are_told() {
    let text = "a\ts\n#x\na\ts\na\ts\nb\tz\nc..d\ts\n|one-of\ta,gone\n|every\ta\n";
    assert_eq!(
        Catalogue::new(text).problems(),
        ["0 collections are read, 1 lines begin with `#`: the text begins with one",]
    );
    let text = text.strip_prefix("a\ts\n").unwrap();
    assert_eq!(
        Catalogue::new(text).problems(),
        [
            "`x`: `a` stands there twice",
            "`x`: neither field nor rule: `b\tz`",
            "`x`: a name is missing in `c..d`",
            "`x`: neither field nor rule: `|every\ta`",
            "`x`: a rule names `gone`, which is no field",
        ]
    );
}

#[test]
fn a_blank_value_breaks_required() {
    check(json!({}), "good");
    let expected =
        "required order_no: `order_no` (订单编号) is required and is blank: map a value to it";
    check(json!({"order_no": null}), expected);
    check(json!({"order_no": ""}), expected);
    assert_eq!(checked(r#"{"mobile":"1","details":[]}"#), expected);
    check(
        json!({"details": [{"spec_no": "A", "num": 1}, {"num": 2}]}),
        "required details.spec_no: `details.spec_no` (商家编码) is required and is blank: map a value to it (line 2)",
    );
    check(json!({"details": []}), "good");
    check(json!({"buyer": null}), "good");
    check(
        json!({"buyer": {}}),
        "required buyer.name: `buyer.name` (姓名) is required and is blank: map a value to it",
    );
}

#[test]
fn rules_hold_in_each_line_and_across_lines() {
    check(
        json!({"mobile": ""}),
        "one-of mobile: `mobile` (手机) or `telno` (电话) is required and all are blank: map a value to one of them",
    );
    check(json!({"mobile": "", "telno": 7}), "good");
    let line = |gift: Value, reason: &str, batch: &str| json!({"spec_no": "A", "num": 1, "gift": gift, "reason": reason, "batch": batch});
    check(
        json!({"details": [line(json!("1"), "r", ""), line(json!(0), "", "")]}),
        "good",
    );
    check(
        json!({"details": [line(json!(1), "r", ""), line(json!(1), "", "")]}),
        "required details.reason: `details.reason` (原因) is required where `details.gift` (赠品) is `1`, and is blank: map a value to it (line 2)",
    );
    let lines = json!([line(json!(0), "", ""), line(json!(0), "", "B")]);
    check(json!({"paid": 1, "details": lines}), "good");
    check(
        json!({"type": 2, "paid": 1, "details": lines}),
        "required details.batch: `details.batch` (批次) is required where `type` (类型) is `2`, and is blank: map a value to it",
    );
    check(
        json!({"type": "2", "details": [line(json!(0), "", "B")]}),
        "required paid: `paid` is required where `type` (类型) is `2`, and is blank: map a value to it",
    );
}

#[test]
fn kinds_and_lengths_are_held() {
    for good in [
        json!({"order_no": "一二三四五六七八"}),
        json!({"order_no": 12345678}),
        json!({"type": "-12", "paid": "0.0000", "urgent": "1"}),
        json!({"type": 1_234_567_890_123_456_789_i64, "urgent": false, "paid": -1.5e3}),
        json!({"placed": "2025-10-01 08:00:00", "day": "2025/10/01"}),
        json!({"placed": "20251001080000", "day": 1_759_276_800_000_i64}),
        json!({"anything": [{}], "unknown": {"order_no": []}}),
    ] {
        check(good, "good");
    }
    check(
        json!({"order_no": "一二三四五六七八九"}),
        "length order_no: `order_no` (订单编号) has 9 characters, at most 8 are taken: map a shorter text to it",
    );
    check(
        json!({"type": "1.0"}),
        "type type: `type` (类型) holds a text, a whole number is expected: change the value mapped to it",
    );
    check(
        json!({"paid": "1,0"}),
        "type paid: `paid` holds a text, a number is expected: change the value mapped to it",
    );
    check(
        json!({"details": {"spec_no": "A"}}),
        "type details: `details` (明细) holds an object, a list is expected: change the value mapped to it",
    );
    check(
        json!({"details": ["A"]}),
        "type details: `details` (明细) has a line that is no object: map each line's fields by their names (line 1)",
    );
    for wrong in [
        json!({"order_no": true}),
        json!({"urgent": "yes"}),
        json!({"placed": "tomorrow"}),
        json!({"day": "01.10.2025"}),
        json!({"buyer": [1]}),
        json!({"buyer": "x"}),
        json!({"mobile": {}}),
    ] {
        let told = checked(&order(wrong.clone()).to_string());
        assert!(told.starts_with("type "), "{wrong}: {told}");
    }
}

#[test]
fn names_and_values_may_be_escaped() {
    let document = r#" {"order\u005fno":"\u4e00\u4e8c\n34567","mobile":"1","details":[ ]} "#;
    assert_eq!(checked(document), "good");
    let told = checked(r#"{"order_no":"\u4e00\u4e8c\n3456789","mobile":"1","details":[]}"#);
    assert!(told.starts_with("length order_no"), "{told}");
}

#[test]
fn what_is_no_json_object_is_refused() {
    for text in [
        "",
        "[]",
        "{",
        r#"{"a" 1}"#,
        r#"{"order_no":1,"mobile":1,"details":[]}}"#,
        r#"{"paid":"1}"#,
        r#"{"paid":01}"#,
    ] {
        let told = checked(text);
        assert!(
            told.starts_with("type : the document is no JSON object: at byte"),
            "{told}"
        );
    }
}

/// A plain reading of what the text asks of `required` and `one-of`.
fn reference(document: &Value) -> Option<&'static str> {
    let blank = |value: &Value| matches!(value, Value::Null) || value == "";
    let buyer = &document["buyer"];
    if !blank(buyer) && blank(&buyer["name"]) {
        return Some("buyer.name");
    }
    for line in document["details"].as_array().into_iter().flatten() {
        for (path, name) in [("details.spec_no", "spec_no"), ("details.num", "num")] {
            if blank(&line[name]) {
                return Some(path);
            }
        }
    }
    for name in ["order_no", "details"] {
        if blank(&document[name]) {
            return Some(name);
        }
    }
    (blank(&document["mobile"]) && blank(&document["telno"])).then_some("mobile")
}

fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![6 => value, 1 => Just(Value::Null), 1 => Just(json!(""))].boxed()
}

fn text() -> BoxedStrategy<Value> {
    maybe(
        proptest::string::string_regex("[a-z\"\\\\{}\\[\\],:一]{1,4}")
            .unwrap()
            .prop_map(Value::from),
    )
}

prop_compose! {
    fn line()(spec in text(), num in maybe(any::<u32>().prop_map(Value::from)), other in text()) -> Value {
        json!({"num": num, "other": [other], "spec_no": spec})
    }
}

prop_compose! {
    fn document()(
        number in text(), mobile in text(), telno in text(), extra in text(),
        buyer in maybe(text().prop_map(|name| json!({"name": name}))),
        details in maybe(proptest::collection::vec(line(), 0..4).prop_map(Value::from)),
    ) -> Value {
        json!({"order_no": number, "mobile": mobile, "telno": telno, "buyer": buyer,
            "details": details, "extra": {"order_no": extra, "details": [extra]}})
    }
}

proptest! {
    #[test]
    fn generated_documents_are_refused_where_a_plain_reading_refuses(
        documents in proptest::collection::vec(document(), 1..5)
    ) {
        let mut checker = Catalogue::new(TEXT).collection("order").unwrap().checker();
        for document in documents {
            let told = checker.check(document.to_string().as_bytes()).err();
            let expected = reference(&document);
            let field = told.as_ref().and_then(|refused| refused.field.as_deref());
            prop_assert_eq!(field, expected, "{} {:?}", document, told);
        }
    }

    #[test]
    fn any_bytes_are_answered(text in "[{}\\[\\]\",:a-z0-9\\\\ ]{0,40}") {
        let mut checker = Catalogue::new(TEXT).collection("order").unwrap().checker();
        // Nothing so short has all that is required.
        prop_assert!(checker.check(text.as_bytes()).is_err(), "{}", text);
    }
}
