//! The bills that arrived: by id and by number, with their states. Rules about them are in `save` and `operation`.

use crate::node::Node;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use tokio::time::Instant;

/// A bill as the truth tells it.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub fid: i64,
    pub bill_no: String,
    /// `A` created, `B` in approval, `C` approved, `D` to be approved again.
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

pub(crate) struct Bills {
    bills: BTreeMap<i64, Bill>,
    /// Several bills share a number only where the rules let them.
    numbers: HashMap<String, Vec<i64>>,
    next_fid: i64,
    next_entry: i64,
}

impl Default for Bills {
    fn default() -> Self {
        Self {
            bills: BTreeMap::new(),
            numbers: HashMap::new(),
            next_fid: 100_001,
            next_entry: 500_001,
        }
    }
}

impl Bills {
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
    ) -> i64 {
        self.next_fid += 1;
        let fid = self.next_fid;
        model.set("FID", Node::integer(fid));
        model.set("FBillNo", Node::text(&number));
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
            },
        );
        fid
    }

    /// A number for a bill that came without one.
    pub(crate) fn free_number(&self) -> String {
        (self.next_fid + 1..)
            .map(|at| format!("XSCKD{at:08}"))
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
