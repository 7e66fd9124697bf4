//! Requests and answers as the capability sees them: the shapes of
//! `duijie:host/http`, whatever version of it a guest speaks.

/// How a secret is written in the place where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Raw,
    /// The inside of a JSON string, without its quotes.
    JsonString,
    Form,
    Base64,
}

/// A stretch of a header or body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    /// A secret setting, by name.
    Secret(String, Encoding),
    /// A value captured into the leased session, by name.
    Captured(String, Encoding),
}

impl Piece {
    /// Bytes that the guest itself gave.
    pub(crate) fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Secret(..) | Piece::Captured(..) => 0,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    Session,
    Read,
    /// Takes effect for these entries of the batch in hand.
    Write(Vec<u32>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Header(String),
    Cookie(String),
    /// JSON pointer into the body.
    Pointer(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) at: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Vec<Piece>)>,
    pub(crate) body: Vec<Piece>,
    /// `None` means write, for every entry of the batch in hand.
    pub(crate) purpose: Option<Purpose>,
    pub(crate) captures: Vec<Capture>,
    /// At most what the limits allow, which is also the default.
    pub(crate) timeout_ms: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why no answer came. Texts hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The host refused it; nothing left the host.
    #[error("refused: {0}")]
    Refused(String),
    /// It did not reach the system; nothing took effect.
    #[error("not sent: {0}")]
    NotSent(String),
    /// No whole answer came back; a write may have taken effect.
    #[error("no answer: {0}")]
    NoAnswer(String),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Which it is, with nothing of what was said.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::NotSent(_) => "not-sent",
            Self::NoAnswer(_) => "no-answer",
            Self::Other(_) => "other",
        }
    }
}

/// A recipe's result and the host time that went into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) text: String,
    pub(crate) time_ms: u64,
}
