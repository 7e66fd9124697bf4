//! Intents, durable before anything is sent under them, and outcomes on their
//! way to the settler, with the intents of what goes on in the same commit.

use std::sync::Arc;

use duijie_store::{Change, Intent, IntentId};
use tokio::sync::oneshot;

use super::{Resolved, Writer};
use crate::Error;
use crate::chaos::{Guard, Point, is_off, reach};
use crate::options::Context;
use crate::stage::chunk::{self, Chunk};
use crate::stage::settle::{Message, Outcomes};

impl Writer {
    /// Replaces the open intent by one for this chunk.
    pub(super) async fn intend(
        &mut self,
        open: &mut Option<IntentId>,
        chunk: &mut Chunk,
        resolved: &mut Resolved,
    ) -> Result<bool, Error> {
        let closed = open.take();
        let intended = self.intend_each(closed, &mut [&mut *chunk], resolved).await;
        *open = chunk.intent.as_ref().map(|(id, _)| *id);
        intended
    }

    /// Makes an intent of each chunk, in one commit that settles `closed` and
    /// holds what was resolved. False when the settler is gone and the run is
    /// ending.
    pub(super) async fn intend_each(
        &mut self,
        closed: Option<IntentId>,
        chunks: &mut [&mut Chunk],
        resolved: &mut Resolved,
    ) -> Result<bool, Error> {
        let context = Arc::clone(&self.context);
        let Context { options, claim, .. } = &*context;
        reach(Point::BeforeIntent);
        let mut intents = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let intent = self.intent(chunk).await?;
            if is_off(Guard::IntentBeforeSend) {
                chunk.intent = None;
                continue;
            }
            intents.push(intent);
        }
        reach(Point::AfterSegment);
        if resolved.is_empty() {
            let changes = closed.map(Change::Settle).into_iter().chain(intents);
            options.store.commit(claim, changes.collect()).await?;
        } else {
            let (durable, heard) = oneshot::channel();
            let mut outcomes = self.outcomes(resolved).await?;
            outcomes.changes.extend(intents);
            outcomes.settle = closed;
            outcomes.durable = Some(durable);
            self.tell(outcomes).await;
            if heard.await.is_err() {
                return Ok(false);
            }
        }
        reach(Point::AfterIntent);
        Ok(true)
    }

    /// An intent of this chunk, its documents durable.
    async fn intent(&mut self, chunk: &mut Chunk) -> Result<Change, Error> {
        let Context { options, claim, .. } = &*self.context;
        let data = &chunk.batch.data;
        let segment = options.store.append_segment(claim, data).await?;
        let id = options.store.next_intent_id();
        chunk.intent = Some((id, segment.clone()));
        Ok(Change::Intent(Intent {
            id,
            run: self.context.run.clone(),
            at_ms: self.context.now_ms(),
            entries: chunk.entries.clone(),
            segment,
        }))
    }

    /// Hands over what is resolved, with intents for what goes on; returns
    /// when those are durable. False when the settler is gone and the run is
    /// ending.
    pub(super) async fn conclude(
        &mut self,
        resolved: &mut Resolved,
        settle: Option<IntentId>,
        guard: Option<&chunk::Guard>,
    ) -> Result<bool, Error> {
        let goes_on = resolved.going_on.len();
        let mut outcomes = self.outcomes(resolved).await?;
        outcomes.settle = settle;
        outcomes.guard = guard.cloned();
        if resolved.going_on.len() == goes_on {
            self.tell(outcomes).await;
            return Ok(true);
        }
        let (durable, heard) = oneshot::channel();
        outcomes.durable = Some(durable);
        self.tell(outcomes).await;
        let durable = heard.await.is_ok();
        if durable {
            reach(Point::AfterIntent);
        }
        Ok(durable)
    }

    /// What is resolved; what goes on to a step gets its intent with it.
    async fn outcomes(&mut self, resolved: &mut Resolved) -> Result<Outcomes, Error> {
        let mut outcomes = resolved.take();
        for mut chunk in resolved.take_standing() {
            let intent = self.intent(&mut chunk).await?;
            let known = !is_off(Guard::StepIntentWithWrite);
            outcomes.changes.extend(known.then_some(intent));
            resolved.going_on.push(chunk);
        }
        Ok(outcomes)
    }

    /// A settler that is gone has failed and said so; the run is ending.
    async fn tell(&mut self, outcomes: Outcomes) {
        reach(Point::BeforeOutcome);
        let _gone = self.settler.send(Message::Outcomes(outcomes)).await;
    }
}
