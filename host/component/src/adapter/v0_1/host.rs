//! The host's side of `duijie:host@0.1`: guest values in and out of the
//! capability. Whatever has no reach gets a refusal, never a trap.

use duijie_contract::{MOST_TABLE_BYTES, Missing};

use super::bindings::duijie::host::{clock, http, log, random, session, sign, tables};
use crate::capability::{Capture, Encoding, Failure, Piece, Place, Purpose, Request, Response};
use crate::guest::Guest;
use crate::turn::Meter;

/// Log texts are cut here; a log is no way to move data out.
const LOG_BYTES: usize = 4 << 10;

const NO_REACH: &str = "no network is given while a connector describes or checks itself, \
                        nor to a transform";

impl http::Host for Guest {
    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Failure>> {
        let Some(reach) = &mut self.reach else {
            return Ok(Err(http::Failure::Refused(NO_REACH.to_owned())));
        };
        let request = to_request(request);
        self.meter.asks([&request])?;
        let answered = reach.send(request).await;
        self.meter.answered([&answered])?;
        Ok(answer(answered))
    }

    async fn send_many(
        &mut self,
        requests: Vec<http::Request>,
    ) -> wasmtime::Result<Vec<Result<http::Response, http::Failure>>> {
        let Some(reach) = &mut self.reach else {
            let refused = || Err(http::Failure::Refused(NO_REACH.to_owned()));
            return Ok(requests.iter().map(|_| refused()).collect());
        };
        let requests: Vec<_> = requests.into_iter().map(to_request).collect();
        self.meter.asks(&requests)?;
        let answers = reach.send_many(requests).await;
        self.meter.answered(&answers)?;
        Ok(answers.into_iter().map(answer).collect())
    }
}

impl sign::Host for Guest {
    fn sign(
        &mut self,
        recipe: String,
        inputs: Vec<(String, String)>,
    ) -> wasmtime::Result<Result<sign::Signed, String>> {
        let Some(reach) = &self.reach else {
            return Ok(Err(NO_REACH.to_owned()));
        };
        Ok(reach.sign(&recipe, &inputs).map(|signed| sign::Signed {
            text: signed.text,
            time_ms: signed.time_ms,
        }))
    }
}

impl session::Host for Guest {
    async fn held(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(match &mut self.reach {
            Some(reach) => reach.session_held().await,
            None => Vec::new(),
        })
    }

    async fn forget(&mut self) -> wasmtime::Result<()> {
        if let Some(reach) = &mut self.reach {
            reach.session_forget().await;
        }
        Ok(())
    }
}

impl clock::Host for Guest {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.now_ms())
    }
}

impl random::Host for Guest {
    fn next(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.next())
    }
}

impl tables::Host for Guest {
    fn get(
        &mut self,
        name: String,
        columns: Vec<String>,
    ) -> wasmtime::Result<Result<tables::Snapshot, tables::Missing>> {
        let Some(tables) = &self.tables else {
            return Ok(Err(tables::Missing::NotDeclared));
        };
        let found = tables.get(&name, &columns);
        Ok(found
            .map(|found| tables::Snapshot {
                rows: found.rows,
                columns: found.columns,
                digest: found.digest,
                filled_ms: found.filled_ms,
            })
            .map_err(|missing| match missing {
                Missing::NotDeclared => tables::Missing::NotDeclared,
                Missing::NeverFilled => tables::Missing::NeverFilled,
                Missing::TooLarge => tables::Missing::TooLarge(MOST_TABLE_BYTES as u64),
            }))
    }
}

impl log::Host for Guest {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let Some(left) = self.log_lines_left.checked_sub(1) else {
            return Ok(());
        };
        self.log_lines_left = left;
        let end = message.floor_char_boundary(LOG_BYTES);
        let text = message.get(..end).unwrap_or_default();
        let counted = self.meter.run.log(text.len());
        counted.map_err(|beyond| self.meter.trap(beyond))?;
        let text = match &self.reach {
            Some(reach) => reach.mask_text(text),
            None => text.into(),
        };
        let connector = &*self.connector;
        match level {
            log::Level::Trace => tracing::trace!(connector, "{text}"),
            log::Level::Debug => tracing::debug!(connector, "{text}"),
            log::Level::Info => tracing::info!(connector, "{text}"),
            log::Level::Warn => tracing::warn!(connector, "{text}"),
            log::Level::Error => tracing::error!(connector, "{text}"),
        }
        Ok(())
    }
}

impl Meter {
    /// Before requests leave: whether the run has any left.
    fn asks<'a>(&self, requests: impl IntoIterator<Item = &'a Request>) -> wasmtime::Result<()> {
        for request in requests {
            let bytes = request.body.iter().map(Piece::len).sum();
            let counted = self.run.call(bytes);
            counted.map_err(|beyond| self.trap(beyond))?;
        }
        Ok(())
    }

    fn answered<'a>(
        &self,
        answers: impl IntoIterator<Item = &'a Result<Response, Failure>>,
    ) -> wasmtime::Result<()> {
        for response in answers.into_iter().flatten() {
            let counted = self.run.received(response.body.len());
            counted.map_err(|beyond| self.trap(beyond))?;
        }
        Ok(())
    }
}

fn to_request(request: http::Request) -> Request {
    let pieces = |pieces: Vec<http::Piece>| pieces.into_iter().map(piece).collect();
    Request {
        method: request.method,
        url: request.url,
        headers: request
            .headers
            .into_iter()
            .map(|header| (header.name, pieces(header.value)))
            .collect(),
        body: pieces(request.body),
        purpose: request.purpose.map(|purpose| match purpose {
            http::Purpose::Session => Purpose::Session,
            http::Purpose::Read => Purpose::Read,
            http::Purpose::Write(entries) => Purpose::Write(entries),
        }),
        captures: request
            .captures
            .into_iter()
            .map(|capture| Capture {
                name: capture.name,
                at: match capture.at {
                    http::Place::Header(name) => Place::Header(name),
                    http::Place::Cookie(name) => Place::Cookie(name),
                    http::Place::Pointer(pointer) => Place::Pointer(pointer),
                },
            })
            .collect(),
        timeout_ms: request.timeout_ms,
    }
}

fn piece(piece: http::Piece) -> Piece {
    match piece {
        http::Piece::Bytes(bytes) => Piece::Bytes(bytes),
        http::Piece::Secret(hole) => Piece::Secret(hole.name, encoding(hole.encoding)),
        http::Piece::Captured(hole) => Piece::Captured(hole.name, encoding(hole.encoding)),
    }
}

fn encoding(encoding: http::Encoding) -> Encoding {
    match encoding {
        http::Encoding::Raw => Encoding::Raw,
        http::Encoding::JsonString => Encoding::JsonString,
        http::Encoding::Form => Encoding::Form,
        http::Encoding::Base64 => Encoding::Base64,
    }
}

fn answer(answer: Result<Response, Failure>) -> Result<http::Response, http::Failure> {
    answer
        .map(|response| http::Response {
            status: response.status,
            headers: response.headers,
            body: response.body,
        })
        .map_err(|failure| match failure {
            Failure::Refused(reason) => http::Failure::Refused(reason),
            Failure::NotSent(reason) => http::Failure::NotSent(reason),
            Failure::NoAnswer(reason) => http::Failure::NoAnswer(reason),
            Failure::Other(reason) => http::Failure::Other(reason),
        })
}
