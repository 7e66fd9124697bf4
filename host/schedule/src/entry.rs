//! One pipeline: which of its slots wait, and which run comes next. Whether
//! there is room for it is `scheduler`'s business.

mod notice;

use std::collections::VecDeque;

use duijie_record::{PipelineName, Scope};

use crate::schedule::{Missed, Schedule, Slots, When, millis};
use crate::state::{Begun, Cause, Run, State, Window};
use crate::{Ended, Key};

pub(crate) use notice::Left;

/// What others of the tenant have done, by name.
pub(crate) type Others<'a> = &'a dyn Fn(&PipelineName) -> Option<Other>;

#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) scope: Scope,
    pub(crate) well: u64,
    pub(crate) well_ms: Option<u64>,
}

/// What a run would be begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Again,
    Asked,
    Slot,
    CatchUp,
    After,
}

/// The catch-up that waits: its first and its newest slot.
#[derive(Debug, Clone, Copy)]
struct Catching {
    first_ms: u64,
    last_ms: u64,
    since_ms: u64,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) name: PipelineName,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) enabled: bool,
    /// Its tenant is paused.
    pub(crate) held: bool,
    pub(crate) state: State,
    pub(crate) running: bool,
    /// Goes as soon as its run has ended.
    pub(crate) removed: bool,
    pub(crate) tenant: usize,
    /// Under which it stands in the scheduler's sets.
    pub(crate) timer_ms: Option<u64>,
    pub(crate) ready_ms: Option<u64>,
    /// The state before the run that was handed out last.
    before: Option<Box<State>>,
    offset_ms: u64,
    noticed_ms: u64,
    /// Slot and since when it waits, in order.
    waiting: VecDeque<(u64, u64)>,
    catch_noticed_ms: u64,
    catching: Option<Catching>,
    /// When the next slot or catch-up is due.
    next_ms: Option<u64>,
}

impl Entry {
    pub(crate) fn new(key: Key, name: PipelineName, tenant: usize, state: State) -> Self {
        Self {
            key,
            name,
            schedule: None,
            enabled: false,
            held: false,
            noticed_ms: state.seen_ms,
            catch_noticed_ms: state.caught_up_ms,
            state,
            running: false,
            removed: false,
            tenant,
            timer_ms: None,
            ready_ms: None,
            before: None,
            offset_ms: 0,
            waiting: VecDeque::new(),
            catching: None,
            next_ms: None,
        }
    }

    /// Takes a schedule; one that is not the same as before counts from now.
    pub(crate) fn declare(&mut self, schedule: Option<Schedule>, offset_ms: u64, now_ms: u64) {
        if self.schedule.is_some() && self.schedule != schedule {
            self.state.seen_ms = self.state.seen_ms.max(now_ms);
            self.state.caught_up_ms = self.state.caught_up_ms.max(now_ms);
            self.forget();
        }
        self.schedule = schedule;
        self.offset_ms = offset_ms;
        self.look_ahead();
    }

    /// Slots that are not dealt with are noticed anew.
    fn forget(&mut self) {
        self.waiting.clear();
        self.catching = None;
        self.noticed_ms = self.state.seen_ms;
        self.catch_noticed_ms = self.state.caught_up_ms;
    }

    pub(crate) fn is_off(&self) -> bool {
        !self.enabled || self.state.paused || self.held
    }

    fn slots(&self) -> Option<Slots<'_>> {
        match &self.schedule.as_ref()?.when {
            When::Every(every) => Some(Slots::Grid {
                anchor_ms: self.state.anchor_ms,
                every_ms: millis(*every).max(1),
            }),
            When::At(cron) => Some(Slots::Cron(cron)),
            When::After(_) => None,
        }
    }

    fn look_ahead(&mut self) {
        let slot = self.slots().and_then(|slots| slots.next(self.noticed_ms));
        let catch_up = self.schedule.as_ref().and_then(|it| it.catch_up.as_ref());
        let catch_up = catch_up.and_then(|it| it.at.next(self.catch_noticed_ms));
        let next = slot.into_iter().chain(catch_up).min();
        self.next_ms = next.map(|slot| slot.saturating_add(self.offset_ms));
    }

    /// When there is something to do without anyone's asking.
    pub(crate) fn timer(&self, now_ms: u64) -> Option<u64> {
        if self.is_off() || self.removed {
            return None;
        }
        let again = self.state.begun.as_ref().filter(|_| !self.running);
        let again = again.map(|begun| begun.again_ms);
        let again = again.filter(|again_ms| *again_ms > now_ms);
        self.next_ms.into_iter().chain(again).min()
    }

    /// What would begin now, and since when it waits.
    pub(crate) fn choice(&self, now_ms: u64, others: Others<'_>) -> Option<(u64, Choice)> {
        if self.running || self.is_off() || self.removed {
            return None;
        }
        if let Some(begun) = &self.state.begun {
            let ready = begun.again_ms <= now_ms;
            return ready.then_some((begun.again_ms, Choice::Again));
        }
        if !self.state.asked.is_empty() {
            return Some((0, Choice::Asked));
        }
        let schedule = self.schedule.as_ref()?;
        let today = |name: &PipelineName| {
            let well_ms = others(name).and_then(|other| other.well_ms);
            well_ms.is_some_and(|well_ms| schedule.zone.same_day(well_ms, now_ms))
        };
        if !schedule.only_if.finished_today.iter().all(today) {
            return None;
        }
        let slot = self
            .waiting
            .front()
            .map(|(_, since)| (*since, Choice::Slot));
        let catching = self.catching.map(|it| (it.since_ms, Choice::CatchUp));
        let after = match &schedule.when {
            When::After(names) => self.after(names, others),
            When::Every(_) | When::At(_) => None,
        };
        let all = slot.into_iter().chain(catching).chain(after);
        all.min_by_key(|(since_ms, _)| *since_ms)
    }

    fn after(&self, names: &[PipelineName], others: Others<'_>) -> Option<(u64, Choice)> {
        let mut since_ms = 0;
        for name in names {
            let other = others(name)?;
            let heard = self.state.heard.get(other.scope.as_str());
            if other.well <= heard.copied().unwrap_or(0) {
                return None;
            }
            since_ms = since_ms.max(other.well_ms.unwrap_or(0));
        }
        Some((since_ms, Choice::After))
    }

    /// Others' good runs of before are none to come after.
    pub(crate) fn hear(&mut self, others: Others<'_>, only_new: bool) {
        let Some(When::After(names)) = self.schedule.as_ref().map(|schedule| &schedule.when) else {
            return;
        };
        for other in names.iter().filter_map(others) {
            let heard = self.state.heard.entry(other.scope.0);
            match only_new {
                true => drop(heard.or_insert(other.well)),
                false => drop(heard.insert_entry(other.well)),
            }
        }
    }

    pub(crate) fn begin(&mut self, choice: Choice, others: Others<'_>) -> Run {
        self.before = Some(Box::new(self.state.clone()));
        let (cause, window) = match choice {
            Choice::Again => self.again(),
            Choice::Asked => (Cause::Asked, self.state.asked.remove(0)),
            Choice::Slot => self.take_slot(),
            Choice::CatchUp => self.take_catch_up(),
            Choice::After => {
                self.hear(others, false);
                (Cause::After, None)
            }
        };
        let earlier = self.state.begun.as_ref().map_or(0, |begun| begun.attempt);
        let begun = Begun {
            cause,
            window,
            attempt: earlier.saturating_add(1),
            again_ms: 0,
        };
        self.running = true;
        self.state.begun = Some(begun.clone());
        Run {
            key: self.key.clone(),
            cause,
            window,
            attempt: begun.attempt,
            state: self.state.clone(),
        }
    }

    /// A slot that has come meanwhile is dealt with by the same run.
    fn again(&mut self) -> (Cause, Option<Window>) {
        let (cause, window) = match &self.state.begun {
            Some(begun) => (begun.cause, begun.window),
            None => (Cause::Asked, None),
        };
        let all = self.schedule.as_ref().map(|schedule| schedule.missed);
        let each = matches!(all, Some(Missed::All(_)));
        match (cause, each, self.waiting.is_empty()) {
            (Cause::Slot { .. }, false, false) => self.take_slot(),
            _ => (cause, window),
        }
    }

    fn take_slot(&mut self) -> (Cause, Option<Window>) {
        let slot = self.waiting.pop_front().map(|(slot, _)| slot);
        let at_ms = slot.unwrap_or(self.noticed_ms);
        self.state.seen_ms = at_ms;
        (Cause::Slot { at_ms }, None)
    }

    fn take_catch_up(&mut self) -> (Cause, Option<Window>) {
        let schedule = self.schedule.as_ref();
        let window = schedule
            .and_then(|it| it.catch_up.as_ref())
            .map(|it| it.window);
        let catching = self.catching.take();
        let at_ms = catching.map_or(self.catch_noticed_ms, |it| it.last_ms);
        let first_ms = catching.map_or(at_ms, |it| it.first_ms);
        self.state.caught_up_ms = at_ms;
        let window = Window {
            from_ms: first_ms.saturating_sub(millis(window.unwrap_or_default())),
            to_ms: at_ms,
        };
        (Cause::CatchUp { at_ms }, Some(window))
    }

    /// The run could not be begun: all is as before it.
    pub(crate) fn revert(&mut self) {
        if let Some(before) = self.before.take() {
            self.state = *before;
            self.running = false;
            self.forget();
            self.look_ahead();
        }
    }

    pub(crate) fn end(&mut self, ended: Ended, now_ms: u64) {
        self.running = false;
        self.before = None;
        let again_ms = match ended {
            Ended::Well => {
                self.state.well += 1;
                self.state.well_ms = Some(now_ms);
                None
            }
            Ended::Failed { again_ms } => again_ms,
            Ended::Stopped => Some(now_ms),
        };
        match (again_ms, &mut self.state.begun) {
            (Some(again_ms), Some(begun)) => begun.again_ms = again_ms,
            _ => self.state.begun = None,
        }
    }
}
