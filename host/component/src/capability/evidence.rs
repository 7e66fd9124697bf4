//! The write requests of the call in hand and what came back, kept for
//! people. Bodies are shared with what is sent, and looked through for
//! secrets when someone takes them.

use std::collections::VecDeque;

use bytes::Bytes;
use duijie_contract::Exchange;

use super::mask::Masker;
use super::message::{Failure, Response};

const MOST_KEPT: usize = 16;

const MOST_BYTES: usize = 1 << 20;

/// For a request whose answer was not waited for.
const ABANDONED: &str = "the call ended before its answer was there";

#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// How many were dropped before the first one kept.
    dropped: usize,
    kept: VecDeque<Exchange>,
}

/// One exchange among those of its call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(usize);

/// When an exchange began and ended, Unix milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

impl Evidence {
    /// Keeps a request that is about to leave.
    pub(super) fn begin(&mut self, mut exchange: Exchange, masker: &Masker) -> Number {
        // A large body is not kept alive for a part of it.
        if exchange.body.len() > MOST_BYTES {
            exchange.body = cut(&masker.mask_shared(exchange.body));
        }
        exchange.fault = Some(ABANDONED.to_owned());
        if self.kept.len() == MOST_KEPT {
            self.kept.pop_front();
            self.dropped += 1;
        }
        self.kept.push_back(exchange);
        Number(self.dropped + self.kept.len() - 1)
    }

    /// What came of it, as the guest sees it.
    pub(super) fn end(&mut self, number: Number, span: Span, answer: &Result<Response, Failure>) {
        let place = number.0.checked_sub(self.dropped);
        let Some(exchange) = place.and_then(|place| self.kept.get_mut(place)) else {
            return;
        };
        exchange.at_ms = span.from_ms;
        exchange.took_ms = span.to_ms.saturating_sub(span.from_ms);
        exchange.fault = None;
        match answer {
            Ok(response) => {
                exchange.status = Some(response.status);
                exchange.answer = cut(&response.body);
            }
            Err(failure) => exchange.fault = Some(failure.to_string()),
        }
    }

    pub(super) fn take(&mut self, masker: &Masker) -> Vec<Exchange> {
        let kept = std::mem::take(self).kept;
        let mask = |text: String| masker.mask_text(&text).into_owned();
        kept.into_iter()
            .map(|exchange| Exchange {
                url: mask(exchange.url),
                headers: exchange
                    .headers
                    .into_iter()
                    .map(|(name, value)| (name, mask(value)))
                    .collect(),
                body: masker.mask_shared(exchange.body),
                ..exchange
            })
            .collect()
    }
}

/// A copy of no more than the most that is kept, with a note of what is not.
fn cut(body: &[u8]) -> Bytes {
    match body.split_at_checked(MOST_BYTES) {
        Some((kept, left)) if !left.is_empty() => {
            let note = format!("… {} bytes more", left.len());
            Bytes::from([kept, note.as_bytes()].concat())
        }
        _ => Bytes::copy_from_slice(body),
    }
}
