//! What a person may type. Only parsed here; nothing is looked up.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Connectors in sandboxes, effects exactly once.
#[derive(Debug, Parser)]
#[command(name = "duijie", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The project: pipelines/, connections/, connectors/, data/ and secrets.env lie in it
    #[arg(long, global = true, default_value = ".", value_name = "FOLDER")]
    pub(crate) project: PathBuf,
    /// Where <connector>.wasm files lie [default: connectors/ in the project]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) connectors: Option<PathBuf>,
    /// Where state is kept [default: data/ in the project]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See records flow: start an example with the systems it simulates
    Quickstart(Quickstart),
    /// Find everything that is wrong with pipelines and connections
    Check {
        /// Names or files of pipelines [default: all of the project]
        pipelines: Vec<String>,
    },
    /// Show what a run would do; writes nothing
    Plan {
        /// Name or file of a pipeline
        pipeline: String,
        /// How many records to show as they would be written
        #[arg(long, default_value_t = 1)]
        records: usize,
    },
    /// Run a pipeline once, or by its schedule
    Run {
        /// Name or file of a pipeline
        pipeline: String,
        /// Go on by the manifest's schedule until stopped
        #[arg(long)]
        follow: bool,
    },
    /// Show what a component is and asks for
    Inspect {
        /// A <connector>.wasm file
        component: PathBuf,
    },
    /// See or reset where the next run goes on
    #[command(subcommand)]
    Checkpoints(Checkpoints),
    /// List the latest runs of a pipeline
    Runs {
        /// Name or file of a pipeline
        pipeline: String,
        #[arg(long, default_value_t = 10)]
        limit: usize,
    },
    /// Compile a component from standard input to standard output
    #[command(hide = true)]
    CompileComponent,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Checkpoints {
    /// Where the next run goes on, and what it would read
    Show {
        /// Name or file of a pipeline
        pipeline: String,
    },
    /// Begin at the start again; what was written stays known and is not written twice
    Reset {
        /// Name or file of a pipeline
        pipeline: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Quickstart {
    /// The example project to copy
    #[arg(long, value_name = "FOLDER", default_value = "examples/quickstart")]
    pub(crate) example: PathBuf,
    /// The program that plays the systems at both ends
    #[arg(long, value_name = "PROGRAM", default_value = "duijie-sim")]
    pub(crate) simulator: PathBuf,
    /// How many orders to make up
    #[arg(long, default_value_t = 2000)]
    pub(crate) orders: u32,
}
