//! Documents cut to what the target takes in one call.

use std::convert::Infallible;
use std::ops::Range;

use duijie_record::{Action, DocumentBatch, DocumentEntry};
use duijie_store::{IntentEntry, IntentId, LineRef, SegmentRef, Try};
use tokio::sync::mpsc;

use crate::page::{Slot, note};

/// Ends a wait when the last clone is dropped.
pub(crate) type Guard = mpsc::Sender<Infallible>;

/// Line `i` of `batch.data` belongs to `entries[i]`, `slots[i]` and `doubted[i]`.
pub(crate) struct Chunk {
    pub(crate) batch: DocumentBatch,
    pub(crate) entries: Vec<IntentEntry>,
    /// `None` for a document of an earlier run.
    pub(crate) slots: Vec<Option<Slot>>,
    /// Whether some try of it had no known outcome. A try that was refused for
    /// now is none: it took no effect.
    pub(crate) doubted: Vec<bool>,
    /// The intent that names just these documents, and where they lie.
    pub(crate) intent: Option<(IntentId, SegmentRef)>,
    /// Of each document the exchange in which it was last sent; empty where
    /// none was kept.
    pub(crate) exchanges: Vec<Option<LineRef>>,
    pub(crate) guard: Option<Guard>,
}

/// A document on its way into a chunk.
pub(crate) struct Sending {
    /// Its line among the mapped ones; `None` for one that has no content.
    pub(crate) line: Option<Range<usize>>,
    pub(crate) entry: IntentEntry,
    pub(crate) slot: Slot,
}

/// What a document without content looks like.
pub(crate) const NO_CONTENT: &[u8] = b"{}";

impl Chunk {
    pub(crate) fn new(data: Vec<u8>) -> Self {
        Self {
            batch: DocumentBatch {
                data,
                entries: Vec::new(),
            },
            entries: Vec::new(),
            slots: Vec::new(),
            doubted: Vec::new(),
            intent: None,
            exchanges: Vec::new(),
            guard: None,
        }
    }

    /// Where the document at this place lies; `None` before its intent.
    pub(crate) fn sent(&self, place: usize) -> Option<LineRef> {
        let (_, segment) = self.intent.as_ref()?;
        Some(LineRef {
            segment: segment.clone(),
            line: u32::try_from(place).ok()?,
        })
    }

    pub(crate) fn exchange(&self, place: usize) -> Option<LineRef> {
        self.exchanges.get(place).cloned().flatten()
    }

    /// Adds to the history that the document's next intent carries.
    pub(crate) fn note(&mut self, place: usize, new: Try) {
        if let Some(entry) = self.entries.get_mut(place) {
            note(&mut entry.tries, new);
        }
    }

    /// The step that its documents take; 0 where they are to be written.
    pub(crate) fn step(&self) -> u8 {
        self.entries.first().map_or(0, |entry| entry.step)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn doubt(&mut self, place: usize) {
        if let Some(doubted) = self.doubted.get_mut(place) {
            *doubted = true;
        }
    }

    /// What is to be done with a document, found out just before.
    pub(crate) fn change_to(&mut self, place: usize, action: Action) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.action = action;
        }
        if let Some(document) = self.batch.entries.get_mut(place) {
            document.action = action;
        }
    }

    pub(crate) fn is_doubted(&self, place: usize) -> bool {
        self.doubted.get(place) == Some(&true)
    }

    pub(crate) fn push(&mut self, line: &[u8], entry: IntentEntry, slot: Option<Slot>) {
        self.batch.data.extend_from_slice(line);
        self.batch.data.push(b'\n');
        self.push_entry(entry, slot);
    }

    /// The documents at these places, in order, as they are.
    pub(crate) fn narrow(self, places: impl Iterator<Item = usize>) -> Self {
        let as_it_is = |place: usize| {
            let entry = self.entries.get(place)?;
            Some((place, entry.known_id.clone(), entry.attempt))
        };
        let places = places.filter_map(as_it_is).collect();
        self.pick(places)
    }

    /// The documents at these places, in order, each with the target's id where
    /// it is known and the number of its try.
    pub(crate) fn pick(mut self, places: Vec<(usize, Option<String>, u32)>) -> Self {
        if places.len() != self.entries.len() {
            return self.gather(places);
        }
        let entries = self.entries.iter_mut().zip(&mut self.batch.entries);
        for ((entry, document), (_, id, attempt)) in entries.zip(places) {
            document.known_id.clone_from(&id);
            entry.known_id = id;
            document.attempt = attempt;
            entry.attempt = attempt;
        }
        self
    }

    /// With the number of the next try.
    pub(crate) fn tried_again(mut self) -> Self {
        for (entry, document) in self.entries.iter_mut().zip(&mut self.batch.entries) {
            entry.attempt += 1;
            document.attempt = entry.attempt;
        }
        self
    }

    /// Its two halves, each with an intent still to come.
    pub(crate) fn halves(&self) -> [Self; 2] {
        let all = self.entries.iter().enumerate();
        let mut first: Vec<_> = all
            .map(|(place, entry)| (place, entry.known_id.clone(), entry.attempt))
            .collect();
        let second = first.split_off(first.len().div_ceil(2));
        [self.gather(first), self.gather(second)]
    }

    fn gather(&self, places: Vec<(usize, Option<String>, u32)>) -> Self {
        let spans = spans(&self.batch.data);
        let mut picked = Self::new(Vec::new());
        for (place, id, attempt) in places {
            let (Some(entry), Some(slot)) = (self.entries.get(place), self.slots.get(place)) else {
                continue;
            };
            let mut entry = entry.clone();
            entry.known_id = id;
            entry.attempt = attempt;
            let line = spans
                .get(place)
                .and_then(|span| self.batch.data.get(span.clone()));
            picked.push(line.unwrap_or(NO_CONTENT), entry, *slot);
            if self.is_doubted(place) {
                picked.doubt(picked.entries.len() - 1);
            }
        }
        picked
    }

    fn push_entry(&mut self, entry: IntentEntry, slot: Option<Slot>) {
        self.batch.entries.push(DocumentEntry {
            target_key: entry.target_key.clone(),
            action: entry.action,
            known_id: entry.known_id.clone(),
            attempt: entry.attempt,
        });
        self.entries.push(entry);
        self.slots.push(slot);
        self.doubted.push(false);
    }
}

/// Cuts `sendings` into chunks of at most `max_records` and `max_bytes`; a
/// document larger than that goes alone. `lines` is how many lines `data`
/// holds: when all of them go into one chunk, `data` goes as it is.
pub(crate) fn cut(
    data: Vec<u8>,
    lines: usize,
    sendings: Vec<Sending>,
    max_records: usize,
    max_bytes: usize,
) -> Vec<Chunk> {
    let whole = sendings.len() == lines
        && lines <= max_records
        && data.len() <= max_bytes
        && sendings.iter().all(|sending| sending.line.is_some());
    if whole && !sendings.is_empty() {
        let mut chunk = Chunk::new(data);
        for sending in sendings {
            chunk.push_entry(sending.entry, Some(sending.slot));
        }
        return vec![chunk];
    }
    let mut chunks: Vec<Chunk> = Vec::new();
    for sending in sendings {
        let line = sending.line.and_then(|span| data.get(span));
        let line = line.unwrap_or(NO_CONTENT);
        let fits = chunks.last().is_some_and(|chunk| {
            chunk.entries.len() < max_records && chunk.batch.data.len() + line.len() < max_bytes
        });
        if !fits {
            chunks.push(Chunk::new(Vec::new()));
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(line, sending.entry, Some(sending.slot));
        }
    }
    chunks
}

/// Where each line of JSON Lines begins and ends, without its line end.
pub(crate) fn spans(data: &[u8]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', data) {
        spans.push(start..end);
        start = end + 1;
    }
    if start < data.len() {
        spans.push(start..data.len());
    }
    spans
}

/// The bytes of a line; empty where there is none.
pub(crate) fn line(data: &[u8], span: Option<&Range<usize>>) -> Vec<u8> {
    span.and_then(|span| data.get(span.clone()))
        .unwrap_or_default()
        .to_vec()
}
