//! The server as a test over all vendors sees it, in the words and shapes of dialect A.

use super::Wangdiantong;
use super::collection::{COLLECTIONS, Collection, named};
use super::push::{self, PUSHES};
use super::store::Kept;
use crate::clock::china_text;
use crate::config::Dialect;
use crate::node::Node;
use crate::system::{Broken, Row, System};
use std::sync::PoisonError;

impl System for Wangdiantong {
    fn sources(&self) -> Vec<String> {
        // Reverted shipments are records that go, not documents that stand.
        let offered = COLLECTIONS
            .iter()
            .filter(|one| one.offers('A') && one.name != "stockout_order_query_trade_cancel");
        offered.map(|one| one.name.to_owned()).collect()
    }

    fn targets(&self) -> Vec<String> {
        let mut names: Vec<String> = PUSHES.iter().map(|push| push.name.to_owned()).collect();
        names.dedup();
        names
    }

    fn rows(&self, collection: &str) -> Vec<Row> {
        let Some(collection) = named(collection) else {
            return Vec::new();
        };
        let rows = self.rows(collection.name, Dialect::Direct);
        let rows = rows.into_iter().map(|row| told(collection, row));
        // Stock-outs that are not shipped are in no window of shipping.
        let shown = |row: &Row| {
            let unshipped = row.json.contains(r#""consign_time":"0000-00-00 00:00:00""#);
            !(collection.shows_stockouts() && unshipped)
        };
        rows.filter(shown).collect()
    }

    fn add_rows(&self, collection: &str, count: usize) -> Vec<String> {
        let before = System::rows(self, collection).len();
        let now = self.clock.now();
        match named(collection) {
            Some(one) if one.row.is_empty() => {
                self.add(count, now - 1, now, 0);
            }
            _ => self.add_rows(collection, count, now - 1, now),
        }
        let rows = System::rows(self, collection).into_iter();
        rows.skip(before).map(|row| row.key).collect()
    }

    fn change_row(&self, collection: &str, key: &str) -> bool {
        let Some(one) = named(collection).filter(|one| !one.row.is_empty()) else {
            return false;
        };
        let mut rows = self.rows(collection, Dialect::Direct).into_iter();
        let place = rows.position(|row| told(one, row).key == key);
        place.is_some_and(|place| {
            Wangdiantong::change_row(self, collection, place, self.clock.now())
        })
    }

    fn sample(&self, collection: &str, n: usize) -> String {
        let push = push::offered(collection, 'A');
        push.map_or_else(String::new, |push| {
            push.sample.replace("{n}", &n.to_string())
        })
    }

    fn broken(&self, collection: &str) -> Vec<Broken> {
        let Some(push) = push::offered(collection, 'A') else {
            return Vec::new();
        };
        // Without the key there is no document to speak of.
        let paths = push.required.iter().filter(|path| **path != push.key);
        let broken = |(n, path): (usize, &&'static str)| {
            let number = (9_000 + n).to_string();
            let sample = Node::parse(&push.sample.replace("{n}", &number)).ok()?;
            Some(Broken {
                field: (*path).to_owned(),
                json: without(&sample, path).to_string(),
            })
        };
        paths.enumerate().filter_map(broken).collect()
    }

    fn written(&self, collection: &str) -> Vec<Row> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = store.kept.iter().filter(|kept| kept.push == collection);
        let row = |kept: &Kept| Row {
            key: kept.key.clone(),
            version: Some(china_text(kept.at)),
            json: kept.json.clone(),
        };
        kept.map(row).collect()
    }
}

/// A document without one of its fields, in every line where it is a line's.
fn without(document: &Node, path: &str) -> Node {
    let Node::Map(members) = document else {
        return document.clone();
    };
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(list, field)| (list, Some(field)));
    let left = members.iter().filter_map(|(name, value)| match rest {
        _ if name != first => Some((name.clone(), value.clone())),
        None => None,
        Some(field) => {
            let lines = value
                .items()
                .iter()
                .map(|line| without(line, field))
                .collect();
            Some((name.clone(), Node::List(lines)))
        }
    });
    Node::Map(left.collect())
}

fn told(collection: &Collection, row: Vec<u8>) -> Row {
    let json = String::from_utf8(row).unwrap_or_default();
    let node = Node::parse(&json).unwrap_or(Node::Null);
    let text = |name: &str| node.get(name).and_then(Node::scalar).map(str::to_owned);
    let key: Vec<String> = collection
        .key
        .iter()
        .filter_map(|name| text(name))
        .collect();
    let timed = collection.enterprise.window.is_some();
    Row {
        key: key.join("/"),
        version: text("modified").filter(|_| timed),
        json,
    }
}
