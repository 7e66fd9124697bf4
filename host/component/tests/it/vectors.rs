//! Every vector of `tests/fixtures/vectors`, signed through `sign` from
//! inside a component.

use std::collections::BTreeMap;
use std::sync::Arc;

use duijie_component::Launcher;
use duijie_contract::{Role, Use};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{Hands, built, first, options, secrets, usage, workspace};

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    time_ms: u64,
    connection: serde_json::Map<String, Value>,
    secrets: BTreeMap<String, String>,
    expected: String,
}

/// Secrets of all vectors lie in one project, so they carry the vector's name.
fn secret(vector: &Vector, setting: &str) -> String {
    format!("{}_{setting}", vector.name)
}

/// A connection for each vector, since a connection's secrets are fixed.
fn signing(vector: &Vector) -> Use {
    let mut settings = vector.connection.clone();
    for setting in vector.secrets.keys() {
        settings.insert(setting.clone(), json!({ "$secret": setting }));
    }
    let names = vector.secrets.keys();
    Use {
        connection: Some(vector.name.clone()),
        connection_settings: Value::from(settings).to_string(),
        pipeline_settings: json!({ "vector": vector.name }).to_string(),
        secrets: names
            .map(|setting| (setting.clone(), secret(vector, setting)))
            .collect(),
        ..usage("vectors", Role::Source, "vectors")
    }
}

#[tokio::test]
async fn every_vector_is_signed_from_inside_a_component() {
    let text = std::fs::read_to_string(workspace().join("tests/fixtures/vectors/vectors.json"));
    let File { vectors } = serde_json::from_str(&text.unwrap()).unwrap();
    let kept: Vec<(String, &str)> = vectors
        .iter()
        .flat_map(|vector| {
            vector
                .secrets
                .iter()
                .map(|(setting, value)| (secret(vector, setting), value.as_str()))
        })
        .collect();
    let kept: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (&**name, *value)).collect();
    let clock = Arc::new(Hands::default());
    let folder = built("fixtures/vectors.wasm").parent().unwrap().to_owned();
    let mut options = options(folder);
    options.secrets = Arc::new(secrets(&kept));
    options.clock = clock.clone();
    let launcher = Launcher::new(options).unwrap();
    assert!(vectors.len() > 15, "only {} vectors", vectors.len());
    for vector in vectors {
        clock.set(vector.time_ms);
        let batch = first(&launcher, &signing(&vector)).await.unwrap();
        let line: Value = serde_json::from_slice(&batch.data).unwrap();
        let expected =
            json!({ "name": vector.name, "text": vector.expected, "time_ms": vector.time_ms });
        assert_eq!(line, expected);
    }
}
