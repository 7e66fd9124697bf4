//! The project's tasks, run as `cargo xtask <task>`. What CI runs is `test`.

mod bench;
mod crash;
mod guests;
mod quickstart;
mod shell;
mod test;
mod tidy;
mod toolchain;
mod wit;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <task>

  quickstart   build everything, start the simulators, run the example
  test         set up and run every test and check
  connectors   build the connectors and the test fixtures as components
  wit          check that released interfaces are unchanged
  tidy         check the house rules
  bench        measure the sandbox against native code; `bench serve` the
               service of many tenants, `bench serve --help` for its parts
  crash        kill the binary everywhere and see what is lost; `--help` for more
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments.first().map(String::as_str) {
        Some("quickstart") => quickstart::quickstart(),
        Some("test") => test::test(),
        Some("bench") => match arguments.get(1).map(String::as_str) {
            None => bench::bench(),
            Some("serve") => bench::serve::bench(arguments.get(2..).unwrap_or_default()),
            Some(other) => bail!("there is no bench `{other}`\n\n{USAGE}"),
        },
        Some("crash") => crash::crash(arguments.get(1..).unwrap_or_default()),
        Some("connectors") => guests::build(),
        Some("tidy") => tidy::check(),
        Some("wit") => wit::check(),
        Some("help" | "--help") => {
            print!("{USAGE}");
            Ok(())
        }
        Some(other) => bail!("there is no task `{other}`\n\n{USAGE}"),
        None => bail!("no task was named\n\n{USAGE}"),
    }
}
