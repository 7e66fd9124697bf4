//! How often a credential may be used: one budget for each class of endpoints,
//! shared by all pipelines and tenants that use the credential. It has no
//! clock and no thread: time is handed in, and who has to wait is told until
//! when. Waiting, and sending, are the caller's business.

mod budget;
mod forecast;
mod line;
mod quota;
mod record;

pub use budget::{Budget, Window};
pub use quota::{Answer, Call, Quota};

/// The identity of a credential: a digest that the caller makes of its secrets
/// and the origin that they are for. Opaque here, and never printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credential(pub [u8; 32]);

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credential")
    }
}
