//! The server as a test over all vendors sees it, in the words and shapes of dialect A.

use super::Wangdiantong;
use super::collection::{COLLECTIONS, Collection, named};
use crate::config::Dialect;
use crate::node::Node;
use crate::system::{Broken, Row, System};

impl System for Wangdiantong {
    fn sources(&self) -> Vec<String> {
        let offered = COLLECTIONS.iter().filter(|one| one.offers('A'));
        offered.map(|one| one.name.to_owned()).collect()
    }

    fn targets(&self) -> Vec<String> {
        Vec::new()
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

    fn sample(&self, _: &str, _: usize) -> String {
        String::new()
    }

    fn broken(&self, _: &str) -> Vec<Broken> {
        Vec::new()
    }

    fn written(&self, _: &str) -> Vec<Row> {
        Vec::new()
    }
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
