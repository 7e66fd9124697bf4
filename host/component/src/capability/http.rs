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

use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

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
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// Bytes of the body.
    pub(super) fn length(&self) -> usize {
        self.body.len()
    }

    /// Where it says that there were too many calls: how long it asks to wait.
    pub(super) fn throttles(&self) -> Option<Option<Duration>> {
        (self.status == 429).then(|| {
            let asked = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
            asked.trim().parse().ok().map(Duration::from_secs)
        })
    }

    /// Without these values, before anything is captured from it: taking a
    /// part of an echoed secret away would hide the rest of it from the search.
    pub(super) fn hide(&mut self, masker: &Masker) {
        for value in self.headers.values_mut() {
            let text = String::from_utf8_lossy(value.as_bytes());
            if let Cow::Owned(masked) = masker.mask_text(&text)
                && let Ok(masked) = HeaderValue::from_bytes(masked.as_bytes())
            {
                *value = masked;
            }
        }
        self.body = masker.mask(std::mem::take(&mut self.body));
    }

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
