//! What a test asks of a simulated system whichever vendor it plays, so that
//! one table of checks goes over the operations of all of them. Names of
//! collections are the vendor's names of its operations or forms.

/// A document as the system holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number or id that identifies it, as text.
    pub key: String,
    /// When it was last changed, in the system's own form; none where it does not say.
    pub version: Option<String>,
    /// One JSON object with all digits, as the system's answer gives it.
    pub json: String,
}

/// A body that breaks one rule of a write.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The field that a refusal has to name.
    pub field: String,
    pub json: String,
}

/// One vendor's side of the simulators.
pub trait System: Send + Sync {
    /// Operations or forms that can be read.
    fn sources(&self) -> Vec<String>;

    /// Operations or forms that can be written.
    fn targets(&self) -> Vec<String>;

    /// All documents that a complete reading of `collection` has to give, in their present state.
    fn rows(&self, collection: &str) -> Vec<Row>;

    /// Adds documents that were made just now; gives their keys.
    fn add_rows(&self, collection: &str, count: usize) -> Vec<String>;

    /// Changes something of a document just now; false where it cannot be changed.
    fn change_row(&self, collection: &str, key: &str) -> bool;

    /// The document number `n` of some that a write of `collection` takes, each with a key of its own: what
    /// a pipeline would hand to the connector.
    fn sample(&self, collection: &str, n: usize) -> String;

    /// One body for each rule of `collection` that the caller can break.
    fn broken(&self, collection: &str) -> Vec<Broken>;

    /// What writes of `collection` left behind, one row a time that it took effect: a document that was
    /// written twice stands here twice.
    fn written(&self, collection: &str) -> Vec<Row>;

    /// Rows of `collection` that come again until the system is told what became of each.
    fn waiting(&self, _collection: &str) -> usize {
        0
    }
}
