//! What is wrong with a catalogue's text, for tests of connectors.

use super::{Catalogue, Collection, Field, Rule};

pub(super) fn problems(catalogue: Catalogue<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let named = catalogue.collections().count();
    let heads = catalogue
        .text()
        .trim_start_matches('\u{feff}')
        .lines()
        .filter(|line| line.starts_with('#'))
        .count();
    if named != heads || named == 0 {
        found.push(format!(
            "{named} collections are read, {heads} lines begin with `#`: the text begins with one"
        ));
    }
    for collection in catalogue.collections() {
        for problem in of_collection(collection) {
            found.push(format!("`{}`: {problem}", collection.name));
        }
    }
    found
}

fn of_collection(collection: Collection<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if collection.name.is_empty() {
        found.push("it has no name".to_owned());
    }
    let mut paths: Vec<&str> = Vec::new();
    for line in collection.lines() {
        if Rule::read(line).is_some() {
            continue;
        }
        match Field::read(line) {
            None => found.push(format!("neither field nor rule: `{line}`")),
            Some(field) if field.path.split('.').any(str::is_empty) => {
                found.push(format!("a name is missing in `{}`", field.path));
            }
            Some(field) if paths.contains(&field.path) => {
                found.push(format!("`{}` stands there twice", field.path));
            }
            Some(field) => paths.push(field.path),
        }
    }
    for rule in collection.rules() {
        let condition = match rule {
            Rule::When { path, .. } => Some(path),
            Rule::OneOf { .. } => None,
        };
        for path in rule.fields().chain(condition) {
            if !paths.contains(&path) {
                found.push(format!("a rule names `{path}`, which is no field"));
            }
        }
    }
    found
}
