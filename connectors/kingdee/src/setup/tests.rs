//! The recipes against the vendor's vectors, by a small evaluator of its own
//! here, and the schemas against what the connector reads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;

const PATH: &str =
    "%2Fk3cloud%2FKingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc";

fn evaluate(steps: &Value, values: &Value) -> Vec<u8> {
    let (operator, operand) = steps.as_object().unwrap().iter().next().unwrap();
    let inner = || evaluate(operand, values);
    let all = || {
        operand
            .as_array()
            .unwrap()
            .iter()
            .map(|step| evaluate(step, values))
    };
    match operator.as_str() {
        "text" => operand.as_str().unwrap().into(),
        "setting" | "secret" | "input" | "time" => {
            values[operand.as_str().unwrap()].as_str().unwrap().into()
        }
        "concat" => all().collect::<Vec<_>>().concat(),
        "sort" => {
            let mut parts: Vec<_> = all().collect();
            parts.sort();
            parts.concat()
        }
        "split" => {
            let text = String::from_utf8(inner()).unwrap();
            let take = usize::try_from(steps["take"].as_u64().unwrap()).unwrap();
            text.split(steps["at"].as_str().unwrap())
                .nth(take)
                .unwrap()
                .into()
        }
        "xor" => {
            let with = steps["with"].as_str().unwrap().bytes().cycle();
            inner()
                .into_iter()
                .zip(with)
                .map(|(one, other)| one ^ other)
                .collect()
        }
        "base64" => STANDARD.encode(inner()).into(),
        "base64-decode" => STANDARD.decode(inner()).unwrap(),
        "hex" => inner()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            .into(),
        "sha256" => Sha256::digest(inner()).to_vec(),
        "hmac-sha256" => {
            let key = evaluate(&operand["key"], values);
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(&evaluate(&operand["over"], values));
            mac.finalize().into_bytes().to_vec()
        }
        other => panic!("unknown operator {other}"),
    }
}

#[track_caller]
fn check(recipe: &str, values: Value, expected: &str) {
    let mut all = json!({
        "acct_id": "5fd1c2a9f0e3b8",
        "username": "demo",
        "app_id": "251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk",
        "app_secret": "0123456789abcdef0123456789abcdef",
        "unix-seconds": "1700000000",
        "path": PATH,
    });
    all.as_object_mut()
        .unwrap()
        .extend(values.as_object().unwrap().clone());
    let recipes = recipes();
    let found = recipes.iter().find(|known| known.name == recipe).unwrap();
    let steps: Value = serde_json::from_str(&found.steps).unwrap();
    assert_eq!(String::from_utf8(evaluate(&steps, &all)).unwrap(), expected);
}

/// Digests that the vendor's own SDK gave for invented credentials.
#[test]
fn signed_headers_are_those_of_the_official_sdk() {
    check(
        recipe::API,
        json!({}),
        "N2ZjMWVmOTM4NTY2ZmFjOGRiMWU1MTU1Nzg5YTk0YjlkMzAwOGE4OThlZTIxY2UzOGMwMDAyMjhhMzY5ODA1YQ==",
    );
    check(
        recipe::API,
        json!({"unix-seconds": "1795297801147"}),
        "ZjZmNTI3YWQ2MTkwNDMyODQzNGEzNDQyYzhlMmFjNTllNWQ1YWU2ZDdjMjYwMzUxOWI4NDBiY2RiMDhjYTcyMw==",
    );
    check(
        recipe::KD,
        json!({"appdata": "5fd1c2a9f0e3b8,测试员,2052,0"}),
        "YWE3Mjc0YTkzNWViZmExN2M2OGMyMTBiYzM2OTZjMTE0ZTBkNjMxOGM2OWFjOTAwNjEyMDY2ZGE2YzhhN2I2NQ==",
    );
    check(
        recipe::KD,
        json!({"appdata": "5fd1c2a9f0e3b8,demo,2052,100"}),
        "N2E3YzM2ZWQ2ZjA2Mjk5ZWU2ZTM3N2EyOWY2YmI5YjgyMzJhM2QwNjBjY2NmMDQ0M2I1ODhhMWIyMDIyMjc3Mw==",
    );
}

/// A digest on which two independent implementations agree.
#[test]
fn a_login_signature_sorts_its_parts() {
    check(
        recipe::LOGIN,
        json!({}),
        "b32fe5c704088c41a0a2c607918b73921a73339ccc8635c65f935b2602c032c3",
    );
}

#[test]
fn what_the_schemas_name_is_what_is_read() {
    let description = describe();
    let connection: Value = serde_json::from_str(&description.connection).unwrap();
    let all = json!({
        "base_url": "https://erp.example.com/K3Cloud/", "acct_id": "a", "username": "u",
        "auth": "sign", "password": {"$secret": "password"}, "app_id": "1_2",
        "app_secret": {"$secret": "app_secret"}, "lcid": 2052, "org_num": "100",
    });
    let names = |value: &Value| {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&connection["properties"]), names(&all));
    assert_eq!(Connection::read(&all.to_string()).1, []);
    let titled = connection["properties"].as_object().unwrap().values();
    for schema in titled.chain([&connection]) {
        assert!(
            schema["title"].is_string() && schema["x-title-zh"].is_string(),
            "{schema}"
        );
    }

    let pipeline: Value = serde_json::from_str(&description.pipeline[1].1).unwrap();
    let mut written = serde_json::Map::new();
    for (name, schema) in pipeline["properties"].as_object().unwrap() {
        written.insert(name.clone(), sample(schema));
    }
    assert_eq!(Pipeline::read(&Value::Object(written).to_string()).1, []);
}

fn sample(schema: &Value) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    match schema["type"].as_str().unwrap() {
        "string" => json!("x"),
        "boolean" => json!(true),
        "integer" => json!(1),
        "array" => json!(["x"]),
        _ => match schema["properties"].as_object() {
            None => json!({"x": "y"}),
            Some(properties) => properties
                .iter()
                .map(|(name, schema)| (name.clone(), sample(schema)))
                .collect(),
        },
    }
}

#[track_caller]
fn check_problems(connection: &Value, pipeline: &Value, expected: &[&str]) {
    let settings = Settings {
        connection: connection.to_string(),
        pipeline: pipeline.to_string(),
    };
    let problems: Vec<String> = super::check(Role::Target, &settings, "SAL_OUTSTOCK")
        .into_iter()
        .map(|problem| problem.at)
        .collect();
    assert_eq!(problems, expected);
}

#[test]
fn every_problem_of_the_settings_is_told_at_once() {
    let good = json!({
        "base_url": "https://erp.example.com/K3Cloud/", "acct_id": "a", "username": "u",
        "auth": "password", "password": {"$secret": "password"},
    });
    check_problems(&good, &json!({}), &[]);
    let mut bad = good.clone();
    bad["auth"] = json!("signed_headers");
    bad["base_url"] = json!("https://erp.example.com/K3Cloud");
    bad["app_id"] = json!("1234");
    check_problems(
        &bad,
        &json!({"key": "FNumber", "wrap": {"A": "FNumber"}, "flex": {"A": "B"}}),
        &[
            "/connection/app_secret",
            "/connection/base_url",
            "/connection/app_id",
            "/pipeline/key",
            "/pipeline/wrap/A",
        ],
    );
    check_problems(
        &json!({}),
        &json!({"unknown": 1}),
        &[
            "/connection/auth",
            "/connection/base_url",
            "/connection/acct_id",
            "/connection/username",
            "/pipeline/unknown",
        ],
    );
    let mut none = good;
    none.as_object_mut().unwrap().remove("password");
    check_problems(&none, &json!({}), &["/connection/password"]);
}
