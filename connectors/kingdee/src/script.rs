//! A host that plays a script: answers in order, and what was asked of it as
//! text with the holes shown. It captures as the real one does.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use duijie_sdk::http::{Failure, Piece, Place, Purpose, Request, Response};
use duijie_sdk::{Network, Signed};
use serde_json::{Value, json};

use crate::client::Client;
use crate::settings::Connection;

type Answer = Result<Response, Failure>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    answers: Rc<RefCell<VecDeque<Answer>>>,
    sent: Rc<RefCell<Vec<Request>>>,
    held: Rc<RefCell<Vec<String>>>,
}

impl Script {
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        Self {
            answers: Rc::new(RefCell::new(answers.into())),
            ..Self::default()
        }
    }

    /// As after a login.
    pub(crate) fn logged_in(answers: Vec<Answer>) -> Self {
        let script = Self::new(answers);
        script.held.borrow_mut().push("KDSVCSessionId".to_owned());
        script
    }

    /// What was sent, and nothing of the script is left over.
    #[track_caller]
    pub(crate) fn sent(&self) -> Vec<Request> {
        assert!(self.answers.borrow().is_empty(), "answers were left over");
        self.sent.borrow().clone()
    }

    /// The operations called, without the rest of their names.
    #[track_caller]
    pub(crate) fn operations(&self) -> Vec<String> {
        let operation = |request: &Request| request.url.rsplit('.').nth(2).unwrap().to_owned();
        self.sent().iter().map(operation).collect()
    }
}

impl Network for Script {
    fn send(&self, request: Request) -> Answer {
        let answer = self
            .answers
            .borrow_mut()
            .pop_front()
            .expect("more was sent than scripted");
        if let Ok(response) = &answer {
            let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            for capture in &request.captures {
                let found = match &capture.at {
                    Place::Pointer(pointer) => body.pointer(pointer).is_some_and(|id| id != ""),
                    Place::Cookie(name) => response
                        .headers
                        .iter()
                        .any(|(header, value)| header == "set-cookie" && value.starts_with(name)),
                    Place::Header(_) => false,
                };
                if found {
                    self.held.borrow_mut().push(capture.name.clone());
                }
            }
        }
        self.sent.borrow_mut().push(request);
        answer
    }

    fn send_many(&self, requests: Vec<Request>) -> Vec<Answer> {
        requests
            .into_iter()
            .map(|request| self.send(request))
            .collect()
    }

    fn sign(&self, recipe: &str, inputs: &[(&str, &str)]) -> Result<Signed, String> {
        let inputs: String = inputs
            .iter()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        Ok(Signed {
            text: format!("<{recipe}{inputs}>"),
            time_ms: 1_700_000_000_123,
        })
    }

    fn held(&self) -> Vec<String> {
        self.held.borrow().clone()
    }

    fn forget(&self) {
        self.held.borrow_mut().clear();
    }

    fn now_ms(&self) -> u64 {
        1_700_000_000_123
    }
}

pub(crate) fn connection(auth: &str) -> Connection {
    let text = json!({
        "base_url": "http://erp.example.com/k3cloud/",
        "acct_id": "5fd1c2a9f0e3b8",
        "username": "测试员",
        "auth": auth,
        "password": {"$secret": "password"},
        "app_id": "251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk",
        "app_secret": {"$secret": "app_secret"},
    });
    Connection::read(&text.to_string()).0
}

pub(crate) fn client(script: &Script) -> Client<Script> {
    Client::new(script.clone(), connection("app_secret"), false)
}

#[allow(clippy::unnecessary_wraps)] // An answer of the script.
pub(crate) fn says(status: u16, body: &str) -> Answer {
    Ok(Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    })
}

pub(crate) fn answer(body: &Value) -> Answer {
    says(200, &body.to_string())
}

pub(crate) fn logged_in() -> Answer {
    answer(&json!({"LoginResultType": 1, "Message": null, "KDSVCSessionId": "***"}))
}

/// `errors` are (index, message).
pub(crate) fn refused(msg_code: u32, errors: &[(usize, &str)]) -> Value {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(index, message)| json!({"FieldName": null, "Message": message, "DIndex": index}))
        .collect();
    json!({"Result": {"ResponseStatus": {
        "ErrorCode": 500, "IsSuccess": false, "Errors": errors,
        "SuccessEntitys": [], "SuccessMessages": [], "MsgCode": msg_code,
    }}})
}

/// `done` are (index, id).
pub(crate) fn saved(done: &[(usize, i64)]) -> Value {
    let done: Vec<Value> = done
        .iter()
        .map(|(index, id)| json!({"Id": id, "Number": format!("N{index}"), "DIndex": index}))
        .collect();
    json!({"Result": {"ResponseStatus": {
        "IsSuccess": true, "Errors": [], "SuccessEntitys": done, "SuccessMessages": [], "MsgCode": 0,
    }, "NeedReturnData": [{}]}})
}

pub(crate) fn session_lost() -> Answer {
    answer(&refused(1, &[(0, "会话信息已丢失，请重新登录")]))
}

/// Bytes as they are, holes in guillemets.
pub(crate) fn shown(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            Piece::Secret(hole) => format!("«secret {} {:?}»", hole.name, hole.encoding),
            Piece::Captured(hole) => format!("«captured {} {:?}»", hole.name, hole.encoding),
        })
        .collect()
}

/// A whole request as text, the way it goes.
pub(crate) fn request_text(request: &Request) -> String {
    let purpose = match request.purpose.as_ref().unwrap() {
        Purpose::Session => "session".to_owned(),
        Purpose::Read => "read".to_owned(),
        Purpose::Write(entries) => format!("write {entries:?}"),
    };
    let mut text = format!("{purpose}: {} {}\n", request.method, request.url);
    for header in &request.headers {
        text += &format!("{}: {}\n", header.name, shown(&header.value));
    }
    text += &shown(&request.body);
    for capture in &request.captures {
        text += &format!("\nkeeps {} from {:?}", capture.name, capture.at);
    }
    text
}
