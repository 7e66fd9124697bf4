//! What is looked up before a first send: documents that are to be changed,
//! and under caution every document.

use std::time::Duration;

use duijie_contract::Guarantee;
use duijie_plan::OnChange;
use duijie_record::Action;
use duijie_store::{Came, HoldKind};

use super::resolved::tried;
use super::{Resolved, Writer};
use crate::Error;
use crate::chaos::{Guard, is_off};
use crate::group;
use crate::purpose::Purpose;
use crate::stage::chunk::Chunk;
use crate::stage::reconcile::{Resolution, before_change, with_caution};

/// A document's place in its chunk, and what is to become of it.
type Looked = Vec<(usize, Resolution)>;

impl Writer {
    /// Looks up what must be and holds what may not be sent. `None` when the
    /// run halted in the meantime.
    pub(super) async fn before_first_send(
        &mut self,
        mut chunk: Chunk,
        resolved: &mut Resolved,
    ) -> Result<Option<Chunk>, Error> {
        chunk = standing(chunk, resolved);
        let cautious = self.context.caution.is_some() && !is_off(Guard::Caution);
        let is_create = |place: &usize| {
            let entry = chunk.entries.get(*place);
            entry.is_some_and(|entry| entry.action == Action::Create)
        };
        let places = 0..chunk.entries.len();
        let (creates, changes): (Vec<_>, Vec<_>) = places.partition(is_create);
        let asked = |place: &usize| cautious || self.resent(&chunk, *place).is_some();
        let (creates, as_they_are): (Vec<_>, Vec<_>) = creates.into_iter().partition(asked);
        if changes.is_empty() && creates.is_empty() {
            return Ok(Some(chunk));
        }
        let Some(mut looked) = self.before_changes(&chunk, changes).await? else {
            return Ok(None);
        };
        match self.before_creates(&mut chunk, creates).await? {
            Some(more) => looked.extend(more),
            None => return Ok(None),
        }
        let as_they_are = as_they_are.into_iter();
        looked.extend(as_they_are.map(|place| (place, Resolution::Send(None))));
        looked.sort_unstable_by_key(|(place, _)| *place);
        let mut kept = Vec::with_capacity(looked.len());
        for (place, resolution) in looked {
            let attempt = chunk.entries.get(place).map_or(1, |entry| entry.attempt);
            match resolution {
                Resolution::Send(id) => kept.push((place, id, attempt)),
                Resolution::Hold(kind, reason) => resolved.hold(&chunk, place, kind, reason),
                Resolution::Applied(id) => {
                    resolved.applied(&chunk, place, id, Some(Came::Found));
                }
            }
        }
        Ok(Some(chunk.pick(kept)))
    }

    /// Why a held document waited that a person wants sent now.
    fn resent(&self, chunk: &Chunk, place: usize) -> Option<HoldKind> {
        let entry = chunk.entries.get(place)?;
        self.context.resends(&entry.source_key, &entry.part)
    }

    async fn before_changes(
        &mut self,
        chunk: &Chunk,
        changes: Vec<usize>,
    ) -> Result<Option<Looked>, Error> {
        let known_id = |place: &usize| {
            let entry = chunk.entries.get(*place);
            entry.and_then(|entry| entry.known_id.as_deref())
        };
        if !changes.is_empty()
            && self.context.plan().target.lookup
            && !is_off(Guard::ReadBeforeChange)
        {
            let Some(findings) = self.find_settled(chunk, &changes).await? else {
                return Ok(None);
            };
            let looked = changes.into_iter().zip(findings);
            let resolve = |(place, finding)| (place, before_change(known_id(&place), finding));
            return Ok(Some(looked.map(resolve).collect()));
        }
        let resolve = |place| {
            let resolution = match known_id(&place) {
                Some(id) => Resolution::Send(Some(id.to_owned())),
                None => {
                    let reason = "its id in the target is not known".to_owned();
                    Resolution::Hold(HoldKind::Doubt, reason)
                }
            };
            (place, resolution)
        };
        Ok(Some(changes.into_iter().map(resolve).collect()))
    }

    /// What was sent before the state was restored or reset may be in the
    /// target already.
    async fn before_creates(
        &mut self,
        chunk: &mut Chunk,
        creates: Vec<usize>,
    ) -> Result<Option<Looked>, Error> {
        let target = &self.context.plan().target;
        let harmless = matches!(
            target.guarantee,
            Guarantee::NaturalUpsert | Guarantee::ServerKey
        );
        if creates.is_empty() || target.guarantee == Guarantee::NaturalUpsert {
            let send = |place| (place, Resolution::Send(None));
            return Ok(Some(creates.into_iter().map(send).collect()));
        }
        if !target.lookup || target.guarantee == Guarantee::None {
            let reason = self.context.caution.as_ref();
            let reason = reason.map_or("", |caution| caution.reason.as_str());
            let reason = format!("{reason}, and the target cannot be asked whether it has it");
            let resolve = |place| match harmless || self.resent(chunk, place).is_some() {
                true => (place, Resolution::Send(None)),
                false => (place, Resolution::Hold(HoldKind::Caution, reason.clone())),
            };
            return Ok(Some(creates.into_iter().map(resolve).collect()));
        }
        if !self.all_visible().await {
            return Ok(None);
        }
        let Some(findings) = self.find(chunk, &creates).await? else {
            return Ok(None);
        };
        // A plan that was shown is kept to: it says that what is found is left.
        let planned = matches!(self.context.options.purpose, Purpose::Planned(_));
        let updates = !planned && self.context.plan().policy.on_change == OnChange::Update;
        let resolutions = self.owned(chunk, &creates, findings, |entry, finding| {
            let resent = self.context.resends(&entry.source_key, &entry.part);
            with_caution(finding, updates && resent.is_none())
        });
        let mut looked: Looked = creates.into_iter().zip(resolutions?).collect();
        for (place, resolution) in &mut looked {
            self.kept_back(chunk, *place, resolution);
        }
        for (place, resolution) in &looked {
            let Resolution::Send(id) = resolution else {
                continue;
            };
            let came = match id {
                Some(_) => Came::Found,
                None => Came::Absent,
            };
            chunk.note(*place, tried(&self.context, chunk, *place, came));
            if id.is_some() {
                chunk.change_to(*place, Action::Update);
            }
        }
        Ok(Some(looked))
    }

    /// What was found and is not what this record makes, or may not be, waits
    /// for a person.
    fn kept_back(&self, chunk: &Chunk, place: usize, resolution: &mut Resolution) {
        let resent = self.resent(chunk, place);
        if resent.is_none() && self.regrouped(chunk, place, resolution) {
            let reason = "its group was sent before the state was restored or reset, and it cannot be told with which members";
            *resolution = Resolution::Hold(HoldKind::Caution, reason.to_owned());
        }
        let conflicted = resent == Some(HoldKind::Conflict);
        if let (Resolution::Applied(Some(id)), true) = (&*resolution, conflicted) {
            let reason = format!("the target still has something else as `{id}`");
            *resolution = Resolution::Hold(HoldKind::Conflict, reason);
        }
    }

    /// Whether what was found was made of a group. A document of one
    /// record is of that record whenever it was sent; a group that is closed anew may be of others.
    fn regrouped(&self, chunk: &Chunk, place: usize, resolution: &Resolution) -> bool {
        let found = matches!(
            resolution,
            Resolution::Applied(Some(_)) | Resolution::Send(Some(_))
        );
        let entry = chunk.entries.get(place).filter(|_| found);
        self.context.plan().group.is_some()
            && entry.is_some_and(|entry| group::place(entry.source_key.as_str()).is_some())
    }

    /// What was sent just before the run began may still be invisible. False
    /// when the run halted in the meantime.
    async fn all_visible(&mut self) -> bool {
        let context = &self.context;
        let since = context.now_ms().saturating_sub(context.started_ms);
        let settle = context.plan().target.settle;
        let left = settle.saturating_sub(Duration::from_millis(since));
        let reason = "what was sent before this run may not be visible yet";
        left.is_zero() || context.wait("settling", reason, left).await
    }
}

/// What only misses steps is not written again; it goes on where it is.
fn standing(chunk: Chunk, resolved: &mut Resolved) -> Chunk {
    let steps = chunk.entries.iter().map(|entry| entry.step).enumerate();
    let (stands, written): (Vec<_>, Vec<_>) = steps.partition(|(_, step)| *step > 0);
    if stands.is_empty() {
        return chunk;
    }
    for (place, step) in stands {
        resolved.goes_on(&chunk, place, None, step, None);
    }
    chunk.narrow(written.into_iter().map(|(place, _)| place))
}
