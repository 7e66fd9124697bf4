//! What becomes of one record: it joins its group, takes an earlier version's
//! place there, or waits for a person.

use std::collections::BTreeSet;

use duijie_plan::Late;
use duijie_record::{Action, Rejection, SourceKey, TargetKey};
use duijie_store::{
    Came, Change, DeadLetter, DocumentRow, DocumentState, Fingerprint, Group, GroupPart,
    GroupState, Hold, HoldKind, Member, Try,
};

use super::intake::Incoming;
use super::{Grouper, Taken};
use crate::Error;
use crate::group::source_key;
use crate::page::note;
use crate::stage::prepare::{last_rejection, refused};

impl Grouper {
    /// Asks the ledger for groups that are not known here.
    pub(super) fn learn<'one>(
        &mut self,
        names: impl Iterator<Item = &'one String>,
    ) -> Result<(), Error> {
        let unknown = |name: &&String| {
            !name.is_empty() && !self.live.contains_key(*name) && !self.past.contains_key(*name)
        };
        let names: BTreeSet<String> = names.filter(unknown).cloned().collect();
        self.follow(names.into_iter().collect())
    }

    /// Finds the last part of each of these groups that was sent. Parts are
    /// numbered without gaps, from the last one that is known here; those after
    /// it may be done with while it is still kept.
    pub(super) fn follow(&mut self, mut names: Vec<String>) -> Result<(), Error> {
        while !names.is_empty() {
            let next = |name: &String| self.past.get(name).copied().unwrap_or(0) + 1;
            let places: Vec<GroupPart> = names.iter().map(|name| at(name, next(name))).collect();
            let rows = self.rows(&places)?;
            names.clear();
            for (place, row) in places.into_iter().zip(rows) {
                if row.is_some() {
                    self.past.insert(place.group.clone(), place.part);
                    names.push(place.group);
                } else {
                    self.past.entry(place.group).or_insert(0);
                }
            }
        }
        Ok(())
    }

    /// `forced` records go into a part of their own where their group was sent.
    pub(super) fn join(&mut self, incoming: Incoming<'_>, forced: bool, taken: &mut Taken) {
        let name = match &incoming.group {
            Ok(name) => name.clone(),
            Err(rejection) => {
                let rejection = rejection.clone();
                return self.refuse(&incoming, rejection, taken);
            }
        };
        let Some(place) = self.seat(&name, forced, taken) else {
            return self.hold_late(incoming, &name, taken);
        };
        taken.changes.extend(incoming.release());
        let now_ms = self.context.now_ms();
        let Some(group) = self.live.get_mut(&name) else {
            return;
        };
        group.members += 1;
        group.order += 1;
        group.at_ms = now_ms;
        if group.members == 1 {
            group.first_ms = now_ms;
        }
        let (members, order) = (group.members, group.order);
        self.sit(&incoming, &place, order, taken);
        taken.touched.insert(name.clone());
        if !taken.late.contains(&name) {
            self.close_others(&name, taken);
        }
        if members >= self.rule.close.count {
            self.close(&name, GroupState::Full, taken);
        }
    }

    /// A newer version of a member that waits. It may name another group.
    pub(super) fn replace(&mut self, incoming: Incoming<'_>, before: GroupPart, taken: &mut Taken) {
        if incoming.group.as_ref() != Ok(&before.group) {
            self.leave(&before, &incoming.source_key, taken);
            return self.join(incoming, false, taken);
        }
        let Some(group) = self.live.get_mut(&before.group) else {
            return;
        };
        group.order += 1;
        let order = group.order;
        taken.touched.insert(before.group.clone());
        self.sit(&incoming, &before, order, taken);
    }

    pub(super) fn leave(&mut self, place: &GroupPart, source_key: &SourceKey, taken: &mut Taken) {
        if let Some(group) = self.live.get_mut(&place.group) {
            group.members = group.members.saturating_sub(1);
            taken.touched.insert(place.group.clone());
        }
        taken.changes.push(Change::Leave {
            place: place.clone(),
            source_key: source_key.clone(),
        });
    }

    fn sit(&self, incoming: &Incoming<'_>, place: &GroupPart, order: u64, taken: &mut Taken) {
        taken.changes.push(Change::Member(Member {
            place: place.clone(),
            source_key: incoming.source_key.clone(),
            version: incoming.version.clone(),
            order,
            record: incoming.line.to_vec(),
            at_ms: self.context.now_ms(),
        }));
        let row = DocumentRow {
            state: DocumentState::Grouped,
            ..incoming.document_row(&source_key(place))
        };
        taken.changes.push(self.row(incoming, vec![row]));
    }

    /// Where a record of this group belongs; `None` when it comes late.
    fn seat(&mut self, name: &str, forced: bool, taken: &mut Taken) -> Option<GroupPart> {
        let part = match self.live.get(name) {
            Some(group) if group.state == GroupState::Open => return Some(group.place.clone()),
            Some(full) => {
                // Nothing of it is on its way any more.
                if full.members == 0 {
                    taken.changes.push(Change::Dissolve(full.place.clone()));
                } else {
                    taken.changes.push(Change::Group(full.clone()));
                }
                full.place.part + 1
            }
            None => {
                let last = self.past.get(name).copied().unwrap_or(0);
                if last > 0 && !forced && self.rule.late == Late::Hold {
                    return None;
                }
                if last > 0 {
                    taken.late.insert(name.to_owned());
                }
                last + 1
            }
        };
        let place = at(name, part);
        let now_ms = self.context.now_ms();
        self.past.remove(name);
        let opened = Group {
            place: place.clone(),
            lane: self.context.lane.clone(),
            state: GroupState::Open,
            members: 0,
            order: 0,
            first_ms: now_ms,
            at_ms: now_ms,
        };
        self.live.insert(name.to_owned(), opened);
        Some(place)
    }

    fn hold_late(&self, incoming: Incoming<'_>, name: &str, taken: &mut Taken) {
        let last = self.past.get(name).copied().unwrap_or(1);
        let key = source_key(&at(name, last));
        let reason = format!("it came after its group `{name}` was sent");
        let row = incoming.document_row(&key);
        self.hold(&incoming, row, (Action::Create, reason), taken);
    }

    /// A newer version of a record that is in a document which was sent.
    pub(super) fn hold_changed(&self, incoming: Incoming<'_>, action: Action, taken: &mut Taken) {
        let Some(known) = &incoming.document else {
            return;
        };
        let key = SourceKey(known.target_key.0.clone());
        let reason = match action {
            Action::Cancel => format!("deleted at the source after `{key}` was sent with it"),
            _ => format!("changed at the source after `{key}` was sent with it"),
        };
        let row = DocumentRow {
            target_id: known.target_id.clone().or(Some(key.0.clone())),
            ..incoming.document_row(&key)
        };
        self.hold(&incoming, row, (action, reason), taken);
    }

    fn hold(
        &self,
        incoming: &Incoming<'_>,
        mut row: DocumentRow,
        (action, reason): (Action, String),
        taken: &mut Taken,
    ) {
        row.state = DocumentState::Held(reason.clone());
        taken.counts.held += 1;
        taken.changes.extend(incoming.release());
        taken.changes.push(Change::Hold(Hold {
            source_key: incoming.source_key.clone(),
            part: String::new(),
            target_key: row.target_key.clone(),
            target_id: row.target_id.clone(),
            version: incoming.version.clone(),
            action,
            kind: HoldKind::Late,
            reason,
            record: incoming.given.to_vec(),
            document: incoming.line.to_vec(),
            run: self.context.run.clone(),
            at_ms: self.context.now_ms(),
        }));
        taken.changes.push(self.row(incoming, vec![row]));
    }

    fn refuse(&self, incoming: &Incoming<'_>, rejection: Rejection, taken: &mut Taken) {
        let mut row = incoming.document_row(&SourceKey::from(""));
        row.state = DocumentState::Rejected;
        let tried = Try {
            run: self.context.run.clone(),
            at_ms: self.context.now_ms(),
            intent: None,
            action: Action::Create,
            step: 0,
            came: Came::Rejected {
                code: rejection.code.clone(),
                message: rejection.message.clone(),
            },
            exchange: None,
        };
        note(&mut row.tries, tried);
        self.dead_letter(incoming, row, rejection, taken);
    }

    /// A later version of a record whose dead letter a person looks at takes
    /// the record's place there.
    pub(super) fn wait(&self, incoming: &Incoming<'_>, taken: &mut Taken) {
        let mut row = incoming.document_row(&SourceKey::from(""));
        row.state = DocumentState::Rejected;
        let rejection = last_rejection(&row);
        self.dead_letter(incoming, row, rejection, taken);
    }

    fn dead_letter(
        &self,
        incoming: &Incoming<'_>,
        row: DocumentRow,
        rejection: Rejection,
        taken: &mut Taken,
    ) {
        taken.counts.rejected += 1;
        taken.changes.extend(incoming.release());
        taken.changes.push(Change::DeadLetter(DeadLetter {
            source_key: incoming.source_key.clone(),
            part: String::new(),
            version: incoming.version.clone(),
            target_key: None,
            code: rejection.code,
            message: rejection.message,
            field: rejection.field,
            attempts: 0,
            record: incoming.given.to_vec(),
            document: None,
            edited: (incoming.line != incoming.given).then(|| incoming.line.to_vec()),
            exchange: None,
            run: self.context.run.clone(),
            at_ms: self.context.now_ms(),
        }));
        taken.changes.push(self.row(incoming, vec![row]));
    }
}

fn at(name: &str, part: u32) -> GroupPart {
    GroupPart {
        group: name.to_owned(),
        part,
    }
}

impl Incoming<'_> {
    /// What waited about an earlier version waits no more.
    pub(super) fn release(&self) -> Option<Change> {
        let known = self.document.as_ref()?;
        let waits = matches!(
            known.state,
            DocumentState::Held(_) | DocumentState::Rejected
        );
        waits.then(|| Change::Release {
            source_key: self.source_key.clone(),
            part: String::new(),
        })
    }

    /// The record as part of this group's record.
    fn document_row(&self, group: &SourceKey) -> DocumentRow {
        let known = self.document.as_ref();
        DocumentRow {
            mapped_print: Fingerprint::of(self.line),
            tries: known.map(|known| known.tries.clone()).unwrap_or_default(),
            ..refused(String::new(), Some(TargetKey(group.0.clone())))
        }
    }
}
