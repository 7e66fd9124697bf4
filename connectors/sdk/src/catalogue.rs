//! The fields of a connector's collections, read from a compact text that
//! the connector includes, at the time of use: what `duijie:discovery` tells
//! and what [`Checker`] holds documents against. No vendor's knowledge.
//!
//! ```text
//! #order<TAB>columns that are the connector's own
//! order_no<TAB>s32!<TAB>订单编号<TAB>order number
//! details<TAB>l!<TAB>明细
//! details.spec_no<TAB>s40!<TAB>商家编码
//! |one-of<TAB>mobile,telno
//! |when<TAB>type=2<TAB>shop_no,details.batch_no
//! ```
//!
//! A field's kind is one letter of `s` text, `i` integer, `n` decimal,
//! `b` boolean, `t` date-time, `d` date, `o` object, `l` list and `a` any,
//! then the greatest length in characters, then `!` where it is required.
//! A field inside a list is required in each line; one inside an object or
//! list that is not there is not asked for. `|when` without `=` holds for any
//! value that is not blank. [`Catalogue::problems`] is for a connector's test.

use crate::discovery;

mod check;
mod compile;
mod lint;
#[cfg(test)]
mod tests;

pub use check::Checker;

/// The text of all collections.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue<'t>(&'t str);

/// The part of the text that speaks of one collection.
#[derive(Debug, Clone, Copy)]
pub struct Collection<'t> {
    pub name: &'t str,
    columns: &'t str,
    lines: &'t str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Decimal,
    Boolean,
    DateTime,
    Date,
    Object,
    List,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'t> {
    /// Names joined by dots from the document's root.
    pub path: &'t str,
    pub kind: Kind,
    /// In characters.
    pub max_length: Option<u32>,
    pub required: bool,
    /// The title in Chinese.
    pub zh: &'t str,
    /// The title in English, or empty.
    pub en: &'t str,
}

/// A rule over fields; `fields` are paths joined by commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule<'t> {
    OneOf {
        fields: &'t str,
    },
    When {
        path: &'t str,
        equals: Option<&'t str>,
        fields: &'t str,
    },
}

impl<'t> Catalogue<'t> {
    pub const fn new(text: &'t str) -> Self {
        Self(text)
    }

    /// In the order of the text.
    pub fn collections(self) -> impl Iterator<Item = Collection<'t>> {
        let mut rest = self.0.trim_start_matches('\u{feff}');
        std::iter::from_fn(move || {
            let text = rest.trim_start_matches(['\n', '\r']).strip_prefix('#')?;
            let (head, lines) = text.split_once('\n').unwrap_or((text, ""));
            let end = match lines.strip_prefix('#') {
                Some(_) => 0,
                None => lines.find("\n#").map_or(lines.len(), |at| at + 1),
            };
            let (lines, after) = lines.split_at_checked(end)?;
            rest = after;
            let head = head.trim_end_matches('\r');
            let (name, columns) = head.split_once('\t').unwrap_or((head, ""));
            Some(Collection {
                name,
                columns,
                lines,
            })
        })
    }

    /// The first collection of this name.
    pub fn collection(self, name: &str) -> Option<Collection<'t>> {
        self.collections().find(|found| found.name == name)
    }

    /// Everything wrong with the text, for a test; its lines are skipped by
    /// everything else here.
    pub fn problems(self) -> Vec<String> {
        lint::problems(self)
    }

    fn text(self) -> &'t str {
        self.0
    }
}

impl<'t> Collection<'t> {
    /// The connector's own columns after the name.
    pub fn columns(self) -> impl Iterator<Item = &'t str> {
        self.columns.split('\t')
    }

    /// In the order of the text.
    pub fn fields(self) -> impl Iterator<Item = Field<'t>> {
        self.lines().filter_map(Field::read)
    }

    pub fn rules(self) -> impl Iterator<Item = Rule<'t>> {
        self.lines().filter_map(Rule::read)
    }

    /// Ready to check documents that are to be written.
    pub fn checker(self) -> Checker<'t> {
        Checker::new(self)
    }

    /// What `duijie:discovery` tells of it.
    pub fn discovery(self) -> discovery::Fields {
        discovery::Fields {
            fields: self.fields().map(Field::discovery).collect(),
            rules: self.rules().map(Rule::discovery).collect(),
            extra: "{}".to_owned(),
        }
    }

    fn lines(self) -> impl Iterator<Item = &'t str> {
        self.lines
            .split('\n')
            .map(|line| line.trim_end_matches('\r'))
            .filter(|line| !line.is_empty())
    }
}

impl<'t> Field<'t> {
    /// One line of the text; none where it is no field's line.
    fn read(line: &'t str) -> Option<Self> {
        let mut cells = line.split('\t');
        let path = cells.next().filter(|path| !path.starts_with(['|', '#']))?;
        let (kind, max_length, required) = Kind::read(cells.next()?)?;
        Some(Self {
            path,
            kind,
            max_length,
            required,
            zh: cells.next().unwrap_or_default(),
            en: cells.next().unwrap_or_default(),
        })
    }

    fn discovery(self) -> discovery::Field {
        discovery::Field {
            path: self.path.to_owned(),
            kind: match self.kind {
                Kind::Text => discovery::Kind::Text,
                Kind::Integer => discovery::Kind::Integer,
                Kind::Decimal => discovery::Kind::Decimal,
                Kind::Boolean => discovery::Kind::Boolean,
                Kind::DateTime => discovery::Kind::DateTime,
                Kind::Date => discovery::Kind::Date,
                Kind::Object => discovery::Kind::Object,
                Kind::List => discovery::Kind::List,
                Kind::Any => discovery::Kind::Any,
            },
            title: discovery::Title {
                en: self.en.to_owned(),
                zh: self.zh.to_owned(),
            },
            required: self.required,
            max_length: self.max_length,
        }
    }
}

impl Kind {
    /// `s32!` is a text of at most 32 characters that is required.
    fn read(cell: &str) -> Option<(Self, Option<u32>, bool)> {
        let (letter, rest) = cell.split_at_checked(1)?;
        let kind = match letter {
            "s" => Self::Text,
            "i" => Self::Integer,
            "n" => Self::Decimal,
            "b" => Self::Boolean,
            "t" => Self::DateTime,
            "d" => Self::Date,
            "o" => Self::Object,
            "l" => Self::List,
            "a" => Self::Any,
            _ => return None,
        };
        let (length, required) = match rest.strip_suffix('!') {
            Some(length) => (length, true),
            None => (rest, false),
        };
        let max_length = match length {
            "" => None,
            digits => Some(digits.parse().ok()?),
        };
        Some((kind, max_length, required))
    }
}

impl<'t> Rule<'t> {
    /// One line of the text; none where it is no rule's line.
    fn read(line: &'t str) -> Option<Self> {
        let mut cells = line.split('\t');
        match cells.next()? {
            "|one-of" => Some(Self::OneOf {
                fields: cells.next()?,
            }),
            "|when" => {
                let condition = cells.next()?;
                let (path, equals) = match condition.split_once('=') {
                    Some((path, value)) => (path, Some(value)),
                    None => (condition, None),
                };
                Some(Self::When {
                    path,
                    equals,
                    fields: cells.next()?,
                })
            }
            _ => None,
        }
    }

    fn fields(self) -> impl Iterator<Item = &'t str> {
        let (Self::OneOf { fields } | Self::When { fields, .. }) = self;
        fields.split(',').map(str::trim)
    }

    fn discovery(self) -> discovery::Rule {
        let fields = self.fields().map(str::to_owned).collect();
        match self {
            Self::OneOf { .. } => discovery::Rule::OneOf(fields),
            Self::When { path, equals, .. } => discovery::Rule::When(discovery::Condition {
                path: path.to_owned(),
                equals: equals.map(str::to_owned),
                required: fields,
            }),
        }
    }
}
