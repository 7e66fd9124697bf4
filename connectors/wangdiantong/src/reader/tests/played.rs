//! A Wangdiantong that is played: it keeps to the documented rules, and fails
//! where it is told to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use duijie_sdk::http::{Failure, Piece, Purpose, Request, Response};
use duijie_sdk::{Network, Signed, time};
use serde_json::{Value, json};

/// The played system. Documents are sorted by time and number.
#[derive(Default)]
pub(super) struct Played {
    pub(super) now_s: Cell<i64>,
    pub(super) documents: RefCell<BTreeSet<(i64, u32)>>,
    pub(super) requests: RefCell<Vec<BTreeMap<String, String>>>,
    /// Request numbers that get no answer.
    pub(super) fails: RefCell<BTreeSet<usize>>,
    /// Request numbers whose answer has something else in the list's place.
    pub(super) listless: RefCell<BTreeSet<usize>>,
    /// Documents that appear when this request comes in.
    pub(super) arrivals: RefCell<BTreeMap<usize, Vec<(i64, u32)>>>,
    /// Documents that leave when this request comes in.
    pub(super) departures: RefCell<BTreeMap<usize, Vec<(i64, u32)>>>,
    /// Requests sent at once are served from the last to the first.
    pub(super) backwards: Cell<bool>,
}

impl Played {
    fn answer(&self, request: &Request) -> Result<Response, Failure> {
        assert_eq!(request.purpose, Some(Purpose::Read));
        assert_eq!(
            request.url,
            "https://api.example.com/openapi2/stockout_order_query_trade.php"
        );
        let [Piece::Bytes(body)] = request.body.as_slice() else {
            panic!("one piece of bytes")
        };
        let number = self.requests.borrow().len();
        let form = decoded(body);
        let get = |name: &str| form.get(name).cloned().unwrap_or_default();
        let (from, to) = (
            time::parse(&get("start_time")),
            time::parse(&get("end_time")),
        );
        let (from, to) = (from.unwrap(), to.unwrap());
        assert!(from < to && to - from < 30 * 86_400);
        let (page, size): (usize, usize) = (
            get("page_no").parse().unwrap(),
            get("page_size").parse().unwrap(),
        );
        self.requests.borrow_mut().push(form);
        if let Some(new) = self.arrivals.borrow_mut().remove(&number) {
            self.documents.borrow_mut().extend(new);
        }
        if let Some(gone) = self.departures.borrow_mut().remove(&number) {
            let mut documents = self.documents.borrow_mut();
            documents.retain(|document| !gone.contains(document));
        }
        if self.fails.borrow_mut().remove(&number) {
            return Err(Failure::NoAnswer("cut".to_owned()));
        }
        let documents = self.documents.borrow();
        let found: Vec<_> = documents
            .iter()
            .filter(|(at, _)| (from..=to).contains(at))
            .collect();
        let list: Vec<Value> = found
            .iter()
            .skip(page * size)
            .take(size)
            .map(|(at, id)| json!({ "stockout_id": id.to_string(), "modified": time::format(*at) }))
            .collect();
        let mut answer = json!({ "code": 0, "message": "", "stockout_list": list });
        if page == 0 {
            answer["total_count"] = found.len().to_string().into();
        }
        if self.listless.borrow_mut().remove(&number) {
            answer["stockout_list"] = json!({ "0": {} });
        }
        let body = serde_json::to_vec(&answer).unwrap();
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body,
        })
    }

    pub(super) fn pages(&self) -> Vec<String> {
        self.requests
            .borrow()
            .iter()
            .map(|form| form["page_no"].clone())
            .collect()
    }
}

fn decoded(body: &[u8]) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(body).unwrap();
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            rest = tail;
            bytes.push(match first {
                b'+' => b' ',
                b'%' => {
                    let hex = std::str::from_utf8(&tail[..2]).unwrap();
                    rest = &tail[2..];
                    u8::from_str_radix(hex, 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

impl Network for &Played {
    fn send(&self, request: Request) -> Result<Response, Failure> {
        self.answer(&request)
    }

    fn send_many(&self, requests: Vec<Request>) -> Vec<Result<Response, Failure>> {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        if self.backwards.get() {
            order.reverse();
        }
        let mut answers: BTreeMap<_, _> = order
            .into_iter()
            .map(|place| (place, self.answer(&requests[place])))
            .collect();
        std::iter::from_fn(|| answers.pop_first().map(|(_, answer)| answer)).collect()
    }

    fn sign(&self, recipe: &str, inputs: &[(&str, &str)]) -> Result<Signed, String> {
        assert!(
            inputs
                .iter()
                .all(|(name, value)| *name != "sign" && !value.is_empty())
        );
        Ok(Signed {
            text: format!("signed by {recipe}"),
            time_ms: self.now_ms(),
        })
    }

    fn held(&self) -> Vec<String> {
        Vec::new()
    }

    fn forget(&self) {}

    fn now_ms(&self) -> u64 {
        self.now_s.get() as u64 * 1000
    }
}
