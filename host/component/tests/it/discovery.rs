//! What components tell of their collections, with and without discovery.

use duijie_component::Launcher;
use duijie_contract::{FaultKind, FieldKind, FieldRule, Fields, Launch as _, Role};
use duijie_record::Collection;

use crate::sandbox::{built, fixtures, options};

async fn sins(collection: &str) -> Result<Option<Fields>, FaultKind> {
    let launcher = Launcher::new(options(fixtures())).unwrap();
    let told = launcher
        .fields("sinner", Role::Source, &Collection::from(collection))
        .await;
    told.map_err(|fault| fault.kind)
}

#[tokio::test]
async fn fields_and_rules_come_as_the_component_told_them() {
    let told = sins("sins").await.unwrap().unwrap();
    let kinds: Vec<_> = told
        .fields
        .iter()
        .map(|field| (field.path.as_str(), field.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("sin", "text"),
            ("place", "object"),
            ("place.town", "text"),
            ("witnesses", "list"),
            ("witnesses.name", "text"),
            ("at", "date-time"),
            ("on", "date"),
            ("fine", "decimal"),
            ("count", "integer"),
            ("proven", "boolean"),
            ("more", "any"),
        ]
    );
    let sin = &told.fields[0];
    assert_eq!(sin.kind, FieldKind::Text);
    assert_eq!((sin.required, sin.max_length), (true, Some(8)));
    assert_eq!((&*sin.title.zh, &*sin.title.en), ("过失", "sin"));
    let expected = [
        FieldRule::OneOf(vec!["at".to_owned(), "on".to_owned()]),
        FieldRule::When {
            path: "proven".to_owned(),
            equals: Some("true".to_owned()),
            required: vec!["fine".to_owned()],
        },
    ];
    assert_eq!(told.rules, expected);
}

#[tokio::test]
async fn a_collection_that_nothing_is_known_of_is_told_with_the_reason() {
    let told = sins("virtues").await;
    let reason = "nothing is known of `virtues`".to_owned();
    assert_eq!(told, Err(FaultKind::Other(reason)));
}

#[tokio::test]
async fn a_component_without_discovery_tells_no_fields_and_drains_nothing() {
    let folder = built("fixtures/vectors.wasm").parent().unwrap().to_owned();
    let launcher = Launcher::new(options(folder)).unwrap();
    let described = launcher.describe("vectors").await.unwrap();
    assert!(described.collections.iter().all(|known| !known.draining));
    let collection = Collection::from("vectors");
    let told = launcher.fields("vectors", Role::Source, &collection).await;
    assert_eq!(told, Ok(None));
}
