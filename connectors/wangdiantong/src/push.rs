//! The pushes, out of a table that says for each what 企业版 and 旗舰版 call it,
//! how its documents become arguments, and how one is found again. Nothing here
//! knows one of them by name.

use duijie_sdk::{Collection as Described, Guarantee, Role, Title};

use crate::collection::gateway_method;
use crate::dialect::Dialect;

const TABLE: &str = include_str!("../pushes.tsv");

/// Documents that go one a call are handed over several at a time, and sent one
/// after another.
const CALLS: u32 = 20;

/// One push of the vendor.
#[derive(Debug)]
pub(crate) struct Push {
    /// As openapi2 names it, and the manifest.
    pub(crate) name: &'static str,
    title: Title,
    pub(crate) guarantee: Guarantee,
    sides: Vec<Side>,
}

/// What an edition calls a push and what it takes.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    dialects: &'static str,
    method: &'static str,
    pub(crate) arguments: Vec<Argument>,
    /// Documents of one call.
    pub(crate) most: usize,
    /// The field that carries the target key.
    pub(crate) key: &'static str,
    /// Where an answer tells the document's own number.
    pub(crate) number: Option<&'static str>,
    pub(crate) lookup: Option<Lookup>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    /// A list of the documents.
    Documents(&'static str),
    /// The only document.
    Document(&'static str),
    /// What stands in a list of the documents, taken out of them.
    Lines {
        name: &'static str,
        field: &'static str,
    },
    /// A text that the documents carry, or the settings.
    Text(&'static str),
    /// Always the same JSON.
    Constant {
        name: &'static str,
        json: &'static str,
    },
}

/// The query that finds a document again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lookup {
    pub(crate) collection: &'static str,
    /// The parameter that names a document; none where the query has no such
    /// parameter, and the youngest documents are looked through.
    pub(crate) parameter: Option<&'static str>,
    /// The field that carries the target key there.
    pub(crate) field: &'static str,
    /// The field that tells the document's own number.
    pub(crate) id: &'static str,
}

impl Push {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TABLE.split("\n#").skip(1).filter_map(Self::parse)
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|push| push.name == name)
    }

    fn parse(block: &'static str) -> Option<Self> {
        let mut lines = block.lines();
        let mut head = lines.next()?.split('\t');
        let (name, zh, en) = (head.next()?, head.next()?, head.next()?);
        Some(Self {
            name,
            title: Title::new(en, zh),
            guarantee: match head.next()? {
                "unique-key" => Guarantee::UniqueKey,
                "natural-upsert" => Guarantee::NaturalUpsert,
                _ => Guarantee::None,
            },
            sides: lines.filter_map(Side::parse).collect(),
        })
    }

    /// None where the dialect does not offer it.
    pub(crate) fn side(&self, dialect: Dialect) -> Option<&Side> {
        self.sides
            .iter()
            .find(|side| side.dialects.contains(dialect.letter()))
    }

    /// As the dialect names it in a request.
    pub(crate) fn method(&self, dialect: Dialect, side: &Side) -> String {
        match dialect {
            Dialect::Openapi2 => format!("{}.php", self.name),
            Dialect::Qimen => gateway_method(self.name),
            Dialect::Flagship => side.method.to_owned(),
            Dialect::FlagshipQimen => format!("wdt.{}", side.method.to_ascii_lowercase()),
        }
    }

    /// The name of its fields in the table of fields.
    pub(crate) fn fields(&self, side: &Side) -> &'static str {
        match side.method {
            "-" => self.name,
            method => method,
        }
    }

    /// Pushing a document again changes it.
    pub(crate) fn is_upsert(&self) -> bool {
        self.guarantee == Guarantee::NaturalUpsert
    }

    pub(crate) fn described(&self) -> Described {
        let first = self.sides.first();
        Described {
            role: Role::Target,
            guarantee: self.guarantee.clone(),
            // How long an answer that was lost may have been on its way is not
            // documented; the vendor's own pages time out within it.
            settle_ms: 10_000,
            max_records: first.map_or(1, |side| match side.most {
                1 => CALLS,
                most => u32::try_from(most).unwrap_or(1),
            }),
            ..Described::source(
                self.name,
                self.title.clone(),
                &[first.map_or("", |side| side.key)],
            )
        }
    }
}

impl Side {
    fn parse(line: &'static str) -> Option<Self> {
        let mut cells = line.split('\t').skip(1);
        let (dialects, method) = (cells.next()?, cells.next()?);
        let arguments = cells.next()?.split(',').filter_map(Argument::parse);
        let arguments = arguments.collect();
        let (most, key) = (cells.next()?.parse().ok()?, cells.next()?);
        let number = cells.next().filter(|cell| *cell != "-");
        Some(Self {
            dialects,
            method,
            arguments,
            most,
            key,
            number,
            lookup: cells.next().and_then(Lookup::parse),
        })
    }

    /// Whether this text is one of its arguments.
    pub(crate) fn takes(&self, text: &str) -> bool {
        self.arguments
            .iter()
            .any(|argument| matches!(argument, Argument::Text(name) if *name == text))
    }
}

impl Argument {
    fn parse(cell: &'static str) -> Option<Self> {
        if let Some(inner) = cell.strip_prefix('[') {
            let inner = inner.strip_suffix(']')?;
            return Some(match inner.split_once('<') {
                Some((name, field)) => Argument::Lines { name, field },
                None => Argument::Documents(inner),
            });
        }
        if let Some(inner) = cell.strip_prefix('{') {
            return Some(Argument::Document(inner.strip_suffix('}')?));
        }
        Some(match cell.split_once('=') {
            Some((name, json)) => Argument::Constant { name, json },
            None => Argument::Text(cell),
        })
    }
}

impl Lookup {
    fn parse(cell: &'static str) -> Option<Self> {
        let mut parts = cell.split(':');
        let (collection, parameter) = (parts.next()?, parts.next()?);
        Some(Self {
            collection,
            parameter: (!parameter.is_empty()).then_some(parameter),
            field: parts.next()?,
            id: parts.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Argument, Push, TABLE};
    use crate::collection::Collection;
    use crate::fields::CATALOGUE;

    #[test]
    fn every_line_of_the_table_is_read_and_names_what_there_is() {
        let all: Vec<_> = Push::all().collect();
        let heads = TABLE.lines().filter(|line| line.starts_with('#')).count();
        let sides = TABLE.lines().filter(|line| line.starts_with(['E', 'F']));
        assert_eq!((all.len(), heads), (9, 9));
        let read = all.iter().map(|push| push.sides.len()).sum::<usize>();
        assert_eq!(read, sides.count());
        for push in &all {
            for side in &push.sides {
                let fields = CATALOGUE.collection(push.fields(side));
                let fields: Vec<_> = fields.unwrap().fields().collect();
                let key = fields.iter().find(|field| field.path == side.key);
                assert!(key.is_some_and(|field| field.required), "{}", push.name);
                for argument in &side.arguments {
                    if let Argument::Lines { field, .. } = argument {
                        assert!(fields.iter().any(|one| one.path == *field));
                    }
                }
                if let Some(lookup) = side.lookup {
                    assert!(Collection::by_name(lookup.collection).is_some());
                }
            }
        }
    }
}
