//! What the protocol's state costs: a run of batches, each with its documents
//! laid aside, an intent, and outcomes with a checkpoint; then the long ledger
//! that it left. Prints a small table. The first argument is the number of
//! records (1,000,000), the second an empty folder where the state is to stay.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use duijie_record::{Action, Position, RunId, Scope, SourceKey, TargetKey, Version};
use duijie_store::{
    Came, Change, Checkpoint, Claim, DocumentRow, DocumentState, Embedded, Fingerprint, Intent,
    IntentEntry, LedgerRow, LineRef, Options, RunRow, RunState, SegmentRef, Store, Try,
};
use rustix::time::{ClockId, clock_gettime};

const BATCH: u64 = 100;
const DOCUMENT: usize = 1200;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// As the vendor's numbers are: they grow, and come in the order of time.
fn key(number: u64) -> SourceKey {
    SourceKey(format!("{}", 1_180_000_000 + number * 3))
}

fn target_key(number: u64) -> TargetKey {
    TargetKey(format!("CK2026112{number:010}"))
}

/// Every batch is a run of its own, as when little comes at a time.
fn run(number: u64) -> RunId {
    RunId(format!("20261121T214500-{:06}", number / BATCH))
}

fn run_row(number: u64) -> RunRow {
    RunRow {
        run: run(number),
        started_ms: number,
        ended_ms: Some(number),
        state: RunState::Finished,
        purpose: "live".to_owned(),
        manifest_digest: "5f".repeat(32),
        components: vec![("target".to_owned(), "a7".repeat(32))],
        read: BATCH,
        unchanged: 0,
        dropped: 0,
        applied: BATCH,
        rejected: 0,
        held: 0,
    }
}

fn entry(number: u64, record: &SegmentRef) -> IntentEntry {
    IntentEntry {
        source_key: key(number),
        part: "main".to_owned(),
        version: Some(Version::from("2026-11-21 21:45:31")),
        source_print: Fingerprint(u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c),
        mapped_print: Fingerprint(u128::from(number) * 0xf39c_9e37_79b9_7f4a_7c15),
        target_key: target_key(number),
        action: Action::Create,
        known_id: None,
        attempt: 1,
        step: 0,
        record: Some(line(record, number)),
        tries: Vec::new(),
    }
}

fn line(segment: &SegmentRef, number: u64) -> LineRef {
    LineRef {
        segment: segment.clone(),
        line: (number % BATCH) as u32,
    }
}

fn row(number: u64, record: &SegmentRef, intent: &Intent) -> LedgerRow {
    let at_ms = 1_763_761_531_000 + number;
    LedgerRow {
        source_key: key(number),
        version: Some(Version::from("2026-11-21 21:45:31")),
        source_print: Fingerprint(u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c),
        documents: vec![DocumentRow {
            part: "main".to_owned(),
            target_key: target_key(number),
            target_id: Some(format!("{:08}", 10_100_000 + number)),
            mapped_print: Fingerprint(u128::from(number) * 0xf39c_9e37_79b9_7f4a_7c15),
            state: DocumentState::Applied,
            step: 0,
            attempts: 1,
            tries: vec![Try {
                run: run(number),
                at_ms,
                intent: Some(intent.id),
                action: Action::Create,
                step: 0,
                came: Came::Applied,
                exchange: Some(line(record, 0)),
            }],
            sent: Some(line(&intent.segment, number)),
        }],
        record: Some(line(record, number)),
        run: run(number),
        at_ms,
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn memory_mib() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0)
}

fn say(what: &str, value: f64, unit: &str) {
    println!("{what:<44} {value:>10.2} {unit}");
}

/// One batch as a run writes it.
async fn batch(store: &Embedded, claim: &Claim, first: u64, documents: &[u8]) -> Outcome<()> {
    let numbers = first..first + BATCH;
    let keys: Vec<_> = numbers.clone().map(key).collect();
    let known = store.ledger(&claim.scope, &keys)?;
    if known.iter().any(Option::is_some) {
        return Err("a new record is known".into());
    }
    let record = store.append_evidence(&claim.scope, b"{}\n")?;
    let intent = Intent {
        id: store.next_intent_id(),
        run: run(first),
        at_ms: first,
        entries: numbers
            .clone()
            .map(|number| entry(number, &record))
            .collect(),
        segment: store.append_segment(claim, documents).await?,
    };
    store
        .commit(claim, vec![Change::Intent(intent.clone())])
        .await?;
    let mut changes = vec![Change::Settle(intent.id)];
    changes.extend(numbers.map(|number| Change::Ledger(row(number, &record, &intent))));
    changes.push(Change::Checkpoint(Checkpoint {
        lane: String::new(),
        position: Position(first.to_be_bytes().to_vec()),
        run: run(first),
        at_ms: first,
    }));
    changes.push(Change::Run(run_row(first)));
    Ok(store.commit(claim, changes).await?)
}

/// Microseconds a call: the median and the slowest of some.
fn latency(mut call: impl FnMut(u64) -> Outcome<()>) -> Outcome<(f64, f64)> {
    let mut times = Vec::new();
    for number in 0..200_u64 {
        let begun = Instant::now();
        call(number * 7919)?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    Ok((at(times.len() / 2), at(times.len() - 1)))
}

async fn write(folder: &Path, records: u64) -> Outcome<()> {
    let options = Options {
        // Documents are not what is measured, and would fill a small disk.
        evidence_bytes: 256 << 20,
        ..Options::default()
    };
    let before = memory_mib()?;
    let store = Embedded::open(folder, &options)?;
    let claim = store.claim(&Scope::from("orders")).await?;
    let documents = vec![b'd'; DOCUMENT * BATCH as usize];
    let (cpu_before, begun) = (cpu(), Instant::now());
    for first in (0..records).step_by(BATCH as usize) {
        batch(&store, &claim, first, &documents).await?;
    }
    let (cpu, wall) = (cpu() - cpu_before, begun.elapsed());
    let each = |time: Duration| time.as_secs_f64() * 1e6 / records as f64;
    say("CPU a record, intent and outcome", each(cpu), "us");
    say("wall a record, intent and outcome", each(wall), "us");
    say("memory in use", memory_mib()? - before, "MiB more");
    store.tidy(0).await?;
    let sizes = store.sizes()?;
    let rows = (sizes.long_rows + sizes.fresh_rows) as f64;
    say("rows in the long ledger", sizes.long_rows as f64, "rows");
    say(
        "long ledger, a row",
        sizes.long_bytes as f64 / rows,
        "bytes",
    );
    say(
        "journal, in all",
        sizes.journal_bytes as f64 / 1048576.0,
        "MiB",
    );
    say(
        "sled, in all",
        sizes.database_bytes as f64 / 1048576.0,
        "MiB",
    );
    Ok(())
}

fn read(folder: &Path, records: u64) -> Outcome<()> {
    let begun = Instant::now();
    let store = Embedded::open(folder, &Options::default())?;
    say("open", begun.elapsed().as_secs_f64() * 1e3, "ms");
    let found = |number: &str, expected: usize| -> Outcome<()> {
        let found = store.find(number)?.len();
        let right = found == expected;
        right
            .then_some(())
            .ok_or_else(|| format!("`{number}`: {found} rows").into())
    };
    let (half, most) = latency(|number| found(target_key(number % records).as_str(), 1))?;
    say("find by target key, median", half, "us");
    say("find by target key, slowest of 200", most, "us");
    let (half, _) = latency(|number| found(key(number % records).as_str(), 1))?;
    say("find by source key, median", half, "us");
    let (half, _) = latency(|number| found(&format!("absent {number}"), 0))?;
    say("find what is not there, median", half, "us");
    let scope = Scope::from("orders");
    let (half, _) = latency(|number| {
        let keys: Vec<_> = (number..number + BATCH)
            .map(|one| key(one % records))
            .collect();
        let rows = store.ledger(&scope, &keys)?;
        let right = rows.iter().all(Option::is_some);
        right.then_some(()).ok_or_else(|| "a row is missing".into())
    })?;
    say("look up one row of 100, median", half / BATCH as f64, "us");
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Outcome<()> {
    let records = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |records| records.parse())?;
    println!("{records} records in batches of {BATCH}");
    if let Some(folder) = std::env::args().nth(2) {
        write(Path::new(&folder), records).await?;
        return read(Path::new(&folder), records);
    }
    let folder = tempfile::tempdir()?;
    write(folder.path(), records).await?;
    read(folder.path(), records)
}
