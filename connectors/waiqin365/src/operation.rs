//! The 39 operations as a table: where they are, how their pages and dates are
//! asked for, what identifies a document, and how sure a write can be. The rows
//! are the heads of `fields/requests.tsv`; what a field means is not known here.
//!
//! A query's columns: `q`, path, title, English title, paging, most records a
//! page, first date filter, key fields, number, modify time, how it is read,
//! filters sent where none is set. A write's: `w`, path, titles, class, field
//! of the target key, `own` where that is the document's own number, a field
//! that repeats the number, the list that documents are gathered in, the query
//! that finds it (query, filter or `-`, field), a one-of rule with a condition.

use duijie_sdk::catalogue::Catalogue;
use duijie_sdk::json::quoted;
use duijie_sdk::{Collection, Guarantee, Role, Title};

const REQUESTS: &str = include_str!("../fields/requests.tsv");
const RESPONSES: &str = include_str!("../fields/responses.tsv");

/// What a caller sends: bodies of writes, parameters of queries.
pub(crate) const SENT: Catalogue<'static> = Catalogue::new(REQUESTS);
/// What comes back: records of queries, answers of writes.
pub(crate) const GIVEN: Catalogue<'static> = Catalogue::new(RESPONSES);

/// The parts of a head that both kinds have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// Between `/api/` and the openid: `dmssent/v1/addSent`.
    pub(crate) path: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
    /// The columns of its kind.
    columns: &'static str,
    is_query: bool,
}

/// How the windows of a query are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dates {
    None,
    /// `start_create_date` … `end_modify_date`, days.
    Days,
    /// `create_start` … `modify_end`, days.
    ShortDays,
    /// Days as above, and `after_create_date`, `after_modify_date` to the second.
    After,
}

/// Which records a run reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Those created or modified in windows of time.
    Windows,
    /// All of them each time, unless a start is set: stock is no document.
    Either,
    /// All of them each time: there is no filter by time.
    Whole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) operation: Operation,
    pub(crate) page_name: &'static str,
    /// None where a page's size is the system's secret.
    pub(crate) size_name: Option<&'static str>,
    pub(crate) max_page_size: u32,
    pub(crate) dates: Dates,
    /// Joined by commas.
    pub(crate) key: &'static str,
    /// The modify time that a record carries to the millisecond. Coarser ones
    /// are none: two changes in one of their steps would look like one.
    pub(crate) version: &'static str,
    pub(crate) reads: Reads,
    /// `name=value`, sent where the settings have no filter of that name.
    pub(crate) fixed: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) operation: Operation,
    class: &'static str,
    /// The field that holds the target key; empty for none.
    pub(crate) key: &'static str,
    /// The key is the document's own number, put in where it is missing.
    pub(crate) own: bool,
    /// A second field for the same number; empty for none.
    pub(crate) same: &'static str,
    /// The list that takes several documents in one request; empty for none.
    pub(crate) list: &'static str,
    lookup: &'static str,
    /// `field=value a,b`: one of these where the field has the value.
    pub(crate) either: &'static str,
}

/// How a written document is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finder {
    pub(crate) query: Query,
    /// The filter by number; none where every record has to be looked at.
    pub(crate) filter: Option<&'static str>,
    /// The field that holds the number.
    pub(crate) number: &'static str,
}

fn operations() -> impl Iterator<Item = Operation> {
    REQUESTS
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter_map(|head| {
            let mut cells = head.splitn(6, '\t');
            Some(Operation {
                name: cells.next()?,
                is_query: cells.next()? == "q",
                path: cells.next()?,
                zh: cells.next()?,
                en: cells.next()?,
                columns: cells.next()?,
            })
        })
}

impl Query {
    fn of(operation: Operation) -> Option<Self> {
        if !operation.is_query {
            return None;
        }
        let mut cells = operation.columns.split('\t');
        let mut next = || cells.next().unwrap_or_default();
        let (page_name, size_name) = match next().split_once('/') {
            Some((page, size)) => (page, Some(size)),
            None => ("page_number", None),
        };
        let max_page_size = next().parse().ok()?;
        let dates = match next() {
            "after" => Dates::After,
            "start_create_date" => Dates::Days,
            "create_start" => Dates::ShortDays,
            _ => Dates::None,
        };
        let key = next();
        next();
        let version = next();
        let reads = match next() {
            "windows" => Reads::Windows,
            "either" => Reads::Either,
            _ => Reads::Whole,
        };
        Some(Self {
            operation,
            page_name,
            size_name,
            max_page_size,
            dates,
            key,
            version,
            reads,
            fixed: next(),
        })
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        operations().filter_map(Self::of)
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        operations()
            .find(|operation| operation.name == name)
            .and_then(Self::of)
    }

    /// Names that `filters` may hold: every parameter but pages and dates.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &'static str> {
        let name = self.operation.name;
        let pages = [Some(self.page_name), self.size_name];
        let dates = self.dates;
        parameters(name).filter(move |parameter| {
            !pages.contains(&Some(parameter)) && !dates.names().any(|date| date == *parameter)
        })
    }

    /// The body of a request for one page. A size of 0 is not asked for.
    pub(crate) fn body<'a>(
        &self,
        page: u32,
        size: u32,
        filters: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> String {
        let mut body = format!("{{\"{}\":{page}", self.page_name);
        if let Some(name) = self.size_name.filter(|_| size > 0) {
            body += &format!(",\"{name}\":{size}");
        }
        for (name, value) in filters {
            body += &format!(",\"{name}\":{}", quoted(value));
        }
        body + "}"
    }

    pub(crate) fn described(&self) -> Collection {
        let key: Vec<&str> = self.key.split(',').collect();
        Collection {
            max_records: self.max_page_size,
            ..Collection::source(self.operation.name, self.operation.title(), &key)
        }
    }
}

/// Names of an operation's request, lists and lines left out.
fn parameters(operation: &str) -> impl Iterator<Item = &'static str> {
    let head = format!("#{operation}\t");
    REQUESTS
        .lines()
        .skip_while(move |line| !line.starts_with(&head))
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').next())
}

impl Dates {
    /// Names of the bounds: from and to of creation, then of modification.
    pub(crate) fn days(self) -> Option<[[&'static str; 2]; 2]> {
        match self {
            Self::None => None,
            Self::ShortDays => Some([
                ["create_start", "create_end"],
                ["modify_start", "modify_end"],
            ]),
            Self::Days | Self::After => Some([
                ["start_create_date", "end_create_date"],
                ["start_modify_date", "end_modify_date"],
            ]),
        }
    }

    /// Names of the lower bounds to the second.
    pub(crate) fn after(self) -> Option<[&'static str; 2]> {
        (self == Self::After).then_some(["after_create_date", "after_modify_date"])
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        let days = self.days().into_iter().flatten().flatten();
        days.chain(self.after().into_iter().flatten())
    }
}

impl Write {
    fn of(operation: Operation) -> Option<Self> {
        if operation.is_query {
            return None;
        }
        let mut cells = operation.columns.split('\t');
        let mut next = || cells.next().unwrap_or_default();
        Some(Self {
            operation,
            class: next(),
            key: next(),
            own: next() == "own",
            same: next(),
            list: next(),
            lookup: next(),
            either: next(),
        })
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        operations().filter_map(Self::of)
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        operations()
            .find(|operation| operation.name == name)
            .and_then(Self::of)
    }

    /// Whether a document that stands can be written again under its number.
    pub(crate) fn edits(&self) -> bool {
        parameters(self.operation.name).any(|name| name == OPERATE_TYPE)
    }

    pub(crate) fn guarantee(&self) -> Guarantee {
        match self.class {
            "lookup" => Guarantee::Lookup,
            "natural-upsert" => Guarantee::NaturalUpsert,
            _ => Guarantee::None,
        }
    }

    pub(crate) fn finder(&self) -> Option<Finder> {
        let mut words = self.lookup.split(' ');
        let query = Query::by_name(words.next()?)?;
        let filter = words.next().filter(|filter| *filter != "-");
        let number = words.next()?;
        Some(Finder {
            query,
            filter,
            number,
        })
    }

    pub(crate) fn described(&self) -> Collection {
        let key = if self.key.is_empty() {
            Vec::new()
        } else {
            vec![self.key]
        };
        Collection {
            role: Role::Target,
            guarantee: self.guarantee(),
            settle_ms: SETTLE_MS,
            max_records: if self.list.is_empty() { 20 } else { 100 },
            ..Collection::source(self.operation.name, self.operation.title(), &key)
        }
    }
}

/// 1 creates, 2 edits the document of that number.
pub(crate) const OPERATE_TYPE: &str = "operate_type";

/// How long a document may stay invisible; the documents name no time.
const SETTLE_MS: u64 = 3000;

impl Operation {
    fn title(&self) -> Title {
        Title::new(self.en, self.zh)
    }
}

#[cfg(test)]
mod tests;
