//! Records wait here until their group is whole, and go on as one record. A
//! record that waits is durable, so the checkpoint moves past it; a group that
//! was closed is durable as such before its record goes on, and goes on again
//! until the ledger has it. What becomes of that record is the ledger's to say.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use duijie_plan::Group as Rule;
use duijie_record::SourceKey;
use duijie_store::{Change, DocumentState, Group, GroupPart, GroupState, LedgerRow, Member};
use tokio::sync::oneshot;

use crate::Error;
use crate::chaos::{Guard, Point, is_off, reach};
use crate::group::source_key;
use crate::options::Context;
use crate::page::PARTIAL;
use crate::report::Counts;
use crate::stage::prepare::Way;
use crate::stage::settle::{Message, Outcomes};
use crate::stage::source::Lined;

mod emit;
mod intake;
mod join;

pub(crate) use emit::rebuilt;

pub(crate) struct Grouper {
    context: Arc<Context>,
    rule: Rule,
    /// The part of each group that takes members, or was filled last.
    live: BTreeMap<String, Group>,
    /// The last part of groups that were closed, as far as asked; 0 where
    /// none was ever sent.
    past: HashMap<String, u32>,
    /// Parts on their way.
    sent: VecDeque<GroupPart>,
    /// Made durable later than it should be, where a guard was taken away.
    withheld: Vec<Change>,
}

/// What is to be made durable, and what goes on after that.
#[derive(Default)]
pub(crate) struct Taken {
    changes: Vec<Change>,
    counts: Counts,
    /// Groups whose part has changed.
    touched: BTreeSet<String>,
    closed: Vec<GroupPart>,
    /// Groups of which a part was opened after they were sent.
    late: BTreeSet<String>,
}

/// So many parts on their way are looked after at a time.
const LOOKED_AFTER: usize = 64;

impl Grouper {
    /// `None` where the plan groups nothing.
    pub(crate) fn start(context: &Arc<Context>) -> Result<Option<Self>, Error> {
        let scope = &context.plan().scope;
        let groups = context.options.store.groups(scope)?;
        let Some(rule) = context.plan().group.clone() else {
            let waits = groups.iter().find(|group| group.members > 0);
            return waits.map_or(Ok(None), |group| {
                Err(Error::MembersWait {
                    group: group.place.group.clone(),
                })
            });
        };
        let mut grouper = Self {
            context: Arc::clone(context),
            rule,
            live: BTreeMap::new(),
            past: HashMap::new(),
            sent: VecDeque::new(),
            withheld: Vec::new(),
        };
        // By group, then part: what comes later is what counts.
        for group in groups {
            let name = group.place.group.clone();
            if group.state != GroupState::Open {
                grouper.past.insert(name.clone(), group.place.part);
            }
            if group.state == GroupState::Closed {
                grouper.live.remove(&name);
            } else {
                grouper.live.insert(name, group);
            }
        }
        // What waits for a person is kept while later parts are done with.
        grouper.follow(grouper.past.keys().cloned().collect())?;
        let Self { live, past, .. } = &mut grouper;
        live.retain(|name, group| past.get(name).is_none_or(|last| *last <= group.place.part));
        past.retain(|name, _| !live.contains_key(name));
        Ok(Some(grouper))
    }

    /// What earlier runs left: closed groups whose record the ledger does not
    /// have go on, those that are done with are let go, and what is due is
    /// closed. A replay leaves all of that to the next run.
    pub(crate) async fn begin(&mut self, way: &mut Way<'_>) -> Result<bool, Error> {
        if self.context.replays() {
            return Ok(true);
        }
        let groups = self.store().groups(self.scope())?;
        let parts = groups.into_iter();
        let left = parts.filter(|group| group.state != GroupState::Open && group.members > 0);
        let left: Vec<GroupPart> = left.map(|group| group.place).collect();
        let mut taken = Taken::default();
        for (place, row) in left.iter().zip(self.rows(&left)?) {
            match outcome(row.as_ref()) {
                Came::Nothing => taken.closed.push(place.clone()),
                Came::Done => self.dissolve(place, &mut taken)?,
                Came::Waits => {}
            }
        }
        self.close_due(&mut taken);
        self.go(taken, way).await
    }

    /// A batch of the source: its records are durable as members when this
    /// returns, and what they closed has gone on. False when the run ends.
    pub(crate) async fn take(&mut self, lined: Lined, way: &mut Way<'_>) -> Result<bool, Error> {
        let replayed = !lined.wishes.is_empty();
        if replayed && !lined.wishes.iter().all(|wish| wish.joins()) {
            return way.go(lined).await;
        }
        if self.context.halt.is_stopped() {
            return Ok(false);
        }
        let position = lined.batch.position.clone();
        let mut taken = match replayed {
            true => self.rejoin(&lined)?,
            false => self.intake(&lined)?,
        };
        if replayed || self.rule.close.on_key_change {
            self.close_late(&mut taken);
        }
        self.close_due(&mut taken);
        self.look_after(&mut taken)?;
        let closed = std::mem::take(&mut taken.closed);
        let counts = taken.counts;
        self.withhold(&mut taken, closed.is_empty());
        if !self.make_durable(taken, way).await? || !way.note(position, counts).await {
            return Ok(false);
        }
        Ok(self.emit(closed, way).await? && self.catch_up(way).await?)
    }

    /// The source has nothing more.
    pub(crate) async fn end(&mut self, way: &mut Way<'_>) -> Result<bool, Error> {
        let mut taken = Taken::default();
        self.close_at_end(&mut taken);
        self.close_due(&mut taken);
        self.look_after(&mut taken)?;
        self.go(taken, way).await
    }

    async fn go(&mut self, mut taken: Taken, way: &mut Way<'_>) -> Result<bool, Error> {
        let closed = std::mem::take(&mut taken.closed);
        self.withhold(&mut taken, false);
        Ok(self.make_durable(taken, way).await?
            && self.emit(closed, way).await?
            && self.catch_up(way).await?)
    }

    /// What is not made durable in time, where a guard was taken away.
    fn withhold(&mut self, taken: &mut Taken, nothing_goes: bool) {
        let members = is_off(Guard::MembersBeforeCheckpoint) && nothing_goes;
        let closed = is_off(Guard::ClosedBeforeItGoes);
        if !members {
            // In the order in which it came about.
            let now = std::mem::take(&mut taken.changes);
            taken.changes = std::mem::take(&mut self.withheld);
            taken.changes.extend(now);
        }
        if members || closed {
            let late = |change: &mut Change| {
                members
                    || matches!(change, Change::Group(group) if group.state == GroupState::Closed)
            };
            self.withheld.extend(taken.changes.extract_if(.., late));
        }
    }

    async fn catch_up(&mut self, way: &mut Way<'_>) -> Result<bool, Error> {
        if !is_off(Guard::ClosedBeforeItGoes) {
            return Ok(true);
        }
        let changes = std::mem::take(&mut self.withheld);
        let taken = Taken {
            changes,
            ..Taken::default()
        };
        self.make_durable(taken, way).await
    }

    /// False when the settler is gone and the run is ending.
    async fn make_durable(&mut self, mut taken: Taken, way: &mut Way<'_>) -> Result<bool, Error> {
        let touched = taken.touched.iter();
        let rows = touched.filter_map(|group| self.live.get(group));
        taken.changes.extend(rows.cloned().map(Change::Group));
        if taken.changes.is_empty() {
            return Ok(true);
        }
        let (durable, heard) = oneshot::channel();
        let outcomes = Outcomes {
            changes: taken.changes,
            durable: Some(durable),
            ..Outcomes::default()
        };
        reach(Point::BeforeMembers);
        let told = way.settler.send(Message::Outcomes(outcomes)).await;
        let durable = told.is_ok() && heard.await.is_ok();
        if durable {
            reach(Point::AfterMembers);
        }
        Ok(durable)
    }

    /// Lets go of parts whose record is done with.
    fn look_after(&mut self, taken: &mut Taken) -> Result<(), Error> {
        let looked: Vec<GroupPart> = self
            .sent
            .drain(..self.sent.len().min(LOOKED_AFTER))
            .collect();
        if looked.is_empty() {
            return Ok(());
        }
        for (place, row) in looked.iter().zip(self.rows(&looked)?) {
            match outcome(row.as_ref()) {
                Came::Nothing => self.sent.push_back(place.clone()),
                Came::Done => self.dissolve(place, taken)?,
                Came::Waits => {}
            }
        }
        Ok(())
    }

    /// The members are in their group's record, and that is where it belongs.
    fn dissolve(&mut self, place: &GroupPart, taken: &mut Taken) -> Result<(), Error> {
        reach(Point::BeforeMembersGo);
        for Member { source_key, .. } in self.store().members(self.scope(), place)? {
            let place = place.clone();
            taken.changes.push(Change::Leave { place, source_key });
        }
        match self.live.get_mut(&place.group) {
            // The next part follows it, for as long as no rule closes the group.
            Some(full) if full.place == *place => {
                full.members = 0;
                taken.touched.insert(place.group.clone());
            }
            _ => taken.changes.push(Change::Dissolve(place.clone())),
        }
        Ok(())
    }

    /// The ledger's rows of the records that these parts become.
    fn rows(&self, places: &[GroupPart]) -> Result<Vec<Option<LedgerRow>>, Error> {
        let keys: Vec<SourceKey> = places.iter().map(source_key).collect();
        self.context.ledger(&keys)
    }

    fn store(&self) -> &dyn duijie_store::Store {
        &*self.context.options.store
    }

    fn scope(&self) -> &duijie_record::Scope {
        &self.context.plan().scope
    }
}

enum Came {
    /// It is to go on.
    Nothing,
    /// Something of it waits for a person.
    Waits,
    Done,
}

/// What became of a group's record.
fn outcome(row: Option<&LedgerRow>) -> Came {
    let Some(row) = row.filter(|row| row.source_print != PARTIAL) else {
        return Came::Nothing;
    };
    let waits = row.documents.iter().any(|document| {
        matches!(
            document.state,
            DocumentState::Rejected | DocumentState::Held(_)
        )
    });
    match waits {
        true => Came::Waits,
        false => Came::Done,
    }
}
