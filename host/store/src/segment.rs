//! Append-only files that hold the documents of open intents. A file goes
//! when nothing in it is needed any more. Its entries have no frame: length
//! and checksum lie in the reference, which the intent keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::prepared::Effects;
use crate::table::io_error;
use crate::{Error, Intent, IntentId, SegmentKind, SegmentRef};

pub(crate) struct Segments {
    kind: SegmentKind,
    folder: PathBuf,
    /// A file takes no further entry that would make it longer.
    file_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    next_file: u64,
    /// Every file in the folder.
    files: BTreeSet<u64>,
    /// Appended, and named by no commit yet: file and offset.
    unnamed: HashSet<(u64, u64)>,
    /// Which file an open intent needs.
    needed: HashMap<IntentId, u64>,
    unsynced: BTreeMap<u64, Arc<File>>,
    folder_unsynced: bool,
}

struct Current {
    number: u64,
    file: Arc<File>,
    length: u64,
}

impl Segments {
    /// `open_intents` are all that need a file; files that none of them
    /// needs are deleted.
    pub(crate) fn open(
        folder: &Path,
        kind: SegmentKind,
        file_bytes: u64,
        open_intents: &[Intent],
    ) -> Result<Self, Error> {
        let folder = folder.join(match kind {
            SegmentKind::Documents => "segments",
            SegmentKind::Evidence => "evidence",
        });
        let io = |what| io_error(what, &folder);
        std::fs::create_dir_all(&folder).map_err(io("making the folder"))?;
        let needed = open_intents
            .iter()
            .map(|intent| (intent.id, intent.segment.file));
        let mut state = State {
            needed: needed.collect(),
            folder_unsynced: true,
            ..State::default()
        };
        for entry in std::fs::read_dir(&folder).map_err(io("listing the folder"))? {
            let path = entry.map_err(io("listing the folder"))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let number = name.and_then(|name| name.strip_suffix(".seg")?.parse::<u64>().ok());
            state.files.extend(number);
        }
        state.next_file = state.files.last().map_or(1, |last| last + 1);
        let segments = Self {
            kind,
            folder,
            file_bytes,
            state: Mutex::new(state),
        };
        if kind == SegmentKind::Documents {
            segments.delete_unneeded();
        }
        Ok(segments)
    }

    /// Writes into the page cache, which takes microseconds: no sync.
    pub(crate) fn append(&self, data: &[u8]) -> Result<SegmentRef, Error> {
        let mut state = self.state();
        let bytes = data.len() as u64;
        let full =
            |current: &Current| current.length > 0 && current.length + bytes > self.file_bytes;
        let mut current = match state.current.take() {
            Some(current) if !full(&current) => current,
            _ => self.begin(&mut state)?,
        };
        let offset = current.length;
        let written = current.file.write_all_at(data, offset);
        if written.is_ok() {
            current.length += bytes;
        }
        let (number, file) = (current.number, current.file.clone());
        state.current = Some(current);
        written.map_err(io_error("writing a segment", &self.path(number)))?;
        state.unsynced.insert(number, file);
        state.unnamed.insert((number, offset));
        Ok(SegmentRef {
            kind: self.kind,
            file: number,
            offset,
            bytes,
            crc: crc32fast::hash(data),
        })
    }

    fn begin(&self, state: &mut State) -> Result<Current, Error> {
        let number = state.next_file;
        let path = self.path(number);
        let made = File::create_new(&path).map_err(io_error("making a segment", &path))?;
        state.next_file += 1;
        state.files.insert(number);
        state.folder_unsynced = true;
        Ok(Current {
            number,
            file: Arc::new(made),
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
            synced.map_err(io_error("syncing a segment", &self.path(number)))?;
        }
        if folder_unsynced {
            let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
            synced.map_err(io_error("syncing the folder", &self.folder))?;
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

    /// A file that cannot be deleted stays until the next call or open.
    pub(crate) fn delete_unneeded(&self) {
        let mut state = self.state();
        let mut kept: HashSet<u64> = state.needed.values().copied().collect();
        kept.extend(state.unnamed.iter().map(|(file, _)| *file));
        kept.extend(state.current.as_ref().map(|current| current.number));
        state
            .files
            .retain(|file| kept.contains(file) || std::fs::remove_file(self.path(*file)).is_err());
    }

    pub(crate) fn read(&self, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        let path = self.path(segment.file);
        let damaged = |reason| Error::Damaged {
            what: "a segment",
            place: path.display().to_string(),
            reason,
        };
        let file = File::open(&path).map_err(|error| damaged(error.to_string()))?;
        let length = file
            .metadata()
            .map_err(io_error("reading a segment", &path))?
            .len();
        if segment.offset.saturating_add(segment.bytes) > length {
            return Err(damaged(format!(
                "it has {length} bytes, and {} at {} were expected",
                segment.bytes, segment.offset
            )));
        }
        let mut data = vec![0; segment.bytes as usize];
        let read = file.read_exact_at(&mut data, segment.offset);
        read.map_err(io_error("reading a segment", &path))?;
        if crc32fast::hash(&data) != segment.crc {
            return Err(damaged(format!(
                "the checksum of {} bytes at {} is wrong",
                segment.bytes, segment.offset
            )));
        }
        Ok(data)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number}.seg"))
    }

    /// The state is whole between any two statements that change it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
