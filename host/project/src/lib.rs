//! A project as commands and the service use it: its folder as it lies on
//! disk, the crates joined over it, and answers out of its state. Knows no
//! command line, no terminal and no schedule.

mod error;
pub mod granted;
pub mod lane;
pub mod personal;
mod project;
pub mod reconciliation;
mod seals;
pub mod state;
pub mod wire;

pub use error::Error;
pub use project::{Folders, Project, check_own};
pub use seals::sealer;
