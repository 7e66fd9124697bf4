//! Why the service, or one wish to it, came to nothing.

use std::path::PathBuf;
use std::time::Duration;

use duijie_contract::FaultKind;
use duijie_diagnostic::{Diagnostic, Sources};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`{0}` is no tenant's name, expected lower-case letters, digits and `-`, at most 63, the first no `-`"
    )]
    Name(String),
    #[error("there is no tenant `{0}`")]
    NoTenant(String),
    #[error("tenant `{0}` is there already")]
    TenantIsThere(String),
    #[error("tenant `{tenant}` has no pipeline `{named}`")]
    NoPipeline { tenant: String, named: String },
    /// Located problems in what a person wrote.
    #[error("{}", .0.iter().find(|problem| problem.is_error()).map(ToString::to_string).unwrap_or_default())]
    Problems(Vec<Diagnostic>, Sources),
    #[error("records of the tenant were just erased: try again in {seconds} s")]
    TooSoon { seconds: u64 },
    #[error(
        "`{0}` is no scope, expected letters, digits, `.`, `_` and `-`, at most 64, the first a letter or digit"
    )]
    Scope(String),
    /// Nobody else's is compared meanwhile.
    #[error(
        "the comparison took over {most:?}, the most that one may take: compare a shorter `window`"
    )]
    ComparisonTooLong { most: Duration },
    #[error("pipeline `{0}` is at work: pause it, or wait until its run has ended")]
    AtWork(String),
    #[error("nothing of tenant `{tenant}` begins: {quota}")]
    Beyond { tenant: String, quota: String },
    #[error("`reconcile` of tenant.yaml: {0}")]
    Reconcile(String),
    /// Of serve.yaml: nobody would be told of it otherwise.
    #[error("{0}")]
    Alert(String),
    #[error("{} cannot be used: {reason}", .place.display())]
    Place { place: PathBuf, reason: String },
    #[error(
        "the pipeline keeps its ledger for {wanted_days} days, and the service for {kept_days}: what was sent before could be sent again; lengthen `retention.ledger` in serve.yaml and start it anew, or shorten that of the pipeline"
    )]
    Retention { wanted_days: u64, kept_days: u64 },
    /// What was durable stays so.
    #[error("a run died: {0}; report this as a bug")]
    Died(String),
    #[error(transparent)]
    Schedule(#[from] duijie_schedule::Error),
    #[error(transparent)]
    Project(#[from] duijie_project::Error),
    #[error(transparent)]
    Secret(#[from] duijie_component::SecretError),
    #[error(transparent)]
    Component(#[from] duijie_component::Error),
    #[error(transparent)]
    Pipeline(#[from] duijie_pipeline::Error),
    #[error(transparent)]
    Store(#[from] duijie_store::Error),
}

impl Error {
    /// Whether a person has to put something right first.
    pub(crate) fn is_persons(&self) -> bool {
        match self {
            Self::Pipeline(error) => !passes(error),
            Self::Project(duijie_project::Error::Fault(fault)) => !fault.is_passing(),
            Self::Store(_) | Self::Died(_) => false,
            _ => true,
        }
    }
}

/// Whether trying again may help.
pub(crate) fn passes(error: &duijie_pipeline::Error) -> bool {
    match error {
        duijie_pipeline::Error::Fault(fault) => !matches!(
            fault.kind,
            FaultKind::Unauthorized(_) | FaultKind::InvalidSettings(_)
        ),
        duijie_pipeline::Error::OtherTarget { .. }
        | duijie_pipeline::Error::MembersWait { .. }
        | duijie_pipeline::Error::Segment { .. } => false,
        _ => true,
    }
}
