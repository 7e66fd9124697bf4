//! The Waiqin365 (外勤365, 勤策) server: 20 queries and 19 writes of its DMS interface.
//!
//! Facts are the vendor's DMS documents and what its clients agree on. What is our inference: the texts of
//! refusals, since no list of codes is public; how far a timestamp may lie from now; that a message's id may
//! not come twice in writes; and everything in `rules`.

mod check;
mod facts;
mod query;
mod record;
mod route;
mod rules;
mod system;
mod write;

pub(crate) use route::serve;
pub use rules::{Waiqin365Rules, WaiqinOrder};

use crate::clock::{Clock, parse_china};
use crate::config::{Config, Waiqin365Credentials};
use crate::exchange::{Answer, Effect, Vendor};
use crate::fault_rule::FaultKind;
use crate::node::Node;
use crate::signature::waiqin365;
use bytes::Bytes;
use facts::Operation;
use record::Record;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use write::Done;

/// One vendor's server, and what a test may ask of it.
pub struct Waiqin365 {
    clock: Clock,
    credentials: Waiqin365Credentials,
    rules: Waiqin365Rules,
    seed: u64,
    operations: Vec<Operation>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By query, in the order of creation.
    records: BTreeMap<&'static str, Vec<Record>>,
    /// By write, in the order in which they took effect.
    written: BTreeMap<&'static str, Vec<Taken>>,
    messages: HashSet<String>,
    late: Vec<Late>,
}

/// A document that took effect.
#[derive(Clone)]
struct Taken {
    key: String,
    json: String,
}

/// A write that takes effect after its caller has gone.
struct Late {
    due: Instant,
    operation: usize,
    body: Node,
}

/// A call that was recognised by its path.
pub(crate) struct Call<'a> {
    server: &'a Waiqin365,
    at: usize,
    operation: &'a Operation,
    /// What follows the operation: openid, timestamp, digest, message id.
    tail: [&'a str; 4],
    body: Bytes,
}

impl Waiqin365 {
    pub(crate) fn new(config: &Config) -> Self {
        let now_ms = config.now.unwrap_or_else(|| config.clock.now()) * 1000;
        let period_ms = i64::try_from(config.period.as_millis()).unwrap_or(0);
        let rules = config.waiqin365.clone();
        let operations = Operation::all();
        let mut inner = Inner::default();
        for operation in operations.iter().filter(|operation| operation.is_query) {
            let count = rules.rows;
            let age = |number: usize| {
                let left = i64::try_from(count - number).unwrap_or(0);
                period_ms / i64::try_from(count + 1).unwrap_or(1) * left
            };
            let records = (0..count)
                .map(|number| record::make(operation, config.seed, number, now_ms - age(number)));
            inner.records.insert(operation.name, records.collect());
        }
        Self {
            clock: config.clock.clone(),
            credentials: config.credentials.waiqin365.clone(),
            rules,
            seed: config.seed,
            operations,
            inner: Mutex::new(inner),
        }
    }

    /// None for a path that the server does not have.
    pub(crate) fn call<'a>(&'a self, method: &str, path: &'a str, body: Bytes) -> Option<Call<'a>> {
        let (at, operation, tail) =
            self.operations
                .iter()
                .enumerate()
                .find_map(|(at, operation)| {
                    let tail = path.strip_prefix(operation.path)?.strip_prefix('/')?;
                    Some((at, operation, tail))
                })?;
        let mut parts = tail.split('/');
        let tail = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let whole = parts.next().is_none() && method == "POST";
        whole.then_some(Call {
            server: self,
            at,
            operation,
            tail,
            body,
        })
    }

    fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.name == name)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets late writes take effect: those that are due by then, or all.
    pub(crate) fn catch_up(&self, by: Option<Instant>) {
        let mut inner = self.inner();
        let (due, rest) = std::mem::take(&mut inner.late)
            .into_iter()
            .partition(|late| by.is_none_or(|by| late.due <= by));
        inner.late = rest;
        let due: Vec<Late> = due;
        for late in due {
            if let Some(operation) = self.operations.get(late.operation) {
                // Nobody is there to hear the answer.
                _ = self.write(&mut inner, operation, &late.body, 0);
            }
        }
    }

    /// Forgets what was written; the records that came of it stay.
    pub(crate) fn reset(&self) {
        let mut inner = self.inner();
        inner.written.clear();
        inner.late.clear();
    }
}

impl Call<'_> {
    /// The operation, for the journal.
    pub(crate) fn name(&self) -> &'static str {
        self.operation.name
    }

    /// Who calls, and whether this is what was signed.
    fn admit(&self) -> Result<(), String> {
        let [openid, timestamp, digest, message] = self.tail;
        let known = &self.server.credentials;
        if openid != known.openid {
            return Err("openid不存在".to_owned());
        }
        let mut spaced = String::new();
        for (place, character) in timestamp.chars().enumerate() {
            match place {
                4 | 6 => spaced.push('-'),
                8 => spaced.push(' '),
                10 | 12 => spaced.push(':'),
                _ => {}
            }
            spaced.push(character);
        }
        let at_s = parse_china(&spaced).ok_or_else(|| "时间戳格式错误".to_owned())?;
        let skew = self.server.clock.now().abs_diff(at_s);
        if self
            .server
            .rules
            .max_skew
            .is_some_and(|most| skew > most.as_secs())
        {
            return Err("时间戳超出有效范围".to_owned());
        }
        if digest != waiqin365(&self.body, &known.appkey, timestamp) {
            return Err("签名错误".to_owned());
        }
        let good = message.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if message.is_empty() || message.len() > 32 || !good {
            return Err("msg_id格式错误".to_owned());
        }
        Ok(())
    }

    /// The answer's members beside the message's id, and what the journal keeps.
    fn run(&self, effect: Effect) -> Result<(Done, String), String> {
        self.admit()?;
        let text = std::str::from_utf8(&self.body).map_err(|_| "请求体不是UTF-8".to_owned())?;
        let body = Node::parse(text).map_err(|error| format!("请求体不是JSON:{error}"))?;
        if !matches!(body, Node::Map(_)) {
            return Err("请求体应为对象".to_owned());
        }
        let server = self.server;
        server.catch_up(Some(Instant::now()));
        let mut inner = server.inner();
        if self.operation.is_query {
            return self.query(&mut inner, &body, effect);
        }
        let [.., message] = self.tail;
        if !inner.messages.insert(message.to_owned()) {
            return Err("msg_id重复".to_owned());
        }
        check::check(self.operation, &body, server.rules.strict_fields)?;
        if let Some(ms) = effect.late_ms {
            inner.late.push(Late {
                due: Instant::now() + Duration::from_millis(ms),
                operation: self.at,
                body,
            });
            return Ok((Done::default(), "late".to_owned()));
        }
        let done = server.write(&mut inner, self.operation, &body, effect.hidden_ms)?;
        Ok((done, String::new()))
    }

    fn query(
        &self,
        inner: &mut Inner,
        body: &Node,
        effect: Effect,
    ) -> Result<(Done, String), String> {
        let server = self.server;
        let now_ms = server.clock.now_ms();
        let records = inner.records.entry(self.operation.name).or_default();
        let page = query::page(self.operation, records, body, &server.rules, now_ms)?;
        let rows: Vec<Node> = page
            .records
            .iter()
            .map(|record| record.fields.clone())
            .collect();
        let first = page.records.first().map(|record| record.key.clone());
        let detail = page.detail;
        if let (Some(ms), Some(key)) = (effect.change_ms, first)
            && let Some(record) = records.iter_mut().find(|record| record.key == key)
        {
            let ago = i64::try_from(ms).unwrap_or(0);
            record::change(self.operation, record, now_ms - ago);
        }
        let done = Done {
            message: None,
            data: Some(Node::List(rows).to_string()),
        };
        Ok((done, detail))
    }

    /// The envelope in the shape that the documents print for this operation.
    fn envelope(&self, failed: bool, message: &str, data: Option<String>) -> Vec<u8> {
        let has = |word| self.operation.answer.contains(&word);
        let code = match (failed, has("text"), has("truth")) {
            (true, true, _) => Node::text("1"),
            (true, false, _) => Node::integer(1),
            (false, true, _) => Node::text("0"),
            (false, _, true) => Node::Bool(true),
            (false, ..) => Node::integer(0),
        };
        let mut members = vec![("return_code".to_owned(), code)];
        if has("msg") || failed {
            let [.., id] = self.tail;
            members.insert(0, ("msg_id".to_owned(), Node::text(id)));
            members.push(("return_msg".to_owned(), Node::text(message)));
        }
        if has("data") {
            // A string that holds JSON.
            let data = data.filter(|_| !failed).map_or(Node::Null, Node::Text);
            members.push(("response_data".to_owned(), data));
        }
        Node::Map(members).to_bytes()
    }
}

impl Vendor for Call<'_> {
    fn apply(&self, effect: Effect) -> Answer {
        match self.run(effect) {
            Ok((done, detail)) => {
                let message = done.message.unwrap_or_default();
                Answer::json(self.envelope(false, &message, done.data), detail)
            }
            Err(message) => Answer::json(self.envelope(true, &message, None), message),
        }
    }

    fn spoil(&self, kind: FaultKind) -> Answer {
        let body = match kind {
            FaultKind::WrongEnvelope => br#"{"d":{"ok":true}}"#.to_vec(),
            FaultKind::WrongTypes if self.operation.is_query => {
                br#"{"return_code":"0","return_msg":"","response_data":7}"#.to_vec()
            }
            FaultKind::WrongTypes => br#"{"return_code":{"0":1},"return_msg":[]}"#.to_vec(),
            FaultKind::SessionLost => self.envelope(true, "签名错误", None),
            _ => self.envelope(true, "请求过于频繁", None),
        };
        Answer::json(body, "")
    }
}

#[cfg(test)]
mod tests;
