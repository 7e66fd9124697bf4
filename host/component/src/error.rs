//! What can go wrong before a connector runs. What goes wrong while it runs
//! is a `contract::Fault`.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the sandbox cannot start: {reason}")]
    Engine { reason: String },
    #[error("connector `{connector}` was not found: put `{connector}.wasm` into {folder}")]
    NotFound { connector: String, folder: String },
    #[error("{place} cannot be read: {reason}")]
    Read { place: String, reason: String },
    /// The binary was refused before it was compiled.
    #[error("connector `{connector}` was refused: {reason}")]
    Refused { connector: String, reason: String },
    #[error(
        "connector `{connector}` speaks {found}, this host speaks {supported}: \
         install a release of the connector for one of these, or another host"
    )]
    UnsupportedInterface {
        connector: String,
        found: String,
        supported: String,
    },
    #[error(
        "connector `{connector}` imports what no connector gets: {}",
        .imports.join(", ")
    )]
    UnknownImports {
        connector: String,
        imports: Vec<String>,
    },
    #[error("connector `{connector}` did not compile: {reason}")]
    Compile { connector: String, reason: String },
    #[error("cache {place} cannot be written: {reason}")]
    Cache { place: String, reason: String },
    #[error("connector `{connector}` describes itself wrongly: {reason}")]
    Description { connector: String, reason: String },
}
