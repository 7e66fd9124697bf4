//! Lists that the rules of a scheme walk or name, found again at the source.

use super::Draft;
use crate::offer::{List, Offer};
use crate::report::Note;
use crate::scheme::Side;
use crate::value::variables;

impl Draft {
    /// Lists that rules walk or name, and what they are at the source.
    pub(super) fn set_lists(&mut self, reader: &Offer<'_>, from: &Side) {
        let known = |name: &str| {
            let mut rows = from.response.iter().chain(&from.other_response);
            rows.any(|row| row.path == name && row.kind == "array")
        };
        let collection = &self.source.collection;
        let mut told = Vec::new();
        for rule in &mut self.rules {
            let walked = rule.kind == "array" && !rule.value.contains(' ');
            let mut names: Vec<String> = Vec::new();
            if walked && rule.live && rule.parser.is_none() {
                names.push(rule.value.clone());
            }
            names.extend(lists_of(&rule.value));
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                if self.lists.iter().any(|(known, _)| *known == name) {
                    continue;
                }
                if let Some(list) = reader.list(collection, &name) {
                    told.push((name.clone(), Some(list.clone())));
                    self.lists.push((name, list));
                    continue;
                }
                if !known(&name) {
                    told.push((name.clone(), None));
                }
                self.lists.push((
                    name.clone(),
                    List {
                        from: name,
                        fields: Vec::new(),
                    },
                ));
            }
        }
        for (name, list) in told {
            let place = format!("source list {name}");
            match list {
                Some(list) => {
                    let what = format!("lists.{name}: from `{}`", list.from);
                    let why = "the source's records have no list of this name";
                    self.report.changed(
                        place,
                        Note::new(what, why, "see whether the fields are those that are meant"),
                    );
                }
                None => {
                    let why = "the scheme does not list it among the source's fields";
                    let todo = format!("set `lists.{name}.from` if the source calls it otherwise");
                    self.report
                        .changed(place, Note::new(format!("lists.{name}"), why, todo));
                }
            }
        }
        self.tell_first_rows();
    }

    /// A field of a list outside an array over it is that of the first row.
    fn tell_first_rows(&mut self) {
        let arrays: Vec<(String, String)> = self
            .rules
            .iter()
            .filter(|rule| rule.kind == "array")
            .map(|rule| (format!("{}.", rule.path), rule.value.clone()))
            .collect();
        for rule in self.rules.iter_mut().filter(|rule| rule.live) {
            let outside = lists_of(&rule.value).into_iter().find(|list| {
                !arrays
                    .iter()
                    .any(|(path, value)| value == list && rule.path.starts_with(path))
            });
            if let Some(list) = outside.filter(|_| !rule.value.starts_with("_function")) {
                let why = format!(
                    "it stands outside an array over `{list}`, where the dialect does not say which row is meant"
                );
                rule.change(Note::new(
                    format!("{}: the first row's", rule.value),
                    why,
                    "",
                ));
            }
        }
    }
}

/// Lists whose fields a value names.
fn lists_of(value: &str) -> Vec<String> {
    let names = variables(value).into_iter();
    let lists = names.filter_map(|name| name.rsplit_once('.'));
    lists.map(|(list, _)| list.to_owned()).collect()
}
