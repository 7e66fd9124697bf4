//! What the ledger costs on the hot path, in CPU time of the whole process:
//! 20,000 rows in commits of 100, each looked up and missed, written durably,
//! then looked up again. Beside it, sled alone with one key a row. Then a
//! longer ledger, for its memory and the time to open it.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use duijie_record::{Position, RunId, Scope, SourceKey, TargetKey, Version};
use duijie_store::{
    Change, Checkpoint, DocumentRow, DocumentState, Embedded, Fingerprint, LedgerRow, Options,
    Store,
};
use rustix::time::{ClockId, clock_gettime};

const PAGE: u64 = 100;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn key(number: u64) -> SourceKey {
    SourceKey(format!(
        "2026112{:010}",
        number.wrapping_mul(2_654_435_761) % 10_000_000_000
    ))
}

fn row(number: u64) -> LedgerRow {
    LedgerRow {
        source_key: key(number),
        version: Some(Version::from("2026-11-21 21:45:31")),
        source_print: Fingerprint(u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c),
        record: None,
        documents: vec![DocumentRow {
            part: "main".to_owned(),
            target_key: TargetKey(format!("CK2026112{number:010}")),
            target_id: Some(format!("{:08}", 100_000 + number)),
            mapped_print: Fingerprint(u128::from(number) * 0xf39c_9e37_79b9_7f4a_7c15),
            state: DocumentState::Applied,
            attempts: 1,
            tries: Vec::new(),
            sent: None,
        }],
        run: RunId::from("20261121T214500-000123"),
        at_ms: 1_763_761_531_000 + number,
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Runs `page` for every page and prints the CPU and wall time a row.
fn measure(what: &str, rows: u64, mut page: impl FnMut(u64) -> Outcome<()>) -> Outcome<f64> {
    let (cpu_before, begun) = (cpu(), Instant::now());
    for first in (0..rows).step_by(PAGE as usize) {
        page(first)?;
    }
    let row_us = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
    let used = row_us(cpu() - cpu_before);
    println!(
        "  {what:<24} {used:>7.2} us CPU a row, {:>7.2} us wall",
        row_us(begun.elapsed())
    );
    Ok(used)
}

fn memory_mib() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0)
}

fn folder_mib(folder: &Path) -> Outcome<f64> {
    let length = std::fs::metadata(folder.join("sled/db"))?.len();
    Ok(length as f64 / 1048576.0)
}

async fn store(rows: u64) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let before = memory_mib()?;
    let store = Embedded::open(folder.path(), &Options::default())?;
    let claim = store.claim(&Scope::from("orders")).await?;
    println!("this store, {rows} rows:");
    let keys = |first| (first..first + PAGE).map(key).collect::<Vec<_>>();
    let look_up = |first, hit: bool| -> Outcome<()> {
        let found = store.ledger(&claim.scope, &keys(first))?;
        let right = found.iter().all(|row| row.is_some() == hit);
        right.then_some(()).ok_or_else(|| "wrong answer".into())
    };
    let made = measure("(making rows and keys)", rows, |first| {
        let rows: Vec<_> = (first..first + PAGE)
            .map(|n| Change::Ledger(row(n)))
            .collect();
        std::hint::black_box((rows, keys(first)));
        Ok(())
    })?;
    let miss = measure("look-up, miss", rows, |first| look_up(first, false))?;
    let runtime = tokio::runtime::Handle::current();
    let commit = |changes| -> Outcome<()> {
        let committed = store.commit(&claim, changes);
        Ok(tokio::task::block_in_place(|| runtime.block_on(committed))?)
    };
    measure("commit without rows", rows.min(20_000), |first| {
        commit(vec![Change::Checkpoint(Checkpoint {
            lane: String::new(),
            position: Position(first.to_be_bytes().to_vec()),
            run: RunId::from("20261121T214500-000123"),
            at_ms: first,
        })])
    })?;
    let write = measure("write, durable", rows, |first| {
        let rows = (first..first + PAGE)
            .map(|n| Change::Ledger(row(n)))
            .collect();
        commit(rows)
    })?;
    measure("look-up, hit", rows, |first| look_up(first, true))?;
    println!(
        "  miss + write without making {:.2} us CPU a row",
        miss + write - made
    );
    println!(
        "  memory {:.0} MiB more, disk {:.0} MiB",
        memory_mib()? - before,
        folder_mib(folder.path())?
    );
    drop(store);
    let begun = Instant::now();
    let store = Embedded::open(folder.path(), &Options::default())?;
    println!("  open again {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    drop(store);
    Ok(())
}

fn one_key_a_row(rows: u64) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let before = memory_mib()?;
    let config = sled::Config::new().path(folder.path().join("sled"));
    let tree = config
        .cache_capacity(16 << 20)
        .flush_every_ms(None)
        .open()?;
    let file = File::open(folder.path().join("sled/db"))?;
    println!("sled, one key a row, {rows} rows:");
    let look_up = |first: u64| -> Outcome<()> {
        for number in first..first + PAGE {
            std::hint::black_box(tree.get(key(number).as_str())?);
        }
        Ok(())
    };
    measure("look-up, miss", rows, look_up)?;
    measure("write, durable", rows, |first| {
        let mut sorted: Vec<_> = (first..first + PAGE).map(row).collect();
        sorted.sort_by(|left, right| left.source_key.cmp(&right.source_key));
        let mut batch = sled::Batch::default();
        for row in sorted {
            // Stands for the stored form: about 200 bytes.
            let value = format!(
                "{:200}",
                row.documents.first().map_or("", |d| d.target_key.as_str())
            );
            batch.insert(row.source_key.as_str(), value.as_bytes());
        }
        tree.apply_batch(batch)?;
        tree.flush()?;
        Ok(file.sync_data()?)
    })?;
    measure("look-up, hit", rows, look_up)?;
    println!(
        "  memory {:.0} MiB more, disk {:.0} MiB",
        memory_mib()? - before,
        folder_mib(folder.path())?
    );
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Outcome<()> {
    let long = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |rows| rows.parse())?;
    store(20_000).await?;
    one_key_a_row(20_000)?;
    store(long).await
}
