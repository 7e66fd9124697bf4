//! What goes wrong for reasons that lie in one bill, and requests that take effect after their caller is gone.
//!
//! A bill that breaks its whole packet is our inference from the vendor's code 4 (an exception): such an answer
//! tells of the call and of no bill.

use super::reply::Failure;
use crate::node::Node;
use bytes::Bytes;
use serde::Deserialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// A bill that is not taken until the refusal is lifted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub bill_no: String,
    /// It breaks every packet that holds other bills beside it; otherwise the others are saved.
    #[serde(default)]
    pub whole: bool,
}

/// A save or a step whose caller is gone already.
pub(crate) struct Late {
    pub(crate) due: Instant,
    pub(crate) operation: String,
    pub(crate) body: Bytes,
}

#[derive(Default)]
pub(crate) struct Trouble {
    refusals: Mutex<Vec<Refusal>>,
    late: Mutex<Vec<Late>>,
}

impl Trouble {
    pub(crate) fn refusals(&self) -> MutexGuard<'_, Vec<Refusal>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn delay(&self, late: Late) {
        self.waiting().push(late);
    }

    /// What is due by then, in the order in which it came.
    pub(crate) fn due(&self, by: Option<Instant>) -> Vec<Late> {
        let mut waiting = self.waiting();
        let (due, rest) = std::mem::take(&mut *waiting)
            .into_iter()
            .partition(|late| by.is_none_or(|by| late.due <= by));
        *waiting = rest;
        due
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Late>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether one of these bills breaks the packet.
pub(crate) fn breaks(refusals: &[Refusal], models: &[Node]) -> bool {
    let number = |model: &Node| {
        model
            .get("FBillNo")
            .and_then(Node::scalar)
            .map(str::to_owned)
    };
    let whole = |number: &String| {
        refusals
            .iter()
            .any(|refusal| refusal.whole && refusal.bill_no == *number)
    };
    models
        .iter()
        .filter_map(number)
        .any(|number| whole(&number))
}

/// What the server says of a bill that it does not take.
pub(crate) fn refusal(refusals: &[Refusal], number: &str, at: usize) -> Option<Failure> {
    let refused = refusals.iter().any(|refusal| refusal.bill_no == number);
    refused.then(|| Failure {
        field: Some("FMaterialID".to_owned()),
        message: "第1行分录，物料已禁用，不允许出库".to_owned(),
        at,
        code: 11,
    })
}
