//! Everything that must hold, in the order in which it fails soonest: house
//! rules, form, lints, dependencies, then the tests with all they need.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{crash, guests, shell, tidy, toolchain, wit};

const CARGO_DENY: &str = "0.20.2";

pub(crate) fn test() -> Result<()> {
    let root = shell::root();
    tidy::check()?;
    wit::check()?;
    cargo(&root, &["fmt", "--all", "--check"])?;
    // What is missing is found early; guests need a compiler of their own.
    toolchain::host()?;
    guests::build()?;
    cargo(
        &root,
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    deny(&root)?;
    // The vendors' own clients, that the simulators are checked with.
    venv(
        &root,
        "tests/simulators/clients/requirements.txt",
        "target/python",
    )?;
    venv(
        &root,
        "tests/e2e/clients/requirements.txt",
        "target/python-api",
    )?;
    // The binaries that tests start.
    cargo(
        &root,
        &[
            "build",
            "--quiet",
            "--package",
            "duijie",
            "--package",
            "duijie-sim",
        ],
    )?;
    crash::build(&root)?;
    cargo(&root, &["test", "--workspace", "--no-fail-fast"])
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    eprintln!("test: cargo {}", arguments.join(" "));
    shell::run(Command::new("cargo").current_dir(root).args(arguments))
}

/// Licences, sources and duplicate versions. Advisories need a database from
/// the network and are looked at by whoever has it: `cargo deny check`.
fn deny(root: &Path) -> Result<()> {
    let tools = root.join("target/tools");
    let program = tools.join("bin/cargo-deny");
    if !program.exists() {
        eprintln!("test: installing cargo-deny {CARGO_DENY}");
        shell::run(
            Command::new("cargo")
                .args(["install", "cargo-deny", "--locked", "--quiet"])
                .args(["--version", CARGO_DENY, "--root"])
                .arg(&tools),
        )?;
    }
    shell::run(
        Command::new(&program)
            .current_dir(root)
            .args(["--log-level", "error", "check"])
            .args(["bans", "licenses", "sources"]),
    )
}

/// A Python environment with pinned packages, made anew when they change.
pub(crate) fn venv(root: &Path, requirements: &str, place: &str) -> Result<()> {
    let wanted = root.join(requirements);
    let venv = root.join(place);
    let installed = venv.join("requirements.txt");
    let text = std::fs::read_to_string(&wanted)?;
    if std::fs::read_to_string(&installed).is_ok_and(|old| old == text) {
        return Ok(());
    }
    eprintln!("python: installing {requirements} into {place}");
    shell::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    shell::run(
        Command::new(venv.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&wanted),
    )?;
    Ok(std::fs::write(installed, text)?)
}
