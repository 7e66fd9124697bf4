//! The one-pass normaliser against a slow one over trees, and by example.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::settings::Pipeline;

fn normaliser() -> Normaliser {
    Normaliser::new(Form::new("SAL_OUTSTOCK", &Pipeline::default()))
}

/// The Model of a document whose number is `CK1`.
fn model(line: &str) -> Result<Value, Reject> {
    let mut out = b"before".to_vec();
    let done = normaliser().document(line.as_bytes(), "0", "CK1", &mut out);
    if done.is_err() {
        assert_eq!(out, b"before", "a rejected document leaves nothing behind");
    }
    done.map(|_| serde_json::from_slice(&out["before".len()..]).unwrap())
}

#[track_caller]
fn check(line: &str, expected: &str) {
    let mut out = Vec::new();
    normaliser()
        .document(line.as_bytes(), "0", "CK1", &mut out)
        .unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[track_caller]
fn check_rejected(line: &str, code: &str, field: Option<&str>) {
    // Only fields that do not stand at the end of the line are usual ones.
    for line in [line, &format!("{line}{:64}", "")] {
        let reject = model(line).unwrap_err();
        assert_eq!(
            (reject.code, reject.field.as_deref()),
            (code, field),
            "{}",
            reject.message
        );
    }
}

#[test]
fn fields_keep_their_order_and_rows_leave_the_sub_head() {
    check(
        r#" {"FNote":"a" , "SubHeadEntity" : {"FSETTLECURRID":"PRE001","FEntity":[{"FMaterialID":"S"}],"FThirdBillNo":"T"},"FBillNo":"CK1"} "#,
        r#"{"FID":0,"FNote":"a","SubHeadEntity":{"FSettleCurrID":{"FNumber":"PRE001"},"FThirdBillNo":"T"},"FEntity":[{"FMaterialID":{"FNumber":"S"}}],"FBillNo":"CK1"}"#,
    );
}

#[test]
fn scattered_sub_head_fields_are_gathered() {
    check(
        r#"{"SubHeadEntity.FSettleOrgID":100,"FBillNo":"CK1","SubHeadEntity.FEntity":[{"SubHeadEntity.FEntity.FRealQty":"2"}],"SubHeadEntity.FThirdBillNo":"T","SubHeadEntity":{"FThirdBillId":"","FSETTLECURRID":null}}"#,
        r#"{"FID":0,"SubHeadEntity":{"FSettleOrgID":{"FNumber":"100"},"FThirdBillNo":"T","FThirdBillId":""},"FBillNo":"CK1","FEntity":[{"FRealQty":2}]}"#,
    );
}

#[test]
fn the_number_is_added_when_it_is_missing_or_empty() {
    check(
        r#"{"FNote":"a"}"#,
        r#"{"FID":0,"FBillNo":"CK1","FNote":"a"}"#,
    );
    check(r#"{"FBillNo":""}"#, r#"{"FID":0,"FBillNo":"CK1"}"#);
    check(r#"{}"#, r#"{"FID":0,"FBillNo":"CK1"}"#);
    check(
        r#"{"FBillNo":"\u0043K1"}"#,
        r#"{"FID":0,"FBillNo":"\u0043K1"}"#,
    );
    check_rejected(r#"{"FBillNo":"CK2"}"#, "kingdee.key", Some("FBillNo"));
}

#[test]
fn ids_of_the_system_are_the_connectors_own() {
    check(
        r#"{"fid":7,"FBillNo":"CK1","FEntity":[{"FEntryID":3,"FNote":"x"},{}]}"#,
        r#"{"FID":0,"FBillNo":"CK1","FEntity":[{"FNote":"x"},{}]}"#,
    );
}

#[test]
fn nineteen_digits_and_trailing_zeros_survive() {
    check(
        r#"{"FBillNo":"CK1","x":1234567890123456789,"FEntity":[{"FTaxPrice":"0.0000","FRealQty":" 12345678901234567.10 ","FPrice":1E2}]}"#,
        r#"{"FID":0,"FBillNo":"CK1","x":1234567890123456789,"FEntity":[{"FTaxPrice":0.0000,"FRealQty":12345678901234567.10,"FPrice":1E2}]}"#,
    );
}

#[test]
fn settings_rename_wrap_and_flex() {
    let settings = Pipeline {
        wrap: [
            ("FSHOPNUMBER".to_owned(), "FNumber".to_owned()),
            ("FLot".to_owned(), String::new()),
        ]
        .into(),
        rename: [("FNote".to_owned(), "F_ora_Note".to_owned())].into(),
        flex: [("FAuxPropId".to_owned(), "FAUXPROPID__FF100005".to_owned())].into(),
        ..Pipeline::default()
    };
    let mut out = Vec::new();
    let line = br#"{"FSHOPNUMBER":"a","FNote":"n","FBillNo":"CK1","FEntity":[{"FLot":"L","FAuxPropId":"03"}]}"#;
    let form = Form::new("SAL_OUTSTOCK", &settings);
    Normaliser::new(form)
        .document(line, "0", "CK1", &mut out)
        .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"FID":0,"FSHOPNUMBER":{"FNumber":"a"},"F_ora_Note":"n","FBillNo":"CK1","FEntity":[{"FLot":"L","FAuxPropId":{"FAUXPROPID__FF100005":{"FNumber":"03"}}}]}"#
    );
}

#[test]
fn what_cannot_be_sent_is_rejected_with_code_and_field() {
    check_rejected(
        r#"{"FormId":"STK_MISDELIVERY"}"#,
        "kingdee.form",
        Some("FormId"),
    );
    check_rejected(
        r#"{"Operation":"Audit"}"#,
        "kingdee.operation",
        Some("Operation"),
    );
    check_rejected(
        r#"{"FEntity":[{"SubSystemId":"21"},{"SubSystemId":"22"}]}"#,
        "kingdee.options",
        Some("SubSystemId"),
    );
    check_rejected(
        r#"{"FEntity":[{"FRealQty":"2 pcs"}]}"#,
        "kingdee.number",
        Some("FRealQty"),
    );
    check_rejected(
        r#"{"FEntity":[{"FRealQty":"01"}]}"#,
        "kingdee.number",
        Some("FRealQty"),
    );
    check_rejected(
        r#"{"FEntity":[{"FIsFree":"maybe"}]}"#,
        "kingdee.flag",
        Some("FIsFree"),
    );
    check_rejected(
        r#"{"FCustomerID":["a"]}"#,
        "kingdee.base-data",
        Some("FCustomerID"),
    );
    check_rejected(
        r#"{"FEntity":[],"FEntity":[]}"#,
        "kingdee.shape",
        Some("FEntity"),
    );
    check_rejected(r#"{"FEntity":[1]}"#, "kingdee.shape", Some("FEntity"));
    check_rejected(r#"{"FEntity":5}"#, "kingdee.shape", Some("FEntity"));
    check_rejected(
        r#"{"SubHeadEntity.FEntity.FLot":"1"}"#,
        "kingdee.misplaced",
        Some("SubHeadEntity.FEntity.FLot"),
    );
}

#[test]
fn a_broken_text_is_rejected() {
    for broken in [
        "",
        "[]",
        "{",
        r#"{"a":1}}"#,
        r#"{"a":1}{"b":2}"#,
        r#"{"a":01}"#,
        r#"{"a" 1}"#,
    ] {
        check_rejected(broken, "kingdee.json", None);
    }
    let mut out = Vec::new();
    let bytes = normaliser().document(b"{\"a\":\"\xff\"}", "0", "CK1", &mut out);
    assert_eq!(bytes.unwrap_err().code, "kingdee.json");
}

#[test]
fn call_options_are_hoisted_from_anywhere() {
    let line = r#"{"IsAutoSubmitAndAudit":false,"SubHeadEntity":{"SubSystemId":21,"FEntity":[{"FormId":"SAL_OUTSTOCK","Operation":"Save","SubSystemId":"21"}]},"SubHeadEntity.FEntity.IsVerifyBaseDataField":"true"}"#;
    let mut out = Vec::new();
    let carried = normaliser()
        .document(line.as_bytes(), "0", "CK1", &mut out)
        .unwrap();
    assert_eq!(
        carried,
        Carried {
            auto_submit_and_audit: "false",
            verify_base_data: "true",
            sub_system_id: "21",
            lacking: true,
        }
    );
    assert_eq!(out, br#"{"FID":0,"FBillNo":"CK1","FEntity":[{}]}"#);
}

#[test]
fn what_one_document_taught_changes_no_other() {
    let mut learned = normaliser();
    for row in [
        r#"{"FRealQty":"2","FIsFree":true,"FormId":"SAL_OUTSTOCK","SubSystemId":"21"},{"FRealQty":"","FIsFree":"1","FormId":"SAL_OUTSTOCK","SubSystemId":"21"}"#,
        r#"{"FRealQty":"3","FIsFree":false,"FormId":"SAL_OUTSTOCK","SubSystemId":"23"},{"FRealQty":"3","FIsFree":null,"FormId":"SAL_OUTSTOCK","SubSystemId":""}"#,
        r#"{"FRealQty":"3","FIsFree":false,"FormId":"SAL_OUTSTOCK","SubSystemId":"21"},{"FRealQty":"3","FIsFree":false,"FormId":"SAL_OUTSTOCK","SubSystemId":"22"}"#,
        r#"{"FRealQty":"3","FIsFree":false,"FormId":"STK","SubSystemId":"21"}"#,
        r#"{"FRealQty":"3","FIsFree":falsey,"FormId":"SAL_OUTSTOCK","SubSystemId":"21"}"#,
        r#"{"FRealQty":"03","FIsFree":false,"FormId":"SAL_OUTSTOCK","SubSystemId":"21"}"#,
        r#"{"FRealQty":"3" ,"FIsFree" :false,"FormId":"SAL_OUTSTOCK","SubSystemId":null}"#,
        r#"{"FRealQty":"3","FIsFree":false,"FormId":"SAL_OUTSTOCK","SubSystemId":2}"#,
    ] {
        let line = format!(r#"{{"FEntity":[{row}],"FNote":"{:64}"}}"#, "");
        let tell = |normaliser: &mut Normaliser| {
            let mut out = Vec::new();
            let done = normaliser.document(line.as_bytes(), "0", "CK1", &mut out);
            format!("{done:?} {}", String::from_utf8(out).unwrap())
        };
        assert_eq!(tell(&mut learned), tell(&mut normaliser()));
    }
}

/// What the generator knows of a field: as it comes, as it goes, and how.
type Known = (&'static str, &'static str, fn(&Value) -> Option<Value>);

fn plain(value: &Value) -> Option<Value> {
    Some(value.clone())
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value == ""
}

fn coded(value: &Value) -> Option<Value> {
    let code = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    (!is_nothing(value)).then(|| json!({ "FNumber": code }))
}

fn typed(value: &Value) -> Option<Value> {
    let digits = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    (!is_nothing(value)).then(|| serde_json::from_str(&digits).unwrap())
}

fn fluxed(value: &Value) -> Option<Value> {
    coded(value).map(|code| json!({ "FAUXPROPID__FF100001": code }))
}

fn kind_of_bill(value: &Value) -> Option<Value> {
    coded(value).map(|code| json!({ "FNUMBER": code["FNumber"] }))
}

const HEAD: &[Known] = &[
    ("FBillTypeID", "FBillTypeID", kind_of_bill),
    ("FSaleOrgId", "FSaleOrgId", coded),
    ("FCustomerID", "FCustomerID", coded),
    ("FNote", "FNote", plain),
    ("F_ora_Text_ysdh", "F_ora_Text_ysdh", plain),
    ("FDate", "FDate", |value| {
        (!is_nothing(value)).then(|| value.clone())
    }),
];
const SUB: &[Known] = &[
    ("FSettleOrgID", "FSettleOrgID", coded),
    ("FSETTLECURRID", "FSettleCurrID", coded),
    ("FThirdBillNo", "FThirdBillNo", plain),
];
const ROW: &[Known] = &[
    ("FMaterialID", "FMaterialID", coded),
    ("FOwnerId", "FOwnerID", coded),
    ("FOwnerTypeId", "FOwnerTypeID", plain),
    ("FAuxPropId", "FAuxPropId", fluxed),
    ("FRealQty", "FRealQty", typed),
    ("FTaxPrice", "FTaxPrice", typed),
    ("FIsFree", "FIsFree", typed),
    ("FEntrynote", "FEntrynote", plain),
];

fn value_of(name: &'static str) -> BoxedStrategy<Value> {
    let digits = prop_oneof!["[1-9][0-9]{0,18}", "(0|[1-9][0-9]{0,9})\\.[0-9]{1,8}"].boxed();
    let text = "[a-z\"\\\\/\u{1}\u{4e2d}\u{1f600} .{}\\[\\]:,]{0,12}".prop_map(Value::from);
    let number = digits.prop_flat_map(|digits| {
        let number: Value = serde_json::from_str(&digits).unwrap();
        prop_oneof![Just(Value::from(digits)), Just(number)]
    });
    match name {
        "FRealQty" | "FTaxPrice" => prop_oneof![4 => number, 1 => Just(json!(""))].boxed(),
        "FIsFree" => prop_oneof![
            Just(json!(true)),
            Just(json!("false")),
            Just(json!("")),
            Just(Value::Null)
        ]
        .boxed(),
        _ => prop_oneof![4 => text, 1 => number, 1 => Just(json!("")), 1 => Just(Value::Null)]
            .boxed(),
    }
}

type Fields = Vec<(Known, Value)>;

fn fields(known: &'static [Known]) -> impl Strategy<Value = Fields> {
    proptest::sample::subsequence(known, 0..=known.len())
        .prop_shuffle()
        .prop_flat_map(|chosen| {
            chosen
                .into_iter()
                .map(|known| value_of(known.0).prop_map(move |value| (known, value)))
                .collect::<Vec<_>>()
        })
}

fn came(fields: &Fields, prefix: &str) -> Map<String, Value> {
    fields
        .iter()
        .map(|(known, value)| (format!("{prefix}{}", known.0), value.clone()))
        .collect()
}

fn goes(fields: &Fields) -> Map<String, Value> {
    fields
        .iter()
        .filter_map(|(known, value)| Some((known.1.to_owned(), known.2(value)?)))
        .collect()
}

proptest! {
    #[test]
    fn flat_dotted_and_own_shapes_give_the_same_model(
        head in fields(HEAD),
        sub in fields(SUB),
        rows in proptest::collection::vec(fields(ROW), 0..4),
        scatter in any::<bool>(),
    ) {
        let mut expected = goes(&head);
        expected.insert("FID".to_owned(), json!(0));
        expected.insert("FBillNo".to_owned(), json!("CK1"));
        let (sub_goes, rows_go) = (goes(&sub), rows.iter().map(goes).collect::<Vec<_>>());
        if !sub_goes.is_empty() {
            expected.insert("SubHeadEntity".to_owned(), json!(sub_goes));
        }
        expected.insert("FEntity".to_owned(), json!(rows_go));
        let expected = Value::Object(expected);

        let mut own = expected.clone();
        own["FormId"] = json!("SAL_OUTSTOCK");

        let mut flat = came(&head, "");
        let mut inner = came(&sub, "");
        inner.insert("FEntity".to_owned(), json!(rows.iter().map(|row| {
            let mut row = came(row, "");
            row.insert("Operation".to_owned(), json!("Save"));
            row
        }).collect::<Vec<_>>()));
        flat.insert("SubHeadEntity".to_owned(), json!(inner));

        let mut dotted = Map::new();
        let mut parts = [came(&head, ""), came(&sub, "SubHeadEntity.")].map(Map::into_iter);
        if scatter {
            while parts.iter_mut().any(|part| part.next().map(|(k, v)| dotted.insert(k, v)).is_some()) {
                let [first, second] = &mut parts;
                dotted.extend(second.next());
                dotted.extend(first.next());
            }
        }
        for part in parts {
            dotted.extend(part);
        }
        dotted.insert("SubHeadEntity.FEntity".to_owned(), json!(rows.iter().map(|row| came(row, "SubHeadEntity.FEntity.")).collect::<Vec<_>>()));
        dotted.insert("SubHeadEntity.FEntity.SubSystemId".to_owned(), json!(21));

        let mut normaliser = normaliser();
        for shape in [own, Value::Object(flat), Value::Object(dotted)] {
            let mut out = Vec::new();
            normaliser.document(shape.to_string().as_bytes(), "0", "CK1", &mut out).unwrap();
            let model: Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(&model, &expected, "{}", shape);
            // By now its fields are expected, and none stands at the end of the line.
            let mut again = Vec::new();
            let line = format!("{shape}{:64}", "");
            normaliser.document(line.as_bytes(), "0", "CK1", &mut again).unwrap();
            prop_assert_eq!(again, out, "{}", shape);
        }
    }
}
