//! The form service's rules: logins, sessions, saving, updating, operations and queries.

use super::Kingdee;
use crate::clock::Clock;
use crate::config::Config;
use crate::exchange::{Answer, Effect, Vendor};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
fn all_logins_open_a_session_and_wrong_ones_say_so_with_status_200() {
    let server = Server::new(|_| {});
    let who = Config::new(0, 0).credentials.kingdee;
    let sign = crate::signature::kingdee_login(
        &who.acct_id,
        &who.username,
        &who.app_id,
        &who.app_secret,
        "1700000000",
    );
    for (operation, body, right) in [
        (
            "ValidateUser",
            json!({"acctID": who.acct_id, "username": who.username, "password": who.password, "lcid": 2052}),
            true,
        ),
        (
            "ValidateUser",
            json!({"parameters": [who.acct_id, who.username, "no", 2052]}),
            false,
        ),
        (
            "LoginByAppSecret",
            json!({"parameters": [who.acct_id, who.username, who.app_id, who.app_secret, 2052]}),
            true,
        ),
        (
            "LoginByAppSecret",
            json!({"parameters": ["other", who.username, who.app_id, who.app_secret, 2052]}),
            false,
        ),
        (
            "LoginBySign",
            json!({"parameters": [who.acct_id, who.username, who.app_id, 1_700_000_000, sign, 2052]}),
            true,
        ),
        (
            "LoginBySign",
            json!({"parameters": [who.acct_id, who.username, who.app_id, 1_700_000_001, sign, 2052]}),
            false,
        ),
    ] {
        let answer = server.auth(operation, &body);
        assert_eq!(
            answer["LoginResultType"] == 1,
            right,
            "{operation} {answer}"
        );
        assert_eq!(answer["KDSVCSessionId"].is_string(), right);
    }
}

#[test]
fn a_session_ends_after_twenty_idle_minutes_and_the_answer_is_the_vendors() {
    let server = Server::new(|_| {});
    for _ in 0..3 {
        server.clock.advance(20 * 60);
        assert_eq!(
            server.ask("Save", &json!({"Model": {}}))["Result"]["ResponseStatus"]["MsgCode"],
            11
        );
    }
    server.clock.advance(20 * 60 + 1);
    let lost = r#"{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":1}}}"#;
    assert_eq!(server.text("Save", &json!({"Model": bill("A")})), lost);
    assert_eq!(
        server.text("ExecuteBillQuery", &json!({})),
        format!("[[{lost}]]")
    );
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
            hidden_ms: 0,
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

#[test]
fn states_follow_submit_audit_unaudit_delete() {
    let server = Server::new(|_| {});
    let fid = server.save(&bill("A"));
    let numbers = json!({"Numbers": ["A"]});
    let code = |operation: &str| {
        server.ask(operation, &numbers)["Result"]["ResponseStatus"]["MsgCode"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(code("Audit"), 11);
    assert_eq!(code("Submit"), 0);
    assert_eq!(code("Delete"), 11);
    assert_eq!(code("Audit"), 0);
    let (audited, message) = server.refused(&json!({"Model": {"FID": fid, "FNote": "x"}}));
    assert_eq!(audited, 11);
    assert!(message.contains("已经审核"));
    assert_eq!(code("UnAudit"), 0);
    let unknown = server.ask("Delete", &json!({"Ids": format!("7,{fid}")}));
    assert_eq!(
        unknown["Result"]["ResponseStatus"]["SuccessEntitys"][0]["DIndex"],
        1
    );
    assert_eq!(code("Delete"), 9);
}

#[test]
fn queries_filter_page_and_keep_digits() {
    let server = Server::new(|_| {});
    let models: Vec<String> = (0..5)
        .map(|at| {
            with(bill(&format!("it's {at}")), "/FNote", json!("n"))
                .to_string()
                .replace("\"1.5000\"", "1.5000")
        })
        .collect();
    let body = format!(
        r#"{{"formid":"SAL_OUTSTOCK","data":{{"Model":[{}]}}}}"#,
        models.join(",")
    );
    server.send(
        "DynamicFormService",
        "BatchSave",
        body.as_bytes(),
        Effect::default(),
    );
    let check = |more: Value, expected: &str| {
        let mut data = json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FBillNo"});
        data.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(server.text("ExecuteBillQuery", &data), expected);
    };
    check(
        json!({"FilterString": "FBillNo='it''s 3'", "FieldKeys": "FDocumentStatus,FRealQty,FEntity_FSeq"}),
        r#"[["A",2,1],["A",1.5000,2]]"#,
    );
    check(
        json!({"FilterString": "FBillNo in ('it''s 4','none','it''s 0') and FDate>='2025-10-09'"}),
        r#"[["it's 0"],["it's 4"]]"#,
    );
    check(
        json!({"StartRow": 3, "Limit": 9}),
        r#"[["it's 3"],["it's 4"]]"#,
    );
    check(json!({"StartRow": 1, "Limit": 1}), r#"[["it's 1"]]"#);
    check(json!({"FilterString": "FDate<'2025-10-09'"}), "[]");
    check(
        json!({"FilterString": [{"FieldName": "FBillNo", "Compare": "67", "Value": "it's 2", "Logic": "0"}]}),
        r#"[["it's 2"]]"#,
    );
    let unknown = server.ask(
        "ExecuteBillQuery",
        &json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FNope"}),
    );
    assert!(
        unknown[0][0]["Result"]["ResponseStatus"]["Errors"][0]["Message"]
            .as_str()
            .unwrap()
            .contains("元数据中标识为FNope的字段不存在")
    );
    assert_eq!(
        server.ask("BillQuery", &json!({"FormId": "X", "FieldKeys": "FID"}))["Result"]["ResponseStatus"]
            ["MsgCode"],
        5
    );
    assert_eq!(server.text("ExecuteBillQuery", &json!({"FormId": "BD_Currency", "FieldKeys": "FNUMBER", "FilterString": "FNUMBER='PRE001'"})), r#"[["PRE001"]]"#);
}

#[test]
fn fast_mode_stores_bodies_and_still_refuses_doubles() {
    let server = Server::new(|config| config.kingdee.fast = true);
    let data = json!({"Model": [bill("A"), bill("B")]});
    assert_eq!(
        server.ask("BatchSave", &data)["Result"]["ResponseStatus"]["IsSuccess"],
        true
    );
    assert_eq!(
        server.ask("BatchSave", &data)["Result"]["ResponseStatus"]["MsgCode"],
        11
    );
    assert_eq!(
        (
            server.kingdee.document_count(),
            server.kingdee.bodies().len()
        ),
        (2, 2)
    );
    let query =
        json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FBillNo", "FilterString": "FBillNo='B'"});
    assert_eq!(server.text("ExecuteBillQuery", &query), r#"[["B"]]"#);
}

/// Signed headers for a Save at `timestamp`, as an SDK would send them.
fn signed(timestamp: &str, change: Option<(&'static str, &str)>) -> HeaderMap {
    let who = Config::new(0, 0).credentials.kingdee;
    let path = "/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.Save.common.kdsvc";
    let secret = crate::signature::kingdee_client_secret(&who.app_id);
    let data = format!("{},{},2052,0", who.acct_id, who.username);
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    };
    set("x-api-clientid", "251234");
    set("x-api-auth-version", "2.0");
    set("x-api-timestamp", timestamp);
    set("x-api-nonce", timestamp);
    set("x-api-signheaders", "X-Api-TimeStamp,X-Api-Nonce");
    set(
        "x-api-signature",
        &crate::signature::kingdee_api(path, timestamp, timestamp, &secret),
    );
    set("x-kd-appkey", &who.app_id);
    set("x-kd-appdata", &STANDARD.encode(&data));
    set(
        "x-kd-signature",
        &crate::signature::kingdee_data(&who.app_id, &data, &who.app_secret),
    );
    if let Some((name, value)) = change {
        set(name, value);
    }
    headers
}

#[test]
fn signed_headers_need_no_login_and_each_is_checked() {
    let mut server = Server::new(|_| {});
    let (seconds, millis) = (NOW.to_string(), (NOW * 1000 + 147).to_string());
    let mut check = |headers: HeaderMap, code: i64| {
        server.headers = headers;
        let answer = server.ask("Save", &json!({"Model": {}}));
        assert_eq!(
            answer["Result"]["ResponseStatus"]["MsgCode"], code,
            "{:?}",
            server.headers
        );
    };
    // An empty model is refused as such (11) once the caller is known.
    check(signed(&seconds, None), 11);
    check(signed(&millis, None), 11);
    check(signed(&(NOW - 901).to_string(), None), 1);
    check(signed("17600000", None), 1);
    for (name, value) in [
        ("x-api-clientid", "1"),
        ("x-api-auth-version", "1.0"),
        ("x-api-nonce", "1"),
        ("x-api-timestamp", "1760000001"),
        ("x-api-signheaders", "x-api-nonce"),
        ("x-api-signature", "bm8="),
        ("x-kd-appkey", "251234_x"),
        ("x-kd-appdata", "b3RoZXIsZGVtbywyMDUyLDA="),
        ("x-kd-signature", "bm8="),
    ] {
        check(signed(&seconds, Some((name, value))), 1);
    }
}
