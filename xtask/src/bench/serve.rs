//! Measures `duijie serve`: the real binary over a folder of tenants, with the
//! simulators in another process. Each part stands alone, prints a table of
//! Markdown, and fails where anything was lost or doubled.

mod active;
mod beside;
mod home;
mod idle;
mod numbers;
mod server;
mod soak;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::shell;

const USAGE: &str = "\
usage: cargo xtask bench serve [part] [--option number]...

  idle     tenants that have nothing to do   [--tenants 10000]
  active   pipelines at work at once         [--pipelines 1000] [--orders 100] [--latency-ms 200] [--writers 1]
  beside   batches with and without sinners  [--pipelines 200] [--orders 300] [--latency-ms 500] [--rounds 2]
                                             [--spinners 8] [--eaters 4] [--flooders 4] [--waiters 4]
  soak     schedules, signals, restarts      [--tenants 50] [--orders-s 10] [--minutes 16] [--seed 1]

Without a part: all of them. With `--built 1` nothing is built before.
";

/// What was asked for: a part, and numbers by name.
struct Wish<'a> {
    options: Vec<(&'a str, u64)>,
}

impl<'a> Wish<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self> {
        let mut options = Vec::new();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                bail!("`{}` has no value\n\n{USAGE}", pair.concat());
            };
            let name = name
                .strip_prefix("--")
                .with_context(|| format!("`{name}` is no option\n\n{USAGE}"))?;
            let value = value.parse().with_context(|| format!("--{name}"))?;
            options.push((name, value));
        }
        Ok(Self { options })
    }

    /// Every option belongs to some part, as one line may start all of them.
    fn number(&self, name: &str, default: u64) -> u64 {
        let mut known = self.options.iter().rev();
        known
            .find(|(known, _)| *known == name)
            .map_or(default, |(_, value)| *value)
    }

    fn count(&self, name: &str, default: u64) -> usize {
        usize::try_from(self.number(name, default)).unwrap_or(usize::MAX)
    }
}

/// Where the programs are, and where services are laid out.
struct Ground {
    root: PathBuf,
    place: PathBuf,
}

impl Ground {
    fn program(&self) -> PathBuf {
        self.root.join("target/release/duijie")
    }
}

type Part = fn(&Ground, &Wish<'_>) -> Result<String>;

const PARTS: [(&str, Part); 4] = [
    ("idle", idle::measure),
    ("active", active::measure),
    ("beside", beside::measure),
    ("soak", soak::measure),
];

pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|argument| argument == "--help") {
        print!("{USAGE}");
        return Ok(());
    }
    let (part, rest) = match arguments.split_first() {
        Some((first, rest)) if !first.starts_with("--") => (Some(first.as_str()), rest),
        _ => (None, arguments),
    };
    let wish = Wish::parse(rest)?;
    let parts = PARTS.iter();
    let parts: Vec<_> = parts
        .filter(|(name, _)| part.is_none_or(|wished| wished == *name))
        .collect();
    if parts.is_empty() {
        bail!("there is no such part\n\n{USAGE}");
    }
    let root = shell::root();
    if wish.number("built", 0) == 0 {
        super::build(&root)?;
    }
    let ground = Ground {
        place: root.join("target/bench/serve"),
        root,
    };
    for (name, measure) in parts {
        eprintln!("bench: serve {name}");
        let told = measure(&ground, &wish)?;
        println!("{told}");
        keep(&ground.place, name, &told)?;
    }
    Ok(())
}

/// The last figures of each part, for the page of the documentation.
fn keep(place: &Path, name: &str, told: &str) -> Result<()> {
    Ok(std::fs::write(place.join(format!("{name}.md")), told)?)
}
