//! The Kingdee server: logins, signed headers and the form service over the forms of `forms.tsv`.
//!
//! Facts are the vendor's own "WebAPI" page and SDKs where these speak; `save`, `session` and `operation`
//! say where they do not and the behaviour is our inference.

mod body;
mod check;
mod document;
mod fast;
mod fields;
mod filter;
mod forms;
mod operation;
mod push;
mod query;
mod reply;
mod save;
mod seed;
mod service;
mod session;
mod trouble;
mod world;

pub use document::Document;
pub(crate) use session::Turn;
pub use trouble::Refusal;

use crate::clock::Clock;
use crate::config::{Config, KingdeeCredentials, KingdeeRules};
use crate::exchange::{Answer, Effect, Vendor};
use crate::fault_rule::FaultKind;
use crate::node::Node;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use document::Store;
use reply::{Failure, SESSION_LOST, failure, refused, refused_rows};
use session::{Sessions, cookies, login, session_id, verify, welcome};
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;
use trouble::Trouble;

pub(crate) struct Kingdee {
    clock: Clock,
    credentials: KingdeeCredentials,
    rules: KingdeeRules,
    sessions: Sessions,
    store: Mutex<Store>,
    /// When the base data was made, unix milliseconds.
    born: i64,
    /// Bodies of fast mode.
    bodies: Mutex<Vec<Bytes>>,
    trouble: Trouble,
}

/// A call that was recognised by its path.
pub(crate) struct Call<'a> {
    server: &'a Kingdee,
    service: &'static str,
    pub(crate) operation: String,
    body: Bytes,
    session: Option<String>,
    /// Why the caller is not known; nothing for logins.
    stranger: Option<String>,
    signed: bool,
}

const OPERATIONS: [&str; 13] = [
    "Save",
    "BatchSave",
    "View",
    "ExecuteBillQuery",
    "BillQuery",
    "Submit",
    "Audit",
    "UnAudit",
    "Delete",
    "Draft",
    "Push",
    "CancelAssign",
    "ExcuteOperation",
];
const LOGINS: [&str; 4] = ["ValidateUser", "LoginByAppSecret", "LoginBySign", "LogOut"];

/// 销售出库单, which has ways of its own in tests.
const OUTSTOCK: &str = "SAL_OUTSTOCK";

fn unknown(form: &str) -> Failure {
    failure(5, format!("业务对象不存在：{form}"))
}

/// The service and operation of `/K3Cloud/Kingdee.BOS.WebApi.ServicesStub.<Service>.<Op>.common.kdsvc`.
/// `/k3cloud/` and a lower first letter of the operation are accepted, as seen in the vendor's samples.
fn route(path: &str) -> Option<(&'static str, &'static str)> {
    let start = path.get(..9)?;
    let stub = path
        .get(9..)?
        .strip_prefix("Kingdee.BOS.WebApi.ServicesStub.")?;
    let (service, operation) = stub.strip_suffix(".common.kdsvc")?.split_once('.')?;
    if !start.eq_ignore_ascii_case("/k3cloud/") {
        return None;
    }
    let same = |known: &&&str| {
        known.get(1..) == operation.get(1..) && known.eq_ignore_ascii_case(operation)
    };
    match service {
        "AuthService" => LOGINS
            .iter()
            .find(same)
            .map(|known| ("AuthService", *known)),
        "DynamicFormService" => OPERATIONS
            .iter()
            .find(same)
            .map(|known| ("DynamicFormService", *known)),
        _ => None,
    }
}

impl Kingdee {
    pub(crate) fn new(config: &Config) -> Self {
        let born = config.now.map_or(config.clock.now_ms(), |now| now * 1000);
        let mut store = Store::default();
        seed::base_data(&mut store, born);
        Self {
            clock: config.clock.clone(),
            credentials: config.credentials.kingdee.clone(),
            rules: config.kingdee.clone(),
            sessions: Sessions::default(),
            store: Mutex::new(store),
            born,
            bodies: Mutex::default(),
            trouble: Trouble::default(),
        }
    }

    /// Recognises a call and its caller; none for a path that the server does not have.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Option<(Call<'_>, Option<Turn>)> {
        let (service, operation) = route(path).filter(|_| method == "POST")?;
        let mut call = Call {
            server: self,
            service,
            operation: operation.to_owned(),
            body,
            session: session_id(headers),
            stranger: None,
            signed: headers.contains_key("x-api-signature"),
        };
        if service == "AuthService" {
            return Some((call, None));
        }
        let turn = call
            .session
            .as_deref()
            .and_then(|id| self.sessions.touch(id, &self.clock, &self.rules));
        if call.signed {
            call.stranger =
                verify(headers, path, &self.credentials, &self.rules, &self.clock).err();
            if turn.is_none() {
                call.session = None;
            }
        } else if turn.is_none() {
            call.stranger = Some("no live session".to_owned());
        }
        Some((call, turn))
    }

    /// The sales outbound bills that arrived.
    pub(crate) fn documents(&self) -> Vec<Document> {
        self.catch_up(Some(Instant::now()));
        self.documents_of(OUTSTOCK)
    }

    /// Lets late requests take effect: those that are due by then, or all.
    pub(crate) fn catch_up(&self, by: Option<Instant>) {
        for late in self.trouble.due(by) {
            let call = Call {
                server: self,
                service: "DynamicFormService",
                operation: late.operation,
                body: late.body,
                session: None,
                stranger: None,
                signed: false,
            };
            // Nobody is there to hear the answer.
            _ = call.form(Effect::default());
        }
    }

    /// From now on this bill is not taken.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        self.trouble.refusals().push(refusal);
    }

    pub(crate) fn accept_all(&self) {
        self.trouble.refusals().clear();
    }

    pub(crate) fn document_count(&self) -> usize {
        self.catch_up(Some(Instant::now()));
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.of(OUTSTOCK).map_or(0, document::Bills::len)
    }

    pub(crate) fn session_count(&self) -> usize {
        self.sessions.count()
    }

    pub(crate) fn session_ids(&self) -> Vec<String> {
        self.sessions.ids()
    }

    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.bodies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sets a bill to audited (`C`) without the steps before; false when there is none of that number.
    pub(crate) fn audit(&self, bill_no: &str) -> bool {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bills) = store.of_mut(OUTSTOCK) else {
            return false;
        };
        let Some(bill) = bills.fid(bill_no).and_then(|fid| bills.by_fid_mut(fid)) else {
            return false;
        };
        bill.status = 'C';
        true
    }

    pub(crate) fn reset(&self) {
        let mut store = Store::default();
        seed::base_data(&mut store, self.born);
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = store;
        self.bodies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.accept_all();
        drop(self.trouble.due(None));
    }
}

impl Call<'_> {
    fn login(&self) -> Answer {
        let server = self.server;
        if self.operation == "LogOut" {
            if let Some(id) = &self.session {
                server.sessions.end(id);
            }
            return Answer::json("true", "");
        }
        let body = std::str::from_utf8(&self.body)
            .ok()
            .and_then(|text| Node::parse(text).ok())
            .unwrap_or(Node::Null);
        match login(&self.operation, &body, &server.credentials) {
            Ok(()) => {
                let id = server.sessions.start(&server.clock);
                let mut answer = Answer::json(welcome(&id, &server.credentials).to_bytes(), "");
                answer.headers = cookies(&id);
                answer
            }
            Err((message, code)) => {
                let reply = Node::map([
                    ("Message", Node::text(message)),
                    ("MessageCode", Node::text(code)),
                    ("LoginResultType", Node::integer(0)),
                    ("Context", Node::Null),
                    ("KDSVCSessionId", Node::Null),
                    ("IsSuccessByAPI", Node::Bool(false)),
                ]);
                Answer::json(reply.to_bytes(), message)
            }
        }
    }
}

impl Vendor for Call<'_> {
    fn apply(&self, effect: Effect) -> Answer {
        if self.service == "AuthService" {
            return self.login();
        }
        if let Some(reason) = &self.stranger {
            let lost = failure(1, SESSION_LOST);
            let reply = if self.operation == "ExecuteBillQuery" {
                refused_rows(&lost)
            } else {
                refused(&lost)
            };
            return Answer::json(reply.to_bytes(), reason.as_str());
        }
        self.server.catch_up(Some(Instant::now()));
        let (reply, detail) = match self.form(effect) {
            Ok(reply) => (reply, String::new()),
            Err(failure) if self.operation == "ExecuteBillQuery" => {
                (refused_rows(&failure), failure.message)
            }
            Err(failure) => (refused(&failure), failure.message),
        };
        let mut answer = Answer::json(reply.to_bytes(), detail);
        if self.signed && self.session.is_none() {
            answer.headers = cookies(&self.server.sessions.start(&self.server.clock));
        }
        answer
    }

    fn spoil(&self, kind: FaultKind) -> Answer {
        let text = match kind {
            FaultKind::WrongEnvelope => r#"{"d":{"ok":true}}"#.to_owned(),
            FaultKind::WrongTypes if self.is_query() => r#"{"0":"rows"}"#.to_owned(),
            FaultKind::WrongTypes => {
                r#"{"Result":{"ResponseStatus":{"IsSuccess":[1],"Errors":"none","SuccessEntitys":{"0":1},"MsgCode":{}}}}"#.to_owned()
            }
            FaultKind::SessionLost => {
                if let Some(id) = &self.session {
                    self.server.sessions.end(id);
                }
                self.refusal(&failure(1, SESSION_LOST))
            }
            _ => self.refusal(&failure(14, "调用次数超过限制，请稍后重试")),
        };
        Answer {
            status: StatusCode::OK,
            body: Bytes::from(text),
            headers: Vec::new(),
            detail: String::new(),
        }
    }
}

impl Call<'_> {
    fn refusal(&self, failure: &Failure) -> String {
        if self.operation == "ExecuteBillQuery" {
            refused_rows(failure)
        } else {
            refused(failure)
        }
        .to_string()
    }
}

#[cfg(test)]
mod tests;
