//! What kind of pipeline a case runs. What must come of each is in `model`, `grouped` and `stepped`.

use crate::grouped::Grouping;
use crate::random::Random;
use duijie_e2e::{Manifest, Project};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Each order becomes a bill.
    Plain,
    /// Orders of a day, or of a day and a warehouse, become a bill.
    Grouped,
    /// Each order becomes a bill that is submitted and audited.
    Stepped,
}

impl Shape {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Grouped, Self::Stepped];

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Grouped => "grouped",
            Self::Stepped => "stepped",
        }
    }

    /// The pipeline of this shape, and how it groups.
    fn of(self, manifest: &Manifest, random: &mut Random) -> (Manifest, Option<Grouping>) {
        match self {
            Self::Plain => (manifest.clone(), None),
            Self::Grouped => {
                let grouping = Grouping::some(random);
                (grouping.applied(manifest), Some(grouping))
            }
            Self::Stepped => {
                let key = "  key: FBillNo\n";
                let steps = format!("{key}  steps: [submit, audit]\n");
                (manifest.with(key, &steps), None)
            }
        }
    }

    /// Gives a project with batches of `portion` records its pipeline; how it groups, if it does.
    pub(crate) fn given(
        self,
        project: &mut Project,
        portion: u32,
        random: &mut Random,
    ) -> Option<Grouping> {
        let mut grouping = None;
        project.change(|manifest| {
            let (manifest, stage) = self.of(manifest, random);
            grouping = stage;
            // A group is many orders, so that there are fewer bills.
            let few = random.between(2, 4);
            match grouping {
                Some(_) => manifest.with(
                    &format!("batch_records: {portion} }}"),
                    &format!("batch_records: {few} }}"),
                ),
                None => manifest,
            }
        });
        grouping
    }
}
