//! Records that wait before they came into a group: late ones, and those that
//! belong to none.

use duijie_record::Action;
use duijie_store::{DeadLetter, Hold, HoldKind};

use super::pick::{Picking, Place};
use super::{Job, Wants};
use crate::group;
use crate::purpose::What;

impl Picking<'_> {
    /// Whether what waits is a record on its way into a group, and not a
    /// document.
    pub(super) fn is_member(
        &self,
        place: &Place,
        hold: Option<&Hold>,
    ) -> Result<bool, &'static str> {
        let groups = self.context.plan().group.is_some();
        if !groups && hold.is_some_and(|hold| hold.kind == HoldKind::Late) {
            return Err("it waits for its group, and the manifest has no `group`: discard it");
        }
        Ok(groups && group::place(place.0.as_str()).is_none())
    }

    pub(super) fn member(
        &mut self,
        place: &Place,
        what: What,
        letter: Option<DeadLetter>,
        hold: Option<Hold>,
    ) -> Result<Job, &'static str> {
        if let Some(hold) = hold {
            if hold.action == Action::Cancel {
                return Err(
                    "it was deleted at the source: take it out of the document by hand, then discard it",
                );
            }
            let wants = Wants::Join { edited: None };
            return self.job(place, hold.version, hold.record, wants);
        }
        let letter = letter.ok_or("neither a dead letter nor a hold waits there")?;
        let edited = match (what, letter.edited) {
            (What::AsEdited, None) => return Err("nobody has edited it"),
            (What::AsEdited, edited) => edited,
            (What::Again | What::Resend, _) => None,
        };
        self.job(place, letter.version, letter.record, Wants::Join { edited })
    }
}
