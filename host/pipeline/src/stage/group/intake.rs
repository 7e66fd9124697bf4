//! Records of the source on their way into groups: what is new, what is a
//! newer version, what is gone.

use duijie_plan::OnNewer;
use duijie_record::{Action, Change as Became, Rejection, SourceKey, Version};
use duijie_store::{
    Change, DocumentRow, DocumentState, Fingerprint, GroupPart, GroupState, LedgerRow, LineRef,
};

use super::{Grouper, Taken};
use crate::Error;
use crate::group::{Object, key_of, place, record};
use crate::report::Counts;
use crate::stage::decide::{Fate, fate, print, winners};
use crate::stage::evidence::lay_aside;
use crate::stage::source::Lined;

/// A record that is new or newer.
pub(super) struct Incoming<'batch> {
    pub(super) source_key: SourceKey,
    pub(super) version: Option<Version>,
    pub(super) print: Fingerprint,
    /// The source's line.
    pub(super) given: &'batch [u8],
    /// What stands in its place, or the same.
    pub(super) line: &'batch [u8],
    /// Where its line was laid aside.
    pub(super) laid: Option<LineRef>,
    /// What the ledger said of it.
    pub(super) document: Option<DocumentRow>,
    /// Its group, or why it has none.
    pub(super) group: Result<String, Rejection>,
}

impl Grouper {
    pub(super) fn intake(&mut self, lined: &Lined) -> Result<Taken, Error> {
        let entries = &lined.batch.entries;
        let mut taken = Taken {
            counts: Counts {
                read: u64::try_from(entries.len()).unwrap_or(u64::MAX),
                ..Counts::default()
            },
            ..Taken::default()
        };
        let wins = winners(
            entries
                .iter()
                .map(|entry| (&entry.key, entry.version.as_ref())),
        );
        let keys: Vec<SourceKey> = entries.iter().map(|entry| entry.key.clone()).collect();
        let rows = self.context.ledger(&keys)?;
        let laid = lay_aside(&self.context, &lined.batch.data)?;
        let mut newer = Vec::new();
        for (index, ((entry, span), row)) in entries.iter().zip(&lined.lines).zip(rows).enumerate()
        {
            if wins.as_ref().and_then(|wins| wins.get(index)) == Some(&false) {
                taken.counts.dropped += 1;
                continue;
            }
            let line = lined.batch.data.get(span.clone()).unwrap_or_default();
            let print = print(line, entry.change);
            match self.fate(row.as_ref(), entry.version.as_ref(), print, entry.change)? {
                Fate::Unchanged => taken.counts.unchanged += 1,
                Fate::Stale => taken.counts.dropped += 1,
                Fate::Newer => {
                    let laid = laid.as_ref().map(|segment| LineRef {
                        segment: segment.clone(),
                        line: u32::try_from(index).unwrap_or(u32::MAX),
                    });
                    let document = row.and_then(|row| row.documents.into_iter().next());
                    let group = match entry.change {
                        Became::Upsert => self.group_of(line),
                        Became::Delete => Ok(String::new()),
                    };
                    let incoming = Incoming {
                        source_key: entry.key.clone(),
                        version: entry.version.clone(),
                        print,
                        given: line,
                        line,
                        laid,
                        document,
                        group,
                    };
                    newer.push((entry.change, incoming));
                }
            }
        }
        self.learn(newer.iter().filter_map(|(_, one)| one.group.as_ref().ok()))?;
        for (change, incoming) in newer {
            match change {
                Became::Upsert => self.upsert(incoming, &mut taken),
                Became::Delete => self.delete(incoming, &mut taken),
            }
        }
        Ok(taken)
    }

    /// Records that a person sends on: held because they came late, or refused
    /// for what they were. Those that came late make a part of their own.
    pub(super) fn rejoin(&mut self, lined: &Lined) -> Result<Taken, Error> {
        let mut taken = Taken::default();
        let entries = &lined.batch.entries;
        let keys: Vec<SourceKey> = entries.iter().map(|entry| entry.key.clone()).collect();
        let rows = self.context.ledger(&keys)?;
        let wished = lined.wishes.iter().zip(&lined.lines);
        for ((entry, (wish, span)), row) in entries.iter().zip(wished).zip(rows) {
            taken.counts.read += 1;
            let given = lined.batch.data.get(span.clone()).unwrap_or_default();
            let line = wish.edited().unwrap_or(given);
            let group = self.group_of(line);
            self.learn(group.as_ref().ok().into_iter())?;
            let incoming = Incoming {
                source_key: entry.key.clone(),
                version: entry.version.clone(),
                print: wish.print,
                given,
                line,
                laid: row.as_ref().and_then(|row| row.record.clone()),
                document: row.and_then(|row| row.documents.into_iter().next()),
                group,
            };
            self.join(incoming, true, &mut taken);
        }
        Ok(taken)
    }

    fn fate(
        &self,
        row: Option<&LedgerRow>,
        version: Option<&Version>,
        print: Fingerprint,
        change: Became,
    ) -> Result<Fate, Error> {
        let Some(row) = row else {
            return Ok(Fate::Newer);
        };
        let known = (row.version.as_ref(), row.source_print);
        Ok(match fate(known, (version, print), change) {
            Fate::Unchanged if self.context.tries_again(row)? => Fate::Newer,
            fate => fate,
        })
    }

    /// A record that makes no sense alone makes none among others either.
    fn group_of(&self, line: &[u8]) -> Result<String, Rejection> {
        let group = key_of(&self.rule, &Object::parse(line)?)?;
        let alone = GroupPart {
            group: String::new(),
            part: 1,
        };
        record(&self.rule, &alone, &[line])?;
        Ok(group)
    }

    fn upsert(&mut self, incoming: Incoming<'_>, taken: &mut Taken) {
        let waits = self.context.plan().policy.on_newer == OnNewer::Wait;
        let Some(known) = &incoming.document else {
            return self.join(incoming, false, taken);
        };
        let before = place(known.target_key.as_str());
        match &known.state {
            DocumentState::Grouped => match before.filter(|before| self.is_open(before)) {
                Some(before) => self.replace(incoming, before, taken),
                None => self.hold_changed(incoming, Action::Update, taken),
            },
            _ if known.target_id.is_some() => {
                self.hold_changed(incoming, Action::Update, taken);
            }
            DocumentState::Rejected if waits => self.wait(&incoming, taken),
            _ => self.join(incoming, false, taken),
        }
    }

    fn delete(&mut self, incoming: Incoming<'_>, taken: &mut Taken) {
        let known = incoming.document.as_ref();
        let before = known.and_then(|known| place(known.target_key.as_str()));
        let grouped = known.is_some_and(|known| known.state == DocumentState::Grouped);
        let stands = known.is_some_and(|known| known.target_id.is_some());
        match before {
            Some(before) if grouped && self.is_open(&before) => {
                self.leave(&before, &incoming.source_key, taken);
            }
            _ if grouped || stands => {
                return self.hold_changed(incoming, Action::Cancel, taken);
            }
            _ => {}
        }
        taken.counts.dropped += 1;
        taken.changes.extend(incoming.release());
        taken.changes.push(self.row(&incoming, Vec::new()));
    }

    pub(super) fn is_open(&self, place: &GroupPart) -> bool {
        let live = self.live.get(&place.group);
        live.is_some_and(|live| live.place == *place && live.state == GroupState::Open)
    }

    pub(super) fn row(&self, incoming: &Incoming<'_>, documents: Vec<DocumentRow>) -> Change {
        Change::Ledger(LedgerRow {
            source_key: incoming.source_key.clone(),
            version: incoming.version.clone(),
            source_print: incoming.print,
            documents,
            record: incoming.laid.clone(),
            run: self.context.run.clone(),
            at_ms: self.context.now_ms(),
        })
    }
}
