//! Rows of the collections that no order makes: reproducible from a seed, kept as members with the digits of
//! their numbers, changed one by one.

use super::collection::Collection;
use crate::clock::china_text;
use crate::node::Node;
use crate::orders::catalogue::{goods_no, shop, spec_no, warehouse};
use crate::random::Random;
use crate::writer::decimal;

const TEXTS: [&str; 5] = [
    "",
    "发最好&&&的+",
    "\"加急\"\n第二行",
    "C:\\库存\\2025",
    "普通备注",
];

/// A row with the fields that the collection's table names.
pub(crate) fn generate(collection: &Collection, index: u64, seed: u64, modified: i64) -> Node {
    let name = collection.name.len() as u64;
    let mut random = Random::new(seed ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (name << 32));
    let members = collection.row.iter().map(|(field, kind)| {
        let value = value(kind, index, modified, &mut random);
        ((*field).to_owned(), value)
    });
    Node::Map(members.collect())
}

fn value(kind: &str, index: u64, modified: i64, random: &mut Random) -> Node {
    let pick = |random: &mut Random, count: u64| usize::try_from(random.below(count)).unwrap_or(0);
    let number = |value: u64| Node::Number(value.to_string());
    match kind {
        // Every eighth is longer than a double can hold.
        "id" if index.is_multiple_of(8) => number(2_756_286_207_594_000_000 + index),
        "id" => number(600_000 + index),
        "n" => Node::Number(decimal(
            i64::try_from(random.below(90_000_000)).unwrap_or(0),
        )),
        "text" => Node::text(format!("{}{index}", random.pick(&TEXTS))),
        "warehouse" => Node::text(warehouse(pick(random, 3)).0),
        "shop" => Node::text(shop(pick(random, 4)).0),
        "modified" => Node::text(china_text(modified)),
        "created" => Node::text(china_text(modified - 7_200)),
        "lines" => Node::List(
            (0..=random.below(3))
                .map(|at| line(index * 10 + at, random))
                .collect(),
        ),
        _ => match kind.strip_prefix('=') {
            Some(digits) => Node::Number(digits.to_owned()),
            None => Node::text(format!("{kind}{index:07}")),
        },
    }
}

fn line(rec_id: u64, random: &mut Random) -> Node {
    let spec = usize::try_from(random.below(200)).unwrap_or(0);
    let (num, price) = (random.below(1_000_000), random.below(5_000_000));
    Node::map([
        ("rec_id", Node::Number((7_000_000 + rec_id).to_string())),
        ("spec_no", Node::text(spec_no(spec))),
        ("goods_no", Node::text(goods_no(spec))),
        (
            "num",
            Node::Number(decimal(i64::try_from(num).unwrap_or(0))),
        ),
        (
            "price",
            Node::Number(decimal(i64::try_from(price).unwrap_or(0))),
        ),
        ("remark", Node::text(random.pick(&TEXTS))),
    ])
}

/// The same row, changed at this time.
pub(crate) fn changed(row: &Node, at: i64) -> Node {
    let mut row = row.clone();
    let times = row.get("revision").map_or(0, Node::id);
    row.set("revision", Node::integer(times + 1));
    row.set("modified", Node::text(china_text(at)));
    row
}
