//! The target's fields as rules of the mapping: paths whole, parents before
//! children, values in the mapping's form.

use crate::report::{Line, Note, Outcome};
use crate::scheme::{Format, Row, Side};
use crate::value::{self, Table};

const TYPES: [&str; 8] = [
    "string", "int", "float", "bool", "datetime", "date", "object", "array",
];
/// Other words for a type, and the mapping's.
const OTHER_TYPES: [(&str, &str); 9] = [
    ("", "string"),
    ("text", "string"),
    ("integer", "int"),
    ("number", "float"),
    ("decimal", "float"),
    ("double", "float"),
    ("boolean", "bool"),
    ("list", "array"),
    ("json", "object"),
];
/// Parsers that the mapping has.
const PARSERS: [&str; 6] = [
    "ConvertObjectParser",
    "ConvertTwoStageObjectParser",
    "StringToArray",
    "ArrayToString",
    "ArrayUnique",
    "ConvertJson",
];

/// One rule, and what is said of it.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) path: String,
    pub(crate) label: String,
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) parser: Option<(String, String)>,
    pub(crate) required: bool,
    /// Whether the manifest holds it as more than a comment.
    pub(crate) live: bool,
    pub(crate) line: Line,
}

impl Rule {
    pub(crate) fn leave(&mut self, note: Note) {
        self.live = false;
        self.line = note.line(Outcome::Left, std::mem::take(&mut self.line.place));
    }

    /// Nothing is lost: the scheme sends nothing there either.
    fn blank(&mut self) {
        self.live = false;
        self.line.what = String::from("no value; a comment");
    }

    pub(crate) fn change(&mut self, note: Note) {
        if self.live {
            self.line = note.line(Outcome::Changed, std::mem::take(&mut self.line.place));
        }
    }

    /// The path of the rule around it.
    pub(crate) fn above(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(above, _)| above)
    }

    fn is_container(&self) -> bool {
        matches!(self.kind.as_str(), "object" | "array")
    }
}

/// The rules, and the tables that they look things up in.
pub(crate) fn rules(target: &Side, formats: &[Format]) -> (Vec<Rule>, Vec<Table>) {
    let (mut rules, mut tables): (Vec<Rule>, Vec<Table>) = (Vec::new(), Vec::new());
    let groups = [
        ("target.request", &target.request),
        ("target.otherRequest", &target.other_request),
    ];
    for (group, rows) in groups {
        for row in rows {
            let rule = rule(group, row, formats, &mut tables);
            open(&rule, &mut rules);
            if let Some(first) = rules.iter().find(|first| first.path == rule.path) {
                let why = format!("`{}` has a rule already", first.path);
                let mut rule = rule;
                rule.leave(Note::new(rule.value.clone(), why, "keep one of the two"));
                rules.push(rule);
                continue;
            }
            rules.push(rule);
        }
    }
    cascade(&mut rules);
    (rules, tables)
}

fn rule(group: &str, row: &Row, formats: &[Format], tables: &mut Vec<Table>) -> Rule {
    let place = format!("{group} {}", row.shown());
    let carried = Note::new(row.value.clone(), "", "");
    let mut rule = Rule {
        path: row.path.clone(),
        label: row.label.clone(),
        kind: row.kind.to_ascii_lowercase(),
        value: row.value.clone(),
        parser: row.parser.clone(),
        required: row.required,
        live: true,
        line: carried.line(Outcome::Carried, place),
    };
    set_type(&mut rule);
    if !row.unknown.is_empty() {
        let why = format!("{} has no counterpart", row.unknown.join(", "));
        rule.change(Note::new(
            row.value.clone(),
            why,
            "see whether it matters here",
        ));
    }
    if row.value.is_empty() {
        without_value(&mut rule);
        return rule;
    }
    if let Some(parser) = unknown_parser(&rule) {
        let why = format!(
            "the parser `{parser}` is one system's own, or in no scheme that is known to run"
        );
        rule.leave(Note::new(
            row.value.clone(),
            why,
            "write the value without it, or ask for the parser",
        ));
        return rule;
    }
    match value::convert(&row.value, formats) {
        Err(note) => rule.leave(note),
        Ok(converted) => {
            rule.value = converted.value;
            if rule.parser.is_some() && converted.parser.is_some() {
                let why = "it has a form and a parser, and only one of them can be kept";
                rule.leave(Note::new(
                    row.value.clone(),
                    why,
                    "write one value for both",
                ));
                return rule;
            }
            rule.parser = rule.parser.or(converted.parser);
            tables.extend(converted.tables);
            for note in converted.notes {
                rule.change(note);
            }
        }
    }
    rule
}

fn without_value(rule: &mut Rule) {
    if rule.is_container() {
        // An array without a list has one row.
        rule.line.what = format!("an {}", rule.kind);
        return;
    }
    rule.blank();
    if rule.required {
        let why = "it is required and the scheme gives it no value";
        let note = Note::new(
            "a comment",
            why,
            "give it a value if the target asks for one",
        );
        rule.line = note.line(Outcome::Changed, std::mem::take(&mut rule.line.place));
    }
}

fn set_type(rule: &mut Rule) {
    if TYPES.contains(&rule.kind.as_str()) {
        return;
    }
    let found = std::mem::take(&mut rule.kind);
    let known = OTHER_TYPES.iter().find(|(word, _)| *word == found);
    rule.kind = known.map_or("string", |(_, kind)| *kind).to_owned();
    let what = format!("type {}", rule.kind);
    rule.change(Note::new(
        what,
        format!("the type `{found}` is unknown"),
        "",
    ));
}

fn unknown_parser(rule: &Rule) -> Option<&str> {
    let (names, _) = rule.parser.as_ref()?;
    let mut names = names.split(',').map(str::trim);
    names.find(|name| !PARSERS.contains(name))
}

/// Rules for the objects around a field that the scheme does not list.
fn open(rule: &Rule, rules: &mut Vec<Rule>) {
    let mut missing = Vec::new();
    let mut above = rule.above();
    while !above.is_empty() && rules.iter().all(|rule| rule.path != above) {
        missing.push(above.to_owned());
        above = above.rsplit_once('.').map_or("", |(above, _)| above);
    }
    for path in missing.into_iter().rev() {
        let note = Note::new(
            "a rule of type object",
            format!(
                "`{}` stands in it, and the scheme does not list it",
                rule.path
            ),
            "make it an array, with its list as value, if it is one",
        );
        rules.push(Rule {
            line: note.line(Outcome::Changed, format!("target.request {path}")),
            path,
            label: String::new(),
            kind: String::from("object"),
            value: String::new(),
            parser: None,
            required: false,
            live: true,
        });
    }
}

/// What stands in something that was left out is left out as well, and what
/// holds nothing any more.
pub(crate) fn cascade(rules: &mut [Rule]) {
    loop {
        let holder = |path: &str| rules.iter().find(|rule| rule.path == path);
        let orphan = rules.iter().position(|rule| {
            let above = holder(rule.above());
            let lost = above.is_some_and(|above| !above.live || !above.is_container());
            rule.live && lost
        });
        if let Some(rule) = orphan.and_then(|at| rules.get_mut(at)) {
            let why = format!(
                "`{}` around it was left out or holds no fields",
                rule.above()
            );
            rule.leave(Note::new(
                "a comment",
                why,
                "set the rule around it right first",
            ));
            continue;
        }
        let empty = rules.iter().position(|rule| {
            let mut inside = rules.iter().filter(|other| stands_in(other, rule));
            let listed = rules.iter().any(|other| stands_in(other, rule));
            let bare = rule.is_container() && rule.parser.is_none();
            let alone = !inside.any(|rule| rule.live);
            rule.live && bare && alone && (listed || rule.value.is_empty())
        });
        let Some(at) = empty else { return };
        let lost = rules.get(at).is_some_and(|rule| {
            let mut inside = rules.iter().filter(|other| stands_in(other, rule));
            inside.any(|other| other.line.outcome == Outcome::Left)
        });
        match rules.get_mut(at) {
            Some(rule) if lost => rule.leave(Note::new("a comment", "no field in it is left", "")),
            Some(rule) => rule.blank(),
            None => return,
        }
    }
}

fn stands_in(rule: &Rule, holder: &Rule) -> bool {
    let rest = rule.path.strip_prefix(&holder.path);
    rest.is_some_and(|rest| rest.starts_with('.'))
}
