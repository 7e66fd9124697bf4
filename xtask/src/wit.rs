//! Checks the contract: it parses, released interfaces are unchanged since
//! their release, and the host has an adapter for each supported series.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};
use wit_parser::Resolve;

use crate::shell;

/// Rows of the table in `wit/README.md`: `| package | version | status | hash |`.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    folder: String,
    status: String,
    hash: String,
}

pub(crate) fn check() -> Result<()> {
    let root = shell::root();
    let wit = root.join("wit");
    Resolve::default()
        .push_dir(&wit)
        .context("wit/ does not parse")?;
    let readme = std::fs::read_to_string(wit.join("README.md"))?;
    let found = hashes(&wit.join("deps"))?;
    let problems = compare(
        &rows(&readme),
        &found,
        &root.join("host/component/src/adapter"),
    );
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    println!("wit: {} packages as released", found.len());
    Ok(())
}

fn rows(readme: &str) -> Vec<Row> {
    readme
        .lines()
        .filter_map(|line| {
            let mut cells = line.trim().trim_matches('|').split('|').map(str::trim);
            let name = cells.next()?.strip_prefix("`duijie:")?.strip_suffix('`')?;
            Some(Row {
                folder: format!("{name}@{}", cells.next()?),
                status: cells.next()?.to_owned(),
                hash: cells.next()?.trim_matches('`').to_owned(),
            })
        })
        .collect()
}

/// One hash a package folder, over its files by name.
fn hashes(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for package in std::fs::read_dir(folder)? {
        let package = package?;
        let mut files: Vec<_> =
            std::fs::read_dir(package.path())?.collect::<std::io::Result<_>>()?;
        files.sort_by_key(std::fs::DirEntry::file_name);
        let mut hasher = Sha256::new();
        for file in files {
            hasher.update(std::fs::read(file.path())?);
        }
        let hash: String = hasher
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        found.insert(package.file_name().to_string_lossy().into_owned(), hash);
    }
    Ok(found)
}

fn compare(rows: &[Row], found: &BTreeMap<String, String>, adapters: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for (folder, hash) in found {
        let Some(row) = rows.iter().find(|row| row.folder == *folder) else {
            problems.push(format!("wit/deps/{folder} has no row in wit/README.md"));
            continue;
        };
        // What guests import may grow within a series; the rest is frozen.
        if row.hash != *hash {
            let way_out = match row.status.as_str() {
                "frozen" => "put the change into a folder of the next version",
                _ => "if it only grew, write the new hash into wit/README.md",
            };
            problems.push(format!(
                "wit/deps/{folder} changed ({}, hash now {hash}): {way_out}",
                row.status
            ));
        }
        let series = folder.split_once('@').map_or("", |(_, version)| version);
        let mut numbers = series.split('.');
        let module = format!(
            "v{}_{}.rs",
            numbers.next().unwrap_or(""),
            numbers.next().unwrap_or("")
        );
        if !adapters.join(&module).exists() {
            problems.push(format!("wit/deps/{folder} has no adapter {module}"));
        }
    }
    for row in rows.iter().filter(|row| !found.contains_key(&row.folder)) {
        problems.push(format!(
            "wit/README.md names {}, which wit/deps lacks",
            row.folder
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_frozen_package_and_a_missing_row_are_told() {
        let rows = rows(
            "| `duijie:source` | 0.1.0 | frozen | `00` |\n| `duijie:gone` | 0.1.0 | grows | `11` |",
        );
        let found = BTreeMap::from([
            ("source@0.1.0".to_owned(), "22".to_owned()),
            ("target@0.1.0".to_owned(), "33".to_owned()),
        ]);
        let adapters = shell::root().join("host/component/src/adapter");
        let problems = compare(&rows, &found, &adapters).join("\n");
        assert!(
            problems.contains("source@0.1.0 changed (frozen, hash now 22)"),
            "{problems}"
        );
        assert!(problems.contains("target@0.1.0 has no row"), "{problems}");
        assert!(problems.contains("names gone@0.1.0"), "{problems}");
    }
}
