//! Which tenant's turn it is. Runs are handed out by start-time fair queueing:
//! each run that begins moves its tenant on by one part of its weight, and the
//! one that is furthest behind is next.
//!
//! Of two tenants that have runs waiting and room for them all the time, the
//! runs begun, divided by the weights, never differ by more than
//! `1 / weight + 1 / other weight`. It is fair in runs, not in their length:
//! how much of the machine long runs hold is limited by `Share::runs`.

use std::collections::{BTreeSet, HashMap};

use duijie_record::PipelineName;

use crate::Tenant;

/// What a tenant may have of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Turns that it gets beside others, at least 1.
    pub weight: u32,
    /// Runs at a time.
    pub runs: usize,
}

/// One turn of a tenant of weight 1.
const TURN: u64 = 1 << 32;

#[derive(Debug)]
pub(crate) struct Sharer {
    share: Share,
    pub(crate) paused: bool,
    running: usize,
    pass: u64,
    eligible: bool,
    /// Since when they wait, and which.
    ready: BTreeSet<(u64, usize)>,
    pub(crate) names: HashMap<PipelineName, usize>,
    /// Its place is another's once it has no pipeline any more.
    left: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Shares {
    index: HashMap<Tenant, usize>,
    all: Vec<Sharer>,
    free: Vec<usize>,
    eligible: BTreeSet<(u64, usize)>,
    /// Where the one whose turn was last stood.
    floor: u64,
}

impl Shares {
    /// The place of a tenant; a new one has a weight of 1 and no limit.
    pub(crate) fn place(&mut self, tenant: &Tenant) -> usize {
        if let Some(at) = self.index.get(tenant) {
            return *at;
        }
        let sharer = Sharer {
            share: Share {
                weight: 1,
                runs: usize::MAX,
            },
            paused: false,
            running: 0,
            pass: self.floor,
            eligible: false,
            ready: BTreeSet::new(),
            names: HashMap::new(),
            left: false,
        };
        let at = match self.free.pop() {
            Some(at) => at,
            None => self.all.len(),
        };
        match self.all.get_mut(at) {
            Some(place) => *place = sharer,
            None => self.all.push(sharer),
        }
        self.index.insert(tenant.clone(), at);
        at
    }

    /// A tenant of the same name is another one from now on.
    pub(crate) fn leave(&mut self, tenant: &Tenant) {
        if let Some(at) = self.index.remove(tenant) {
            if let Some(sharer) = self.all.get_mut(at) {
                sharer.left = true;
            }
            self.vacate(at);
        }
    }

    pub(crate) fn vacate(&mut self, at: usize) {
        let sharer = self.all.get_mut(at);
        if let Some(sharer) = sharer.filter(|it| it.left && it.names.is_empty()) {
            sharer.left = false;
            self.free.push(at);
        }
    }

    pub(crate) fn set(&mut self, at: usize, share: Share) {
        if let Some(sharer) = self.all.get_mut(at) {
            sharer.share = share;
        }
        self.refresh(at);
    }

    pub(crate) fn pause(&mut self, at: usize, paused: bool) {
        if let Some(sharer) = self.all.get_mut(at) {
            sharer.paused = paused;
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Sharer> {
        self.all.get(at)
    }

    pub(crate) fn names(&mut self, at: usize) -> Option<&mut HashMap<PipelineName, usize>> {
        self.all.get_mut(at).map(|sharer| &mut sharer.names)
    }

    /// Moves one pipeline among those that wait.
    pub(crate) fn ready(&mut self, at: usize, id: usize, was: Option<u64>, is: Option<u64>) {
        if let Some(sharer) = self.all.get_mut(at) {
            was.map(|since| sharer.ready.remove(&(since, id)));
            is.map(|since| sharer.ready.insert((since, id)));
        }
        self.refresh(at);
    }

    /// Whose turn it is: the pipeline of that tenant that waits longest.
    pub(crate) fn next(&self) -> Option<usize> {
        let (_, at) = self.eligible.first()?;
        let (_, id) = self.all.get(*at)?.ready.first()?;
        Some(*id)
    }

    pub(crate) fn begun(&mut self, at: usize) {
        let Some(sharer) = self.all.get_mut(at) else {
            return;
        };
        self.eligible.remove(&(sharer.pass, at));
        self.floor = self.floor.max(sharer.pass);
        sharer.pass += TURN / u64::from(sharer.share.weight.max(1));
        sharer.running += 1;
        if sharer.eligible {
            self.eligible.insert((sharer.pass, at));
        }
        self.refresh(at);
    }

    pub(crate) fn ended(&mut self, at: usize) {
        if let Some(sharer) = self.all.get_mut(at) {
            sharer.running = sharer.running.saturating_sub(1);
        }
        self.refresh(at);
    }

    /// Who comes back starts where the others are: nobody saves turns up.
    fn refresh(&mut self, at: usize) {
        let Some(sharer) = self.all.get_mut(at) else {
            return;
        };
        let eligible = sharer.running < sharer.share.runs && !sharer.ready.is_empty();
        match (sharer.eligible, eligible) {
            (false, true) => {
                sharer.pass = sharer.pass.max(self.floor);
                self.eligible.insert((sharer.pass, at));
            }
            (true, false) => drop(self.eligible.remove(&(sharer.pass, at))),
            _ => {}
        }
        sharer.eligible = eligible;
    }
}
