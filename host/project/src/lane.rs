//! The names of lanes: the checkpoint that a backfill has for itself is named
//! after the window that it reads, so that the same backfill goes on.

use duijie_pipeline::Purpose;
use duijie_plan::Window;

const BACKFILL: &str = "backfill:";
const BETWEEN: &str = "..";

/// `from_ms` is where the window begins, in Unix milliseconds, if that is known.
pub fn backfill(window: &Window, from_ms: Option<u64>) -> Purpose {
    let Window { from, to } = window;
    Purpose::Backfill {
        lane: format!("{BACKFILL}{from}{BETWEEN}{to}"),
        from_ms,
    }
}

/// The window of a backfill's lane.
pub fn window(lane: &str) -> Option<Window> {
    let (from, to) = lane.strip_prefix(BACKFILL)?.split_once(BETWEEN)?;
    Some(Window {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}
