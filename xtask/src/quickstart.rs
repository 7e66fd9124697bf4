//! From a fresh clone to records that flow: builds the connectors, the host
//! and the simulators, then runs `duijie quickstart`.

use std::process::Command;

use anyhow::Result;

use crate::{guests, shell, toolchain};

pub(crate) fn quickstart() -> Result<()> {
    let root = shell::root();
    toolchain::host()?;
    guests::build()?;
    shell::run(Command::new("cargo").current_dir(&root).args([
        "build",
        "--package",
        "duijie",
        "--package",
        "duijie-sim",
    ]))?;
    shell::run(
        Command::new(root.join("target/debug/duijie"))
            .current_dir(&root)
            .args([
                "quickstart",
                "--project",
                "target",
                "--connectors",
                "target/connectors",
            ])
            .args(["--simulator", "target/debug/duijie-sim"]),
    )
}
