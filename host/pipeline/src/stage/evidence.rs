//! What is laid aside for people who ask later, and how it is read again. A
//! run never depends on it.

use duijie_record::Lines;
use duijie_store::{Error, LineRef, SegmentRef, is_erased};

use crate::options::Context;

/// Lays lines aside; a preview lays nothing.
pub(crate) fn lay_aside(context: &Context, lines: &[u8]) -> Result<Option<SegmentRef>, Error> {
    if !context.lays_aside {
        return Ok(None);
    }
    let store = &context.options.store;
    let laid = store.append_evidence(&context.plan().scope, lines)?;
    Ok(Some(laid))
}

/// Reads lines that were laid aside, one segment after the other.
#[derive(Default)]
pub(crate) struct Recall {
    last: Option<(SegmentRef, Vec<u8>)>,
}

impl Recall {
    /// Empty where it is no longer known, or was erased since: nothing is made of
    /// what stands in its place.
    pub(crate) fn line(&mut self, context: &Context, place: Option<&LineRef>) -> Vec<u8> {
        let Some(place) = place else {
            return Vec::new();
        };
        let is_last = |last: &(SegmentRef, Vec<u8>)| last.0 == place.segment;
        if !self.last.as_ref().is_some_and(is_last) {
            let store = &context.options.store;
            let data = store.kept(&context.plan().scope, &place.segment);
            let data = data.unwrap_or_else(|error| {
                tracing::warn!(%error, "a record that was laid aside cannot be read");
                None
            });
            self.last = Some((place.segment.clone(), data.unwrap_or_default()));
        }
        let data = self.last.as_ref().map(|(_, data)| data.as_slice());
        let number = usize::try_from(place.line).unwrap_or(usize::MAX);
        let line = Lines::new(data.unwrap_or_default()).nth(number);
        let line = line.filter(|line| !is_erased(line));
        line.unwrap_or_default().to_vec()
    }
}
