//! Takes what scopes laid aside out of the segment files: zeros take its place,
//! and a file goes when nothing else is in it.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use duijie_record::Scope;

use super::owners::{self, Owned};
use super::{Found, Segments, State};
use crate::table::io_error;
use crate::{Error, Intent, IntentId, SegmentKind};

/// So many zeros are written at a time.
const ZEROS: usize = 1 << 20;

impl Segments {
    /// `open_intents` are those of all other scopes. Bytes of which nobody
    /// knows whose they are go as well, unless one of these intents needs
    /// them. Nobody appends meanwhile.
    pub(crate) fn forget(
        &self,
        scopes: &[Scope],
        gone: &[IntentId],
        open_intents: &[Intent],
    ) -> Result<(), Error> {
        let scopes: HashSet<u128> = scopes.iter().map(owners::print).collect();
        let mut state = self.state();
        for id in gone {
            state.needed.remove(id);
        }
        for found in self.files() {
            let needed = open_intents
                .iter()
                .map(|intent| &intent.segment)
                .filter(|segment| segment.kind == found.kind && segment.file == found.number);
            let needed = needed.map(|segment| (segment.offset, segment.offset + segment.bytes));
            self.forget_in(&mut state, &found, &scopes, needed.collect())?;
        }
        Ok(())
    }

    fn forget_in(
        &self,
        state: &mut State,
        found: &Found,
        scopes: &HashSet<u128>,
        mut kept: Vec<(u64, u64)>,
    ) -> Result<(), Error> {
        let beside = self.beside(found.kind, found.number);
        let owned = owners::read(&beside)?;
        let (gone, staying): (Vec<Owned>, Vec<Owned>) =
            owned.iter().partition(|one| scopes.contains(&one.scope));
        kept.extend(staying.iter().copied().map(<(u64, u64)>::from));
        let known: Vec<(u64, u64)> = owned.iter().copied().map(Into::into).collect();
        let whole = owners::between(&mut known.clone(), found.bytes).is_empty();
        if gone.is_empty() && whole {
            return Ok(());
        }
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
        if !gone.is_empty() {
            owners::write(&beside, &staying)?;
        }
        Ok(())
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
