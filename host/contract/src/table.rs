//! Value tables as a transform reads them: filled by other pipelines, and the
//! same for every instance of a run.

/// A table whole, with the columns that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// JSON Lines: of each row an array of the columns' texts, `null` where the
    /// row has none.
    pub rows: Vec<u8>,
    /// Every column that a row of the table has, by name.
    pub columns: Vec<String>,
    /// Of all rows and columns, lower hex.
    pub digest: String,
    /// When a run last filled it to its end, in Unix milliseconds.
    pub filled_ms: u64,
}

/// Why there is no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The pipeline's manifest does not name it.
    NotDeclared,
    /// No run has filled it to its end.
    NeverFilled,
    /// The columns asked for are more than [`MOST_TABLE_BYTES`].
    TooLarge,
}

/// Of one snapshot.
pub const MOST_TABLE_BYTES: usize = 16 << 20;

/// The tables that a transform may read.
pub trait Tables: Send + Sync {
    fn get(&self, name: &str, columns: &[String]) -> Result<Snapshot, Missing>;
}

/// Tables of these names, of which none can be read: for a connector that
/// checks its settings.
#[derive(Debug, Clone, Default)]
pub struct Unread(pub Vec<String>);

impl Tables for Unread {
    fn get(&self, name: &str, _columns: &[String]) -> Result<Snapshot, Missing> {
        match self.0.iter().any(|known| known == name) {
            true => Err(Missing::NeverFilled),
            false => Err(Missing::NotDeclared),
        }
    }
}
