//! How many records become one: what the manifest's `group` says, checked and
//! with its defaults filled.

use std::collections::BTreeSet;
use std::time::Duration;

use duijie_diagnostic::Diagnostic;
pub use duijie_manifest::Fold;
use duijie_manifest::{self as low, GroupBy, List};

use crate::{code, duration, resolve::Check};

/// Many records become one, between the source and the transforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub by: Vec<GroupField>,
    pub close: Close,
    /// What becomes of each field of the record, in this order.
    pub collect: Vec<(Fold, Field)>,
    pub list: Rows,
    pub late: Late,
}

/// A field of a record: a dot leads into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub path: String,
    /// What it is called in the group's record.
    pub name: String,
}

/// A field whose value names the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupField {
    pub field: Field,
    pub takes: Takes,
}

/// What of the value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Value,
    Day,
    Month,
}

/// The first rule that holds closes a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    pub on_key_change: bool,
    /// Members of one part. [`MOST_MEMBERS`] where the manifest does not say.
    pub count: u32,
    pub after: Option<Duration>,
    pub at_end: bool,
}

/// So many records make one document at most.
pub const MOST_MEMBERS: u32 = 100_000;

/// The list of rows in the group's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub name: String,
    /// The list of each record that the rows come from; `None` for the records
    /// themselves.
    pub from: Option<Field>,
    /// Rows with the same values become one; empty where each stays one.
    pub by: Vec<Field>,
    pub collect: Vec<(Fold, Field)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    Hold,
    Next,
}

/// Fields of the group's record that the host fills.
pub const GROUP_FIELDS: [&str; 3] = ["group_key", "group_part", "group_members"];
const ROWS: &str = "rows";

impl Field {
    fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            name: path.replace('.', "_"),
        }
    }
}

impl Check<'_> {
    /// `drains` says whether the source wants word of each record.
    pub(crate) fn group(&mut self, drains: bool) -> Option<Group> {
        let low = self.inputs.pipeline.low.group.clone()?;
        if drains {
            let message = "the source wants word of each record, and gives no more while records wait in a group";
            let problem = Diagnostic::error(code::GROUP_DRAINS, message)
                .at(self.inputs.pipeline.key_place("/group"))
                .hint("leave `group` out, or read a collection that is not acknowledged");
            self.tell(problem);
        }
        let by = low.by.unwrap_or_default().into_iter().map(|by| match by {
            GroupBy::Field(path) => GroupField {
                field: Field::new(&path),
                takes: Takes::Value,
            },
            GroupBy::Part(part) => GroupField {
                field: Field::new(&part.field.unwrap_or_default()),
                takes: match part.takes {
                    None | Some(low::Takes::Value) => Takes::Value,
                    Some(low::Takes::Day) => Takes::Day,
                    Some(low::Takes::Month) => Takes::Month,
                },
            },
        });
        let by: Vec<GroupField> = by.collect();
        let collect = low.collect.unwrap_or_default();
        let list = match collect.list.clone() {
            Some(List::Lines(lines)) => *lines,
            Some(List::Name(name)) => low::Lines {
                name: Some(name),
                ..low::Lines::default()
            },
            None => low::Lines::default(),
        };
        let close = self.close(low.close.unwrap_or_default());
        let name = list.name.clone().unwrap_or_else(|| ROWS.to_owned());
        let mut taken: BTreeSet<String> = GROUP_FIELDS.map(str::to_owned).into();
        let named = by.iter().enumerate();
        let named = named.map(|(index, by)| (format!("/group/by/{index}"), by.field.name.clone()));
        for (at, name) in named.collect::<Vec<_>>() {
            self.once(&mut taken, &at, name);
        }
        self.once(&mut taken, "/group/collect/list", name.clone());
        let collect = self.folds(&mut taken, "/group/collect", &collect.folds());
        let list = self.list(name, &list);
        Some(Group {
            by,
            close,
            collect,
            list,
            late: match low.late {
                None | Some(low::Late::Hold) => Late::Hold,
                Some(low::Late::Next) => Late::Next,
            },
        })
    }

    fn close(&mut self, low: low::Close) -> Close {
        let after = low
            .after
            .as_deref()
            .and_then(|text| self.length("group/close", "after", text));
        let close = Close {
            on_key_change: low.on_key_change.unwrap_or(false),
            count: low.count.unwrap_or(MOST_MEMBERS).clamp(1, MOST_MEMBERS),
            after,
            at_end: low.at_end.unwrap_or(false),
        };
        let by_count = low.count.is_some();
        let rules = close.on_key_change || close.at_end || by_count || low.after.is_some();
        if !rules && !self.inputs.pipeline.is_bad("/group/close") {
            let message = "`group.close` has no rule, so no group would ever be sent";
            let problem = Diagnostic::error(code::NO_CLOSING_RULE, message)
                .at(self.inputs.pipeline.key_place("/group/close"))
                .hint("name one of `on_key_change: true`, `count`, `after`, `at_end: true`");
            self.tell(problem);
        }
        close
    }

    fn list(&mut self, name: String, low: &low::Lines) -> Rows {
        const AT: &str = "/group/collect/list";
        let mut taken = BTreeSet::new();
        let by: Vec<Field> = low.by.iter().flatten().map(|by| Field::new(by)).collect();
        for (index, field) in by.iter().enumerate() {
            self.once(&mut taken, &format!("{AT}/by/{index}"), field.name.clone());
        }
        let collect = self.folds(&mut taken, AT, &low.folds());
        if by.is_empty() && !collect.is_empty() {
            let message = "`group.collect.list` folds fields of rows that stay as they are";
            let problem = Diagnostic::error(code::ROWS_NOT_MERGED, message)
                .at(self.inputs.pipeline.place(AT))
                .hint("name in `by` which rows become one, or leave the others out");
            self.tell(problem);
        }
        Rows {
            name,
            from: low.from.as_deref().map(Field::new),
            by,
            collect,
        }
    }

    fn folds(
        &mut self,
        taken: &mut BTreeSet<String>,
        at: &str,
        folds: &[(Fold, &'static str, &Option<Vec<String>>)],
    ) -> Vec<(Fold, Field)> {
        let mut found = Vec::new();
        for (fold, word, paths) in folds {
            for (index, path) in paths.iter().flatten().enumerate() {
                let field = Field::new(path);
                let at = format!("{at}/{word}/{index}");
                self.once(taken, &at, field.name.clone());
                found.push((*fold, field));
            }
        }
        found
    }

    /// Each field of the group's record is filled once.
    fn once(&mut self, taken: &mut BTreeSet<String>, at: &str, name: String) {
        if name.is_empty() || !taken.insert(name.clone()) {
            let message = format!("the group's record would have `{name}` twice");
            let problem = Diagnostic::error(code::DUPLICATE_FIELD, message)
                .at(self.inputs.pipeline.place(at))
                .hint("name each field once; `group_key`, `group_part` and `group_members` are the host's");
            self.tell(problem);
        }
    }
}

impl Group {
    /// What it does, a name and a line each.
    pub(crate) fn told(&self) -> Vec<(&'static str, String)> {
        let by = self.by.iter().map(|by| match by.takes {
            Takes::Value => by.field.path.clone(),
            Takes::Day => format!("{} (day)", by.field.path),
            Takes::Month => format!("{} (month)", by.field.path),
        });
        let mut rules = Vec::new();
        if self.close.on_key_change {
            rules.push("when another group begins".to_owned());
        }
        rules.push(format!("with {} records", self.close.count));
        if let Some(after) = self.close.after {
            let after = duration::write(after);
            rules.push(format!("{after} after its first record"));
        }
        if self.close.at_end {
            rules.push("at the end of a run".to_owned());
        }
        let mut told = vec![
            ("by", by.collect::<Vec<_>>().join(", ")),
            ("closes", rules.join(", or ")),
        ];
        if !self.collect.is_empty() {
            told.push(("collects", folds(&self.collect)));
        }
        let mut list = self.list.name.clone();
        match &self.list.from {
            Some(from) => list.push_str(&format!(": the rows of `{}`", from.path)),
            None => list.push_str(": its records"),
        }
        if !self.list.by.is_empty() {
            let by = self.list.by.iter().map(|by| by.path.as_str());
            let by = by.collect::<Vec<_>>().join(", ");
            list.push_str(&format!(", one for each {by}"));
        }
        if !self.list.collect.is_empty() {
            list.push_str(&format!(", {}", folds(&self.list.collect)));
        }
        told.push(("list", list));
        told.push((
            "late",
            match self.late {
                Late::Hold => "held for a person",
                Late::Next => "goes into a next part of its group",
            }
            .to_owned(),
        ));
        told
    }
}

fn folds(collect: &[(Fold, Field)]) -> String {
    let told = collect.iter().map(|(fold, field)| {
        let word = match fold {
            Fold::First => "first",
            Fold::Last => "last",
            Fold::Sum => "sum",
            Fold::Min => "min",
            Fold::Max => "max",
            Fold::Push => "push",
            Fold::Distinct => "distinct",
        };
        format!("{word} {}", field.path)
    });
    told.collect::<Vec<_>>().join(", ")
}
