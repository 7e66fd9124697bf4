//! What the child writes, how its parent follows it, and what must be there
//! afterwards: exactly what a store in memory holds after the same commits.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use duijie_record::{Action, Position, RunId, Scope, SourceKey, TargetKey, Version};
use duijie_store::{
    Change, Checkpoint, Claim, DeadLetter, Embedded, Fingerprint, Hold, HoldKind, Intent,
    IntentEntry, LedgerRow, Memory, Options, Store,
};

pub(crate) const SCOPES: [&str; 2] = ["left", "right"];
const FOLDER: &str = "DUIJIE_STORE_TEST_FOLDER";
const SORT: &str = "DUIJIE_STORE_TEST_SORT";
const KEYS: u64 = 400;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Everything,
    /// sled's own sync left out. No intents either: the sync of their
    /// segments would write the file system's journal for sled's file too.
    Unsynced,
}

/// Turns this process into the writer, for good, where a parent asked for it.
pub(crate) fn write_if_child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let unsynced = std::env::var_os(SORT).is_some();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(write(PathBuf::from(folder), unsynced));
}

async fn write(folder: PathBuf, unsynced: bool) {
    let sort = if unsynced {
        Sort::Unsynced
    } else {
        Sort::Everything
    };
    let options = Options {
        segment_file_bytes: 100_000,
        // Layers are laid in their places all the time.
        fresh_rows: 300,
        without_sync: unsynced,
        ..Options::default()
    };
    let store = std::sync::Arc::new(Embedded::open(&folder, &options).unwrap());
    let writers = SCOPES.map(|scope| {
        let store = store.clone();
        tokio::spawn(async move {
            let claim = store.claim(&Scope::from(scope)).await.unwrap();
            let done = store.checkpoint(&claim.scope, "").unwrap();
            for number in done.map_or(0, |done| done.at_ms) + 1.. {
                step(&*store, &claim, number, sort).await;
                let mut out = std::io::stdout().lock();
                writeln!(out, "\nacknowledged {scope} {number}").unwrap();
                out.flush().unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
}

fn payload(number: u64, bytes: u64) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + number * 7) as u8).collect()
}

fn run_id() -> RunId {
    RunId::from("run-1")
}

/// The commit with this number: the same on every store.
async fn step(store: &dyn Store, claim: &Claim, number: u64, sort: Sort) {
    let mut changes = vec![Change::Checkpoint(Checkpoint {
        lane: String::new(),
        position: Position(payload(number, 40)),
        run: run_id(),
        at_ms: number,
    })];
    changes.extend((0..20).map(|row| Change::Ledger(ledger_row(number, row))));
    let key = SourceKey((number % 5).to_string());
    match number % 10 {
        0 => changes.push(Change::DeadLetter(dead_letter(number))),
        1 | 2 => changes.push(Change::Hold(hold(number, key))),
        3 => changes.push(Change::Release {
            source_key: SourceKey("1".to_owned()),
            part: "main".to_owned(),
        }),
        _ => {}
    }
    if sort == Sort::Everything && number % 3 == 1 {
        let data = payload(number, 5000);
        let segment = store.append_segment(claim, &data).await.unwrap();
        changes.push(Change::Intent(Intent {
            id: store.next_intent_id(),
            run: run_id(),
            at_ms: number,
            entries: (0..20).map(|entry| intent_entry(number + entry)).collect(),
            segment,
        }));
    }
    if number.is_multiple_of(3) {
        let open = store.open_intents(&claim.scope).unwrap();
        changes.extend(open.iter().map(|intent| Change::Settle(intent.id)));
    }
    store.commit(claim, changes).await.unwrap();
}

fn ledger_row(number: u64, row: u64) -> LedgerRow {
    LedgerRow {
        source_key: SourceKey(((number * 7 + row * 13) % KEYS).to_string()),
        version: Some(Version(number.to_string())),
        source_print: Fingerprint(u128::from(number)),
        documents: Vec::new(),
        record: None,
        run: run_id(),
        at_ms: number,
    }
}

fn intent_entry(number: u64) -> IntentEntry {
    IntentEntry {
        source_key: SourceKey(number.to_string()),
        part: "main".to_owned(),
        version: None,
        source_print: Fingerprint(1),
        mapped_print: Fingerprint(2),
        target_key: TargetKey(format!("CK{number}")),
        action: Action::Create,
        known_id: None,
        attempt: 1,
        step: 0,
        record: None,
        tries: Vec::new(),
    }
}

fn dead_letter(number: u64) -> DeadLetter {
    DeadLetter {
        source_key: SourceKey((number % 30).to_string()),
        part: "main".to_owned(),
        version: None,
        target_key: None,
        code: "refused".to_owned(),
        message: "no".to_owned(),
        field: None,
        attempts: 1,
        record: payload(number, number * 997 % 20_000),
        document: None,
        edited: None,
        exchange: None,
        run: run_id(),
        at_ms: number,
    }
}

fn hold(number: u64, source_key: SourceKey) -> Hold {
    Hold {
        source_key,
        part: "main".to_owned(),
        target_key: TargetKey::from("CK"),
        target_id: None,
        version: None,
        action: Action::Update,
        kind: HoldKind::Change,
        reason: "audited".to_owned(),
        record: Vec::new(),
        document: payload(number, number * 991 % 10_000),
        run: run_id(),
        at_ms: number,
    }
}

/// What `store` holds is what its commits wrote, up to the last that is
/// there, which is no earlier than `acknowledged`. Answers the last.
pub(crate) fn check(store: &Embedded, scope: &str, acknowledged: u64, sort: Sort) -> u64 {
    let scope = Scope::from(scope);
    let checkpoint = store.checkpoint(&scope, "").unwrap();
    let last = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.at_ms);
    assert!(
        last >= acknowledged,
        "{scope}: {acknowledged} acknowledged, {last} found"
    );
    let model = Memory::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let claim = model.claim(&scope).await.unwrap();
        for number in 1..=last {
            step(&model, &claim, number, sort).await;
        }
    });
    assert_eq!(checkpoint, model.checkpoint(&scope, "").unwrap());
    let keys: Vec<_> = (0..KEYS).map(|key| SourceKey(key.to_string())).collect();
    let rows = store.ledger(&scope, &keys).unwrap();
    assert_eq!(rows, model.ledger(&scope, &keys).unwrap());
    assert_eq!(
        store.dead_letters(&scope).unwrap(),
        model.dead_letters(&scope).unwrap()
    );
    assert_eq!(store.holds(&scope).unwrap(), model.holds(&scope).unwrap());
    assert_eq!(documents(store, &scope), documents(&model, &scope));
    last
}

/// Open intents without what differs from store to store: ids and places.
fn documents(store: &dyn Store, scope: &Scope) -> Vec<(u64, Vec<IntentEntry>, Vec<u8>)> {
    let open = store.open_intents(scope).unwrap().into_iter();
    open.map(|intent| {
        let data = store.read_segment(scope, &intent.segment).unwrap();
        (intent.at_ms, intent.entries, data)
    })
    .collect()
}

/// sled never syncs the files that it keeps beside its own, so there must be none.
pub(crate) fn check_no_unsynced_files(folder: &Path) {
    let beside = std::fs::read_dir(folder.join("sled/blobs")).unwrap();
    assert_eq!(beside.count(), 0);
}

/// How many acknowledged commits are gone; all where the store does not open.
pub(crate) fn acknowledged_but_lost(folder: &Path, acknowledged: [u64; 2]) -> u64 {
    let store = Embedded::open(folder, &Options::default());
    let lost = SCOPES
        .into_iter()
        .zip(acknowledged)
        .map(|(scope, acknowledged)| {
            let found = store.as_ref().ok().and_then(|store| {
                let checkpoint = store.checkpoint(&Scope::from(scope), "").ok()?;
                checkpoint.map(|checkpoint| checkpoint.at_ms)
            });
            acknowledged.saturating_sub(found.unwrap_or(0))
        });
    lost.sum()
}

/// The writer, seen from its parent.
pub(crate) struct Child {
    process: std::process::Child,
    output: BufReader<ChildStdout>,
    acknowledged: [u64; 2],
}

impl Child {
    pub(crate) fn start(test: &str, sort: Sort, folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]);
        command.env(FOLDER, folder).stdout(Stdio::piped());
        if sort == Sort::Unsynced {
            command.env(SORT, "unsynced");
        }
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            output,
            acknowledged: [0; 2],
        }
    }

    /// Returns once so many commits are acknowledged, with what each scope has.
    pub(crate) fn wait_for(&mut self, commits: u64) -> [u64; 2] {
        let mut seen = 0;
        while seen < commits {
            assert!(self.read(), "the writer ended by itself");
            seen += 1;
        }
        self.acknowledged
    }

    /// Reads up to the next acknowledgement; false at the end.
    fn read(&mut self) -> bool {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            let words: Vec<_> = line.split_whitespace().collect();
            if let ["acknowledged", scope, number] = words[..] {
                let scope = SCOPES.iter().position(|known| *known == scope).unwrap();
                let number = number.parse().unwrap();
                self.acknowledged[scope] = self.acknowledged[scope].max(number);
                return true;
            }
            line.clear();
        }
        false
    }

    /// Kills it, and answers with everything that it had acknowledged.
    pub(crate) fn kill(&mut self) -> [u64; 2] {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        // The last line may be cut short, and then counts for nothing.
        while self.read() {}
        self.acknowledged
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
