//! The Wangdiantong server: dialects A (企业版 openapi2), B (企业奇门), C (旗舰版) and D (旗舰奇门) over one set of
//! orders and rows.
//!
//! What is our inference, because no public document says it: the numeric codes for a bad signature,
//! timestamp, sid or appkey (2100, 2090, 2030, 2060 follow one client's guesses); that a parameter with an
//! empty value is refused in A; the order of rows in an answer (by the window's time, then by arrival);
//! that a list of states below and above 95 selects by modification; the 10 minutes of timestamp skew in B.
//! The gateway's failure shape is a real sample from another vendor on the same gateway. That D tells totals
//! with page 1, and which decimals of 旗舰版 are texts.

mod ack;
mod collection;
mod direct;
mod document;
mod flagship;
mod flagship_ack;
mod layered;
mod push;
mod qimen;
mod query;
mod queued;
mod rows;
mod store;
mod system;
mod table;

pub(crate) use direct::Direct;
pub(crate) use flagship::Flagship;
pub(crate) use layered::Layered;
pub(crate) use qimen::{Gateway, Qimen};
pub(crate) use system::Spoken;

use crate::clock::Clock;
use crate::config::{Config, Dialect, WangdiantongCredentials};
use crate::exchange::{Effect, Repeat};
use crate::node::Node;
use crate::orders::render::Lists;
use crate::orders::{Order, first_orders};
use collection::Collection;
use query::Query;
use queued::Queue;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use store::Store;
use table::Tables;

/// A refusal in the vendor's words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// By Wangdiantong itself.
    Business { code: u32, message: String },
    /// By TOP's gateway, dialect B only.
    Gateway {
        code: u32,
        message: String,
        sub_code: &'static str,
    },
}

pub(crate) fn business(code: u32, message: impl Into<String>) -> Refusal {
    Refusal::Business {
        code,
        message: message.into(),
    }
}

/// How an order changes. `modified` always moves forward.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrderChange {
    /// Which order; must exist.
    pub stockout_no: String,
    pub status: Option<u16>,
    /// The first line gets one piece more.
    pub more_pieces: bool,
    /// The last of several lines goes.
    pub drop_line: bool,
    /// A copy of the first line comes, with a `rec_id` of its own.
    pub add_line: bool,
    /// Unix seconds of `modified`; the clock's time when not given.
    pub at: Option<i64>,
}

pub(crate) struct Wangdiantong {
    pub(crate) clock: Clock,
    pub(crate) credentials: WangdiantongCredentials,
    lists: Lists,
    seed: u64,
    lines: RangeInclusive<u32>,
    calls_per_minute: Option<usize>,
    calls: Mutex<VecDeque<i64>>,
    tables: RwLock<Tables>,
    store: Mutex<Store>,
    queues: Mutex<BTreeMap<&'static str, Queue>>,
    /// Numbers of the stock-outs on the page that was given last.
    last_page: Mutex<Vec<String>>,
}

impl Wangdiantong {
    pub(crate) fn new(config: &Config) -> Self {
        let lists = Lists {
            details_list: config.details_list,
            batch_details: config.batch_details,
        };
        let now = config.now.unwrap_or_else(|| config.clock.now());
        let tables = Tables::new(first_orders(config, now), config, now);
        if let Some(dialect) = config.render_first {
            tables.render_all(dialect, lists);
        }
        Self {
            clock: config.clock.clone(),
            credentials: config.credentials.wangdiantong.clone(),
            lists,
            seed: config.seed,
            lines: config.lines.clone(),
            calls_per_minute: config.calls_per_minute,
            calls: Mutex::default(),
            tables: RwLock::new(tables),
            store: Mutex::default(),
            queues: Mutex::default(),
            last_page: Mutex::default(),
        }
    }

    /// Counts a call against the minute; none are left after the limit. The vendor's scope is not known:
    /// here the limit is for the whole server.
    pub(crate) fn admit(&self) -> Result<(), Refusal> {
        let Some(limit) = self.calls_per_minute else {
            return Ok(());
        };
        let now = self.clock.now_ms();
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        while calls.front().is_some_and(|at| *at <= now - 60_000) {
            calls.pop_front();
        }
        if calls.len() >= limit {
            return Err(business(
                1012,
                format!("接口调用频率超限，每分钟最多{limit}次，请稍后重试"),
            ));
        }
        calls.push_back(now);
        Ok(())
    }

    /// The page that was asked for, its rows' bytes joined by commas.
    pub(crate) fn page(
        &self,
        collection: &'static Collection,
        query: &Query,
        dialect: Dialect,
        effect: Effect,
    ) -> Page {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let table = tables.of(collection);
        let chosen = table.select(query, self.clock.now_ms());
        let from = query
            .page_no
            .saturating_mul(query.page_size)
            .min(chosen.len());
        let to = from.saturating_add(query.page_size).min(chosen.len());
        let rows = chosen.get(from..to).unwrap_or_default();
        let mut page = Page {
            list_key: collection.list_key(dialect),
            total: (query.page_no == 0).then_some(chosen.len()),
            rows: table.join(rows, dialect, self.lists),
            detail: format!("{query} rows={}", rows.len()),
        };
        if collection.shows_stockouts() {
            let numbers = rows.iter().filter_map(|at| tables.at(*at));
            let numbers: Vec<String> = numbers.map(|order| order.stockout_no.clone()).collect();
            drop(tables);
            self.upset(&mut page, numbers, dialect, effect);
        }
        page
    }

    /// Does to a page of stock-outs what a fault rule asks for, and remembers the page.
    fn upset(&self, page: &mut Page, numbers: Vec<String>, dialect: Dialect, effect: Effect) {
        let mut last = self
            .last_page
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(repeat) = effect.repeat {
            let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            for number in last.iter() {
                let mut superseded = tables.superseded();
                let first = superseded
                    .find(|old| repeat == Repeat::AsAtFirst && old.stockout_no == *number);
                let Some(order) = first.cloned().or_else(|| tables.order(number)) else {
                    continue;
                };
                if !page.rows.is_empty() {
                    page.rows.push(b',');
                }
                let row = crate::orders::render::stockout(&order, dialect, self.lists);
                page.rows.extend_from_slice(&row);
            }
        }
        if let (Some(ms), Some(number)) = (effect.change_ms, numbers.first()) {
            let ago = i64::try_from(ms / 1000).unwrap_or(0);
            self.change(&OrderChange {
                stockout_no: number.clone(),
                more_pieces: true,
                at: Some(self.clock.now() - ago),
                ..OrderChange::default()
            });
        }
        *last = numbers;
    }

    /// Adds shipped orders with consign times spread over `from..=to`, hidden before `visible_ms`.
    pub(crate) fn add(&self, count: usize, from: i64, to: i64, visible_ms: i64) -> Vec<String> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let span = (to - from).max(0);
        (0..count)
            .map(|at| {
                let offset = i64::try_from(at).unwrap_or(0) * span
                    / i64::try_from(count).unwrap_or(1).max(1);
                let mut order = Order::generate(
                    tables.next_index(),
                    self.seed,
                    from + offset,
                    true,
                    &self.lines,
                );
                order.modified = from + offset;
                let number = order.stockout_no.clone();
                tables.insert(order, visible_ms);
                number
            })
            .collect()
    }

    /// Changes an order; false when there is none of that number.
    pub(crate) fn change(&self, change: &OrderChange) -> bool {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let Some(mut order) = tables
            .order(&change.stockout_no)
            .map(|order| Order::clone(&order))
        else {
            return false;
        };
        order.modified = change
            .at
            .unwrap_or_else(|| self.clock.now())
            .max(order.modified + 1);
        order.status = change.status.unwrap_or(order.status);
        if change.more_pieces
            && let Some(line) = order.lines.first_mut()
        {
            line.count += 10_000;
        }
        if change.drop_line && order.lines.len() > 1 {
            order.lines.pop();
        }
        if change.add_line
            && let Some(mut line) = order.lines.first().cloned()
        {
            line.rec_id = order
                .lines
                .iter()
                .map(|line| line.rec_id)
                .max()
                .unwrap_or(0)
                + 1;
            order.lines.push(line);
        }
        tables.replace(order);
        true
    }

    /// Takes a shipment back; false when there is none of that number.
    pub(crate) fn revert(&self, stockout_no: &str, at: i64) -> bool {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let Some(order) = tables.order(stockout_no) else {
            return false;
        };
        tables.revert(Order::clone(&order), at);
        true
    }

    /// Adds generated rows, changed at times spread over `from..=to`; none where orders make them.
    pub(crate) fn add_rows(&self, name: &str, count: usize, from: i64, to: i64) {
        let Some(collection) = collection::named(name).filter(|one| !one.row.is_empty()) else {
            return;
        };
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let steps = i64::try_from(count).unwrap_or(1).max(1);
        for at in 0..steps.min(i64::try_from(count).unwrap_or(0)) {
            let modified = from + (to - from) * at / steps;
            tables.grow(collection, self.seed, modified, 0);
        }
    }

    /// Changes the row at a place of [`Self::rows`]; false when there is none.
    pub(crate) fn change_row(&self, name: &str, place: usize, at: i64) -> bool {
        let Some(collection) = collection::named(name).filter(|one| !one.row.is_empty()) else {
            return false;
        };
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let lists = self.lists;
        tables.other(collection.name).change(place, at, lists)
    }

    /// The rows of a collection as a dialect gives them.
    pub(crate) fn rows(&self, name: &str, dialect: Dialect) -> Vec<Vec<u8>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let told = |one| tables.of(one).told(dialect, self.lists);
        collection::named(name).map_or_else(Vec::new, told)
    }

    /// The stock-outs as dialect A gives them, the oldest number first.
    pub(crate) fn truth(&self) -> Vec<Vec<u8>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.orders().map(|order| self.told(order)).collect()
    }

    /// What stock-outs were before they changed, the oldest first.
    pub(crate) fn superseded(&self) -> Vec<Vec<u8>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.superseded().map(|order| self.told(order)).collect()
    }

    fn told(&self, order: &Arc<Order>) -> Vec<u8> {
        crate::orders::render::stockout(order, Dialect::Direct, self.lists)
    }
}

/// What fault rules and the journal call a method, in the words of dialect A.
pub(crate) fn operation_of(method: &str) -> String {
    let bare = method.strip_prefix("wdt.").unwrap_or(method);
    let known = collection::by_flagship(method).or_else(|| collection::by_layered(bare));
    let name = known.map(|collection| collection.name.to_owned());
    let name = name.or_else(|| push::by_method(bare).map(|push| push.name.to_owned()));
    let name = name.or_else(|| flagship_ack::page_of(method).map(str::to_owned));
    let name = name.or_else(|| collection::page_of(method));
    format!("wangdiantong.{}", name.as_deref().unwrap_or("unknown"))
}

/// What a call is answered with.
pub(crate) enum Reply {
    Page(Page),
    Written(push::Written),
    /// Members beside the code.
    Told(Vec<(String, Node)>),
}

pub(crate) struct Page {
    list_key: &'static str,
    total: Option<usize>,
    rows: Vec<u8>,
    detail: String,
}

/// The list's name and the total of the answer that a spoilt one stands for, so that nothing but the list
/// is wrong in it. What the server would have refused is spoilt as if it had been a later page.
fn outline(reply: Result<Reply, Refusal>) -> (&'static str, Option<usize>) {
    match reply {
        Ok(Reply::Page(page)) => (page.list_key, page.total),
        _ => ("stockout_list", None),
    }
}

#[cfg(test)]
mod tests;
