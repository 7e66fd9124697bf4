//! What is right and wrong with a store that nobody has open, for `duijie
//! doctor`. It changes nothing in the store's folder: the database of small
//! state, which cannot be read without being opened for writing, is copied
//! to a private folder first.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duijie_record::Scope;

use crate::codec::{self, IntentV1};
use crate::embedded::lock;
use crate::journal;
use crate::key::{Key, Kind, Owner};
use crate::layer::Layer;
use crate::replay;
use crate::seal::Seals;
use crate::segment::{Segments, folder_name};
use crate::sizes::folder_bytes;
use crate::table::{self, Table, io_error};
use crate::{Error, Intent, Sealer, SegmentKind, acknowledged, backup, long};

/// One part of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name for people.
    pub part: &'static str,
    pub place: String,
    /// On the disk.
    pub bytes: u64,
    /// What lies in it, in words.
    pub holds: String,
    /// What is wrong with it; `None` where it is fine.
    pub damage: Option<String>,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

const RESTORE: &str = "stop here and `duijie restore` the last backup into an empty data folder: \
    every key is then looked up before it is sent";
const EVIDENCE: &str = "nothing to do: `trace` says `no longer kept` where it is missed";

/// Looks at every part of the store in `folder`. Fails where it is in use or
/// there is none.
pub fn examine(folder: &Path, sealer: Option<Arc<dyn Sealer>>) -> Result<Vec<Found>, Error> {
    if !Table::exists(folder) {
        return Err(Error::NoStore {
            folder: folder.display().to_string(),
        });
    }
    let _lock = lock(folder)?;
    let (database, state) = database(folder);
    let mut found = vec![database];
    let long = long::Long::exists(folder).then(|| long_ledger(folder));
    found.extend(long);
    let (journal, intents) = journal(folder, state);
    found.push(journal);
    found.push(documents(folder, &Seals(sealer), &intents));
    found.push(part(
        "evidence",
        folder.join(folder_name(SegmentKind::Evidence)),
        Ok(String::new()),
        EVIDENCE,
    ));
    Ok(found)
}

fn part(
    part: &'static str,
    place: PathBuf,
    looked: Result<String, Error>,
    hint: &'static str,
) -> Found {
    let bytes = match std::fs::metadata(&place) {
        Ok(found) if found.is_file() => found.len(),
        _ => folder_bytes(&place).unwrap_or_default(),
    };
    let (holds, damage) = match looked {
        Ok(holds) => (holds, None),
        Err(error) => (String::new(), Some(error.to_string())),
    };
    Found {
        part,
        place: place.display().to_string(),
        bytes,
        holds,
        hint: damage.is_some().then_some(hint),
        damage,
    }
}

/// What the database says that other parts are measured by.
#[derive(Default)]
struct State {
    /// Unknown where the database cannot be read.
    folded: Option<u64>,
    intents: Vec<(Scope, Intent)>,
}

fn database(folder: &Path) -> (Found, State) {
    let mut state = State::default();
    let looked = in_a_copy(folder, |table| {
        state.folded = Some(replay::folded(table)?);
        let (mut values, mut holds) = (0_u64, 0_u64);
        table.scan(&Key::everything(), |key, value| {
            let key = Key::stored(key);
            let failed = |reason| table::damaged(table.place(), reason);
            codec::body(value).map_err(failed)?;
            if key.is(Kind::Intent) {
                let intent: IntentV1<'_> = codec::decode(value).map_err(failed)?;
                state.intents.push((scope_of(&key), Intent::from(intent)));
            }
            values += 1;
            holds += u64::from(key.is(Kind::Hold));
            Ok(true)
        })?;
        Ok(format!("{values} values, {holds} of them holds"))
    });
    let place = Table::found(folder);
    (part("small state", place, looked, RESTORE), state)
}

fn in_a_copy<T>(folder: &Path, look: impl FnOnce(&Table) -> Result<T, Error>) -> Result<T, Error> {
    let copy = std::env::temp_dir().join(format!("duijie-doctor-{}", unique()));
    let made = DirBuilder::new().mode(0o700).create(&copy);
    made.map_err(io_error("making the folder", &copy))?;
    let from = Table::found(folder);
    let looked = backup::copy_folder(&from, &copy.join(table::FOLDER))
        .and_then(|()| Table::open(&copy, 1 << 20))
        .and_then(|table| look(&table));
    // What cannot be removed is left to whoever cleans the temporary folder.
    std::fs::remove_dir_all(&copy).unwrap_or_default();
    looked.map_err(|error| match error {
        Error::Damaged { what, reason, .. } => Error::Damaged {
            what,
            place: from.display().to_string(),
            reason,
        },
        other => other,
    })
}

/// Differs from every other examination of this machine.
fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", std::process::id())
}

fn long_ledger(folder: &Path) -> Found {
    let looked = long::verify(folder);
    let looked = looked.map(|(rows, letters)| format!("{rows} rows, {letters} dead letters"));
    part("long ledger", folder.join(long::FILE), looked, RESTORE)
}

/// The journal, and every intent that is open after it.
fn journal(folder: &Path, state: State) -> (Found, Vec<(Scope, Intent)>) {
    let mut layer = Layer::default();
    let place = folder.join(journal::FOLDER);
    // Without the database nobody knows what came before the first file.
    let folded = state.folded.map_or_else(|| journal::before(folder), Ok);
    let looked = folded.and_then(|folded| {
        let replayed = journal::replay(folder, folded, |number, ops| layer.replay(number, ops))?;
        if let Some(missing) = replay::missing(folder, &replayed) {
            return Err(table::damaged(&place, missing));
        }
        Ok(match acknowledged::read(folder) {
            Some(_) => format!("{} rows", layer.rows),
            None => format!(
                "{} rows; how many commits it should hold is not known",
                layer.rows
            ),
        })
    });
    let mut intents = state.intents;
    for (key, value) in layer.values.iter().filter(|(key, _)| key.is(Kind::Intent)) {
        let id = key.bytes().last_chunk().copied().map(u64::from_be_bytes);
        intents.retain(|(_, intent)| Some(intent.id.0) != id);
        let stored = value.as_deref().map(codec::decode::<IntentV1<'_>>);
        let stored = stored.and_then(Result::ok).map(Intent::from);
        intents.extend(stored.map(|intent| (scope_of(key), intent)));
    }
    (part("journal", place, looked, RESTORE), intents)
}

fn scope_of(key: &Key) -> Scope {
    match key.owner() {
        Owner::Scope(name) | Owner::Table(name) => Scope(name),
        Owner::Store => Scope(String::new()),
    }
}

fn documents(folder: &Path, seals: &Seals, intents: &[(Scope, Intent)]) -> Found {
    let mut closed = 0;
    let looked = intents.iter().try_for_each(|(scope, intent)| {
        match Segments::read_at(folder, seals, scope, &intent.segment) {
            Err(Error::Sealed { .. }) => closed += 1,
            read => drop(read?),
        }
        Ok(())
    });
    let whole = intents.len() - closed;
    let looked = looked.map(|()| match closed {
        0 => format!("those of {whole} open intents are whole"),
        _ => format!("those of {whole} open intents are whole, and those of {closed} are sealed"),
    });
    let place = folder.join(folder_name(SegmentKind::Documents));
    part("documents", place, looked, RESTORE)
}
