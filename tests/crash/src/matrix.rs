//! All cells of the matrix, played by several workers until enough was killed and enough was written.

use crate::case::{Case, Class, Row};
use crate::fault::Fault;
use crate::model::Sort;
use crate::play::{Played, play};
use crate::random::Random;
use crate::shape::Shape;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// How much is played.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub kills: u64,
    pub documents: usize,
    pub documents_per_case: usize,
    pub workers: usize,
    pub seed: u64,
    pub class: Class,
    pub settle_ms: u64,
    pub shape: Shape,
}

/// One cell, or many.
#[derive(Clone, Debug, Default)]
pub struct Total {
    pub cases: u64,
    pub runs: u64,
    pub kills: u64,
    pub documents: usize,
    pub found: BTreeMap<Sort, u64>,
}

#[derive(Clone, Debug, Default)]
pub struct Matrix {
    pub cells: BTreeMap<(String, Fault), Total>,
    /// Kills by the place where they struck.
    pub struck: BTreeMap<String, u64>,
    pub total: Total,
    /// Cases that found something, with what they found.
    pub failed: Vec<(Case, Vec<String>)>,
}

impl Total {
    fn add(&mut self, played: &Played) {
        self.cases += 1;
        self.runs += played.runs;
        self.kills += played.killed.len() as u64;
        self.documents += played.documents;
        for finding in &played.found {
            *self.found.entry(finding.sort).or_default() += 1;
        }
    }

    pub fn count(&self, sort: Sort) -> u64 {
        self.found.get(&sort).copied().unwrap_or_default()
    }
}

impl Matrix {
    /// Plays rows and columns in an order that the seed gives, over and over until the size is reached.
    pub fn play(
        size: Size,
        rows: &[Row],
        faults: &[Fault],
        told: &(dyn Fn(&Case, &Played) + Sync),
    ) -> Self {
        let matrix = Mutex::new(Self::default());
        let cases = Mutex::new(Cases::new(size, rows, faults));
        std::thread::scope(|scope| {
            for _ in 0..size.workers {
                scope.spawn(|| {
                    loop {
                        let enough = matrix.lock().unwrap().is_enough(size);
                        if enough {
                            return;
                        }
                        let case = cases.lock().unwrap().next();
                        let played = play(&case);
                        told(&case, &played);
                        matrix.lock().unwrap().add(&case, &played);
                    }
                });
            }
        });
        matrix.into_inner().unwrap()
    }

    /// So many cases a cell at least, and a size that is reached.
    fn is_enough(&self, size: Size) -> bool {
        self.total.kills >= size.kills && self.total.documents >= size.documents
    }

    pub fn add(&mut self, case: &Case, played: &Played) {
        let cell = (case.row.name(), case.fault);
        self.cells.entry(cell).or_default().add(played);
        self.total.add(played);
        for point in &played.killed {
            let name = point.map_or_else(|| "Outside".to_owned(), |point| format!("{point:?}"));
            *self.struck.entry(name).or_default() += 1;
        }
        if !played.found.is_empty() {
            let found = played.found.iter().map(ToString::to_string).collect();
            self.failed.push((case.clone(), found));
        }
    }
}

/// Deals every cell once in a random order, then all of them again.
struct Cases {
    size: Size,
    cells: Vec<(Row, Fault)>,
    left: Vec<(Row, Fault)>,
    random: Random,
}

impl Cases {
    fn new(size: Size, rows: &[Row], faults: &[Fault]) -> Self {
        let cells = rows
            .iter()
            .flat_map(|row| faults.iter().map(move |fault| (*row, *fault)));
        Self {
            size,
            cells: cells.collect(),
            left: Vec::new(),
            random: Random::new(size.seed),
        }
    }

    fn next(&mut self) -> Case {
        if self.left.is_empty() {
            self.left = self.random.some(&self.cells, self.cells.len());
        }
        let (row, fault) = self.left.pop().unwrap();
        Case {
            row,
            fault,
            class: self.size.class,
            seed: self.random.below(1_000_000),
            documents: self.size.documents_per_case,
            settle_ms: self.size.settle_ms,
            off: None,
            shape: self.size.shape,
        }
    }
}
