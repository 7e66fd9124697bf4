//! `groupCalculate` as the manifest's `group`: the same records become one
//! document, now with a rule for when it is whole. Rows of `beatFlat` are not
//! made and merged again; the group takes them from their list.

use crate::draft::Draft;
use crate::offer::List;
use crate::report::{Note, Outcome, Report};
use crate::scheme::{Format, Group};
use crate::value::variables;

/// Fold word and fields.
type Folds = Vec<(&'static str, Vec<String>)>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Grouped {
    /// Fields that name a group, and what of them counts.
    pub(crate) by: Vec<(String, Option<&'static str>)>,
    pub(crate) count: Option<u32>,
    pub(crate) collect: Folds,
    pub(crate) list: String,
    /// The records' list whose rows are meant; the records themselves if none.
    pub(crate) from: Option<String>,
    pub(crate) list_by: Vec<String>,
    pub(crate) list_folds: Folds,
    /// What the rules' names for the list mean in the group's record.
    pub(crate) lists: Vec<(String, List)>,
    lines: Vec<(Outcome, String, Note)>,
}

const WORDS: [(&str, &str); 7] = [
    ("$sum", "sum"),
    ("$min", "min"),
    ("$max", "max"),
    ("$push", "push"),
    ("$addToSet", "distinct"),
    ("$first", "first"),
    ("$last", "last"),
];

pub(crate) fn group(
    group: &Group,
    flat: Option<&str>,
    draft: &mut Draft,
    formats: &[Format],
) -> Grouped {
    let list = [&group.body_name, &group.target_body_name]
        .into_iter()
        .find(|name| !name.is_empty());
    let mut grouped = Grouped {
        list: list.map_or("rows", String::as_str).to_owned(),
        from: flat.map(str::to_owned),
        ..Grouped::default()
    };
    grouped.head(group, formats);
    grouped.body(group);
    grouped.calculate(group);
    let mut names = vec![grouped.list.clone(), group.target_body_name.clone()];
    names.extend(flat.map(str::to_owned));
    names.retain(|name| !name.is_empty());
    names.dedup();
    grouped.used(&names, draft);
    grouped.close(group);
    grouped
}

pub(crate) fn tell(grouped: &Grouped, report: &mut Report) {
    for (outcome, place, note) in &grouped.lines {
        report.0.push(note.clone().line(*outcome, place.clone()));
    }
}

impl Grouped {
    fn left(&mut self, part: &str, what: &str, why: &str, todo: &str) {
        let place = format!("groupCalculate {part}");
        self.lines
            .push((Outcome::Left, place, Note::new(what, why, todo)));
    }

    /// The field of a row that a flattened name means.
    fn row_field<'n>(&self, name: &'n str) -> Option<&'n str> {
        let rest = name.strip_prefix(self.from.as_deref()?)?;
        rest.strip_prefix('_').filter(|field| !field.is_empty())
    }

    fn head(&mut self, group: &Group, formats: &[Format]) {
        for field in &group.head {
            if self.row_field(field).is_some() {
                let why = "a field of a row cannot name the group of its whole record";
                self.left("headerGroup", field, why, "group by fields of the record");
                continue;
            }
            match formats.iter().find(|format| format.new == *field) {
                None => self.by.push((field.clone(), None)),
                Some(format) if format.form == "date" => {
                    self.by.push((format.old.clone(), Some("day")));
                }
                Some(format) => {
                    let why = format!(
                        "`{}` in the form `{}` cannot name a group",
                        format.old, format.form
                    );
                    self.left(
                        "headerGroup",
                        field,
                        &why,
                        "group by a field of the record, or its day or month",
                    );
                }
            }
        }
        let by: Vec<&str> = self.by.iter().map(|(field, _)| field.as_str()).collect();
        let what = format!("group.by: {}", by.join(", "));
        self.lines.push((
            Outcome::Carried,
            String::from("groupCalculate headerGroup"),
            Note::new(what, "", ""),
        ));
    }

    fn body(&mut self, group: &Group) {
        for field in &group.body {
            let own = match self.from {
                Some(_) => self.row_field(field).map(str::to_owned),
                None => Some(field.clone()),
            };
            self.list_by.extend(own);
        }
    }

    fn calculate(&mut self, group: &Group) {
        for (field, word) in &group.calculate {
            let Some((_, fold)) = WORDS.iter().find(|(known, _)| known == word) else {
                let what = format!("{field}: {word}");
                let why = "a group has no such fold";
                self.left(
                    "calculate",
                    &what,
                    why,
                    "take the sum and the number of rows, and divide in the mapping",
                );
                continue;
            };
            let own = self.row_field(field).map(str::to_owned);
            let in_rows = match self.from {
                Some(_) => own.is_some(),
                None => !self.list_by.is_empty(),
            };
            let field = own.unwrap_or_else(|| field.clone());
            if in_rows && self.list_by.is_empty() {
                let why = "the rows are not merged, as `bodyGroup` names nothing";
                self.left(
                    "calculate",
                    &field,
                    why,
                    "name the rows that become one, or add them up in the mapping",
                );
                continue;
            }
            let (folds, place) = match in_rows {
                true => (&mut self.list_folds, "rows"),
                false => (&mut self.collect, "record"),
            };
            push(folds, fold, &field);
            let what = format!("{fold} of {field} in the group's {place}");
            self.lines.push((
                Outcome::Carried,
                String::from("groupCalculate calculate"),
                Note::new(what, "", ""),
            ));
        }
    }

    /// Fields that rules name and that no fold keeps yet: those of the first.
    fn used(&mut self, names: &[String], draft: &mut Draft) {
        let mut used = Used::default();
        for rule in draft.rules.iter_mut().filter(|rule| rule.live) {
            let fields = variables(&rule.value).into_iter();
            for name in fields.map(str::to_owned).collect::<Vec<_>>() {
                if let Some(path) = self.place(&name, names, &mut used) {
                    rule.value = rule.value.replace(&name, &path);
                }
            }
        }
        let compared = draft.condition.iter().flatten();
        used.head
            .extend(compared.map(|compare| compare.field.clone()));
        for field in used.head {
            let known = self.by.iter().any(|(by, _)| *by == field);
            if !known && !is_folded(&self.collect, &field) {
                push(&mut self.collect, "first", &field);
            }
        }
        for (_, field) in &used.rows {
            let merged = !self.list_by.is_empty() && !self.list_by.contains(field);
            if merged && !is_folded(&self.list_folds, field) {
                push(&mut self.list_folds, "first", field);
            }
        }
        let mut fields = used.rows;
        fields.retain(|(name, own)| name != own);
        fields.sort();
        fields.dedup();
        let list = |name: &String| {
            let from = self.list.clone();
            let fields = fields.clone();
            (name.clone(), List { from, fields })
        };
        self.lists = names.iter().map(list).collect();
    }

    /// Notes where a field of a rule stands in the group's record; its other
    /// name there if it has one.
    fn place(&self, name: &str, names: &[String], used: &mut Used) -> Option<String> {
        let Some((list, field)) = name.rsplit_once('.') else {
            let Some(field) = self.row_field(name) else {
                used.head.push(name.to_owned());
                return None;
            };
            used.rows.push((field.to_owned(), field.to_owned()));
            return Some(format!("{}.{field}", self.list));
        };
        if !names.iter().any(|name| name == list) {
            return None;
        }
        match (self.row_field(field), &self.from) {
            (Some(own), _) => used.rows.push((field.to_owned(), own.to_owned())),
            // A field of the record in its flattened rows.
            (None, Some(from)) if list != from => {
                used.head.push(field.to_owned());
                return Some(field.to_owned());
            }
            _ => used.rows.push((field.to_owned(), field.to_owned())),
        }
        None
    }

    fn close(&mut self, group: &Group) {
        let why = "the scheme groups what one run reads; here a group says itself when it is whole";
        let todo = "add `after` or `on_key_change` to `group.close` if a group may stay open over several runs";
        let mut what = String::from("group.close: at_end");
        if let Ok(most) = group.most_lines.parse::<u32>()
            && most > 0
        {
            self.count = Some(most);
            what.push_str(&format!(
                ", count: {most} (records, where `bodyMaxLine` counts rows)"
            ));
        }
        self.lines.push((
            Outcome::Changed,
            String::from("groupCalculate"),
            Note::new(what, why, todo),
        ));
    }
}

/// Fields that rules name: of the record, and of rows with their own names.
#[derive(Default)]
struct Used {
    head: Vec<String>,
    rows: Vec<(String, String)>,
}

fn is_folded(folds: &Folds, field: &str) -> bool {
    folds
        .iter()
        .any(|(_, fields)| fields.iter().any(|folded| folded == field))
}

fn push(folds: &mut Folds, fold: &'static str, field: &str) {
    match folds.iter_mut().find(|(word, _)| *word == fold) {
        Some((_, fields)) if fields.iter().any(|known| known == field) => {}
        Some((_, fields)) => fields.push(field.to_owned()),
        None => folds.push((fold, vec![field.to_owned()])),
    }
}
