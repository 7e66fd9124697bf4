//! One write request and what came back of it, as evidence for people.

use bytes::Bytes;

/// A write that left the host, or tried to. It holds no secret: a hole stands
/// as `${secret:<setting>}` or `${session:<name>}`, and every known value
/// that turned up elsewhere as `***`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Unix milliseconds of the host's clock when it left.
    pub at_ms: u64,
    /// Until the whole answer was there, or it was clear that none comes.
    pub took_ms: u64,
    pub method: String,
    pub url: String,
    /// As the connector gave them; the host's own are left out.
    pub headers: Vec<(String, String)>,
    /// A body of more than 1 MiB is cut, and says at its end by how much.
    pub body: Bytes,
    /// The entries of the batch that the request takes effect for.
    pub entries: Vec<u32>,
    /// `None` when no answer came.
    pub status: Option<u16>,
    /// The answer's body, cut like the request's.
    pub answer: Bytes,
    /// Why there is no answer.
    pub fault: Option<String>,
}
