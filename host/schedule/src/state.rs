//! What survives of one pipeline's schedule, and the runs it hands out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Key};

/// A stretch of the source, in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub from_ms: u64,
    pub to_ms: u64,
}

/// Why a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The slot, by its time without jitter; with others, the newest of them.
    Slot {
        at_ms: u64,
    },
    CatchUp {
        at_ms: u64,
    },
    /// Others have finished.
    After,
    /// A person asked for it.
    Asked,
}

/// A run that was begun and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    pub cause: Cause,
    pub window: Option<Window>,
    /// 1 for the first.
    pub attempt: u32,
    /// Not tried again before; 0 while it goes on.
    pub again_ms: u64,
}

/// All that must survive of one pipeline's schedule. A few dozen bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// When the pipeline was first declared.
    pub(crate) anchor_ms: u64,
    /// Slots up to this are dealt with.
    pub(crate) seen_ms: u64,
    /// The same of the catch-up's slots.
    pub(crate) caught_up_ms: u64,
    pub(crate) begun: Option<Begun>,
    /// What persons asked for, the first first.
    pub(crate) asked: Vec<Option<Window>>,
    pub(crate) paused: bool,
    /// How many runs have finished well.
    pub(crate) well: u64,
    pub(crate) well_ms: Option<u64>,
    /// By scope: how many good runs of others the last one here came after.
    pub(crate) heard: BTreeMap<String, u64>,
}

/// One run to begin now. Its state is stored in the commit that says so; where
/// that fails the run never was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub key: Key,
    pub cause: Cause,
    /// What it reads instead of what the manifest says.
    pub window: Option<Window>,
    pub attempt: u32,
    pub state: State,
}

/// The version that a stored state begins with.
const VERSION: u8 = 1;

impl State {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self {
            anchor_ms: now_ms,
            seen_ms: now_ms,
            caught_up_ms: now_ms,
            ..Self::default()
        }
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        postcard::to_extend(self, vec![VERSION]).map_err(unreadable)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(unreadable),
            Some((version, _)) => Err(Error::State {
                reason: format!("it has version {version}, expected {VERSION}"),
            }),
            None => Err(Error::State {
                reason: "it is empty".to_owned(),
            }),
        }
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The run that goes on, or is tried again.
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    /// When a run last finished well.
    pub fn well_ms(&self) -> Option<u64> {
        self.well_ms
    }
}

fn unreadable(error: postcard::Error) -> Error {
    Error::State {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Begun, Cause, State, Window};

    #[test]
    fn a_stored_state_of_the_first_version_is_read_and_written_the_same() {
        let window = Window {
            from_ms: 300,
            to_ms: 70_000,
        };
        let state = State {
            anchor_ms: 1,
            seen_ms: 200,
            caught_up_ms: 3,
            begun: Some(Begun {
                cause: Cause::CatchUp { at_ms: 4 },
                window: Some(window),
                attempt: 2,
                again_ms: 5,
            }),
            asked: vec![None, Some(window)],
            paused: true,
            well: 6,
            well_ms: Some(7),
            heard: [("orders".to_owned(), 8)].into(),
        };
        let golden = [
            1, 1, 200, 1, 3, 1, 1, 4, 1, 172, 2, 240, 162, 4, 2, 5, 2, 0, 1, 172, 2, 240, 162, 4,
            1, 6, 1, 7, 1, 6, 111, 114, 100, 101, 114, 115, 8,
        ];
        assert_eq!(state.to_bytes().unwrap(), golden);
        assert_eq!(State::from_bytes(&golden).unwrap(), state);
    }

    #[test]
    fn what_is_no_state_of_this_version_is_refused() {
        for bytes in [&[][..], &[1], &[2, 0, 0]] {
            assert!(State::from_bytes(bytes).is_err(), "{bytes:?}");
        }
    }
}
