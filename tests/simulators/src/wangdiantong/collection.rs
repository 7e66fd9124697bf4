//! The queries that the server knows, with the limits of each, out of
//! `collections.tsv`.

use crate::config::Dialect;
use std::sync::LazyLock;

/// One query: a php page in dialect A, a method elsewhere.
#[derive(Debug)]
pub(crate) struct Collection {
    /// Name of the php page; the method of dialect B is `wdt.` and the same words with dots.
    pub(crate) name: &'static str,
    /// The fields that identify a row.
    pub(crate) key: Vec<&'static str>,
    dialects: &'static str,
    pub(crate) enterprise: Limits,
    pub(crate) flagship: Option<Flagship>,
    /// A window is in consign time unless the parameters say otherwise.
    pub(crate) by_consign: bool,
    /// Fields of a generated row and what they hold.
    pub(crate) row: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
pub(crate) struct Flagship {
    /// Dialect D's method is `wdt.` and this in lower case.
    pub(crate) method: &'static str,
    pub(crate) limits: Limits,
}

#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) list_key: &'static str,
    pub(crate) page_max: usize,
    /// Longest window in seconds; none where no times are asked for.
    pub(crate) window: Option<i64>,
    /// Parameters of a window.
    pub(crate) bounds: (&'static str, &'static str),
    /// Parameters that name documents and make the times unnecessary.
    pub(crate) documents: Vec<&'static str>,
    /// Parameters that narrow the answer; comma lists where the name is a plural.
    pub(crate) filters: Vec<&'static str>,
}

/// States of a stock-out that 企业版 lets a query name.
const STATES: [u16; 6] = [5, 55, 95, 105, 110, 113];

pub(crate) static COLLECTIONS: LazyLock<Vec<Collection>> = LazyLock::new(|| {
    let blocks = include_str!("collections.tsv").split("\n#").skip(1);
    blocks.filter_map(Collection::parse).collect()
});

impl Collection {
    fn parse(block: &'static str) -> Option<Self> {
        let mut lines = block.lines();
        let (name, key) = lines.next()?.split_once('\t')?;
        let mut collection = Self {
            name,
            key: names(key),
            dialects: "",
            enterprise: Limits::default(),
            flagship: None,
            by_consign: false,
            row: Vec::new(),
        };
        for line in lines {
            collection.read(line)?;
        }
        Some(collection)
    }

    fn read(&mut self, line: &'static str) -> Option<()> {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let limits =
            |list_key, page: &str, window: &str, bounds: &'static str, rest: [&'static str; 2]| {
                let [documents, filters] = rest.map(names);
                Some(Limits {
                    list_key,
                    page_max: page.parse().ok()?,
                    window: window.parse().ok(),
                    bounds: bounds.split_once(',').unwrap_or_default(),
                    documents,
                    filters,
                })
            };
        match *cells.as_slice() {
            ["E", dialects, list, page, window, axis, documents, filters] => {
                self.dialects = dialects;
                self.by_consign = axis == "consign";
                let bounds = "start_time,end_time";
                self.enterprise = limits(list, page, window, bounds, [documents, filters])?;
            }
            ["F", method, list, page, window, bounds, documents, filters] => {
                let limits = limits(list, page, window, bounds, [documents, filters])?;
                self.flagship = Some(Flagship { method, limits });
            }
            ["R", row] => {
                self.row = row
                    .split(',')
                    .filter_map(|one| one.split_once(':'))
                    .collect()
            }
            _ => return None,
        }
        Some(())
    }

    pub(crate) fn list_key(&self, dialect: Dialect) -> &'static str {
        match &self.flagship {
            Some(flagship) if dialect.is_flagship() => flagship.limits.list_key,
            _ => self.enterprise.list_key,
        }
    }

    /// Whether a dialect offers it; both of 旗舰版 offer what it has.
    pub(crate) fn offers(&self, dialect: char) -> bool {
        match dialect {
            'C' | 'D' => self.flagship.is_some(),
            dialect => self.dialects.contains(dialect),
        }
    }

    /// Whether a query may name this state.
    pub(crate) fn has_state(&self, state: u16) -> bool {
        !self.by_consign || STATES.contains(&state)
    }

    /// Its rows are those of the stock-outs.
    pub(crate) fn shows_stockouts(&self) -> bool {
        self.by_consign
    }
}

fn names(cell: &'static str) -> Vec<&'static str> {
    cell.split(',').filter(|name| *name != "-").collect()
}

/// By the name of its php page.
pub(crate) fn named(name: &str) -> Option<&'static Collection> {
    COLLECTIONS
        .iter()
        .find(|collection| collection.name == name)
}

/// What dialect A or B calls a query.
pub(crate) fn offered(name: &str, dialect: char) -> Option<&'static Collection> {
    named(name).filter(|collection| collection.offers(dialect))
}

/// By a method of dialect C.
pub(crate) fn by_flagship(method: &str) -> Option<&'static Collection> {
    let has = |collection: &&Collection| {
        let flagship = collection.flagship.as_ref();
        flagship.is_some_and(|flagship| flagship.method == method)
    };
    COLLECTIONS.iter().find(has)
}

/// By a method of dialect D.
pub(crate) fn by_layered(method: &str) -> Option<&'static Collection> {
    let has = |collection: &&Collection| {
        let flagship = collection.flagship.as_ref();
        flagship.is_some_and(|flagship| flagship.method.to_ascii_lowercase() == method)
    };
    COLLECTIONS.iter().find(has)
}

/// `wdt.stockout.order.query.trade` is the page `stockout_order_query_trade`, `wdt.shop.query` is `shop`.
pub(crate) fn page_of(method: &str) -> Option<String> {
    let page = method.strip_prefix("wdt.")?.replace('.', "_");
    let short = page
        .strip_suffix("_query")
        .filter(|short| !short.contains('_'));
    match short.filter(|short| named(short).is_some()) {
        Some(short) => Some(short.to_owned()),
        None => Some(page),
    }
}

#[cfg(test)]
mod tests {
    use super::{COLLECTIONS, page_of};

    #[test]
    fn every_line_of_the_table_is_read() {
        let text = include_str!("collections.tsv");
        let lines = |letter: &str| text.lines().filter(|line| line.starts_with(letter)).count();
        assert_eq!(COLLECTIONS.len(), lines("#"));
        let flagship = COLLECTIONS.iter().filter(|one| one.flagship.is_some());
        assert_eq!(flagship.count(), lines("F"));
        let rows = COLLECTIONS.iter().filter(|one| !one.row.is_empty());
        assert_eq!(rows.count(), lines("R"));
    }

    #[test]
    fn a_page_of_one_word_has_a_method_of_two() {
        assert_eq!(page_of("wdt.shop.query").as_deref(), Some("shop"));
        assert_eq!(page_of("wdt.trade.query").as_deref(), Some("trade_query"));
        assert_eq!(page_of("taobao.item"), None);
    }
}
