//! What connectors say of schemes in their own schemas, and what becomes of schemes by it.

use super::{described, known, report, text, wish};
use crate::{Draft, Wish, qeasy};
use duijie_contract::{Description, Role};

fn queried(filter: &str) -> (String, String) {
    let schema = "connectors/kingdee/schema/source.json";
    let source = described(
        "kingdee",
        Role::Source,
        schema,
        "PUR_PurchaseOrder",
        "FBillNo",
    );
    let known: Vec<Description> = known().into_iter().chain([source]).collect();
    let scheme = serde_json::json!([
        {"api": "executeBillQuery", "type": "QUERY", "platform": "金蝶云星空",
         "request": [{"field": "FBillNo", "value": "FBillNo"}, {"field": "FMaterialId_FNumber", "value": "FMaterialId.FNumber"}],
         "otherRequest": [{"field": "FormId", "value": "PUR_Order"}, {"field": "StartRow", "value": "{{PAGINATION_START_ROW}}"},
            {"field": "FieldKeys", "type": "array", "value": ""}, {"field": "FilterString", "value": filter}]},
        {"api": "batchSave", "type": "EXECUTE", "platform": "金蝶云星空",
         "request": [{"field": "FBillNo", "type": "string", "value": "{{FBillNo}}"}],
         "otherRequest": [{"field": "FormId", "type": "string", "value": "SAL_OUTSTOCK"}]}]);
    let files = [(String::from("scheme"), scheme.to_string())];
    let draft = qeasy(&files, &known, &wish()).unwrap();
    (draft.manifest(), report(&draft))
}

#[test]
fn a_filter_with_a_time_becomes_the_window_and_the_rest_of_the_filter() {
    let (manifest, _) =
        queried("FApproveDate>='{{LAST_SYNC_TIME|datetime}}' AND FDocumentStatus='C' and FQty<>0");
    for line in [
        "  collection: PUR_Order",
        "    time_field: \"FApproveDate\"",
        "    filter: \"FDocumentStatus='C' and FQty<>0\"",
        "    fields: [\"FBillNo\", \"FMaterialId.FNumber\"]",
        "    start_time: \"2025-10-01 00:00:00\"",
    ] {
        assert!(
            manifest.contains(&format!("{line}\n")),
            "{line} in {manifest}"
        );
    }
    assert!(manifest.contains("enabled: true"));
}

#[test]
fn the_first_run_begins_where_it_is_wished_also_where_a_filter_says_the_window() {
    let scheme = text("tests/golden/import/goods.json");
    let schema = "connectors/kingdee/schema/source.json";
    let known = [
        described("kingdee", Role::Source, schema, "BD_MATERIAL", "FNumber"),
        described(WDT.0, Role::Target, WDT.1, "goods_push", "goods_no"),
    ];
    let wish = Wish {
        start: Some(String::from("2020-01-01 00:00:00")),
        ..wish()
    };
    let draft = qeasy(&[(String::from("scheme"), scheme)], &known, &wish).unwrap();
    let manifest = draft.manifest();
    let line = "    start_time: \"2020-01-01 00:00:00\"\n";
    assert!(manifest.contains(line), "{manifest}");
}

#[test]
fn a_filter_whose_time_cannot_be_told_from_the_rest_is_left_out() {
    for filter in [
        "(FApproveDate>='{{LAST_SYNC_TIME|datetime}}') or FBillNo='X'",
        "FApproveDate>='{{LAST_SYNC_TIME|datetime}}' and FDate<'{{CURRENT_TIME|datetime}}'",
    ] {
        let (manifest, report) = queried(filter);
        assert!(manifest.contains("enabled: false"), "{manifest}");
        assert!(
            report.contains("the window of time in it cannot be told"),
            "{report}"
        );
    }
}

/// A scheme of one call each way, between connectors that say what is what in their own schemas.
fn carried(source: (&str, &str), target: (&str, &str), scheme: &serde_json::Value) -> Draft {
    let known = [
        described(source.0, Role::Source, source.1, "queryOrder", "id"),
        described(target.0, Role::Target, target.1, "trade_push", "tid"),
    ];
    let files = [(String::from("scheme"), scheme.to_string())];
    qeasy(&files, &known, &wish()).unwrap()
}

const WAIQIN: (&str, &str) = (
    "waiqin365",
    "connectors/waiqin365/settings/source.schema.json",
);
const WDT: (&str, &str) = (
    "wangdiantong",
    "connectors/wangdiantong/settings/target.schema.json",
);

#[test]
fn a_document_stands_by_itself_and_other_fields_of_a_query_become_filters() {
    let scheme = serde_json::json!([
        {"api": "/api/order/v1/queryOrder", "type": "QUERY", "platform": "勤策", "request": [
            {"field": "page", "value": "{{PAGINATION_START_PAGE}}"}, {"field": "rows", "value": "200"},
            {"field": "start_modify_date", "value": "{{LAST_SYNC_TIME|datetime}}"},
            {"field": "start_create_date", "value": "2025-01-01 00:00:00"},
            {"field": "order_status", "value": "2"}, {"field": "cm_code", "value": "{{cm}}"}]},
        {"api": "wdt.trade.push", "type": "EXECUTE", "platform": "旺店通·企业奇门", "request": [
            {"field": "shop_no", "type": "string", "value": "S1"},
            {"field": "trade_list", "type": "array", "children": [
                {"field": "tid", "type": "string", "value": "{{order_no}}"},
                {"field": "order_list", "type": "array", "value": "details", "children": [
                    {"field": "num", "type": "float", "value": "{{details.num}}"}]}]}]}]);
    let draft = carried(WAIQIN, WDT, &scheme);
    let manifest = draft.manifest();
    for line in [
        "  collection: queryOrder",
        "    page_size: 200",
        "    start_time: \"2025-10-01 00:00:00\"",
        "    filters: { order_status: \"2\" }",
        "  collection: trade_push",
        "  key: tid",
        "        - { field: shop_no, type: string, value: S1 }",
        "        - { field: tid, type: string, value: \"{{order_no}}\", required: true }",
        "        - { field: order_list.num, type: float, value: \"{{details.num}}\" }",
    ] {
        assert!(
            manifest.contains(&format!("{line}\n")),
            "{line}: {manifest}"
        );
    }
    let report = report(&draft);
    assert!(
        report.contains("carried: target.request trade_list"),
        "{report}"
    );
    assert!(
        report.contains("left out: source.request cm_code"),
        "{report}"
    );
    assert!(
        report.contains("`start_time` is set by another field"),
        "{report}"
    );
}

#[test]
fn a_call_of_another_edition_is_the_collection_that_the_connector_says() {
    let source = (WDT.0, "connectors/wangdiantong/settings/source.schema.json");
    let call = |api: &str, argument: &str| {
        let scheme = serde_json::json!([
            {"api": api, "type": "QUERY", "platform": "旺店通·旗舰奇门", "request": [
                {"field": "pager.page_no", "value": "{{PAGINATION_START_PAGE}}"},
                {"field": "params.start_time", "value": "2025-01-01 00:00:00"}]},
            {"api": "sales.RawTrade.pushSelf2", "type": "EXECUTE", "platform": "旺店通", "request": [
                {"field": argument, "type": "array", "value": "orders", "children": [
                    {"field": "tid", "type": "string", "value": "{{no}}"}]}]}]);
        let draft = carried(source, WDT, &scheme);
        (draft.manifest(), report(&draft))
    };
    let (manifest, told) = call("wdt.wms.stockout.sales.querywithdetail", "rawTradeList");
    assert!(
        manifest.contains("  collection: stockout_order_query_trade\n"),
        "{manifest}"
    );
    assert!(
        manifest.contains("  collection: trade_push\n"),
        "{manifest}"
    );
    assert!(manifest.contains("field: tid,"), "{manifest}");
    assert!(
        told.contains("write `each: orders` in the mapping"),
        "{told}"
    );
    let (manifest, _) = call("sales.RawTrade.search", "other");
    assert!(
        manifest.contains("  collection: vip_api_trade_query\n"),
        "{manifest}"
    );
    assert!(manifest.contains("field: other.tid,"), "{manifest}");
}
