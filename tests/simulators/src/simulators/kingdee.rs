//! What tests ask of the Kingdee server and change in it.

use super::Simulators;
use crate::kingdee::{Document, Refusal};
use crate::system::System;

impl Simulators {
    /// The bills that arrived, by id.
    pub fn documents(&self) -> Vec<Document> {
        self.servers.kingdee.documents()
    }

    /// Kingdee's side as tests over all vendors see it.
    pub fn kingdee_system(&self) -> &dyn System {
        &self.servers.kingdee
    }

    /// The documents of a Kingdee form, by id.
    pub fn documents_of(&self, form: &str) -> Vec<Document> {
        self.servers.kingdee.documents_of(form)
    }

    /// Adds documents of a Kingdee form that changed at moments (unix milliseconds) spread over `from..=to`;
    /// gives their ids.
    pub fn add_documents(&self, form: &str, count: usize, from: i64, to: i64) -> Vec<String> {
        self.servers.kingdee.add(form, count, from, to)
    }

    /// Changes a document of a Kingdee form; false when there is none of that id.
    pub fn change_document(&self, form: &str, id: i64, at_ms: i64) -> bool {
        self.servers.kingdee.change(form, id, at_ms)
    }

    pub fn document_count(&self) -> usize {
        self.servers.kingdee.document_count()
    }

    /// Raw bodies of Save and BatchSave in fast mode.
    pub fn bodies(&self) -> Vec<bytes::Bytes> {
        self.servers.kingdee.bodies()
    }

    /// Live Kingdee sessions.
    pub fn session_count(&self) -> usize {
        self.servers.kingdee.session_count()
    }

    /// Ids of the live Kingdee sessions, which only their owners may see.
    pub fn session_ids(&self) -> Vec<String> {
        self.servers.kingdee.session_ids()
    }

    /// Sets a bill to audited; false when there is none of that number.
    pub fn audit(&self, bill_no: &str) -> bool {
        self.servers.kingdee.audit(bill_no)
    }

    /// From now on this bill is not taken.
    pub fn refuse(&self, refusal: Refusal) {
        self.servers.kingdee.refuse(refusal);
    }

    /// Lifts every refusal.
    pub fn accept_all(&self) {
        self.servers.kingdee.accept_all();
    }

    /// Lets every request that is still to take effect do so now.
    pub fn finish_late(&self) {
        self.servers.kingdee.catch_up(None);
        self.servers.waiqin365.catch_up(None);
    }
}
