//! The project's tasks, run as `cargo xtask <task>`. What CI runs is `test`.

mod guests;
mod shell;
mod toolchain;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <task>

  quickstart   build everything, start the simulators, run the example
  test         set up and run every test and check
  connectors   build the connectors and the test fixtures as components
  wit          check that released interfaces are unchanged
  tidy         check the house rules
  bench        measure the sandbox against native code
";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("connectors") => guests::build(),
        Some("help" | "--help") => {
            print!("{USAGE}");
            Ok(())
        }
        Some(other) => bail!("there is no task `{other}`\n\n{USAGE}"),
        None => bail!("no task was named\n\n{USAGE}"),
    }
}
