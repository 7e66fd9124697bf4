//! Which recipes a connection takes over from a description.

use duijie_contract::{Description, Recipe, Title};

use super::recipes;

const SORTED: &str = r#"{"hex":{"sha256":{"sort":[{"setting":"account"},{"secret":"key"}]}}}"#;

fn description(schema: &str, steps: &str) -> Description {
    Description {
        name: "shop".to_owned(),
        version: "0.1.0".to_owned(),
        digest: String::new(),
        title: Title {
            en: String::new(),
            zh: String::new(),
        },
        roles: Vec::new(),
        imports: Vec::new(),
        lookup: false,
        steps: Vec::new(),
        connection_schema: schema.to_owned(),
        pipeline_schemas: Vec::new(),
        collections: Vec::new(),
        other_collections: false,
        recipes: vec![Recipe {
            name: "login".to_owned(),
            steps: steps.to_owned(),
        }],
        egress: Vec::new(),
        sessions: 0,
        calls_per_minute: 0,
    }
}

#[test]
fn a_secret_is_sorted_beside_what_a_person_wrote() {
    let schema = r#"{"properties": {
        "account": {"title": "Account", "type": "string", "minLength": 1},
        "region": {"default": "cn"}
    }}"#;
    assert!(recipes(&description(schema, SORTED)).is_ok());
}

#[test]
fn a_secret_is_not_sorted_beside_what_the_author_chose() {
    for schema in [
        r#"{"properties": {"account": {"default": "m"}}}"#,
        r#"{"properties": {"account": {"const": "m"}}}"#,
        r#"{"properties": {"account": {"enum": ["m"]}}}"#,
        r##"{"properties": {"account": {"$ref": "#/$defs/m"}}, "$defs": {"m": {"default": "m"}}}"##,
        r#"{"properties": {"account": {"type": "string"}}, "allOf": [{"properties": {"account": {"const": "m"}}}]}"#,
    ] {
        let error = recipes(&description(schema, SORTED)).unwrap_err();
        assert!(
            error.starts_with("recipe `login` was refused since it sorts the setting `account`"),
            "{error}"
        );
    }
}

#[test]
fn a_refused_recipe_is_named() {
    let error = recipes(&description("{}", r#"{"secret": "key"}"#)).unwrap_err();
    assert!(
        error.starts_with("recipe `login` was refused at `/`: the result holds"),
        "{error}"
    );
}
