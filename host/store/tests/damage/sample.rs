//! A store with something in each of its files, and what must be in it.

use std::path::{Path, PathBuf};

use duijie_record::{Action, Position, RunId, Scope, SourceKey, TargetKey};
use duijie_store::{
    Change, Checkpoint, Claim, DeadLetter, DocumentRow, DocumentState, Embedded, Error,
    Fingerprint, Hold, HoldKind, Intent, LedgerRow, Memory, Options, Store,
};

/// How many commits there are.
const COMMITS: u64 = 40;
const ROWS: u64 = 10;
/// The last of them, too few to be laid into the databases.
const LATE: u64 = 3;

/// Some of the commits lie in the journal, and most in the databases.
pub(crate) fn options() -> Options {
    Options {
        fresh_rows: 64,
        segment_file_bytes: 10_000,
        ..Options::default()
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

fn run() -> RunId {
    RunId::from("run-1")
}

fn row(number: u64) -> LedgerRow {
    LedgerRow {
        source_key: SourceKey(number.to_string()),
        version: None,
        source_print: Fingerprint(number.into()),
        documents: vec![DocumentRow {
            part: "main".to_owned(),
            target_key: TargetKey(format!("CK{number}")),
            target_id: Some(format!("10{number}")),
            mapped_print: Fingerprint(2),
            state: DocumentState::Applied,
            step: 0,
            attempts: 1,
            tries: Vec::new(),
            sent: None,
        }],
        record: None,
        run: run(),
        at_ms: number,
    }
}

fn letter(number: u64) -> DeadLetter {
    DeadLetter {
        source_key: SourceKey(number.to_string()),
        part: "main".to_owned(),
        version: None,
        target_key: None,
        code: "refused".to_owned(),
        message: "no".to_owned(),
        field: None,
        attempts: 1,
        record: vec![b'r'; 300],
        document: None,
        edited: None,
        exchange: None,
        run: run(),
        at_ms: number,
    }
}

fn hold(number: u64) -> Hold {
    Hold {
        source_key: SourceKey(number.to_string()),
        part: "main".to_owned(),
        target_key: TargetKey::from("CK"),
        target_id: None,
        version: None,
        action: Action::Update,
        kind: HoldKind::Change,
        reason: "audited".to_owned(),
        record: Vec::new(),
        document: vec![b'd'; 300],
        run: run(),
        at_ms: number,
    }
}

async fn changes(store: &dyn Store, claim: &Claim, number: u64) -> Result<Vec<Change>, Error> {
    let mut changes = vec![Change::Checkpoint(Checkpoint {
        lane: String::new(),
        position: Position(number.to_be_bytes().to_vec()),
        run: run(),
        at_ms: number,
    })];
    changes.extend((0..ROWS).map(|one| Change::Ledger(row(number * ROWS + one))));
    match number % 4 {
        0 => changes.push(Change::DeadLetter(letter(number))),
        1 => changes.push(Change::Hold(hold(number))),
        2 => changes.push(Change::Intent(Intent {
            id: store.next_intent_id(),
            run: run(),
            at_ms: number,
            entries: Vec::new(),
            segment: store.append_segment(claim, &vec![b's'; 900]).await?,
        })),
        _ => {}
    }
    Ok(changes)
}

pub(crate) async fn try_commit(store: &dyn Store, claim: &Claim, number: u64) -> Result<(), Error> {
    let changes = changes(store, claim, number).await?;
    store.commit(claim, changes).await
}

pub(crate) fn commit(store: &dyn Store, claim: &Claim, number: u64) {
    runtime()
        .block_on(try_commit(store, claim, number))
        .unwrap();
}

pub(crate) fn write(folder: &Path) {
    let store = Embedded::open(folder, &options()).unwrap();
    let claim = runtime()
        .block_on(store.claim(&Scope::from("orders")))
        .unwrap();
    for number in 1..=COMMITS - LATE {
        commit(&store, &claim, number);
    }
    runtime().block_on(store.tidy(0)).unwrap();
    for number in COMMITS - LATE + 1..=COMMITS {
        commit(&store, &claim, number);
    }
    store.append_evidence(&claim.scope, &[b'e'; 900]).unwrap();
}

/// What differs from what the commits of [`write`] wrote.
pub(crate) fn check(store: &Embedded) -> Result<Option<String>, Error> {
    missing(store, COMMITS)
}

/// What differs from what the commits up to `last` wrote, one more not being
/// a difference: it may have been durable without being acknowledged.
pub(crate) fn missing(store: &Embedded, last: u64) -> Result<Option<String>, Error> {
    let scope = Scope::from("orders");
    let found = store.checkpoint(&scope, "")?.map_or(0, |found| found.at_ms);
    if found != last && found != last + 1 {
        return Ok(Some(format!("the checkpoint is at {found}")));
    }
    let model = Memory::new();
    let claim = runtime().block_on(model.claim(&scope))?;
    for number in 1..=found {
        commit(&model, &claim, number);
    }
    let keys: Vec<_> = (0..(found + 2) * ROWS)
        .map(|key| SourceKey(key.to_string()))
        .collect();
    for (key, (found, expected)) in keys.iter().zip(
        store
            .ledger(&scope, &keys)?
            .into_iter()
            .zip(model.ledger(&scope, &keys)?),
    ) {
        if found != expected {
            return Ok(Some(format!("the row of {key} is {found:?}")));
        }
    }
    for number in (ROWS..found * ROWS).step_by(37) {
        for number in [format!("CK{number}"), format!("10{number}")] {
            if store.find(&number)? != model.find(&number)? {
                return Ok(Some(format!("{number} is not found")));
            }
        }
    }
    if store.dead_letters(&scope)? != model.dead_letters(&scope)? {
        return Ok(Some("dead letters differ".to_owned()));
    }
    if store.holds(&scope)? != model.holds(&scope)? {
        return Ok(Some("holds differ".to_owned()));
    }
    let (open, expected) = (store.open_intents(&scope)?, model.open_intents(&scope)?);
    if open.len() != expected.len() {
        return Ok(Some(format!("{} intents are open", open.len())));
    }
    for intent in open {
        if store.read_segment(&scope, &intent.segment)? != [b's'; 900] {
            return Ok(Some("a document differs".to_owned()));
        }
    }
    Ok(None)
}

/// Every file below a folder, by its path from there, but the lock.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|inner| name.join(inner)));
        } else if name != Path::new("lock") {
            found.push(name);
        }
    }
    found.sort();
    found
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}
