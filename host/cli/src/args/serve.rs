//! What may be typed about a service of many tenants.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Listen there [default: `listen` of serve.yaml, or 127.0.0.1:7373]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantsWish {
    /// One name a line
    List,
    /// Lay out a tenant's folder
    Add {
        /// Lower-case letters, digits and `-`
        tenant: String,
    },
    /// Take a tenant away with all that is known of it: folder, secrets, tokens, state
    Rm { tenant: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensWish {
    /// Ids, roles and tenants
    List,
    /// Make a token and show it once
    Add {
        /// A tenant, or `*` for all of them
        tenant: String,
        /// reader, operator or admin
        #[arg(long, default_value = "reader")]
        role: String,
    },
    /// Take a token away by its id
    Rm { id: String },
}
