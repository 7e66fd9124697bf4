//! The collections to read from, out of a table that names for each query what
//! 企业版 and 旗舰版 call it and what they allow. Adding a query means adding
//! lines to `collections.tsv`; nothing here knows one of them by name.

use duijie_sdk::{Collection as Described, Title, time};

use crate::dialect::Dialect;

const TABLE: &str = include_str!("../collections.tsv");

/// One query of the vendor.
#[derive(Debug, Clone)]
pub(crate) struct Collection {
    /// As openapi2 names it, and the manifest.
    pub(crate) name: &'static str,
    title: Title,
    /// The fields that identify a document.
    pub(crate) key: Vec<Part>,
    /// Grows with every change; the first of these that is there.
    pub(crate) version: Vec<&'static str>,
    pub(crate) kind: Kind,
    sides: Vec<Side>,
}

/// A part of a key: the first of these fields that is there.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) names: Vec<&'static str>,
    /// It counts where it says something: neither empty nor `0` nor `false`.
    pub(crate) optional: bool,
}

/// What is read, and what a window's bounds are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `modified`.
    Changed,
    /// `consign_time` when no status is asked for or one from 95 (shipped)
    /// on; `modified` below, and with `is_by_modified`.
    Shipped,
    /// `modified`; a record says that its shipment was taken back.
    Reverted,
    /// No window: everything, each time.
    Whole,
    /// No window and no pages: rows come again until they are acknowledged.
    Queue,
}

/// What an edition calls a query and what it allows.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    edition: char,
    dialects: &'static str,
    method: &'static str,
    /// Name of the list of records in an answer.
    pub(crate) list: &'static str,
    /// None where there are no windows.
    pub(crate) max_window_s: Option<i64>,
    pub(crate) max_page_size: u32,
    /// Parameters that bound a window.
    pub(crate) bounds: (&'static str, &'static str),
    /// Settings that may narrow it, and the parameters that they become.
    pub(crate) filters: Vec<(&'static str, &'static str)>,
}

impl Collection {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TABLE.split("\n#").skip(1).filter_map(Self::parse)
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        let block = TABLE.split("\n#").skip(1).find(|block| {
            block
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('\t'))
        })?;
        Self::parse(block)
    }

    fn parse(block: &'static str) -> Option<Self> {
        let mut lines = block.lines();
        let mut head = lines.next()?.split('\t');
        let (name, zh, en) = (head.next()?, head.next()?, head.next()?);
        let key = head.next()?.split(',').map(|part| Part {
            names: part.trim_end_matches('?').split('|').collect(),
            optional: part.ends_with('?'),
        });
        Some(Self {
            name,
            title: Title::new(en, zh),
            key: key.collect(),
            version: head
                .next()?
                .split('|')
                .filter(|name| *name != "-")
                .collect(),
            kind: match head.next()? {
                "changed" => Kind::Changed,
                "shipped" => Kind::Shipped,
                "reverted" => Kind::Reverted,
                "queue" => Kind::Queue,
                _ => Kind::Whole,
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

    pub(crate) fn described(&self) -> Described {
        let most = self.sides.iter().map(|side| side.max_page_size).max();
        let key: Vec<&str> = self
            .key
            .iter()
            .filter(|part| !part.optional)
            .filter_map(|part| part.names.first().copied())
            .collect();
        let described = Described {
            max_records: most.unwrap_or_default(),
            ..Described::source(self.name, self.title.clone(), &key)
        };
        match self.kind {
            Kind::Queue => described.draining(),
            _ => described,
        }
    }
}

/// `a_b_query.php` is `wdt.a.b.query` at the gateway; a page of one word is a
/// query as well.
pub(crate) fn gateway_method(name: &str) -> String {
    match name.contains('_') {
        true => format!("wdt.{}", name.replace('_', ".")),
        false => format!("wdt.{name}.query"),
    }
}

impl Side {
    fn parse(line: &'static str) -> Option<Self> {
        let mut cells = line.split('\t');
        let edition = cells.next()?.chars().next()?;
        let (dialects, method, list) = (cells.next()?, cells.next()?, cells.next()?);
        let max_window_s = time::parse_duration_s(cells.next()?);
        let max_page_size = cells.next()?.parse().ok()?;
        let bounds = cells.next()?;
        let filters = cells.next()?.split(',').filter(|filter| *filter != "-");
        Some(Self {
            edition,
            dialects,
            method,
            list,
            max_window_s,
            max_page_size,
            bounds: bounds.split_once(',').unwrap_or_default(),
            filters: filters
                .map(|filter| filter.split_once('=').unwrap_or((filter, filter)))
                .collect(),
        })
    }

    /// 旗舰版 has names and states of its own.
    pub(crate) fn is_flagship(&self) -> bool {
        self.edition == 'F'
    }
}

#[cfg(test)]
mod tests {
    use super::{Collection, TABLE};
    use crate::dialect::Dialect;

    #[test]
    fn every_line_of_the_table_is_read() {
        let all: Vec<_> = Collection::all().collect();
        let heads = TABLE.lines().filter(|line| line.starts_with('#')).count();
        let sides = TABLE.lines().filter(|line| line.starts_with(['E', 'F']));
        assert_eq!(all.len(), heads);
        assert_eq!(
            all.iter().map(|one| one.sides.len()).sum::<usize>(),
            sides.count()
        );
        for collection in &all {
            let name = collection.name;
            assert_eq!(Collection::by_name(name).map(|one| one.name), Some(name));
            for side in &collection.sides {
                let windowed = side.max_window_s.is_some();
                assert_eq!(windowed, !side.bounds.0.is_empty(), "{name}");
                let timeless = [super::Kind::Whole, super::Kind::Queue];
                assert_eq!(windowed, !timeless.contains(&collection.kind), "{name}");
                assert_eq!(side.is_flagship(), side.method != "-", "{name}");
            }
        }
    }

    #[test]
    fn each_dialect_has_its_name_for_a_query() {
        let check = |name: &str, dialect: Dialect, expected: Option<&str>| {
            let collection = Collection::by_name(name).unwrap();
            let side = collection.side(dialect);
            let method = side.map(|side| collection.method(dialect, side));
            assert_eq!(method.as_deref(), expected);
        };
        check("trade_query", Dialect::Openapi2, Some("trade_query.php"));
        check("shop", Dialect::Qimen, Some("wdt.shop.query"));
        check(
            "stockout_order_query_trade",
            Dialect::Qimen,
            Some("wdt.stockout.order.query.trade"),
        );
        check(
            "stock_query",
            Dialect::Flagship,
            Some("wms.StockSpec.search2"),
        );
        check(
            "stockout_order_query_trade",
            Dialect::FlagshipQimen,
            Some("wdt.wms.stockout.sales.querywithdetail"),
        );
        check("vip_api_refund_query", Dialect::Flagship, None);
    }
}
