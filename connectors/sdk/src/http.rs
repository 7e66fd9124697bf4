//! Requests and answers. A secret or captured value is a hole that the host
//! fills in; the bytes around it can never be taken for one.

use crate::bindings::network::duijie::host::http;

pub use http::{
    Capture, Encoding, Failure, Header, Hole, Piece, Place, Purpose, Request, Response,
};

impl Piece {
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Piece::Bytes(bytes.into())
    }

    /// `name` is that of the secret setting.
    pub fn secret(name: &str, encoding: Encoding) -> Self {
        Piece::Secret(Hole {
            name: name.to_owned(),
            encoding,
        })
    }

    /// `name` is the one given when the value was captured.
    pub fn captured(name: &str, encoding: Encoding) -> Self {
        Piece::Captured(Hole {
            name: name.to_owned(),
            encoding,
        })
    }
}

impl Request {
    /// Without a purpose the host takes it for a write of every entry.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            purpose: None,
            captures: Vec::new(),
            timeout_ms: None,
        }
    }

    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    #[must_use]
    pub fn header(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.header_pieces(name, vec![Piece::bytes(value)])
    }

    #[must_use]
    pub fn header_pieces(mut self, name: &str, value: Vec<Piece>) -> Self {
        self.headers.push(Header {
            name: name.to_owned(),
            value,
        });
        self
    }

    /// Appends to the body.
    #[must_use]
    pub fn body(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.piece(Piece::bytes(bytes))
    }

    /// Appends to the body.
    #[must_use]
    pub fn piece(mut self, piece: Piece) -> Self {
        self.body.push(piece);
        self
    }

    /// It changes nothing in the system.
    #[must_use]
    pub fn read(mut self) -> Self {
        self.purpose = Some(Purpose::Read);
        self
    }

    /// Login, logout, renewal.
    #[must_use]
    pub fn session(mut self) -> Self {
        self.purpose = Some(Purpose::Session);
        self
    }

    /// It takes effect for these entries of the batch in hand.
    #[must_use]
    pub fn write(mut self, entries: Vec<u32>) -> Self {
        self.purpose = Some(Purpose::Write(entries));
        self
    }

    /// Keeps a value of the answer in the leased session, under `name`.
    #[must_use]
    pub fn capture(mut self, name: &str, at: Place) -> Self {
        self.captures.push(Capture {
            name: name.to_owned(),
            at,
        });
        self
    }

    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = Some(timeout_ms);
        self
    }
}

impl Response {
    /// The first header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// `Retry-After` in milliseconds, where it gives seconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        seconds.checked_mul(1000)
    }

    /// The beginning of the body, fit for a message; see [`excerpt`].
    pub fn excerpt(&self) -> String {
        excerpt(&self.body)
    }
}

/// At most 120 characters on one line. Digits in runs of five and more are
/// masked, since they may be a phone number, an id card or a token.
pub fn excerpt(body: &[u8]) -> String {
    let head = body.get(..480).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let mut short = String::new();
    let mut digits = String::new();
    for character in text.chars().chain([' ']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if !digits.is_empty() {
            short.push_str(if digits.len() < 5 { &digits } else { "***" });
            digits.clear();
        }
        let blank = character.is_whitespace() || character.is_control();
        if !blank {
            short.push(character);
        } else if !short.ends_with(' ') {
            short.push(' ');
        }
    }
    let mut cut: String = short.trim().chars().take(120).collect();
    if cut.len() < short.trim().len() || head.len() < body.len() {
        cut.push('…');
    }
    cut
}
