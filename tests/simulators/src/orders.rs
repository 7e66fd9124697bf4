//! The orders behind Wangdiantong: what is true about each, reproducible from a seed.
//! Their text forms are in `render`; nothing here knows HTTP.

pub(crate) mod catalogue;
pub(crate) mod lines;
pub(crate) mod render;

use crate::clock::china_text;
use crate::config::Config;
use crate::random::Random;
use std::ops::RangeInclusive;

/// One stock-out and the sales order behind it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// Running number, unique for the life of the simulator.
    pub(crate) index: u64,
    /// Seed of everything that is not listed here (names, addresses, remarks).
    pub(crate) seed: u64,
    pub(crate) stockout_id: u64,
    pub(crate) stockout_no: String,
    pub(crate) trade_no: String,
    pub(crate) tids: Vec<String>,
    pub(crate) shop: usize,
    pub(crate) warehouse: usize,
    pub(crate) status: u16,
    /// None while not shipped.
    pub(crate) consign: Option<i64>,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) rec_id: u64,
    /// Index into the catalogue.
    pub(crate) spec: usize,
    /// Ten-thousandths.
    pub(crate) count: i64,
    pub(crate) price: i64,
    pub(crate) gift: bool,
    /// Which of the order's original numbers it came from.
    pub(crate) tid: usize,
}

impl Line {
    pub(crate) fn amount(&self) -> i64 {
        self.count / 10_000 * self.price
    }
}

impl Order {
    pub(crate) fn amount(&self) -> i64 {
        self.lines.iter().map(Line::amount).sum()
    }

    pub(crate) fn count(&self) -> i64 {
        self.lines.iter().map(|line| line.count).sum()
    }

    /// An order whose shipping (or, when not shipped, creation) happened at `at`.
    pub(crate) fn generate(
        index: u64,
        seed: u64,
        at: i64,
        shipped: bool,
        lines: &RangeInclusive<u32>,
    ) -> Self {
        let order_seed = seed ^ index.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let mut random = Random::new(order_seed);
        let long_id = random.one_in(8);
        let stockout_id = if long_id {
            2_756_286_207_594_850_000
        } else {
            1_024_000
        } + index;
        let merged = if random.one_in(12) {
            2 + random.below(2)
        } else {
            1
        };
        let tids: Vec<String> = (0..merged)
            .map(|part| format!("{}", 4_000_123_000_000_000_000 + index * 10 + part))
            .collect();
        let day = china_text(at)
            .get(2..10)
            .unwrap_or_default()
            .replace('-', "");
        let status = if shipped {
            [95, 110, 110, 110, 105, 113]
                .get(usize::try_from(random.below(6)).unwrap_or(0))
                .copied()
                .unwrap_or(110)
        } else if random.one_in(3) {
            5
        } else {
            55
        };
        let lines = generate_lines(&mut random, index, lines, tids.len());
        let delay = i64::try_from(random.below(300)).unwrap_or(0);
        Self {
            index,
            seed: order_seed,
            stockout_id,
            stockout_no: format!("CK{day}{index:06}"),
            trade_no: format!("JY{day}{index:06}"),
            tids,
            shop: usize::try_from(random.below(catalogue::SHOPS.len() as u64)).unwrap_or(0),
            warehouse: usize::try_from(random.below(catalogue::WAREHOUSES.len() as u64))
                .unwrap_or(0),
            status,
            consign: shipped.then_some(at),
            created: at - 3_600 - i64::try_from(random.below(90_000)).unwrap_or(0),
            modified: at + delay,
            lines,
        }
    }
}

fn generate_lines(
    random: &mut Random,
    index: u64,
    range: &RangeInclusive<u32>,
    tids: usize,
) -> Vec<Line> {
    let (low, high) = (
        u64::from(*range.start()).max(1),
        u64::from(*range.end()).max(1),
    );
    let count = low + random.below(high.saturating_sub(low) + 1);
    let mut lines: Vec<Line> = Vec::new();
    for at in 0..count {
        let mut spec = usize::try_from(random.below(catalogue::SPECS)).unwrap_or(0);
        // The first line is always sold, so that an order is never all gifts.
        let gift = at > 0 && random.one_in(6);
        if let Some(first) = lines.first()
            && random.one_in(9)
        {
            spec = first.spec;
        }
        let cents = 100 + random.below(30_000);
        lines.push(Line {
            rec_id: 5_550_000_000 + index * 100 + at,
            spec,
            count: 10_000 * i64::try_from(1 + random.below(5)).unwrap_or(1),
            price: if gift {
                0
            } else {
                i64::try_from(cents * 100).unwrap_or(0)
            },
            gift,
            tid: usize::try_from(at).unwrap_or(0) % tids.max(1),
        });
    }
    lines
}

/// The orders that exist at the start, shipped ones first. Two in a hundred more are not shipped.
pub(crate) fn first_orders(config: &Config, now: i64) -> Vec<Order> {
    let period = i64::try_from(config.period.as_secs())
        .unwrap_or(i64::MAX)
        .max(1);
    let unshipped = config.orders / 50;
    let mut random = Random::new(config.seed);
    let mut orders = Vec::with_capacity(config.orders + unshipped);
    for index in 0..(config.orders + unshipped) {
        // Ten minutes before the end leave room for `modified`, which follows the consign time.
        let age = 600 + i64::try_from(random.below(period.unsigned_abs())).unwrap_or(0);
        orders.push(Order::generate(
            1 + index as u64,
            config.seed,
            now - age,
            index < config.orders,
            &config.lines,
        ));
    }
    orders
}

#[cfg(test)]
mod tests;
