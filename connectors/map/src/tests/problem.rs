//! Settings that are refused, and what is said about them: each file of
//! `tests/problems` holds settings, and beside it the problems as text.
//! `BLESS=1` writes the texts.

use std::fmt::Write;
use std::path::Path;

use crate::Mapping;

#[test]
fn settings_that_cannot_work_are_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let settings = std::fs::read_to_string(&path).unwrap();
        let mut told = String::new();
        for problem in Mapping::check(&settings) {
            writeln!(told, "{}: {}", problem.at, problem.message).unwrap();
            if let Some(hint) = problem.hint {
                writeln!(told, "  hint: {hint}").unwrap();
            }
        }
        let golden = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        assert_eq!(
            told,
            std::fs::read_to_string(&golden).unwrap(),
            "{}",
            path.display()
        );
        assert!(!told.is_empty(), "{} is fine", path.display());
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn the_settings_of_the_tests_fit_the_schema_and_compile() {
    assert!(Mapping::check(super::SEED).is_empty());
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../schema.json")).unwrap();
    let described = &schema["properties"];
    for name in [
        "rules",
        "lists",
        "each",
        "tables",
        "condition",
        "utc_offset",
    ] {
        assert!(
            described[name]["title"].is_string() && described[name]["x-title-zh"].is_string(),
            "{name}"
        );
    }
}
