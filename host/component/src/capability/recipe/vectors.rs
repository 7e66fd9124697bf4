//! The recipes in docs/recipes.md against the vectors in
//! tests/golden/recipes.json: samples that vendors publish, and ones on which
//! independent clients agree. Every credential in there is published or
//! invented. Host code names no system, so both stand outside of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::secret::Secret;
use super::{Call, Recipe};

const DOCS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/recipes.md"
));
const VECTORS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/golden/recipes.json"
));

#[derive(Deserialize)]
struct Vector {
    name: String,
    recipe: String,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    inputs: BTreeMap<String, String>,
    time_ms: u64,
    expected: String,
}

/// The recipes of the document by their headings.
fn documented() -> BTreeMap<&'static str, Recipe> {
    DOCS.split("\n### ")
        .skip(1)
        .map(|section| {
            let (heading, rest) = section.split_once('\n').unwrap();
            let (_, code) = rest.split_once("```json\n").unwrap();
            let (code, _) = code.split_once("```").unwrap();
            (heading, Recipe::compile(code).unwrap())
        })
        .collect()
}

fn run(recipe: &Recipe, vector: Vector) -> Result<String, String> {
    let secrets = vector.secrets.into_iter();
    recipe.evaluate(&Call {
        settings: &vector.settings,
        secrets: &secrets
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
        inputs: &vector.inputs.into_iter().collect::<Vec<_>>(),
        time_ms: vector.time_ms,
    })
}

#[test]
fn every_documented_recipe_gives_its_vectors() {
    let mut unused = documented();
    let recipes = documented();
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    for vector in vectors {
        let (name, expected) = (vector.name.clone(), vector.expected.clone());
        unused.remove(vector.recipe.as_str());
        let recipe = &recipes[vector.recipe.as_str()];
        assert_eq!(run(recipe, vector), Ok(expected), "vector {name}");
    }
    assert!(unused.is_empty(), "no vector for {:?}", unused.keys());
}

#[test]
fn long_lengths_grow_beyond_their_digits() {
    let inputs = [
        ("sid", "demo2"),
        ("appkey", "demo2-test"),
        ("timestamp", "1760000000"),
        ("goods_list", &"x".repeat(12_345)),
    ];
    let vector = Vector {
        name: String::new(),
        recipe: String::new(),
        settings: BTreeMap::new(),
        secrets: BTreeMap::from([("appsecret".to_owned(), "s3cr3t".to_owned())]),
        inputs: inputs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        time_ms: 0,
        expected: String::new(),
    };
    let text = run(&documented()["length-prefixed"], vector);
    assert_eq!(text.as_deref(), Ok("9de93aef9b9b7416ebc7c747c40afc68"));
}
