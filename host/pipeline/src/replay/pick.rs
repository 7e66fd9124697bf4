//! What is known of the picks: of each the record or document to go on with,
//! or why there is none.

use std::collections::{HashMap, HashSet};

use duijie_record::{Action, Change, SourceKey, Version};
use duijie_store::{DeadLetter, Hold, HoldKind, LedgerRow};

use super::{Does, Job, Ready, Wants, Wish};
use crate::Error;
use crate::error::Left;
use crate::group;
use crate::options::Context;
use crate::page::PARTIAL;
use crate::purpose::{Pick, What};
use crate::stage::decide::print;
use crate::stage::evidence::Recall;
use crate::stage::group::rebuilt;

#[derive(Default)]
pub(super) struct Gathered {
    /// Records that join a group.
    pub(super) join: Vec<Job>,
    /// Records that are mapped.
    pub(super) map: Vec<Job>,
    /// Records of which documents are sent as they are.
    pub(super) send: Vec<Job>,
    /// Held documents that are sent, and why each was held.
    pub(super) resent: HashMap<Place, HoldKind>,
    pub(super) left: Vec<Left>,
}

pub(super) type Place = (SourceKey, String);

/// What is known of the picks.
pub(super) struct Picking<'run> {
    pub(super) context: &'run Context,
    letters: HashMap<Place, DeadLetter>,
    holds: HashMap<Place, Hold>,
    rows: HashMap<SourceKey, LedgerRow>,
    recall: Recall,
    /// Where the job of a source key is, among those that are mapped and those
    /// that are sent.
    mapped: HashMap<SourceKey, usize>,
    sent: HashMap<SourceKey, usize>,
}

impl<'run> Picking<'run> {
    pub(super) fn begin(context: &'run Context, picks: &[Pick]) -> Result<Self, Error> {
        let scope = &context.plan().scope;
        let store = &context.options.store;
        let wanted: HashSet<&SourceKey> = picks.iter().map(|pick| &pick.source_key).collect();
        let letters = store.dead_letters(scope)?.into_iter();
        let letters = letters.filter(|letter| wanted.contains(&letter.source_key));
        let holds = store.holds(scope)?.into_iter();
        let holds = holds.filter(|hold| wanted.contains(&hold.source_key));
        let keys: Vec<SourceKey> = wanted.iter().map(|key| (*key).clone()).collect();
        let rows = store.ledger(scope, &keys)?.into_iter().flatten();
        Ok(Self {
            context,
            letters: letters
                .map(|letter| ((letter.source_key.clone(), letter.part.clone()), letter))
                .collect(),
            holds: holds
                .map(|hold| ((hold.source_key.clone(), hold.part.clone()), hold))
                .collect(),
            rows: rows.map(|row| (row.source_key.clone(), row)).collect(),
            recall: Recall::default(),
            mapped: HashMap::new(),
            sent: HashMap::new(),
        })
    }

    pub(super) fn gather(mut self, picks: &[Pick], gathered: &mut Gathered) {
        let mut seen = HashSet::new();
        for pick in picks {
            let place = (pick.source_key.clone(), pick.part.clone());
            let result = match seen.insert(place.clone()) {
                false => Err("it was picked twice"),
                true => self.one(&place, pick.what, gathered),
            };
            if let Err(why) = result {
                gathered.left.push(Left {
                    source_key: pick.source_key.to_string(),
                    part: pick.part.clone(),
                    why,
                });
            }
        }
    }

    fn one(
        &mut self,
        place: &Place,
        what: What,
        gathered: &mut Gathered,
    ) -> Result<(), &'static str> {
        let letter = self.letters.remove(place);
        let hold = self.holds.remove(place);
        if letter.is_none() && hold.is_none() && self.is_settled(place) {
            return Ok(());
        }
        if self.is_member(place, hold.as_ref())? {
            let job = self.member(place, what, letter, hold)?;
            gathered.join.push(job);
            return Ok(());
        }
        match (what, letter, hold) {
            (What::Resend, _, Some(hold)) => {
                gathered.resent.insert(place.clone(), hold.kind);
                let ready = Ready {
                    part: hold.part,
                    does: match hold.action {
                        Action::Cancel => Does::Cancel(hold.target_key),
                        Action::Create | Action::Update => Does::Send(hold.document),
                    },
                    target_id: hold.target_id,
                };
                let job = self.job(place, hold.version, hold.record, Wants::Send(vec![ready]))?;
                self.send(job, gathered);
            }
            (What::Resend, _, None) => return Err("no hold waits there"),
            (What::AsEdited, Some(letter), _) => self.edited(place, letter, gathered)?,
            (What::AsEdited, None, _) => return Err("no dead letter waits there"),
            (What::Again, Some(letter), _) => {
                let parts = (letter.document.is_some()).then(|| HashSet::from([letter.part]));
                self.again(place, letter.version, letter.record, parts, gathered)?;
            }
            (What::Again, None, Some(hold)) => {
                if hold.action == Action::Cancel {
                    return Err("it is a cancel, of which nothing is mapped: resend it");
                }
                gathered.resent.insert(place.clone(), hold.kind);
                let parts = Some(HashSet::from([hold.part]));
                self.again(place, hold.version, hold.record, parts, gathered)?;
            }
            (What::Again, None, None) => {
                return Err("neither a dead letter nor a hold waits there");
            }
        }
        Ok(())
    }

    fn edited(
        &mut self,
        place: &Place,
        letter: DeadLetter,
        gathered: &mut Gathered,
    ) -> Result<(), &'static str> {
        let edited = letter.edited.ok_or("nobody has edited it")?;
        let had_document = letter.document.is_some();
        let wants = match had_document {
            true => Wants::Send(vec![Ready {
                part: letter.part,
                does: Does::Send(edited),
                target_id: None,
            }]),
            false => Wants::Map {
                edited: Some(edited),
                parts: None,
            },
        };
        let job = self.job(place, letter.version, letter.record, wants)?;
        match had_document {
            true => self.send(job, gathered),
            false => self.map(job, gathered),
        }
        Ok(())
    }

    /// Whether this run has settled it before it came to the picks: an earlier
    /// replay had sent it.
    fn is_settled(&self, (source_key, part): &Place) -> bool {
        let row = self.rows.get(source_key);
        let row = row.filter(|row| row.run == self.context.run);
        let mut documents = row.into_iter().flat_map(|row| &row.documents);
        documents.any(|document| document.part == *part)
    }

    fn again(
        &mut self,
        place: &Place,
        version: Option<Version>,
        mut record: Vec<u8>,
        parts: Option<HashSet<String>>,
        gathered: &mut Gathered,
    ) -> Result<(), &'static str> {
        if record.is_empty() {
            let row = self.rows.get(&place.0);
            let row = row.filter(|row| row.version == version);
            let kept = row.and_then(|row| row.record.as_ref());
            record = self.recall.line(self.context, kept);
        }
        if record.is_empty()
            && let Some(part) = group::place(place.0.as_str())
        {
            let made = rebuilt(self.context, &part);
            record = made.map_err(|_| "its group cannot be read: run `duijie doctor`")?;
        }
        if record.is_empty() {
            return Err("its record is no longer kept: have the source give it again");
        }
        let wants = Wants::Map {
            edited: None,
            parts,
        };
        let job = self.job(place, version, record, wants)?;
        self.map(job, gathered);
        Ok(())
    }

    /// The ledger's fingerprint stays, so that the source's record counts as
    /// dealt with when it is read again.
    pub(super) fn job(
        &self,
        place: &Place,
        version: Option<Version>,
        line: Vec<u8>,
        wants: Wants,
    ) -> Result<Job, &'static str> {
        let row = self.rows.get(&place.0);
        let newer = row.is_some_and(|row| match (&row.version, &version) {
            (Some(known), Some(waits)) => known > waits,
            _ => false,
        });
        if newer {
            return Err("a newer version was dealt with since: discard it");
        }
        let known = row.map(|row| row.source_print);
        let known = known.filter(|known| *known != PARTIAL);
        let print = known.unwrap_or_else(|| match line.is_empty() {
            true => PARTIAL,
            false => print(&line, Change::Upsert),
        });
        Ok(Job {
            source_key: place.0.clone(),
            version,
            wish: Wish {
                print,
                is_lost: line.is_empty(),
                wants,
            },
            line,
        })
    }

    /// One job maps a record, whatever is wanted of it.
    fn map(&mut self, job: Job, gathered: &mut Gathered) {
        let place = self.mapped.get(&job.source_key).copied();
        let Some(known) = place.and_then(|place| gathered.map.get_mut(place)) else {
            self.mapped
                .insert(job.source_key.clone(), gathered.map.len());
            gathered.map.push(job);
            return;
        };
        let (
            Wants::Map { edited, parts },
            Wants::Map {
                edited: more_edited,
                parts: more_parts,
            },
        ) = (&mut known.wish.wants, job.wish.wants)
        else {
            return;
        };
        *parts = match (parts.take(), more_parts) {
            (Some(some), Some(more)) => Some(some.into_iter().chain(more).collect()),
            _ => None,
        };
        if more_edited.is_some() {
            *edited = more_edited;
        }
    }

    fn send(&mut self, job: Job, gathered: &mut Gathered) {
        let place = self.sent.get(&job.source_key).copied();
        let Some(known) = place.and_then(|place| gathered.send.get_mut(place)) else {
            self.sent
                .insert(job.source_key.clone(), gathered.send.len());
            gathered.send.push(job);
            return;
        };
        if let (Wants::Send(ready), Wants::Send(more)) = (&mut known.wish.wants, job.wish.wants) {
            ready.extend(more);
        }
    }
}
