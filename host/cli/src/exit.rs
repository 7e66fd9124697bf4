//! Exit codes: 0 ok, 1 run failed, 2 input wrong, 3 environment, 128+n
//! signal. One place turns failures into them.

use std::process::ExitCode;

use duijie_admin::TokenError;
use duijie_component::{Error as ComponentError, SecretError};
use duijie_contract::{Fault, FaultKind};
use duijie_diagnostic::{Diagnostic, Sources};
use duijie_pipeline::Error as PipelineError;
use duijie_project::Error as ProjectError;
use duijie_serve::Error as ServeError;
use duijie_store::Error as StoreError;

use crate::output::Output;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The run failed; it can be run again.
    Run(String),
    /// Located problems in what a person wrote.
    Input(Vec<Diagnostic>, Sources),
    /// An argument names nothing that exists.
    Argument(String),
    /// Disk, rights, another process.
    Environment(String),
    /// Stopped by this signal.
    Signal(u8),
}

impl Failure {
    fn number(&self) -> u8 {
        match self {
            Failure::Run(_) => 1,
            Failure::Input(..) | Failure::Argument(_) => 2,
            Failure::Environment(_) => 3,
            Failure::Signal(signal) => 128 + signal,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Environment(error.to_string())
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::BadName { .. }
            | SecretError::Reserved { .. }
            | SecretError::TooShort { .. }
            | SecretError::TooLong { .. } => Failure::Argument(error.to_string()),
            other => Failure::Environment(other.to_string()),
        }
    }
}

impl From<ComponentError> for Failure {
    fn from(error: ComponentError) -> Self {
        match error {
            ComponentError::Engine { .. } | ComponentError::Cache { .. } => {
                Failure::Environment(error.to_string())
            }
            other => Failure::Argument(other.to_string()),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::InvalidSettings(_) => Failure::Argument(fault.to_string()),
            _ => Failure::Run(fault.to_string()),
        }
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Store(error) => error.into(),
            // Refused before anything was read.
            PipelineError::WindowTooOld { .. }
            | PipelineError::OtherTarget { .. }
            | PipelineError::PlanStale { .. } => Failure::Argument(error.to_string()),
            other => Failure::Run(other.to_string()),
        }
    }
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::Problems(problems, sources) => Failure::Input(problems, sources),
            ProjectError::NoPipeline { .. } | ProjectError::Refused(_) => {
                Failure::Argument(error.to_string())
            }
            ProjectError::Secret(error) => error.into(),
            ProjectError::Component(error) => error.into(),
            ProjectError::Fault(error) => error.into(),
            ProjectError::Store(error) => error.into(),
            ProjectError::Read { .. }
            | ProjectError::Write { .. }
            | ProjectError::Program(_)
            | ProjectError::Answer(_)
            | ProjectError::Admin(_) => Failure::Environment(error.to_string()),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Problems(problems, sources) => Failure::Input(problems, sources),
            ServeError::Project(error) => error.into(),
            ServeError::Component(error) => error.into(),
            ServeError::Secret(error) => error.into(),
            ServeError::Pipeline(error) => error.into(),
            ServeError::Store(error) => error.into(),
            ServeError::Place { .. } => Failure::Environment(error.to_string()),
            other => Failure::Argument(other.to_string()),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::None(_) => Failure::Argument(error.to_string()),
            TokenError::File { .. } => Failure::Environment(error.to_string()),
        }
    }
}

/// Tells a failure and gives its code.
pub(crate) fn code(output: &Output, ended: Result<(), Failure>) -> ExitCode {
    let Err(failure) = ended else {
        return ExitCode::SUCCESS;
    };
    match &failure {
        Failure::Input(problems, sources) => output.problems(problems, sources),
        Failure::Run(text) | Failure::Argument(text) | Failure::Environment(text) => {
            output.error(text);
        }
        Failure::Signal(_) => {}
    }
    ExitCode::from(failure.number())
}

/// What clap found; asking for help is no failure.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe leaves nobody to tell.
    error.print().ok();
    match error.use_stderr() {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    }
}
