//! What a run would do, without doing it.
pub enum Would {}
pub struct PreviewRecord;
pub struct PreviewReport;
pub fn preview() {}
