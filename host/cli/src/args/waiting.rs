//! What may be typed about documents that wait: holds and dead letters.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which of them; what is left out asks for nothing.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Filter {
    /// Only of this pipeline, by name or file
    #[arg(long, value_name = "PIPELINE")]
    pub(crate) pipeline: Option<String>,
    /// Only with this source key, target key or id; may be repeated
    #[arg(long, value_name = "NUMBER")]
    pub(crate) key: Vec<String>,
    /// Only this document of a record that became several
    #[arg(long, value_name = "NAME")]
    pub(crate) part: Option<String>,
    /// Only for this reason: a kind, an error's fingerprint or code, or words of the message
    #[arg(long, visible_alias = "kind", value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// Only since then: `2025-10-01`, `2025-10-01 12:00:00`, or so long ago: `2h`, `3d`
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only until then
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Show personal fields whole
    #[arg(long)]
    pub(crate) personal: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Holds {
    /// One line a document
    List {
        #[command(flatten)]
        filter: Filter,
    },
    /// Record, document and reason
    Show {
        /// Source key, target key or the target's id
        number: String,
        #[command(flatten)]
        filter: Filter,
    },
    /// End the wait
    Resolve(Resolve),
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// Source keys, target keys or ids of the target
    pub(crate) numbers: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    #[command(flatten)]
    pub(crate) way: Way,
    /// All of a pipeline
    #[arg(long)]
    pub(crate) all: bool,
    /// With --applied: its id in the target
    #[arg(long, requires = "applied")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Way {
    /// Send the held document now
    #[arg(long)]
    pub(crate) send: bool,
    /// Map its record again and decide anew
    #[arg(long)]
    pub(crate) again: bool,
    /// It stands in the target as the held document says: send nothing
    #[arg(long)]
    pub(crate) applied: bool,
    /// This version is never sent
    #[arg(long)]
    pub(crate) discard: bool,
    /// What stands in the target stays as it is, without this change
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// One line a letter
    List {
        #[command(flatten)]
        filter: Filter,
        /// One line an error instead: how many letters have it, and its fingerprint
        #[arg(long)]
        grouped: bool,
    },
    /// Record, document, error and the exchange with the target
    Show {
        /// Source key or target key
        number: String,
        #[command(flatten)]
        filter: Filter,
    },
    /// Put another text in the place of the document, or of the record where a transform refused it
    Edit {
        /// Source key or target key
        number: String,
        #[command(flatten)]
        filter: Filter,
        /// Take the text from a file, or from standard input: `-` [default: open $EDITOR]
        #[arg(long, value_name = "FILE")]
        document: Option<PathBuf>,
    },
    /// Send them again by the same protocol
    Replay(Chosen),
    /// These versions are never sent
    Discard(Chosen),
    /// One JSON object a letter and line
    Export {
        #[command(flatten)]
        filter: Filter,
    },
}

/// Letters to do something with: by number, by filter, or all of them.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Source keys or target keys
    pub(crate) numbers: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// All of a pipeline
    #[arg(long)]
    pub(crate) all: bool,
}
