//! Closed groups on their way to the transforms, and the rules that close them.

use std::collections::HashMap;

use duijie_record::{RecordBatch, RecordEntry, SourceKey};
use duijie_store::{Change, GroupPart, GroupState, Member};

use super::{Grouper, Taken};
use crate::Error;
use crate::chaos::{Point, reach};
use crate::group::{record, source_key};
use crate::options::Context;
use crate::stage::chunk::spans;
use crate::stage::prepare::Way;
use crate::stage::source::Lined;

/// A batch of groups ends when it is so long: one may hold many records.
const BATCH_BYTES: usize = 1 << 20;

impl Grouper {
    /// Hands closed parts on as records.
    pub(super) async fn emit(
        &mut self,
        closed: Vec<GroupPart>,
        way: &mut Way<'_>,
    ) -> Result<bool, Error> {
        let most = usize::try_from(self.context.plan().policy.page_records.max(1));
        let most = most.unwrap_or(usize::MAX);
        let mut batch = empty();
        for place in closed {
            reach(Point::BeforeGroupGoes);
            let members = self.store().members(self.scope(), &place)?;
            self.add(&mut batch, &place, &members);
            self.sent.push_back(place);
            if batch.entries.len() >= most || batch.data.len() >= BATCH_BYTES {
                let full = std::mem::replace(&mut batch, empty());
                if !way.go(lined(full)).await? {
                    return Ok(false);
                }
            }
        }
        match batch.entries.is_empty() {
            true => Ok(true),
            false => way.go(lined(batch)).await,
        }
    }

    /// A part without members makes no record.
    fn add(&self, batch: &mut RecordBatch, place: &GroupPart, members: &[Member]) {
        let lines: Vec<&[u8]> = members.iter().map(|member| &*member.record).collect();
        if lines.is_empty() {
            return;
        }
        match record(&self.rule, place, &lines) {
            Ok(line) => {
                batch.data.extend_from_slice(&line);
                batch.data.push(b'\n');
                batch.entries.push(entry(source_key(place)));
            }
            // Each member was tried alone when it came, by the rules of then.
            Err(rejection) => {
                let message = &rejection.message;
                tracing::error!(group = %place.group, %message, "a group cannot be made into one record by the rules as they are now: it waits until they are changed back");
            }
        }
    }

    /// What would go on if the source ended after this batch; nothing is made
    /// durable. With the changes that would be.
    pub(crate) fn preview(&mut self, given: &Lined) -> Result<(Lined, Vec<Change>), Error> {
        let mut taken = self.intake(given)?;
        let touched: Vec<String> = taken.touched.iter().cloned().collect();
        for group in touched {
            self.close(&group, GroupState::Closed, &mut taken);
        }
        let mut batch = empty();
        for place in &taken.closed {
            let mut members: HashMap<SourceKey, Member> = HashMap::new();
            for member in self.store().members(self.scope(), place)? {
                members.insert(member.source_key.clone(), member);
            }
            for change in &taken.changes {
                match change {
                    Change::Member(member) if member.place == *place => {
                        members.insert(member.source_key.clone(), member.clone());
                    }
                    Change::Leave {
                        place: left,
                        source_key,
                    } if left == place => {
                        members.remove(source_key);
                    }
                    _ => {}
                }
            }
            let mut members: Vec<Member> = members.into_values().collect();
            members.sort_unstable_by_key(|member| member.order);
            self.add(&mut batch, place, &members);
        }
        Ok((lined(batch), taken.changes))
    }

    /// Another group began: those of this lane are whole.
    pub(super) fn close_others(&mut self, began: &str, taken: &mut Taken) {
        if self.rule.close.on_key_change {
            let others = self.of_lane();
            for group in others.into_iter().filter(|group| group != began) {
                self.close(&group, GroupState::Closed, taken);
            }
        }
    }

    /// What came late waits for no more: other groups have begun, or a person
    /// wants it sent.
    pub(super) fn close_late(&mut self, taken: &mut Taken) {
        for group in std::mem::take(&mut taken.late) {
            self.close(&group, GroupState::Closed, taken);
        }
    }

    /// A backfill that has finished leaves nothing open.
    pub(super) fn close_at_end(&mut self, taken: &mut Taken) {
        if self.rule.close.at_end || !self.context.lane.is_empty() {
            for group in self.of_lane() {
                self.close(&group, GroupState::Closed, taken);
            }
        }
    }

    pub(super) fn close_due(&mut self, taken: &mut Taken) {
        let Some(after) = self.rule.close.after else {
            return;
        };
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let now_ms = self.context.now_ms();
        let due = self.live.values();
        let due = due.filter(|group| group.first_ms.saturating_add(after_ms) <= now_ms);
        let due: Vec<String> = due.map(|group| group.place.group.clone()).collect();
        for group in due {
            self.close(&group, GroupState::Closed, taken);
        }
    }

    fn of_lane(&self) -> Vec<String> {
        let lane = &self.context.lane;
        let groups = self.live.values();
        let groups = groups.filter(|group| group.lane == *lane);
        groups.map(|group| group.place.group.clone()).collect()
    }

    /// Closes the part that a group is at. An open one without members stays.
    pub(super) fn close(&mut self, name: &str, state: GroupState, taken: &mut Taken) {
        let Some(group) = self.live.get_mut(name) else {
            return;
        };
        let was_open = group.state == GroupState::Open;
        if was_open && group.members == 0 {
            return;
        }
        if was_open {
            taken.closed.push(group.place.clone());
        }
        group.state = state;
        group.at_ms = self.context.options.clock.now_ms();
        if state == GroupState::Full {
            taken.touched.insert(name.to_owned());
            return;
        }
        taken.touched.remove(name);
        if let Some(group) = self.live.remove(name) {
            self.past.insert(name.to_owned(), group.place.part);
            taken.changes.push(match group.members {
                0 => Change::Dissolve(group.place),
                _ => Change::Group(group),
            });
        }
    }
}

/// The record of a group, made again of its members; empty where they are no
/// longer kept.
pub(crate) fn rebuilt(context: &Context, place: &GroupPart) -> Result<Vec<u8>, Error> {
    let plan = context.plan();
    let members = context.options.store.members(&plan.scope, place)?;
    let lines: Vec<&[u8]> = members.iter().map(|member| &*member.record).collect();
    let made = plan.group.as_ref().filter(|_| !lines.is_empty());
    let made = made.and_then(|rule| record(rule, place, &lines).ok());
    Ok(made.unwrap_or_default())
}

fn empty() -> RecordBatch {
    RecordBatch {
        data: Vec::new(),
        entries: Vec::new(),
        position: None,
    }
}

fn lined(batch: RecordBatch) -> Lined {
    Lined {
        lines: spans(&batch.data),
        batch,
        wishes: Vec::new(),
        guard: None,
    }
}

fn entry(key: SourceKey) -> RecordEntry {
    RecordEntry {
        key,
        version: None,
        change: duijie_record::Change::Upsert,
        ack_token: None,
    }
}
