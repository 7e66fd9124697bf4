//! What was pushed, and what becomes of it.

use super::push::{Push, Written};
use super::{Refusal, Wangdiantong, business, collection};
use crate::clock::china_text;
use crate::exchange::Effect;
use crate::form::Form;
use crate::node::Node;
use std::sync::PoisonError;

/// A push that took effect: the page's name, the key, and the document as it came.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) push: &'static str,
    pub(crate) key: String,
    pub(crate) json: String,
    pub(crate) at: i64,
}

/// Everything that was pushed, in order; and a call that is to take effect later.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) kept: Vec<Kept>,
    late: Vec<(i64, &'static Push, Vec<Node>)>,
}

impl Wangdiantong {
    /// Takes the documents of a call.
    pub(crate) fn push(
        &self,
        push: &'static Push,
        form: &Form,
        effect: Effect,
    ) -> Result<Written, Refusal> {
        let mut documents = push.documents(form)?;
        if effect.half {
            documents.truncate(documents.len().div_ceil(2));
        }
        self.catch_up();
        if let Some(late_ms) = effect.late_ms {
            let due = self.clock.now_ms() + i64::try_from(late_ms).unwrap_or(0);
            let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
            store.late.push((due, push, documents));
            return Ok(Written::default());
        }
        self.take(push, documents, effect.hidden_ms)
    }

    /// Lets calls take effect whose time has come.
    pub(crate) fn catch_up(&self) {
        let now = self.clock.now_ms();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let (due, rest): (Vec<_>, Vec<_>) = store.late.drain(..).partition(|(at, ..)| *at <= now);
        store.late = rest;
        drop(store);
        for (_, push, documents) in due {
            // Nobody hears of a refusal any more.
            _ = self.take(push, documents, 0);
        }
    }

    fn take(
        &self,
        push: &'static Push,
        documents: Vec<Node>,
        hidden_ms: u64,
    ) -> Result<Written, Refusal> {
        let mut written = Written {
            key: push.key,
            ..Written::default()
        };
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let single = !push.upsert;
        for document in documents {
            let key = document
                .get(push.key)
                .and_then(Node::scalar)
                .unwrap_or_default();
            let key = key.to_owned();
            let known = store
                .kept
                .iter()
                .any(|kept| kept.push == push.name && kept.key == key);
            let fault = push.fault(&document);
            match fault {
                Some(fault) if single => return Err(business(2900, fault)),
                Some(fault) => {
                    written.errors.push((key, fault));
                    continue;
                }
                None if known && single => return Err(business(21_000_006, "外部单号重复!")),
                None => {}
            }
            if known {
                written.changed += 1;
            } else {
                written.new += 1;
            }
            store.kept.push(Kept {
                push: push.name,
                key: key.clone(),
                json: document.to_string(),
                at: self.clock.now(),
            });
            let number = self.show(push, document, store.kept.len(), hidden_ms, known);
            written.number = number.filter(|_| single);
        }
        Ok(written)
    }

    /// Shows a document in the matching query, under a number of the server's own where it gives one.
    fn show(
        &self,
        push: &'static Push,
        document: Node,
        count: usize,
        hidden_ms: u64,
        known: bool,
    ) -> Option<(&'static str, String)> {
        let (name, field, prefix) = push.shown;
        let collection = collection::named(name)?;
        let now = self.clock.now();
        let mut row = document;
        let own = row
            .get(field)
            .and_then(Node::scalar)
            .unwrap_or_default()
            .to_owned();
        let number = match prefix {
            "-" => own,
            _ if !own.is_empty() => own,
            prefix => format!("{prefix}{count:07}"),
        };
        row.set(field, Node::text(number.as_str()));
        row.set("platform_id", Node::integer(127));
        row.set("modified", Node::text(china_text(now)));
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let visible = self.clock.now_ms() + i64::try_from(hidden_ms).unwrap_or(0);
        let visible = if hidden_ms > 0 { visible } else { 0 };
        let table = tables.other(collection.name);
        if known {
            table.drop_pushed(field, &number);
        }
        table.keep(row, now, visible);
        (prefix != "-").then_some((field, number))
    }
}
