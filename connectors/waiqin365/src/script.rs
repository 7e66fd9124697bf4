//! A host that plays a script: answers in order, and what was asked of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use duijie_sdk::http::{Failure, Piece, Purpose, Request, Response};
use duijie_sdk::target::{Action, Batch, Entry, Outcome};
use duijie_sdk::{Network, Retry, Signed};
use serde_json::Value;

use crate::call::Client;
use crate::tests::{connection, settings};

type Answer = Result<Response, Failure>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    answers: Rc<RefCell<VecDeque<Answer>>>,
    sent: Rc<RefCell<Vec<Request>>>,
}

impl Script {
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        Self {
            answers: Rc::new(RefCell::new(answers.into())),
            ..Self::default()
        }
    }

    pub(crate) fn client(&self) -> Client<Script> {
        let settings = settings(&connection(), &Value::Null);
        Client::new(
            self.clone(),
            crate::settings::connection(&settings).unwrap(),
        )
    }

    /// Purpose, operation and body of what was sent; nothing of the script is
    /// left over.
    #[track_caller]
    pub(crate) fn sent(&self) -> Vec<String> {
        assert!(self.answers.borrow().is_empty(), "answers were left over");
        let shown = |request: &Request| {
            let purpose = match request.purpose.as_ref().unwrap() {
                Purpose::Session => "session".to_owned(),
                Purpose::Read => "read".to_owned(),
                Purpose::Write(entries) => format!("write {entries:?}"),
            };
            let operation = request.url.split("/v1/").nth(1).unwrap();
            let operation = operation.split("/5465").next().unwrap();
            let [Piece::Bytes(body)] = request.body.as_slice() else {
                panic!("one piece of bytes")
            };
            let body = String::from_utf8(body.clone()).unwrap();
            format!("{purpose} {operation} {body}")
        };
        self.sent.borrow().iter().map(shown).collect()
    }
}

impl Network for Script {
    fn send(&self, request: Request) -> Answer {
        self.sent.borrow_mut().push(request);
        let answer = self.answers.borrow_mut().pop_front();
        answer.expect("more was sent than scripted")
    }

    fn send_many(&self, requests: Vec<Request>) -> Vec<Answer> {
        requests
            .into_iter()
            .map(|request| self.send(request))
            .collect()
    }

    fn sign(&self, _: &str, _: &[(&str, &str)]) -> Result<Signed, String> {
        Ok(Signed {
            text: "d".to_owned(),
            time_ms: 0,
        })
    }

    fn held(&self) -> Vec<String> {
        Vec::new()
    }

    fn forget(&self) {}

    fn now_ms(&self) -> u64 {
        1_700_000_000_123
    }
}

#[allow(clippy::unnecessary_wraps)] // An answer of the script.
pub(crate) fn says(status: u16, body: &str) -> Answer {
    Ok(Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    })
}

/// The records of a query.
pub(crate) fn shows(records: &Value) -> Answer {
    let data = Value::from(records.to_string());
    says(
        200,
        &format!(r#"{{"return_code":"0","response_data":{data}}}"#),
    )
}

pub(crate) fn entry(target_key: &str, action: Action) -> Entry {
    Entry {
        target_key: target_key.to_owned(),
        action,
        known_id: None,
        attempt: 1,
    }
}

pub(crate) fn batch(documents: &[(&str, &str)]) -> Batch {
    let lines: String = documents
        .iter()
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let entries = documents.iter().map(|(key, _)| entry(key, Action::Create));
    Batch {
        data: lines.into_bytes(),
        entries: entries.collect(),
    }
}

pub(crate) fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied(id) => format!("applied {}", id.as_deref().unwrap_or("-")),
        Outcome::Rejected(rejection) if rejection.retry == Retry::Later => {
            format!("later {}", rejection.code)
        }
        Outcome::Rejected(rejection) => match &rejection.field {
            Some(field) => format!("rejected {} {field}", rejection.code),
            None => format!("rejected {}", rejection.code),
        },
        Outcome::Unknown(_) => "unknown".to_owned(),
        Outcome::Other(_) => "other".to_owned(),
    }
}
