//! Where each guard's absence must be found: the cells in which it is what keeps the promise.

use crate::case::{Case, Class, Row};
use crate::fault::Fault;
use crate::play::{Played, play};
use crate::shape::Shape;
use duijie_store::chaos::{Guard, Point};

/// Each cell is played so often at most.
const SEEDS: u64 = 20;

/// Plays the cells in which the guard matters, with it taken away, until something is found; nothing when
/// nothing was.
pub fn without(guard: Guard, seed: u64, told: &dyn Fn(&Case, &Played)) -> Option<Case> {
    for seed in seed..seed + SEEDS {
        let shape = shape(guard);
        for (row, fault, class) in cells(guard) {
            let case = Case {
                row,
                fault,
                class,
                seed,
                documents: 60,
                settle_ms: 100,
                off: Some(guard),
                shape,
            };
            let played = play(&case);
            told(&case, &played);
            // What is found with the guard in its place as well says nothing of it.
            let in_place = Case {
                off: None,
                ..case.clone()
            };
            if !played.found.is_empty() && play(&in_place).found.is_empty() {
                return Some(case);
            }
        }
    }
    None
}

/// The pipeline that the guard is about.
fn shape(guard: Guard) -> Shape {
    match guard {
        Guard::MembersBeforeCheckpoint | Guard::ClosedBeforeItGoes => Shape::Grouped,
        Guard::StepIntentWithWrite => Shape::Stepped,
        _ => Shape::Plain,
    }
}

fn cells(guard: Guard) -> Vec<(Row, Fault, Class)> {
    let at = |points: &[Point], fault, class| {
        let rows = points.iter().map(|point| Row::At(*point));
        rows.map(|row| (row, fault, class)).collect()
    };
    use Class::{Lookup, UniqueKey};
    match guard {
        Guard::IntentBeforeSend => at(&[Point::AfterSend, Point::DuringSend], Fault::None, Lookup),
        Guard::OutcomeBeforeCheckpoint => at(
            &[
                Point::AfterCheckpoint,
                Point::BeforeOutcome,
                Point::AfterSend,
            ],
            Fault::DropAfterApply,
            Lookup,
        ),
        Guard::ContiguousPrefix => at(
            &[Point::AfterCheckpoint, Point::AfterSend, Point::AfterIntent],
            Fault::All,
            UniqueKey,
        ),
        Guard::LookUpInDoubt => at(
            &[Point::AfterSend, Point::AfterLookup],
            Fault::DropAfterApply,
            Lookup,
        ),
        Guard::SettleTime => at(
            &[Point::BeforeRunEnds, Point::AfterCheckpoint],
            Fault::LateApply,
            Lookup,
        ),
        Guard::UnknownIsNotFailure => at(
            &[Point::BeforeRunEnds, Point::AfterCheckpoint],
            Fault::DropAfterApply,
            Lookup,
        ),
        Guard::LedgerDedup => at(
            &[Point::AfterOutcome, Point::BeforeCheckpoint],
            Fault::RepeatPage,
            Lookup,
        ),
        Guard::OneIntentPerKey => at(
            &[Point::BeforeRunEnds, Point::AfterCheckpoint],
            Fault::RepeatPage,
            Lookup,
        ),
        Guard::VersionOrder => at(
            &[Point::AfterClaim, Point::AfterOutcome],
            Fault::RepeatPage,
            UniqueKey,
        ),
        Guard::ReadBeforeChange => at(&[Point::AfterCheckpoint], Fault::Audited, UniqueKey),
        Guard::Caution => vec![(Row::Restored, Fault::None, Lookup)],
        _ => own_cells(guard),
    }
}

/// Of guards that groups or steps alone have.
fn own_cells(guard: Guard) -> Vec<(Row, Fault, Class)> {
    let (points, fault) = match guard {
        Guard::MembersBeforeCheckpoint => {
            ([Point::AfterCheckpoint, Point::BeforeMembers], Fault::None)
        }
        Guard::ClosedBeforeItGoes => ([Point::BeforeGroupGoes, Point::AfterOutcome], Fault::None),
        _ => (
            [Point::AfterSend, Point::AfterIntent],
            Fault::DropAfterApply,
        ),
    };
    let rows = points.map(Row::At);
    rows.map(|row| (row, fault, Class::Lookup)).to_vec()
}
