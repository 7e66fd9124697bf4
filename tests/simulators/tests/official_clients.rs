//! The simulators against clients that nobody here wrote: the vendor's Python SDK for Kingdee and the
//! public `wdtqm` package for Wangdiantong's 奇门 signature. They run in the project's own Python.

// The lint table exempts unit tests only; helpers of an integration test are test code too.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines
)]

use duijie_sim::{Config, Simulators, china_text};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn python() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let python = workspace.join("target/python/bin/python");
    assert!(
        python.exists(),
        "`target/python/bin/python` is missing; run `cargo xtask test`, which makes it from `tests/simulators/clients/requirements.txt`"
    );
    python
}

/// Runs a script under `clients/` and reads the one JSON object that it prints.
fn check(script: &str, arguments: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(script);
    let output = Command::new(python())
        .arg(script)
        .args(arguments)
        .env("TZ", "Asia/Shanghai")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let (out, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{error}");
    serde_json::from_str(&out).unwrap_or_else(|wrong| panic!("{wrong} in {out}\n{error}"))
}

fn status(answer: &Value) -> &Value {
    &answer["Result"]["ResponseStatus"]
}

#[test]
fn the_vendors_kingdee_sdk_saves_queries_and_audits() {
    let simulators = Simulators::start_blocking(Config::new(10, 1)).unwrap();
    let who = &simulators.credentials().kingdee;
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("conf.ini");
    let text = format!(
        "[config]\nx-kdapi-acctid = {}\nx-kdapi-username = {}\nx-kdapi-appid = {}\nx-kdapi-appsec = {}\n\
         x-kdapi-serverurl = {}\nx-kdapi-lcid = {}\nx-kdapi-orgnum = 100\n",
        who.acct_id,
        who.username,
        who.app_id,
        who.app_secret,
        simulators.kingdee_url(),
        who.lcid
    );
    std::fs::write(&conf, text).unwrap();

    let answers = check(
        "kingdee_sdk.py",
        &[conf.to_str().unwrap(), &simulators.kingdee_url()],
    );

    assert_eq!(status(&answers["save"])["IsSuccess"], true, "{answers}");
    assert_eq!(answers["save"]["Result"]["Number"], "SDK-1");
    let batch = status(&answers["batch"]);
    assert_eq!(batch["IsSuccess"], false);
    assert_eq!(batch["MsgCode"], 11);
    let saved: Vec<&Value> = batch["SuccessEntitys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["DIndex"])
        .collect();
    assert_eq!(saved, [0, 1]);
    let refused: Vec<&Value> = batch["Errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["DIndex"])
        .collect();
    assert_eq!(refused, [2, 3]);
    assert_eq!(status(&answers["polled"])["IsSuccess"], true);
    let rows = answers["query"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][1], "SDK-1");
    assert_eq!(rows[0][2], "A");
    assert_eq!(rows[0][3], "张三 & \"李四\" + 'x'");
    assert_eq!(rows[0][4], "SKU-0001");
    assert_eq!(rows[0][5], "25.5000");
    assert_eq!(answers["bill_query"][1]["FBillNo"], "SDK-3");
    assert_eq!(
        status(&answers["audit"])["SuccessEntitys"][0]["Number"],
        "SDK-1"
    );
    assert_eq!(answers["view"]["Result"]["Result"]["DocumentStatus"], "C");
    assert_eq!(
        status(&answers["delete"])["SuccessEntitys"][0]["Number"],
        "SDK-2"
    );
    let left: Vec<String> = simulators
        .documents()
        .into_iter()
        .map(|document| document.bill_no)
        .collect();
    let pushed = status(&answers["push"])["SuccessEntitys"][0]["Number"].as_str();
    assert_eq!(left, ["SDK-1", "SDK-3", "SDK-5", pushed.unwrap()]);
    check_more(&answers);
    assert_eq!(
        simulators.session_count(),
        1,
        "the SDK keeps the session of its first answer"
    );
}

/// Base data, other forms, and what is done with documents that stand.
fn check_more(answers: &Value) {
    let materials = answers["materials"].as_array().unwrap();
    let numbers: Vec<&Value> = materials.iter().map(|row| &row[1]).collect();
    assert_eq!(numbers, ["SKU-0005", "SKU-0004", "SKU-0003"]);
    assert_eq!(answers["lines"][1]["FMaterialId.FNumber"], "SKU-0002");
    assert_eq!(answers["lines"][1]["FQty"], "1.2500");
    for (operation, code) in [
        ("draft", 0),
        ("order", 0),
        ("early_push", 11),
        ("submit_order", 0),
        ("cancel_assign", 0),
        ("submit_again", 0),
        ("audit_order", 0),
        ("push", 0),
        ("push_again", 11),
        ("close", 0),
        ("unaudit", 0),
        ("forbid", 0),
    ] {
        let told = status(&answers[operation]);
        assert_eq!(told["MsgCode"], code, "{operation}: {told}");
    }
}

#[test]
fn the_public_wdtqm_package_signs_what_the_simulator_accepts() {
    let mut config = Config::new(50, 1);
    // 旗舰版 gives an hour at a time.
    config.period = Duration::from_secs(2_000);
    let simulators = Simulators::start_blocking(config).unwrap();
    let who = &simulators.credentials().wangdiantong;
    let now = simulators.clock().now();
    let answers = check(
        "qimen_wdtqm.py",
        &[
            &simulators.qimen_url(),
            &who.app_key,
            &who.app_secret,
            &who.target_app_key,
            &who.sid,
            &who.flagship_key,
            &format!("{}:{}", who.flagship_secret, who.flagship_salt),
            &china_text(now - 3_500),
            &china_text(now),
        ],
    );
    let response = &answers["answer"]["response"];
    assert_eq!(response["errorcode"], 0, "{answers}");
    assert_eq!(response["total_count"], 50);
    assert_eq!(response["stockout_list"].as_array().unwrap().len(), 3);
    let response = &answers["flagship"]["response"];
    assert_eq!(response["status"], 0, "{answers}");
    assert_eq!(response["data"]["total_count"], 50);
    assert_eq!(response["data"]["order"].as_array().unwrap().len(), 3);
    assert_eq!(answers["refused_inside"]["response"]["status"], 1);
    assert_eq!(answers["refused"]["response"]["code"], 25);
}
