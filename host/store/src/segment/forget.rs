//! Takes what scopes laid aside out of the segment files: zeros take its place,
//! and a file goes when nothing else is in it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use duijie_record::Scope;

use super::owners::{self, Owned};
use super::{Found, Segments, State, folder_name};
use crate::table::io_error;
use crate::{Error, Intent, IntentId, SegmentKind, SegmentRef};

/// So many zeros are written at a time.
const ZEROS: usize = 1 << 20;

/// What is to leave.
pub(crate) struct Leaving {
    scopes: HashSet<u128>,
    gone: Vec<IntentId>,
    /// Where rows of the scopes lead.
    named: HashMap<(SegmentKind, u64), Vec<SegmentRef>>,
}

impl Leaving {
    /// `gone` are open intents of the scopes.
    pub(crate) fn new(scopes: &[Scope], gone: Vec<IntentId>, named: Vec<SegmentRef>) -> Self {
        let mut by_file: HashMap<_, Vec<SegmentRef>> = HashMap::new();
        for one in named {
            by_file.entry((one.kind, one.file)).or_default().push(one);
        }
        Self {
            scopes: scopes.iter().map(owners::print).collect(),
            gone,
            named: by_file,
        }
    }
}

impl Segments {
    /// `open_intents` are those of all other scopes. Bytes of which nobody
    /// knows whose they are go where rows of the scopes lead to them. Nobody
    /// appends meanwhile.
    pub(crate) fn forget(&self, leaving: &Leaving, open_intents: &[Intent]) -> Result<(), Error> {
        let mut state = self.state();
        for id in &leaving.gone {
            state.needed.remove(id);
        }
        for found in self.files() {
            let needed = open_intents
                .iter()
                .map(|intent| &intent.segment)
                .filter(|segment| segment.kind == found.kind && segment.file == found.number);
            let needed = needed.map(|segment| (segment.offset, segment.offset + segment.bytes));
            self.forget_in(&mut state, &found, leaving, needed.collect())?;
        }
        Ok(())
    }

    fn forget_in(
        &self,
        state: &mut State,
        found: &Found,
        leaving: &Leaving,
        mut kept: Vec<(u64, u64)>,
    ) -> Result<(), Error> {
        let beside = self.beside(found.kind, found.number);
        let owned = owners::read(&beside)?;
        let (gone, staying): (Vec<Owned>, Vec<Owned>) = owned
            .iter()
            .partition(|one| leaving.scopes.contains(&one.scope));
        let mut going: Vec<(u64, u64)> = gone.iter().copied().map(Into::into).collect();
        going.extend(self.of_nobody(found, &owned, leaving)?);
        if going.is_empty() {
            return Ok(());
        }
        kept.extend(staying.iter().copied().map(<(u64, u64)>::from));
        kept.extend(owners::between(&mut going, found.bytes));
        let gaps = owners::between(&mut kept, found.bytes);
        if found.kind == SegmentKind::Documents {
            state.unnamed.retain(|(file, offset)| {
                let within = |(from, end): &(u64, u64)| from <= offset && offset < end;
                *file != found.number || !gaps.iter().any(within)
            });
        }
        if kept.is_empty() && self.drop_file(state, found) {
            return Ok(());
        }
        zero(&self.path(found.kind, found.number), &gaps)?;
        if gone.is_empty() {
            return Ok(());
        }
        let owners = owners::replace(&beside, &staying)?;
        let current = state.series(found.kind).current.as_mut();
        if let Some(current) = current.filter(|current| current.number == found.number) {
            current.owners = owners;
        }
        let folder = self.folder.join(folder_name(found.kind));
        let synced = File::open(&folder).and_then(|folder| folder.sync_all());
        synced.map_err(io_error("syncing the folder", &folder))
    }

    /// Stretches that rows of the scopes lead to, and that nobody is known to
    /// own: they hold what the rows say that they do. What is sealed there
    /// stays, since the key to it is gone.
    fn of_nobody(
        &self,
        found: &Found,
        owned: &[Owned],
        leaving: &Leaving,
    ) -> Result<Vec<(u64, u64)>, Error> {
        let Some(named) = leaving.named.get(&(found.kind, found.number)) else {
            return Ok(Vec::new());
        };
        let path = self.path(found.kind, found.number);
        let failed = |error| io_error("reading a segment", &path)(error);
        let file = File::open(&path).map_err(failed)?;
        let mut seen = HashSet::new();
        let mut stretches = Vec::new();
        for one in named {
            let end = one.offset.saturating_add(one.bytes);
            let is_free = end <= found.bytes && owners::is_free(owned, one.offset, end);
            if !is_free || !seen.insert((one.offset, one.bytes, one.crc)) {
                continue;
            }
            let mut data = vec![0; usize::try_from(one.bytes).unwrap_or_default()];
            file.read_exact_at(&mut data, one.offset).map_err(failed)?;
            if crc32fast::hash(&data) == one.crc {
                stretches.push((one.offset, end));
            }
        }
        Ok(stretches)
    }
}

fn zero(path: &Path, gaps: &[(u64, u64)]) -> Result<(), Error> {
    let failed = |error| io_error("writing over a segment", path)(error);
    let file = File::options().write(true).open(path).map_err(failed)?;
    let zeros = vec![0_u8; ZEROS];
    for (from, end) in gaps.iter().copied() {
        let mut at = from;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(ZEROS).min(ZEROS);
            let zeros = zeros.get(..length).unwrap_or_default();
            file.write_all_at(zeros, at).map_err(failed)?;
            at += length as u64;
        }
    }
    file.sync_data().map_err(failed)
}
