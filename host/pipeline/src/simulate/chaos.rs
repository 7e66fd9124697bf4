//! Kills and missing guards of this thread's test.

use std::cell::{Cell, RefCell};

use crate::Stop;
use crate::chaos::{Guard, Point};

thread_local! {
    static OFF: Cell<Option<Guard>> = const { Cell::new(None) };
    static KILL: RefCell<Option<Kill>> = const { RefCell::new(None) };
}

/// The process that dies when a point is reached for the nth time, from 1.
struct Kill {
    point: Point,
    left: u32,
    dead: Stop,
}

/// From now on, until another one is given.
pub(crate) fn take_away(guard: Option<Guard>) {
    OFF.set(guard);
}

/// The next run dies at this point. What it gives back is stopped then, and
/// the world of the test must let nothing happen any more.
pub(crate) fn kill_at(point: Point, nth: u32) -> Stop {
    let dead = Stop::new();
    let kill = Kill {
        point,
        left: nth,
        dead: dead.clone(),
    };
    KILL.set(Some(kill));
    dead
}

pub(crate) fn spare() {
    KILL.set(None);
}

/// Plays under a virtual clock, a panic caught; nobody is killed afterwards.
pub(crate) fn caught<T>(play: impl Future<Output = T>) -> std::thread::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let played = std::panic::AssertUnwindSafe(|| runtime.block_on(play));
    let outcome = std::panic::catch_unwind(played);
    spare();
    outcome
}

/// Returns while the process lives, and never once it is dead.
pub(crate) async fn alive() {
    let dead = KILL.with_borrow(|kill| kill.as_ref().is_some_and(|kill| kill.dead.is_stopped()));
    if dead {
        std::future::pending::<()>().await;
    }
}

pub(crate) fn reach(point: Point) {
    KILL.with_borrow_mut(|kill| {
        let Some(kill) = kill.as_mut().filter(|kill| kill.point == point) else {
            return;
        };
        kill.left = kill.left.saturating_sub(1);
        if kill.left == 0 {
            kill.dead.stop();
        }
    });
}

pub(crate) fn is_off(guard: Guard) -> bool {
    OFF.get() == Some(guard)
}
