//! Whole runs against a world that fails in every way it may, under virtual
//! time and seeded dice: what must hold whatever happens.

pub(crate) mod chaos;
mod checks;
mod decisions;
mod diffs;
mod drained;
mod follow;
mod grouping;
mod groups;
mod guards;
mod lanes;
mod launch;
mod letters;
mod outages;
mod people;
mod plans;
mod replays;
mod resends;
mod rounds;
mod scenarios;
mod script;
mod states;
mod stepped;
mod steps;
mod store;
mod tables;
mod target;
mod tests;
mod trouble;
mod world;
