//! What can be chosen of this server, most of it where the documents leave a question open.

use std::time::Duration;

/// In which order records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiqinOrder {
    OldestFirst,
    NewestFirst,
    LastChangedFirst,
}

#[derive(Clone, Debug)]
pub struct Waiqin365Rules {
    /// Records of each query at the start.
    pub rows: usize,
    pub order: WaiqinOrder,
    /// Whether the last day of a window is inside.
    pub last_day_counts: bool,
    /// Rows of a page of `queryStock`, of which nothing is documented.
    pub stock_page: usize,
    /// Refuse a second document with a number instead of making it; not documented.
    pub unique_numbers: bool,
    /// Refuse parameters and fields that the documents do not have, which the real server may well ignore.
    pub strict_fields: bool,
    /// Largest distance of a request's timestamp; not documented.
    pub max_skew: Option<Duration>,
}

impl Default for Waiqin365Rules {
    /// The hardest reading of each question.
    fn default() -> Self {
        Self {
            rows: 30,
            order: WaiqinOrder::NewestFirst,
            last_day_counts: false,
            stock_page: 8,
            unique_numbers: false,
            strict_fields: true,
            max_skew: Some(Duration::from_secs(15 * 60)),
        }
    }
}
