//! Append-only files: one series for the documents of intents, one for
//! evidence. No file changes once it is full; the oldest go when they grow too
//! old or too many, but none that an open intent needs. Entries have no frame:
//! length and the checksum of what was given lie in the reference; a sealed
//! entry is the length that it has on the disk.

mod erase;
mod forget;
mod numbers;
mod owners;
mod read;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use duijie_record::Scope;

use crate::measure::{Laid, owner};
use crate::prepared::Effects;
use crate::seal::{Seals, bound_of};
use crate::table::io_error;
use crate::{Error, Intent, IntentId, SegmentKind, SegmentRef};
pub(crate) use erase::Erasing;
pub use erase::is_erased;
pub(crate) use forget::Leaving;
use owners::{Owned, Owners};

pub(crate) struct Segments {
    folder: PathBuf,
    /// A file takes no further entry that would make it longer.
    file_bytes: u64,
    seals: Seals,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    documents: Series,
    evidence: Series,
    /// Appended, and named by no commit yet: file and offset of documents.
    unnamed: HashSet<(u64, u64)>,
    /// Which file of documents an open intent needs.
    needed: HashMap<IntentId, u64>,
    unsynced: BTreeMap<u64, Arc<File>>,
    folder_unsynced: bool,
    /// Bytes of each owner in the files that this process wrote to.
    appended: HashMap<(SegmentKind, u64), BTreeMap<String, u64>>,
    /// How long the newest file of each series was when it was opened.
    begun_at: HashMap<(SegmentKind, u64), u64>,
    /// A file was begun since the files were last counted.
    begun: bool,
}

#[derive(Default)]
struct Series {
    current: Option<Current>,
    /// The number of the newest file there ever was.
    last: u64,
}

struct Current {
    number: u64,
    file: Arc<File>,
    owners: Owners,
    length: u64,
}

/// One file of a series, as it is on the disk.
struct Found {
    kind: SegmentKind,
    number: u64,
    bytes: u64,
    changed_ms: u64,
}

const KINDS: [SegmentKind; 2] = [SegmentKind::Documents, SegmentKind::Evidence];

pub(crate) fn folder_name(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Documents => "segments",
        SegmentKind::Evidence => "evidence",
    }
}

impl State {
    fn series(&mut self, kind: SegmentKind) -> &mut Series {
        match kind {
            SegmentKind::Documents => &mut self.documents,
            SegmentKind::Evidence => &mut self.evidence,
        }
    }

    fn last(&self, kind: SegmentKind) -> u64 {
        match kind {
            SegmentKind::Documents => self.documents.last,
            SegmentKind::Evidence => self.evidence.last,
        }
    }

    fn is_needed(&self, found: &Found) -> bool {
        match found.kind {
            SegmentKind::Evidence => {
                let current = self.evidence.current.as_ref();
                current.is_some_and(|current| current.number == found.number)
            }
            SegmentKind::Documents => {
                let current = self.documents.current.as_ref();
                current.is_some_and(|current| current.number == found.number)
                    || self.needed.values().any(|file| *file == found.number)
                    || self.unnamed.iter().any(|(file, _)| *file == found.number)
            }
        }
    }
}

impl Segments {
    pub(crate) fn open(folder: &Path, file_bytes: u64, seals: Seals) -> Result<Self, Error> {
        let mut state = State {
            folder_unsynced: true,
            ..State::default()
        };
        for kind in KINDS {
            let folder = folder.join(folder_name(kind));
            std::fs::create_dir_all(&folder).map_err(io_error("making the folder", &folder))?;
            let last = numbers::last(&folder);
            state.series(kind).last = last.map_err(io_error("listing the folder", &folder))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            file_bytes,
            seals,
            state: Mutex::new(state),
        })
    }

    /// `open_intents` are all that need a file so far.
    pub(crate) fn need(&mut self, open_intents: &[Intent]) {
        let needed = open_intents.iter().map(|one| (one.id, one.segment.file));
        self.state().needed.extend(needed);
    }

    /// Writes into the page cache, which takes microseconds: no sync.
    pub(crate) fn append(
        &self,
        kind: SegmentKind,
        scope: &Scope,
        data: &[u8],
    ) -> Result<SegmentRef, Error> {
        let sealed = self.seals.seal(scope, bound_of(kind), data)?;
        let mut state = self.state();
        let bytes = sealed.len() as u64;
        let full =
            |current: &Current| current.length > 0 && current.length + bytes > self.file_bytes;
        let mut current = match state.series(kind).current.take() {
            Some(current) if !full(&current) => current,
            Some(_) => self.begin(&mut state, kind)?,
            None => match self.resume(&mut state, kind)? {
                Some(current) if !full(&current) => current,
                _ => self.begin(&mut state, kind)?,
            },
        };
        let offset = current.length;
        let owned = Owned {
            scope: owners::print(scope),
            offset,
            bytes,
        };
        let written = current.owners.add(owned);
        let written = written.and_then(|()| current.file.write_all_at(&sealed, offset));
        if written.is_ok() {
            current.length += bytes;
        }
        let (number, file) = (current.number, current.file.clone());
        state.series(kind).current = Some(current);
        written.map_err(io_error("writing a segment", &self.path(kind, number)))?;
        if let Some(owner) = owner(scope.as_str()) {
            let of_file = state.appended.entry((kind, number)).or_default();
            *of_file.entry(owner.to_owned()).or_default() += bytes;
        }
        if kind == SegmentKind::Documents {
            state.unsynced.insert(number, file);
            state.unnamed.insert((number, offset));
        }
        Ok(SegmentRef {
            kind,
            file: number,
            offset,
            bytes,
            crc: crc32fast::hash(data),
        })
    }

    /// Goes on in the newest file of an earlier process, behind whatever it
    /// wrote there.
    fn resume(&self, state: &mut State, kind: SegmentKind) -> Result<Option<Current>, Error> {
        let number = state.series(kind).last;
        let path = self.path(kind, number);
        if !path.exists() {
            return Ok(None);
        }
        let opened = File::options().write(true).open(&path);
        let file = opened.map_err(io_error("opening a segment", &path))?;
        let found = file.metadata();
        let length = found.map_err(io_error("opening a segment", &path))?.len();
        state.begun_at.insert((kind, number), length);
        Ok(Some(Current {
            number,
            file: Arc::new(file),
            owners: Owners::open(&self.beside(kind, number))?,
            length,
        }))
    }

    fn begin(&self, state: &mut State, kind: SegmentKind) -> Result<Current, Error> {
        let number = state.series(kind).last + 1;
        let path = self.path(kind, number);
        let made = File::create_new(&path).map_err(io_error("making a segment", &path))?;
        state.series(kind).last = number;
        state.begun = true;
        state.begun_at.insert((kind, number), 0);
        state.folder_unsynced |= kind == SegmentKind::Documents;
        Ok(Current {
            number,
            file: Arc::new(made),
            owners: Owners::begin(&self.beside(kind, number))?,
            length: 0,
        })
    }

    /// Makes everything durable that was appended before the call.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let mut state = self.state();
        let files = std::mem::take(&mut state.unsynced);
        let folder_unsynced = std::mem::take(&mut state.folder_unsynced);
        drop(state);
        for (number, file) in files {
            let synced = file.sync_data();
            let path = self.path(SegmentKind::Documents, number);
            synced.map_err(io_error("syncing a segment", &path))?;
        }
        if folder_unsynced {
            let folder = self.folder.join(folder_name(SegmentKind::Documents));
            let synced = File::open(&folder).and_then(|folder| folder.sync_all());
            synced.map_err(io_error("syncing the folder", &folder))?;
        }
        Ok(())
    }

    /// Takes note of a durable commit.
    pub(crate) fn committed(&self, effects: &Effects) {
        let mut state = self.state();
        for (id, segment) in &effects.opened {
            state.unnamed.remove(&(segment.file, segment.offset));
            state.needed.insert(*id, segment.file);
        }
        for id in &effects.settled {
            state.needed.remove(id);
        }
    }

    /// Drops the oldest files, where a new one was begun and all of them are
    /// longer than `most` bytes together.
    pub(crate) fn keep_within(&self, most: u64) {
        let mut state = self.state();
        if !std::mem::take(&mut state.begun) {
            return;
        }
        let files = self.files();
        let mut bytes: u64 = files.iter().map(|found| found.bytes).sum();
        for found in files {
            if bytes > most && self.drop_file(&state, &found) {
                bytes -= found.bytes;
            }
        }
    }

    /// Drops files in which nothing was written since `before_ms`. Answers how
    /// many.
    pub(crate) fn drop_old(&self, before_ms: u64) -> u64 {
        let state = self.state();
        let files = self.files().into_iter();
        let old = files.filter(|found| found.changed_ms < before_ms);
        old.filter(|found| self.drop_file(&state, found)).count() as u64
    }

    /// A file that cannot be deleted stays until the next time.
    fn drop_file(&self, state: &State, found: &Found) -> bool {
        let folder = self.folder.join(folder_name(found.kind));
        let dropped = !state.is_needed(found)
            && (found.number != state.last(found.kind)
                || numbers::keep(&folder, found.number).is_ok())
            && std::fs::remove_file(self.path(found.kind, found.number)).is_ok();
        if dropped {
            // What it tells is of a file that is not there.
            std::fs::remove_file(self.beside(found.kind, found.number)).unwrap_or_default();
        }
        dropped
    }

    /// Oldest first. What cannot be looked at is left out.
    fn files(&self) -> Vec<Found> {
        let mut files = Vec::new();
        for kind in KINDS {
            let numbers = numbers::there(&self.folder.join(folder_name(kind))).unwrap_or_default();
            files.extend(numbers.into_iter().filter_map(|number| {
                let found = std::fs::metadata(self.path(kind, number)).ok()?;
                let changed = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
                Some(Found {
                    kind,
                    number,
                    bytes: found.len(),
                    changed_ms: u64::try_from(changed.as_millis()).ok()?,
                })
            }));
        }
        files.sort_by_key(|found| (found.changed_ms, found.number));
        files
    }

    /// Whose the bytes are that this process appended, and where those of
    /// earlier ones lie.
    pub(crate) fn laid(&self) -> Laid {
        let mut state = self.state();
        let files = self.files();
        let there: HashSet<_> = files.iter().map(|one| (one.kind, one.number)).collect();
        state.appended.retain(|file, _| there.contains(file));
        state.begun_at.retain(|file, _| there.contains(file));
        let mut by_owner = BTreeMap::new();
        for (owner, bytes) in state.appended.values().flatten() {
            *by_owner.entry(owner.clone()).or_default() += bytes;
        }
        let before = files.into_iter().map(|one| {
            let file = (one.kind, one.number);
            let begun_at = state.begun_at.get(&file).copied();
            (file, begun_at.unwrap_or(one.bytes))
        });
        Laid {
            by_owner,
            before: before.collect(),
        }
    }

    /// Bytes of documents, and of evidence.
    pub(crate) fn bytes(&self) -> [u64; 2] {
        let files = self.files();
        KINDS.map(|kind| {
            let files = files.iter().filter(|found| found.kind == kind);
            files.map(|found| found.bytes).sum()
        })
    }

    fn path(&self, kind: SegmentKind, number: u64) -> PathBuf {
        path(&self.folder, kind, number)
    }

    /// Where it stands whose the bytes of a file are.
    fn beside(&self, kind: SegmentKind, number: u64) -> PathBuf {
        self.path(kind, number).with_extension("own")
    }

    /// The state is whole between any two statements that change it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers that the files of one store had are none of a copy's without them.
pub(crate) fn keep_numbers(kind: SegmentKind, from: &Path, to: &Path) -> Result<(), Error> {
    let (from, to) = (from.join(folder_name(kind)), to.join(folder_name(kind)));
    let last = numbers::last(&from).map_err(io_error("listing the folder", &from))?;
    std::fs::create_dir_all(&to)
        .and_then(|()| numbers::keep(&to, last))
        .map_err(io_error("writing to the folder", &to))
}

fn path(folder: &Path, kind: SegmentKind, number: u64) -> PathBuf {
    let folder = folder.join(folder_name(kind));
    folder.join(format!("{number}.{}", numbers::SEGMENT))
}

#[cfg(test)]
mod tests;
