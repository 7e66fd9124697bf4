//! The server as a test over all vendors sees it, in the words and shapes of one dialect.

use super::Wangdiantong;
use super::ack;
use super::collection::{COLLECTIONS, Collection, named};
use super::push::{self, PUSHES, Push};
use super::store::Kept;
use crate::clock::china_text;
use crate::config::Dialect;
use crate::node::Node;
use crate::system::{Broken, Row, System};
use std::sync::{Arc, PoisonError};

/// Shipments that were taken back: each says that a stock-out is to go.
const REVERTED: &str = "stockout_order_query_trade_cancel";
const STOCKOUTS: &str = "stockout_order_query_trade";

/// The server in one of its dialects.
pub(crate) struct Spoken {
    pub(crate) server: Arc<Wangdiantong>,
    pub(crate) dialect: Dialect,
}

impl Spoken {
    fn push(&self, name: &str) -> Option<&'static Push> {
        push::offered(name, self.dialect.letter())
    }

    /// Takes back the first of the shipments that stand.
    fn take_back(&self, count: usize) -> Vec<String> {
        let standing = System::rows(self, STOCKOUTS).into_iter().take(count);
        let number = |row: Row| {
            let node = Node::parse(&row.json).unwrap_or(Node::Null);
            let number = node.get("stockout_no").and_then(Node::scalar);
            let number = number.unwrap_or_default().to_owned();
            let at = self.server.clock.now();
            self.server.revert(&number, at).then_some(row.key)
        };
        standing.filter_map(number).collect()
    }
}

impl System for Spoken {
    fn sources(&self) -> Vec<String> {
        let letter = self.dialect.letter();
        let offered = COLLECTIONS.iter().filter(|one| one.offers(letter));
        let queues = ack::offered(letter).map(str::to_owned);
        let mut names: Vec<String> = offered.map(|one| one.name.to_owned()).collect();
        names.extend(queues);
        names
    }

    fn targets(&self) -> Vec<String> {
        let letter = self.dialect.letter();
        let offered = PUSHES.iter().filter(|push| push.offers(letter));
        offered.map(|push| push.name.to_owned()).collect()
    }

    /// Of shipments that were taken back: the stock-outs that are left, since nothing else stands
    /// once each was heeded. Of a queue: every row that was ever in it.
    fn rows(&self, collection: &str) -> Vec<Row> {
        if ack::named(collection).is_some() {
            return self.server.queued(collection, self.dialect);
        }
        let name = match collection {
            REVERTED => STOCKOUTS,
            name => name,
        };
        let Some(collection) = named(name) else {
            return Vec::new();
        };
        let rows = self.server.rows(collection.name, self.dialect);
        let rows = rows.into_iter().map(|row| told(collection, row));
        // Stock-outs that are not shipped are in no window of shipping.
        let shown = |row: &Row| {
            let unshipped = row.json.contains(r#""consign_time":"0000-00-00 00:00:00""#);
            !(collection.shows_stockouts() && unshipped)
        };
        rows.filter(shown).collect()
    }

    fn add_rows(&self, collection: &str, count: usize) -> Vec<String> {
        if collection == REVERTED {
            return self.take_back(count);
        }
        if let Some(queue) = ack::named(collection) {
            let ids = self.server.queue(queue, count).into_iter();
            return ids.map(|id| id.to_string()).collect();
        }
        let before = System::rows(self, collection).len();
        let now = self.server.clock.now();
        match named(collection) {
            Some(one) if one.row.is_empty() => {
                self.server.add(count, now - 1, now, 0);
            }
            _ => self.server.add_rows(collection, count, now - 1, now),
        }
        let rows = System::rows(self, collection).into_iter();
        rows.skip(before).map(|row| row.key).collect()
    }

    fn change_row(&self, collection: &str, key: &str) -> bool {
        if let Some(queue) = ack::named(collection) {
            return self.server.requeue(queue, key);
        }
        let Some(one) = named(collection).filter(|one| !one.row.is_empty()) else {
            return false;
        };
        let mut rows = self.server.rows(collection, self.dialect).into_iter();
        let place = rows.position(|row| told(one, row).key == key);
        let now = self.server.clock.now();
        place.is_some_and(|place| self.server.change_row(collection, place, now))
    }

    fn sample(&self, collection: &str, n: usize) -> String {
        self.push(collection).map_or_else(String::new, |push| {
            push.sample.replace("{n}", &n.to_string())
        })
    }

    fn broken(&self, collection: &str) -> Vec<Broken> {
        let Some(push) = self.push(collection) else {
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
        let store = &self.server.store;
        let store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = store.kept.iter().filter(|kept| kept.push == collection);
        let row = |kept: &Kept| Row {
            key: kept.key.clone(),
            version: Some(china_text(kept.at)),
            json: kept.json.clone(),
        };
        kept.map(row).collect()
    }

    fn waiting(&self, collection: &str) -> usize {
        self.server.waiting(collection)
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
