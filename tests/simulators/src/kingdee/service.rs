//! What the form service does with one call: its body is read, its form looked up, its operation done.

use super::document::Store;
use super::forms::{self, Form};
use super::reply::{Failure, failure};
use super::trouble::Late;
use super::{Call, OUTSTOCK, body, fast, operation, push, query, save, seed, unknown};
use crate::exchange::Effect;
use crate::node::Node;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::Instant;

/// A call whose form is known.
struct Work<'a> {
    form: &'static Form,
    body: &'a body::Body,
    effect: Effect,
    now_ms: i64,
}

impl Call<'_> {
    pub(super) fn is_query(&self) -> bool {
        matches!(self.operation.as_str(), "ExecuteBillQuery" | "BillQuery")
    }

    fn reads(&self) -> bool {
        self.is_query() || self.operation == "View"
    }

    pub(super) fn form(&self, effect: Effect) -> Result<Node, Failure> {
        let server = self.server;
        if let Some(ms) = effect.late_ms.filter(|_| !self.reads()) {
            server.trouble.delay(Late {
                due: Instant::now() + Duration::from_millis(ms),
                operation: self.operation.clone(),
                body: self.body.clone(),
            });
            return Ok(Node::Null);
        }
        let now_ms = server.clock.now_ms();
        let mut store = server.store.lock().unwrap_or_else(PoisonError::into_inner);
        let saves = matches!(self.operation.as_str(), "Save" | "BatchSave");
        if server.rules.fast && saves {
            let mut bodies = server.bodies.lock().unwrap_or_else(PoisonError::into_inner);
            let bills = store.of_mut(OUTSTOCK).ok_or_else(|| unknown(OUTSTOCK))?;
            return Ok(fast::save(bills, &mut bodies, &self.body, effect, now_ms));
        }
        let body = body::read(&self.body, self.is_query())?;
        let asked = body.data.get("FormId").and_then(Node::scalar);
        let name = match self.is_query() {
            true => asked.unwrap_or_default(),
            false => &body.form_id,
        };
        let work = Work {
            form: forms::form(name).ok_or_else(|| unknown(name))?,
            body: &body,
            effect,
            now_ms,
        };
        let reply = self.work(&mut store, &work)?;
        Ok(if body.polled {
            // A long call that is complete at once: status 2, and nothing is left to poll.
            Node::map([
                ("Status", Node::integer(2)),
                ("TaskId", Node::text("1")),
                ("Result", reply),
            ])
        } else {
            reply
        })
    }

    fn work(&self, store: &mut Store, work: &Work<'_>) -> Result<Node, Failure> {
        let Work {
            form,
            body,
            effect,
            now_ms,
        } = *work;
        if self.operation == "Push" {
            return push::run(store, form, &body.data, effect, now_ms);
        }
        let bills = store.of_mut(form.name).ok_or_else(|| unknown(form.name))?;
        if !self.reads() && form.number.is_empty() {
            return Err(failure(12, format!("{}不支持此操作", form.name)));
        }
        let save = save::Save {
            data: &body.data,
            rules: &self.server.rules,
            effect,
            refusals: &self.server.trouble.refusals(),
            now_ms,
            draft: self.operation == "Draft",
        };
        match self.operation.as_str() {
            "Save" | "Draft" => save.one(bills),
            "BatchSave" => save.batch(bills),
            "View" => operation::view(bills, &body.data),
            "ExecuteBillQuery" | "BillQuery" => {
                let query = query::Query::read(form, &body.data)?;
                let (rows, first) = query.rows(bills);
                if let (Some(ms), Some(id)) = (effect.change_ms, first) {
                    seed::change(bills, id, now_ms - i64::try_from(ms).unwrap_or(0));
                }
                let named = |row: Vec<Node>| match self.operation.as_str() {
                    "BillQuery" => Node::Map(query.keys.iter().cloned().zip(row).collect()),
                    _ => Node::List(row),
                };
                Ok(Node::List(rows.into_iter().map(named).collect()))
            }
            operation => {
                let act = operation::Act {
                    operation,
                    number: &body.op_number,
                    now_ms,
                };
                operation::run(bills, act, &body.data, effect)
            }
        }
    }
}
