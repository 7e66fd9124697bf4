//! The low form of `group`: many records of the source become one.

use schemars::JsonSchema;
use serde::Deserialize;

/// Records with the same values in `by` become one record, which goes to the
/// transforms when its group closes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Fields of the record whose values name its group. A dot leads into an
    /// object.
    #[schemars(required, length(min = 1, max = 8))]
    pub by: Option<Vec<GroupBy>>,
    /// When a group is whole: the first rule that holds closes it.
    #[schemars(required)]
    pub close: Option<Close>,
    /// What the group's record holds beside the fields of `by`; all its
    /// records in the list `rows` when absent.
    pub collect: Option<Collect>,
    /// What happens to a record that comes after its group was sent; hold when
    /// absent.
    pub late: Option<Late>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GroupBy {
    Field(String),
    Part(FieldPart),
}

/// Only a part of the field's value counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldPart {
    #[schemars(required, length(min = 1))]
    pub field: Option<String>,
    /// What of the value counts: all of it, the `2025-10-01` that it begins
    /// with, or the `2025-10`.
    #[serde(rename = "as")]
    #[schemars(required)]
    pub takes: Option<Takes>,
}

/// What of a field's value names the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Takes {
    Value,
    Day,
    Month,
}

/// Closing rules, one at least.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// When the first record of another group comes: for a source that gives
    /// its records in the order of the groups.
    pub on_key_change: Option<bool>,
    /// When it has so many records; those that come after it are the next part
    /// of the group, a document of its own.
    #[schemars(range(min = 1, max = 100000))]
    pub count: Option<u32>,
    /// So long after its first record came here, such as `10m`.
    pub after: Option<String>,
    /// When a run has read all that its source has.
    pub at_end: Option<bool>,
}

/// What the group's record holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// The value of the first record.
    pub first: Option<Vec<String>>,
    /// The value of the last record.
    pub last: Option<Vec<String>>,
    /// The exact sum of numbers, or of texts that hold numbers; no digit is lost.
    pub sum: Option<Vec<String>>,
    /// The least number.
    pub min: Option<Vec<String>>,
    /// The greatest number.
    pub max: Option<Vec<String>>,
    /// All values as a list, in the order of the records.
    pub push: Option<Vec<String>>,
    /// As `push`, each value once.
    pub distinct: Option<Vec<String>>,
    /// The name of the list with the records, `rows` when absent, or what it
    /// is made of.
    pub list: Option<List>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum List {
    Name(String),
    Lines(Box<Lines>),
}

/// The rows of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// What the list is called; `rows` when absent.
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// A list of the records whose elements are the rows; the records
    /// themselves when absent.
    #[schemars(length(min = 1))]
    pub from: Option<String>,
    /// Rows with the same values here become one row, of these fields and
    /// those named below.
    #[schemars(length(min = 1, max = 8))]
    pub by: Option<Vec<String>>,
    /// The value of the first row.
    pub first: Option<Vec<String>>,
    /// The value of the last row.
    pub last: Option<Vec<String>>,
    /// The exact sum.
    pub sum: Option<Vec<String>>,
    /// The least number.
    pub min: Option<Vec<String>>,
    /// The greatest number.
    pub max: Option<Vec<String>>,
    /// All values as a list.
    pub push: Option<Vec<String>>,
    /// As `push`, each value once.
    pub distinct: Option<Vec<String>>,
}

/// It waits for a person, or goes into a following part of its group, a
/// document of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Late {
    Hold,
    Next,
}

/// How values of one field become one, and the fields that it is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    First,
    Last,
    Sum,
    Min,
    Max,
    Push,
    Distinct,
}

type Folds<'low> = [(Fold, &'static str, &'low Option<Vec<String>>); 7];

impl Collect {
    /// In the order in which they stand in the record, with their words.
    pub fn folds(&self) -> Folds<'_> {
        [
            (Fold::First, "first", &self.first),
            (Fold::Last, "last", &self.last),
            (Fold::Sum, "sum", &self.sum),
            (Fold::Min, "min", &self.min),
            (Fold::Max, "max", &self.max),
            (Fold::Push, "push", &self.push),
            (Fold::Distinct, "distinct", &self.distinct),
        ]
    }
}

impl Lines {
    /// As [`Collect::folds`].
    pub fn folds(&self) -> Folds<'_> {
        [
            (Fold::First, "first", &self.first),
            (Fold::Last, "last", &self.last),
            (Fold::Sum, "sum", &self.sum),
            (Fold::Min, "min", &self.min),
            (Fold::Max, "max", &self.max),
            (Fold::Push, "push", &self.push),
            (Fold::Distinct, "distinct", &self.distinct),
        ]
    }
}
