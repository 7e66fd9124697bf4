//! HTTP out of the host: filling holes, the exchange itself, and captures.
//! What may be sent, and where, is settled before it gets here.

mod capture;
mod client;
mod fill;
#[cfg(test)]
pub(super) mod listener;
mod resolve;
#[cfg(test)]
mod tests;

use reqwest::header::HeaderMap;

use super::mask::Masker;
use super::message::{Failure, Response};
pub(super) use capture::capture;
pub(super) use client::Clients;
pub(crate) use client::Http;
pub(super) use fill::{Filled, exchange, fill, preview};
#[cfg(test)]
pub(super) use resolve::Resolver;

/// A whole answer, with everything in it that the system sent.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// As the guest may see it.
    pub(super) fn masked(self, masker: &Masker) -> Response {
        let headers = self.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (
                name.as_str().to_owned(),
                masker.mask_text(&value).into_owned(),
            )
        });
        Response {
            status: self.status,
            headers: headers.collect(),
            body: masker.mask(self.body),
        }
    }
}

impl Failure {
    pub(super) fn masked(self, masker: &Masker) -> Self {
        let mask = |text: String| masker.mask_text(&text).into_owned();
        match self {
            Self::Refused(text) => Self::Refused(mask(text)),
            Self::NotSent(text) => Self::NotSent(mask(text)),
            Self::NoAnswer(text) => Self::NoAnswer(mask(text)),
            Self::Other(text) => Self::Other(mask(text)),
        }
    }
}
