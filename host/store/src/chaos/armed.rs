//! Kills and missing guards, as two environment variables ask for them:
//! `DUIJIE_CHAOS_KILL=<Point>:<nth>[:<microseconds>]` sends SIGKILL to this
//! process when the point is reached for the nth time (from 1), so many
//! microseconds later; `DUIJIE_CHAOS_OFF=<Guard>` takes a guard away.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Guard, Point};

struct Kill {
    point: Point,
    nth: u64,
    after: Duration,
    reached: AtomicU64,
}

fn named<T: std::fmt::Debug + Copy>(all: &[T], name: &str) -> Option<T> {
    all.iter().copied().find(|one| format!("{one:?}") == name)
}

fn kill() -> Option<&'static Kill> {
    static KILL: OnceLock<Option<Kill>> = OnceLock::new();
    KILL.get_or_init(|| asked("DUIJIE_CHAOS_KILL", parse_kill))
        .as_ref()
}

fn parse_kill(text: &str) -> Option<Kill> {
    let mut words = text.split(':');
    let name = words.next()?;
    let sets = [&Point::ALL[..], &Point::ACKNOWLEDGING, &Point::GROUPING];
    let point = sets.into_iter().find_map(|points| named(points, name));
    let kill = Kill {
        point: point?,
        nth: words.next()?.parse().ok()?,
        after: Duration::from_micros(words.next().map_or(Some(0), |text| text.parse().ok())?),
        reached: AtomicU64::new(0),
    };
    words.next().is_none().then_some(kill)
}

/// What a variable asks for. One that is set and means nothing would be a
/// test of nothing, so it ends the process.
#[allow(clippy::print_stderr, clippy::exit, reason = "only tests have this")]
fn asked<T>(variable: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let text = std::env::var_os(variable)?;
    let parsed = text.to_str().and_then(parse);
    if parsed.is_none() {
        eprintln!("`{variable}` asks for {text:?}, which names no point or guard");
        std::process::exit(2);
    }
    parsed
}

/// Ends the process here when a test asked for it.
pub fn reach(point: Point) {
    let Some(kill) = kill().filter(|kill| kill.point == point) else {
        return;
    };
    if kill.reached.fetch_add(1, Ordering::Relaxed) + 1 != kill.nth {
        return;
    }
    if kill.after.is_zero() {
        die();
    }
    let after = kill.after;
    std::thread::spawn(move || {
        std::thread::sleep(after);
        die();
    });
}

fn die() {
    let me = rustix::process::getpid();
    // Cannot fail: the process may always signal itself.
    rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap_or_default();
    loop {
        std::thread::park();
    }
}

/// Whether a test took this guard away.
pub fn is_off(guard: Guard) -> bool {
    static OFF: OnceLock<Option<Guard>> = OnceLock::new();
    let off = OFF.get_or_init(|| asked("DUIJIE_CHAOS_OFF", |name| named(&Guard::ALL, name)));
    *off == Some(guard)
}

/// So many rows stay fresh before they move to the long ledger: what
/// `DUIJIE_CHAOS_FRESH=<rows>` asks for, or the usual number. A small one lets
/// a short run come by the points of the move.
pub fn fresh_rows(usual: usize) -> usize {
    static FRESH: OnceLock<Option<usize>> = OnceLock::new();
    FRESH
        .get_or_init(|| asked("DUIJIE_CHAOS_FRESH", |text| text.parse().ok()))
        .unwrap_or(usual)
}
