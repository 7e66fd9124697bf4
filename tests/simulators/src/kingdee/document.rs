//! The bills that arrived: by id and by number, with their states. Rules about them are in `save` and `operation`.

use super::forms::{self, Form};
use crate::node::Node;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use tokio::time::Instant;

/// A bill as the truth tells it.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub fid: i64,
    pub bill_no: String,
    /// `A` created, `B` in approval, `C` approved, `D` to be approved again, `Z` a draft.
    pub status: char,
    /// How often it was saved; 1 for a bill that was only created.
    pub saves: u32,
    /// The model with its ids, numbers with the digits that were sent. Empty in fast mode.
    pub json: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Bill {
    pub(crate) fid: i64,
    pub(crate) number: String,
    pub(crate) status: char,
    pub(crate) saves: u32,
    pub(crate) model: Node,
    pub(crate) visible: Instant,
    /// Milliseconds since 1970.
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) approved: Option<i64>,
    /// `B` once it was done: cancelled, closed, forbidden.
    pub(crate) cancelled: char,
    pub(crate) closed: char,
    pub(crate) forbidden: char,
}

impl Bill {
    pub(crate) fn document(&self) -> Document {
        Document {
            fid: self.fid,
            bill_no: self.number.clone(),
            status: self.status,
            saves: self.saves,
            json: if self.model == Node::Null {
                String::new()
            } else {
                self.model.to_string()
            },
        }
    }
}

/// The documents of one form.
pub(crate) struct Bills {
    pub(crate) form: &'static Form,
    bills: BTreeMap<i64, Bill>,
    /// Several bills share a number only where the rules let them.
    numbers: HashMap<String, Vec<i64>>,
    next_fid: i64,
    next_entry: i64,
}

/// The documents of all forms.
pub(crate) struct Store(BTreeMap<&'static str, Bills>);

impl Default for Store {
    fn default() -> Self {
        Self(
            forms::all()
                .iter()
                .map(|form| (form.name, Bills::new(form)))
                .collect(),
        )
    }
}

impl Store {
    pub(crate) fn of(&self, form: &str) -> Option<&Bills> {
        self.0.get(form)
    }

    pub(crate) fn of_mut(&mut self, form: &str) -> Option<&mut Bills> {
        self.0.get_mut(form)
    }
}

impl Bills {
    fn new(form: &'static Form) -> Self {
        Self {
            form,
            bills: BTreeMap::new(),
            numbers: HashMap::new(),
            next_fid: 100_001,
            next_entry: 500_001,
        }
    }

    pub(crate) fn by_fid(&self, fid: i64) -> Option<&Bill> {
        self.bills.get(&fid)
    }

    pub(crate) fn by_fid_mut(&mut self, fid: i64) -> Option<&mut Bill> {
        self.bills.get_mut(&fid)
    }

    /// The first bill of this number.
    pub(crate) fn fid(&self, number: &str) -> Option<i64> {
        self.fids(number).first().copied()
    }

    pub(crate) fn fids(&self, number: &str) -> &[i64] {
        self.numbers.get(number).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Bill> {
        self.bills.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.bills.len()
    }

    pub(crate) fn entry_id(&mut self) -> i64 {
        self.next_entry += 1;
        self.next_entry
    }

    /// Stores a new bill under the next id; the caller made sure that the number may be used.
    pub(crate) fn create(
        &mut self,
        number: String,
        status: char,
        mut model: Node,
        visible: Instant,
        now_ms: i64,
    ) -> i64 {
        self.next_fid += 1;
        let fid = self.next_fid;
        model.set(self.form.id, Node::integer(fid));
        if !self.form.number.is_empty() {
            model.set(self.form.number, Node::text(&number));
        }
        self.numbers.entry(number.clone()).or_default().push(fid);
        self.bills.insert(
            fid,
            Bill {
                fid,
                number,
                status,
                saves: 1,
                model,
                visible,
                created: now_ms,
                modified: now_ms,
                approved: (status == 'C').then_some(now_ms),
                cancelled: 'A',
                closed: 'A',
                forbidden: 'A',
            },
        );
        fid
    }

    fn prefix(&self) -> &'static str {
        match self.form.name {
            "SAL_OUTSTOCK" => "XSCKD",
            "SAL_SaleOrder" => "XSDD",
            "SAL_RETURNSTOCK" => "XSTHD",
            "STK_InStock" => "CGRK",
            "PUR_PurchaseOrder" => "CGDD",
            "AR_RECEIVEBILL" => "SKD",
            "AR_receivable" => "AR",
            _ => "K",
        }
    }

    /// A number for a bill that came without one.
    pub(crate) fn free_number(&self) -> String {
        (self.next_fid + 1..)
            .map(|at| format!("{}{at:08}", self.prefix()))
            .find(|number| !self.numbers.contains_key(number))
            .unwrap_or_default()
    }

    pub(crate) fn rename(&mut self, fid: i64, number: &str) {
        let Some(bill) = self.bills.get_mut(&fid) else {
            return;
        };
        let old = std::mem::replace(&mut bill.number, number.to_owned());
        self.leave(&old, fid);
        let bills = self.numbers.entry(number.to_owned()).or_default();
        bills.push(fid);
        bills.sort_unstable();
    }

    pub(crate) fn remove(&mut self, fid: i64) {
        if let Some(bill) = self.bills.remove(&fid) {
            self.leave(&bill.number, fid);
        }
    }

    fn leave(&mut self, number: &str, fid: i64) {
        if let Some(bills) = self.numbers.get_mut(number) {
            bills.retain(|held| *held != fid);
            if bills.is_empty() {
                self.numbers.remove(number);
            }
        }
    }
}
