//! What a person may type. Only parsed here; nothing is looked up.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use duijie_project::Folders;
use duijie_serve::Home;

pub(crate) mod serve;
pub(crate) mod waiting;

pub(crate) use serve::{Serve, TenantsWish, TokensWish};
pub(crate) use waiting::{DeadLetters, Filter, Holds};

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

impl Global {
    /// The project folder as that of a service.
    pub(crate) fn home(&self) -> Home {
        Home::new(
            &self.project,
            self.connectors.as_deref(),
            self.data.as_deref(),
        )
    }

    pub(crate) fn folders(&self) -> Folders {
        Folders {
            root: self.project.clone(),
            connectors: self.connectors.clone(),
            data: self.data.clone(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See records flow: start an example with the systems it simulates
    Quickstart(Quickstart),
    /// Find everything that is wrong with pipelines and connections
    Check {
        /// Names or files of pipelines [default: all of the project]
        pipelines: Vec<String>,
        /// The project is the folder of a service, and this one of its tenants
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Show what a run would do; writes nothing
    Plan(Plan),
    /// Run a pipeline once, or by its schedule
    Run(Run),
    /// Compare a stretch of the source with what is known of it and with the target
    Reconcile(Reconcile),
    /// Show what a component is and asks for
    Inspect {
        /// A <connector>.wasm file
        component: PathBuf,
    },
    /// Turn what another platform had into a manifest
    #[command(subcommand)]
    Import(Import),
    /// List what a connector offers, or the fields of one collection
    Collections {
        /// Name of a connector: `<connector>.wasm` in the connector folder
        connector: String,
        /// A collection of it [default: a list of all]
        collection: Option<String>,
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
    /// See and settle documents that wait for a person
    #[command(subcommand)]
    Holds(Holds),
    /// See, edit, replay or discard what was refused
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Everything that is known of one document, by a number of either side
    Trace {
        /// Source key, target key or the target's id
        number: String,
        /// Show personal fields whole
        #[arg(long)]
        personal: bool,
    },
    /// See value tables: what pipelines filled for others to look things up in
    #[command(subcommand)]
    Tables(Tables),
    /// Set and see secrets; no value is ever shown
    Secrets {
        #[command(subcommand)]
        wish: Secrets,
        /// The project is the folder of a service, and this one of its tenants
        #[arg(long, global = true)]
        tenant: Option<String>,
    },
    /// Write down what pipelines may do; what goes beyond it does not run
    Grant(Grant),
    /// Look whether state and project are sound; changes nothing
    Doctor,
    /// Copy the state into a folder, also beside a running pipeline
    Backup {
        /// A folder that is empty or not there yet
        folder: PathBuf,
        /// Leave out what only `trace` and `plan --diff` need
        #[arg(long)]
        without_evidence: bool,
    },
    /// Bring state back from a backup, into a data folder that has none
    Restore {
        /// What `backup` made
        folder: PathBuf,
    },
    /// Forget all that is known of a scope: what was sent may be sent again by whoever takes it up
    Forget {
        /// As manifests name it
        scope: String,
        /// Do it: it cannot be taken back
        #[arg(long)]
        yes: bool,
    },
    /// Take away what a record held; that it was sent stays known
    Erase(Erase),
    /// Run the pipelines of many tenants, by their schedules and over HTTP
    Serve(Serve),
    /// Whose pipelines a service runs
    #[command(subcommand)]
    Tenants(TenantsWish),
    /// Who may call a service
    #[command(subcommand)]
    Tokens(TokensWish),
    /// Compile a component from standard input to standard output
    #[command(hide = true)]
    CompileComponent,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// A scheme of Qeasy (轻易云): its metadata as JSON, or the table of an article as text
    Qeasy(Qeasy),
}

#[derive(Debug, Args)]
pub(crate) struct Qeasy {
    /// The files of one scheme: both sides in one, or one each
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Write the manifest there, where no file may be yet [default: print it]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Name and scope of the pipeline [default: made of both collections]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The connector that reads, where the scheme's platform does not tell
    #[arg(long, value_name = "CONNECTOR")]
    pub(crate) source: Option<String>,
    /// The connector that writes
    #[arg(long, value_name = "CONNECTOR")]
    pub(crate) target: Option<String>,
    /// Where the first run begins, as the source's settings write it [default: as the scheme, or
    /// today]
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Name or file of a pipeline
    pub(crate) pipeline: String,
    /// How many records to show as they would be written
    #[arg(long, default_value_t = 1)]
    pub(crate) records: usize,
    /// Say how long so many records take at least, by the calls a minute that the systems document
    #[arg(long, value_name = "RECORDS", conflicts_with = "diff")]
    pub(crate) forecast: Option<u64>,
    /// Compare every document with what was written, and keep the result for `run --plan`
    #[arg(long)]
    pub(crate) diff: bool,
    /// With --diff: look at so many records at most
    #[arg(long, value_name = "RECORDS", requires = "diff", default_value_t = duijie_pipeline::DIFF_RECORDS)]
    pub(crate) limit: u64,
    /// With --diff: of a backfill that reads from here on
    #[arg(long, value_name = "TIME", requires_all = ["to", "diff"])]
    pub(crate) from: Option<String>,
    /// With --diff: of a backfill that reads up to here
    #[arg(long, value_name = "TIME", requires_all = ["from", "diff"])]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Name or file of a pipeline
    pub(crate) pipeline: String,
    /// Go on by the manifest's schedule until stopped
    #[arg(long, conflicts_with_all = ["from", "plan"])]
    pub(crate) follow: bool,
    /// Backfill: read from here on, with a checkpoint of its own
    #[arg(long, value_name = "TIME", requires = "to")]
    pub(crate) from: Option<String>,
    /// Backfill: read up to here
    #[arg(long, value_name = "TIME", requires = "from")]
    pub(crate) to: Option<String>,
    /// Send exactly what a `plan --diff` showed: its hash, or the first digits of it
    #[arg(long, value_name = "HASH", conflicts_with = "from")]
    pub(crate) plan: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// Name or file of a pipeline
    pub(crate) pipeline: String,
    /// Read the source from here on
    #[arg(long, value_name = "TIME")]
    pub(crate) from: String,
    /// Read it up to here
    #[arg(long, value_name = "TIME")]
    pub(crate) to: String,
}

/// No value is an argument: those stand in the shell's history and in the list
/// of processes.
#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// Names, where each comes from, and the connections that use it
    List,
    /// Seal a new secret into the store; the value is typed, or comes from standard input
    Set {
        /// Letters, digits and `_`
        name: String,
    },
    /// Put a new value in the place of one in the store
    Rotate { name: String },
    /// Remove a secret from the store
    Rm {
        name: String,
        /// Although a connection uses it
        #[arg(long)]
        force: bool,
    },
    /// Seal the whole store with a new key; of DUIJIE_SECRET_KEY the new one is typed, or comes
    /// from standard input
    Rekey,
    /// Print a new key for DUIJIE_SECRET_KEY; the key file is made without it
    Key,
}

#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// Names or files of pipelines [default: all of the project]
    pub(crate) pipelines: Vec<String>,
    /// Show it and write nothing
    #[arg(long)]
    pub(crate) show: bool,
    /// The project is the folder of a service, and this one of its tenants
    #[arg(long)]
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Checkpoints {
    /// Where the next run goes on, and what it would read
    Show {
        /// Name or file of a pipeline
        pipeline: String,
    },
    /// Begin at the start again; what was written stays known, and what is not known is looked up
    /// before it is sent
    Reset {
        /// Name or file of a pipeline
        pipeline: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tables {
    /// Each table: rows, columns, when and by which pipeline it was filled
    List,
    /// The rows of one table
    Show {
        /// Name of a table
        table: String,
        /// How many rows at a time
        #[arg(long, default_value_t = 100, value_name = "ROWS")]
        limit: usize,
        /// Go on after the row with this key
        #[arg(long, value_name = "KEY")]
        after: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// Name or file of a pipeline
    pub(crate) pipeline: String,
    /// A source key, a target key or an id of the target
    pub(crate) number: String,
    /// Do it: it cannot be taken back, and what waits of it is never sent
    #[arg(long)]
    pub(crate) yes: bool,
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
