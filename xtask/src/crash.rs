//! The crash matrix: builds the binary that can be killed at named points, and
//! plays it with the arguments given.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{guests, shell, toolchain};

pub(crate) fn crash(arguments: &[String]) -> Result<()> {
    let root = shell::root();
    toolchain::host()?;
    guests::build()?;
    build(&root)?;
    let cargo = ["run", "--quiet", "--package", "duijie-crash", "--"];
    shell::run(
        Command::new("cargo")
            .current_dir(&root)
            .args(cargo)
            .args(arguments),
    )
}

/// The binary that `tests/crash` kills, beside the one without chaos.
pub(crate) fn build(root: &Path) -> Result<()> {
    shell::run(Command::new("cargo").current_dir(root).args([
        "build",
        "--quiet",
        "--package",
        "duijie",
        "--features",
        "chaos",
        "--bin",
        "duijie-chaos",
    ]))
}
