//! The way of batches from the source to the writers, one after the other.

use tokio::sync::mpsc;

use duijie_record::Position;

use super::Step;
use crate::Error;
use crate::flight::Flight;
use crate::options::Context;
use crate::page::Page;
use crate::report::Counts;
use crate::stage::chunk::Chunk;
use crate::stage::map::Mapper;
use crate::stage::settle::Message;
use crate::stage::source::Lined;

pub(crate) struct Way<'run> {
    pub(super) context: &'run Context,
    pub(super) flight: &'run Flight,
    pub(super) mapper: Mapper,
    pub(super) chunks: &'run mpsc::Sender<Chunk>,
    pub(crate) settler: &'run mpsc::Sender<Message>,
    /// Of the next page, without gaps.
    pub(super) number: u64,
}

impl Way<'_> {
    /// False when the run is ending.
    pub(crate) async fn go(&mut self, lined: Lined) -> Result<bool, Error> {
        if self.context.halt.is_stopped() {
            return Ok(false);
        }
        let step = Step {
            context: self.context,
            flight: self.flight,
            number: self.number,
        };
        let Some((message, cut)) = step.page(&mut self.mapper, lined).await? else {
            return Ok(false);
        };
        self.number += 1;
        // The page is known before any of its outcomes can be.
        if self.settler.send(message).await.is_err() {
            return Ok(false);
        }
        for chunk in cut {
            if self.chunks.send(chunk).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A batch of which nothing goes on now. False when the run is ending.
    pub(crate) async fn note(&mut self, position: Option<Position>, counts: Counts) -> bool {
        let page = Page {
            number: self.number,
            position,
            records: Vec::new(),
            waiting: 0,
            since_ms: 0,
            guard: None,
        };
        self.number += 1;
        let message = Message::Page(page, Vec::new(), counts);
        self.settler.send(message).await.is_ok()
    }
}
