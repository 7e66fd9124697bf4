//! The form service's rules for saving and updating; callers and later calls are in files of their own.

mod caller;
mod later;
mod trouble;

use super::Kingdee;
use crate::clock::Clock;
use crate::config::Config;
use crate::exchange::{Answer, Effect, Vendor};
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use serde_json::{Value, json};

const NOW: i64 = 1_760_000_000;

struct Server {
    kingdee: Kingdee,
    clock: Clock,
    headers: HeaderMap,
}

impl Server {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(5, 7);
        config.clock = Clock::manual(NOW);
        change(&mut config);
        let kingdee = Kingdee::new(&config);
        let mut server = Self {
            kingdee,
            clock: config.clock,
            headers: HeaderMap::new(),
        };
        let who = &config.credentials.kingdee;
        let answer = server.auth(
            "ValidateUser",
            &json!({"parameters": [who.acct_id, who.username, who.password, 2052]}),
        );
        server.use_session(answer["KDSVCSessionId"].as_str().unwrap());
        server
    }

    fn use_session(&mut self, id: &str) {
        self.headers
            .insert("kdservice-sessionid", HeaderValue::from_str(id).unwrap());
    }

    fn send(&self, service: &str, operation: &str, body: &[u8], effect: Effect) -> Answer {
        let path =
            format!("/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.{service}.{operation}.common.kdsvc");
        let (call, _turn) = self
            .kingdee
            .call("POST", &path, &self.headers, Bytes::copy_from_slice(body))
            .unwrap();
        call.apply(effect)
    }

    fn auth(&self, operation: &str, body: &Value) -> Value {
        serde_json::from_slice(
            &self
                .send(
                    "AuthService",
                    operation,
                    body.to_string().as_bytes(),
                    Effect::default(),
                )
                .body,
        )
        .unwrap()
    }

    fn text(&self, operation: &str, data: &Value) -> String {
        let body = if operation.ends_with("Query") {
            json!({"data": data})
        } else {
            json!({"formid": "SAL_OUTSTOCK", "data": data})
        };
        let answer = self.send(
            "DynamicFormService",
            operation,
            body.to_string().as_bytes(),
            Effect::default(),
        );
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    fn ask(&self, operation: &str, data: &Value) -> Value {
        serde_json::from_str(&self.text(operation, data)).unwrap()
    }

    /// Saves a bill and gives its id.
    fn save(&self, model: &Value) -> i64 {
        let answer = self.ask("Save", &json!({"Model": model}));
        answer["Result"]["Id"]
            .as_i64()
            .unwrap_or_else(|| panic!("{answer}"))
    }

    /// The findings on one model, as (`MsgCode`, messages).
    fn refused(&self, data: &Value) -> (i64, String) {
        let answer = self.ask("Save", data);
        let status = &answer["Result"]["ResponseStatus"];
        assert_eq!(status["IsSuccess"], false, "{answer}");
        (
            status["MsgCode"].as_i64().unwrap(),
            status["Errors"].to_string(),
        )
    }
}

fn bill(number: &str) -> Value {
    json!({
        "FBillTypeID": {"FNUMBER": "XSCKD01_SYS"}, "FBillNo": number, "FDate": "2025-10-09",
        "FSaleOrgId": {"FNumber": "100"}, "FCustomerID": {"FNumber": "TB001"}, "FStockOrgId": {"FNumber": "100"},
        "SubHeadEntity": {"FSettleCurrID": {"FNumber": "PRE001"}},
        "FEntity": [
            {"FMaterialID": {"FNumber": "SKU-0001"}, "FRealQty": 2, "FAuxPropId": {"FAUXPROPID__FF100001": {"FNumber": "03"}}},
            {"FMaterialID": {"FNumber": "SKU-0002"}, "FRealQty": "1.5000"},
        ],
    })
}

fn with(mut bill: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    bill.pointer_mut(parent).unwrap()[key] = value;
    bill
}

#[test]
fn every_body_form_is_read() {
    let server = Server::new(|_| {});
    let data = |number: &str| json!({"Model": bill(number)});
    for body in [
        json!({"formid": "SAL_OUTSTOCK", "data": data("A")}),
        json!({"formid": "SAL_OUTSTOCK", "data": data("B").to_string()}),
        json!({"parameters": ["SAL_OUTSTOCK", data("C")]}),
        json!({"parameters": ["SAL_OUTSTOCK", data("D").to_string()]}),
    ] {
        let answer = server.send(
            "DynamicFormService",
            "Save",
            body.to_string().as_bytes(),
            Effect::default(),
        );
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            answer["Result"]["ResponseStatus"]["IsSuccess"], true,
            "{answer}"
        );
    }
    let lower = server.send(
        "DynamicFormService",
        "batchSave",
        br#"{"formid":"SAL_OUTSTOCK","data":{"Model":[]}}"#,
        Effect::default(),
    );
    assert!(lower.body.starts_with(br#"{"Result""#));
}

#[test]
fn flat_names_bare_base_data_and_misplaced_options_are_refused() {
    let server = Server::new(|_| {});
    for (pointer, value, words) in [
        ("/SubHeadEntity/FEntity", json!([]), "不存在"),
        (
            "/SubHeadEntity.FSettleOrgID",
            json!({"FNumber": "100"}),
            "平铺",
        ),
        ("/FCustomerID", json!("TB001"), "基础资料"),
        ("/FEntity/0/FStockID", json!("WH001"), "基础资料"),
        ("/FEntity/0/FAuxPropId", json!("03"), "弹性域"),
        ("/IsAutoSubmitAndAudit", json!("false"), "请求参数"),
        ("/FEntity/0/FormId", json!("SAL_OUTSTOCK"), "请求参数"),
        ("/FDate", json!("2025/10/09"), "日期"),
        ("/FEntity/0/FTaxPrice", json!("1,5"), "数字"),
        ("/FEntity/0/FRealQty", json!(0), "大于0"),
        ("/FEntity/1/FRealQty", json!("0.0000"), "大于0"),
        ("/FSaleOrgId", json!({"FNumber": ""}), "必填"),
        ("/FEntity", json!([]), "至少"),
    ] {
        let (code, errors) = server.refused(&json!({"Model": with(bill("A"), pointer, value)}));
        assert_eq!(code, 11, "{pointer}");
        assert!(errors.contains(words), "{pointer}: {errors}");
    }
    assert_eq!(
        server
            .refused(&json!({"Model": bill("A"), "SubHeadEntity.SubSystemId": 21}))
            .0,
        8
    );
    assert_eq!(server.kingdee.document_count(), 0);
}

#[test]
fn lenient_fields_lose_what_the_real_server_ignores() {
    let server = Server::new(|config| config.kingdee.strict_fields = false);
    server.save(&with(bill("A"), "/SubHeadEntity/FEntity", json!([1])));
    assert!(!server.kingdee.documents()[0].json.contains("[1]"));
    let (_, errors) =
        server.refused(&json!({"Model": with(bill("B"), "/FCustomerID", json!("TB001"))}));
    assert!(errors.contains("必填"), "{errors}");
}

#[test]
fn unknown_base_data_is_refused_when_asked_for() {
    let server = Server::new(|_| {});
    let model = with(
        bill("A"),
        "/FEntity/0/FMaterialID",
        json!({"FNumber": "NO-SUCH"}),
    );
    assert_eq!(
        server
            .refused(&json!({"Model": model, "IsVerifyBaseDataField": "true"}))
            .0,
        9
    );
    server.save(&model);
    let always = Server::new(|config| config.kingdee.verify_base_data = true);
    assert_eq!(always.refused(&json!({"Model": model})).0, 9);
}

#[test]
fn a_packet_succeeds_in_part_and_tells_each_by_its_index() {
    let server = Server::new(|_| {});
    server.save(&bill("B"));
    let bad = with(bill("C"), "/FEntity/0/FRealQty", json!(-1));
    let answer = server.ask(
        "BatchSave",
        &json!({"Model": [bill("A"), bill("B"), bad, bill("D")], "NeedReturnFields": ["FBillNo"]}),
    );
    let status = &answer["Result"]["ResponseStatus"];
    assert_eq!(status["IsSuccess"], false);
    assert_eq!(status["MsgCode"], 11);
    let indexes = |list: &str| -> Vec<i64> {
        status[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["DIndex"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(indexes("SuccessEntitys"), [0, 3]);
    assert_eq!(indexes("Errors"), [1, 2]);
    assert_eq!(
        answer["Result"]["NeedReturnData"],
        json!([{"FBillNo": "A"}, {"FBillNo": "D"}])
    );
}

#[test]
fn half_a_batch_tells_of_that_half_only() {
    let server = Server::new(|_| {});
    let body = json!({"formid": "SAL_OUTSTOCK", "data": {"Model": [bill("A"), bill("B"), bill("C"), bill("D")]}}).to_string();
    let answer = server.send(
        "DynamicFormService",
        "BatchSave",
        body.as_bytes(),
        Effect {
            half: true,
            ..Effect::default()
        },
    );
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let status = &answer["Result"]["ResponseStatus"];
    assert_eq!(status["IsSuccess"], false);
    assert_eq!(status["SuccessEntitys"].as_array().unwrap().len(), 2);
    assert_eq!(status["Errors"], json!([]));
    assert_eq!(server.kingdee.document_count(), 2);
}

#[test]
fn an_update_follows_ids_and_is_delete_entry() {
    let server = Server::new(|_| {});
    let fid = server.save(&bill("A"));
    let query = json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FEntity_FEntryID,FMaterialID.FNumber,FRealQty", "FilterString": "FBillNo='A'"});
    let rows = server.ask("ExecuteBillQuery", &query);
    let first = rows[0][0].as_i64().unwrap();
    let entries = json!([{"FEntryID": first, "FRealQty": 7}, {"FMaterialID": {"FNumber": "SKU-0009"}, "FRealQty": 1}]);
    let keep = json!({"Model": {"FID": fid, "FEntity": entries}, "IsDeleteEntry": "false"});
    assert_eq!(
        server.ask("Save", &keep)["Result"]["ResponseStatus"]["IsSuccess"],
        true
    );
    let quantities = |rows: &Value| -> Vec<String> {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| format!("{}:{}", row[1], row[2]))
            .collect()
    };
    assert_eq!(
        quantities(&server.ask("ExecuteBillQuery", &query)),
        [
            "\"SKU-0001\":7",
            "\"SKU-0002\":\"1.5000\"",
            "\"SKU-0009\":1"
        ]
    );
    server.ask(
        "Save",
        &json!({"Model": {"FID": fid, "FNote": "only", "FEntity": [{"FEntryID": first}]}}),
    );
    assert_eq!(
        quantities(&server.ask("ExecuteBillQuery", &query)),
        ["\"SKU-0001\":7"]
    );
    server.ask("Save", &json!({"NeedUpDateFields": ["FNote"], "Model": {"FID": fid, "FNote": "new", "FDate": "2030-01-01"}}));
    let document = &server.kingdee.documents()[0];
    assert!(
        document.json.contains("\"new\"") && document.json.contains("2025-10-09"),
        "{}",
        document.json
    );
    assert_eq!(document.saves, 4);
    assert_eq!(
        server
            .refused(&json!({"Model": {"FID": fid, "FEntity": [{"FEntryID": 1, "FRealQty": 1}]}}))
            .0,
        10
    );
    assert_eq!(
        server
            .refused(&json!({"Model": {"FID": 1, "FNote": "x"}}))
            .0,
        10
    );
}
