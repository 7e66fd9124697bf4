//! `duijie-crash`: plays the crash matrix and prints it. `cargo xtask crash` builds what it needs and starts it.

use clap::{Parser, ValueEnum};
use duijie_crash::{Case, Class, Fault, Matrix, Played, Row, Shape, Size, markdown, play, without};
use duijie_store::chaos::Guard;
use std::io::Write as _;
use std::process::ExitCode;

/// Kills the binary everywhere and looks at what came of it.
#[derive(Parser)]
struct Arguments {
    /// So many kills at least
    #[arg(long, default_value_t = 1000)]
    kills: u64,
    /// So many documents at least
    #[arg(long, default_value_t = 100_000)]
    documents: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the target promises of its numbers
    #[arg(long, default_value = "unique-key")]
    class: Promise,
    /// How long a sent request may stay out or unseen
    #[arg(long, default_value_t = 100)]
    settle_ms: u64,
    /// Cases played side by side
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// What is run: `plain`, `grouped`, `stepped`, or each in turn: `all`
    #[arg(long, default_value = "all")]
    shape: String,
    /// Only rows whose name begins so
    #[arg(long, default_value = "")]
    row: String,
    /// Only this column
    #[arg(long)]
    fault: Option<String>,
    /// Take this guard away, or each in turn: `all`; then something must be found
    #[arg(long)]
    without: Option<String>,
    /// Play this one case alone, as a failure names it
    #[arg(long)]
    case: Option<Case>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Promise {
    UniqueKey,
    Lookup,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let passed = match (&arguments.case, &arguments.without) {
        (Some(case), _) => one(case),
        (None, Some(name)) => found_without(&arguments, name),
        (None, None) => matrices(&arguments),
    };
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn one(case: &Case) -> bool {
    let played = play(case);
    for step in &played.story {
        complain(step);
    }
    tell(case, &played);
    played.found.is_empty()
}

fn matrices(arguments: &Arguments) -> bool {
    let name = &arguments.shape;
    let shapes = Shape::ALL.into_iter();
    let shapes: Vec<Shape> = shapes
        .filter(|shape| name == "all" || shape.name() == name)
        .collect();
    if shapes.is_empty() {
        complain(&format!("there is no shape `{name}`"));
        return false;
    }
    let mut all = true;
    for shape in shapes {
        say(&format!("## {}\n", shape.name()));
        all &= matrix(arguments, shape);
    }
    all
}

fn matrix(arguments: &Arguments, shape: Shape) -> bool {
    let rows: Vec<Row> = Row::all(shape)
        .into_iter()
        .filter(|row| row.name().starts_with(&arguments.row))
        .collect();
    let faults: Vec<Fault> = Fault::ALL
        .into_iter()
        .filter(|fault| {
            arguments
                .fault
                .as_ref()
                .is_none_or(|name| format!("{fault:?}") == *name)
        })
        .collect();
    let per_kill = arguments
        .documents
        .div_ceil(usize::try_from(arguments.kills.max(1)).unwrap_or(1));
    let size = Size {
        kills: arguments.kills,
        documents: arguments.documents,
        documents_per_case: (2 * per_kill).max(60),
        workers: arguments.workers,
        seed: arguments.seed,
        class: match arguments.class {
            Promise::UniqueKey => Class::UniqueKey,
            Promise::Lookup => Class::Lookup,
        },
        settle_ms: arguments.settle_ms,
        shape,
    };
    let matrix = Matrix::play(size, &rows, &faults, &tell);
    say(&markdown(&matrix, shape));
    for (case, found) in &matrix.failed {
        say(&format!("\n- `--case {case}`: {}", found.join("; ")));
    }
    matrix.failed.is_empty()
}

/// Something must be found without the guard, or without each where `all` is asked for.
fn found_without(arguments: &Arguments, name: &str) -> bool {
    let guards: Vec<Guard> = Guard::ALL
        .into_iter()
        .filter(|guard| name == "all" || format!("{guard:?}") == name)
        .collect();
    if guards.is_empty() {
        complain(&format!("there is no guard `{name}`"));
        return false;
    }
    let mut all = true;
    say("| without | found by |\n|---|---|");
    for guard in guards {
        let found = without(guard, arguments.seed, &tell);
        all &= found.is_some();
        let words = found.map_or("nothing".to_owned(), |case| format!("`--case {case}`"));
        say(&format!("| {guard:?} | {words} |"));
    }
    all
}

fn tell(case: &Case, played: &Played) {
    let found: Vec<String> = played
        .found
        .iter()
        .take(5)
        .map(ToString::to_string)
        .collect();
    complain(&format!(
        "{case}: {} kills; {}",
        played.killed.len(),
        found.join("; ")
    ));
}

fn say(text: &str) {
    // A reader that is gone needs no answer.
    _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &str) {
    _ = writeln!(std::io::stderr(), "{text}");
}
