//! The house rules that a program can check.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::shell;

const MAX_LINES: usize = 400;
const MAX_MARKDOWN_LINES: usize = 250;

/// Names of the systems that only connectors, tests and docs may speak of.
const VENDORS: [&str; 10] = [
    "wangdiantong",
    "旺店通",
    "kingdee",
    "金蝶",
    "waiqin",
    "勤策",
    "qimen",
    "奇门",
    "taobao",
    "k3cloud",
];

/// A library that exactly one crate of the host may name.
const OWNERS: [(&str, &str); 4] = [
    ("wasmtime", "host/component"),
    ("sled", "host/store"),
    ("reqwest", "host/component"),
    ("axum", "host/admin"),
];

struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

pub(crate) fn check() -> Result<()> {
    let files = tracked(&shell::root())?;
    let problems: Vec<String> = files.iter().flat_map(problems).collect();
    if !problems.is_empty() {
        bail!(
            "{} house rules are broken\n{}",
            problems.len(),
            problems.join("\n")
        );
    }
    println!("tidy: {} files keep the house rules", files.len());
    Ok(())
}

/// What git keeps or would keep: ignored files are no part of the house.
fn tracked(root: &Path) -> Result<Vec<File>> {
    let listed = shell::output(
        std::process::Command::new("git")
            .current_dir(root)
            .args(["-c", "core.quotePath=false"])
            .args(["ls-files", "--cached", "--others", "--exclude-standard"]),
    )?;
    let read = |path: &str| {
        let text = std::fs::read_to_string(root.join(PathBuf::from(path))).ok()?;
        Some(File {
            path: path.to_owned(),
            text,
        })
    };
    Ok(listed.lines().filter_map(read).collect())
}

fn problems(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let mut tell = |line: usize, what: &str| found.push(format!("{}:{line}: {what}", file.path));
    let lines = file.text.lines().count();
    let is_rust = file.path.ends_with(".rs");
    if is_rust && lines > MAX_LINES {
        tell(lines, "a file has at most 400 lines: it holds two rooms");
    }
    if file.path.ends_with(".md") && lines > MAX_MARKDOWN_LINES {
        tell(lines, "a page has at most 250 lines");
    }
    if is_rust && !file.text.starts_with("//!") {
        tell(1, "a file begins with `//!`: what it is and what it is not");
    }
    if file.path.ends_with("/mod.rs") {
        tell(1, "write `name.rs` beside `name/`");
    }
    for (index, line) in file.text.lines().enumerate() {
        if is_rust {
            rust_line(&file.path, line, &mut |what| tell(index + 1, what));
        }
        let in_host = file.path.starts_with("host/") || file.path.starts_with("wit/");
        if in_host && !is_test(&file.path) {
            let lower = line.to_lowercase();
            if let Some(vendor) = VENDORS.iter().find(|vendor| lower.contains(**vendor)) {
                tell(
                    index + 1,
                    &format!("no file of the host names a vendor (`{vendor}`)"),
                );
            }
        }
    }
    found
}

fn rust_line(path: &str, line: &str, tell: &mut dyn FnMut(&str)) {
    // Spelt in two halves, so that this file keeps its own rule.
    for mark in [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ] {
        if line.contains(mark) {
            tell("finish it or delete it: no marks for later");
        }
    }
    for attribute in [concat!("#[ig", "nore"), concat!("#[should_", "panic")] {
        if line.trim_start().starts_with(attribute) {
            tell("a test that does not run, or that only wants a panic, proves nothing");
        }
    }
    if path.starts_with("host/") {
        for (library, owner) in OWNERS {
            let names = line.contains(&format!("{library}::"));
            if names && !path.starts_with(owner) && !is_test(path) {
                tell(&format!("only {owner} names `{library}`"));
            }
        }
    }
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let found = problems(&file);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (problem, part) in found.iter().zip(expected) {
            assert!(problem.contains(part), "{problem} should say {part}");
        }
    }

    #[test]
    fn a_host_file_names_no_vendor_and_no_foreign_library() {
        check("host/plan/src/a.rs", "//! Kingdee\n", &["names a vendor"]);
        check(
            "host/plan/src/a.rs",
            "//! A.\nuse sled::Db;\n",
            &["only host/store"],
        );
        check("host/store/src/a.rs", "//! A.\nuse sled::Db;\n", &[]);
        check("connectors/kingdee/src/a.rs", "//! Kingdee\n", &[]);
    }

    #[test]
    fn long_files_and_files_without_a_first_line_are_told() {
        check("host/a.rs", "fn a() {}\n", &["begins with"]);
        check(
            "host/a.rs",
            &format!("//! A.\n{}", "\n".repeat(400)),
            &["at most 400"],
        );
        check("docs/a.md", &"\n".repeat(251), &["at most 250"]);
        check("host/a/mod.rs", "//! A.\n", &["name.rs"]);
    }
}
