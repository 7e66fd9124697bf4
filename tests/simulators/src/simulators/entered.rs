//! Documents that a test puts into a system as its users enter them: with the numbers that it wants to meet again.

use super::Simulators;

impl Simulators {
    /// A document of a Kingdee form with all that it has, entered and audited at a moment (unix milliseconds);
    /// gives its id. None where the form or the JSON is none.
    pub fn enter_document(&self, form: &str, json: &str, at_ms: i64) -> Option<i64> {
        self.servers.kingdee.enter(form, json, at_ms)
    }

    /// A record of one of Waiqin365's queries, created at a moment (unix milliseconds) with these fields, in its
    /// lists too; the others are made up. Gives its key, none where the query or the JSON is none.
    pub fn enter_record(&self, query: &str, json: &str, at_ms: i64) -> Option<String> {
        self.servers.waiqin365.enter(query, json, at_ms)
    }
}
