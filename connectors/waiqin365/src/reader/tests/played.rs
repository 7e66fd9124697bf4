//! A Waiqin365 that is played: it keeps to the documents where they speak, does
//! either thing where they do not, and changes while it is read.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use duijie_sdk::http::{Failure, Piece, Purpose, Request, Response};
use duijie_sdk::{Network, Signed, time};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) id: u32,
    pub(super) created_s: i64,
    pub(super) modified_s: i64,
    /// Tells its contents apart.
    pub(super) revision: u32,
}

/// What happens to the documents when a request comes in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Arrives,
    /// The document at this place of the list changes.
    Changes(usize),
    /// The document at this place goes.
    Goes(usize),
}

/// In which order documents come; no document says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Order {
    #[default]
    Oldest,
    Newest,
    LeastChanged,
    LastChanged,
}

#[derive(Default)]
pub(super) struct Played {
    pub(super) now_s: Cell<i64>,
    pub(super) documents: RefCell<Vec<Document>>,
    pub(super) order: Cell<Order>,
    /// Whether the day or second that a bound names is inside.
    pub(super) bounds_count: Cell<bool>,
    /// Rows of a page where none may be asked for.
    pub(super) fixed_size: Cell<usize>,
    /// `page_number` is not looked at.
    pub(super) one_page: Cell<bool>,
    pub(super) events: RefCell<BTreeMap<usize, Event>>,
    /// Request numbers that get no answer.
    pub(super) fails: RefCell<BTreeSet<usize>>,
    pub(super) requests: RefCell<Vec<Value>>,
    pub(super) urls: RefCell<Vec<String>>,
}

impl Played {
    pub(super) fn arrive(&self, created_s: i64) {
        let mut documents = self.documents.borrow_mut();
        let id = documents.iter().map(|document| document.id + 1).max();
        documents.push(Document {
            id: id.unwrap_or(1),
            created_s,
            modified_s: created_s,
            revision: 0,
        });
    }

    fn happen(&self, event: Event) {
        let now_s = self.now_s.get();
        if let Event::Arrives = event {
            return self.arrive(now_s);
        }
        let mut documents = self.documents.borrow_mut();
        let places = documents.len();
        match event {
            Event::Changes(place) if places > 0 => {
                let document = &mut documents[place % places];
                document.modified_s = now_s;
                document.revision += 1;
            }
            Event::Goes(place) if places > 0 => {
                documents.remove(place % places);
            }
            _ => {}
        }
    }

    fn answer(&self, request: &Request) -> Result<Response, Failure> {
        assert_eq!(request.purpose, Some(Purpose::Read));
        let [Piece::Bytes(body)] = request.body.as_slice() else {
            panic!("one piece of bytes")
        };
        let asked: Value = serde_json::from_slice(body).unwrap();
        let number = self.requests.borrow().len();
        self.requests.borrow_mut().push(asked.clone());
        self.urls.borrow_mut().push(request.url.clone());
        self.now_s.set(self.now_s.get() + 1);
        let event = self.events.borrow_mut().remove(&number);
        if let Some(event) = event {
            self.happen(event);
        }
        if self.fails.borrow_mut().remove(&number) {
            return Err(Failure::NoAnswer("cut".to_owned()));
        }
        let rows = self.rows(&asked);
        let data = Value::from(Value::from(rows).to_string());
        let answer = json!({ "return_code": "0", "return_msg": null, "response_data": data });
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: answer.to_string().into_bytes(),
        })
    }

    fn rows(&self, asked: &Value) -> Vec<Value> {
        let documents = self.documents.borrow();
        let mut found: Vec<_> = documents
            .iter()
            .filter(|document| self.shows(asked, document))
            .collect();
        found.sort_by_key(|document| match self.order.get() {
            Order::Oldest => (document.created_s, document.id),
            Order::Newest => (-document.created_s, u32::MAX - document.id),
            Order::LeastChanged => (document.modified_s, document.id),
            Order::LastChanged => (-document.modified_s, document.id),
        });
        let page = asked["page_number"]
            .as_u64()
            .or(asked["page"].as_u64())
            .unwrap() as usize;
        let size = asked["page_length"].as_u64().or(asked["rows"].as_u64());
        let size = size.map_or(self.fixed_size.get(), |size| size as usize);
        let page = if self.one_page.get() { 1 } else { page };
        let found = found.into_iter().skip((page - 1) * size).take(size);
        found.map(row).collect()
    }

    fn shows(&self, asked: &Value, document: &Document) -> bool {
        let counts = i64::from(self.bounds_count.get());
        let bound = |names: &[&str]| {
            let given = names.iter().find_map(|name| asked[*name].as_str());
            given.map(|text| time::parse(text).unwrap())
        };
        for (after, from, to, at) in [
            (
                "after_create_date",
                ["start_create_date", "create_start"],
                ["end_create_date", "create_end"],
                document.created_s,
            ),
            (
                "after_modify_date",
                ["start_modify_date", "modify_start"],
                ["end_modify_date", "modify_end"],
                document.modified_s,
            ),
        ] {
            let inside = bound(&[after]).is_none_or(|after_s| at > after_s - counts)
                && bound(&from).is_none_or(|from_s| at >= from_s)
                && bound(&to).is_none_or(|to_s| at < to_s + counts * 86_400);
            if !inside {
                return false;
            }
        }
        true
    }
}

/// Its key under every name that a collection has for it.
fn row(document: &Document) -> Value {
    let id = document.id.to_string();
    json!({
        "id": id, "car_id": id, "storehouse": "1", "prod_id": id, "status": "1",
        "modify_time_str": format!("{}.000", time::format(document.modified_s)),
        "prods": [{ "id": "99", "status": "0" }], "revision": document.revision,
    })
}

impl Network for &Played {
    fn send(&self, request: Request) -> Result<Response, Failure> {
        self.answer(&request)
    }

    fn send_many(&self, requests: Vec<Request>) -> Vec<Result<Response, Failure>> {
        requests
            .iter()
            .map(|request| self.answer(request))
            .collect()
    }

    fn sign(&self, recipe: &str, inputs: &[(&str, &str)]) -> Result<Signed, String> {
        let names: Vec<_> = inputs.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            (recipe, names.as_slice()),
            ("digest", ["body", "timestamp"].as_slice())
        );
        Ok(Signed {
            text: "0123456789abcdef0123456789abcdef".to_owned(),
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
