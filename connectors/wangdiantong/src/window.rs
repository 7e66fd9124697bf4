//! Closed windows of time: `[from, to]` with both seconds inside, the next
//! one beginning a second later. Pure arithmetic.

use duijie_sdk::time;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from_s: i64,
    pub(crate) to_s: i64,
    /// Whether it ends where reading may end now.
    pub(crate) last: bool,
}

impl Window {
    /// The window that begins at `from_s`, at most `length_s` seconds long
    /// and ending at `until_s` at the latest. None while it would hold less
    /// than two seconds: the vendor refuses equal bounds.
    pub(crate) fn after(from_s: i64, until_s: i64, length_s: i64) -> Option<Self> {
        if until_s <= from_s {
            return None;
        }
        let mut to_s = until_s.min(from_s.saturating_add(length_s - 1));
        if until_s - to_s == 1 {
            // A single second would be left over, which cannot be asked for.
            to_s -= 1;
        }
        let last = to_s == until_s;
        Some(Self { from_s, to_s, last })
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{} .. {}",
            time::format(self.from_s),
            time::format(self.to_s)
        )
    }
}
