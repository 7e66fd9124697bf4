//! One case: a row and a column of the matrix, and a seed from which all the rest follows.

use crate::fault::Fault;
use crate::random::Random;
use crate::shape::Shape;
use duijie_store::chaos::{Guard, Point};
use std::fmt;
use std::str::FromStr;

/// What the case is about, beside its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// Killed by itself at this point.
    At(Point),
    /// Killed from outside, after the target answered so many calls.
    Outside,
    /// Brought back from a backup while the target knows more.
    Restored,
}

/// What the target promises of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    UniqueKey,
    /// The number is not unique, and what was written can be found by it.
    Lookup,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub row: Row,
    pub fault: Fault,
    pub class: Class,
    pub seed: u64,
    pub documents: usize,
    /// The target's settle time; effects and visibility are delayed within it.
    pub settle_ms: u64,
    pub off: Option<Guard>,
    pub shape: Shape,
}

/// Where one run is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    At { point: Point, nth: u64, micros: u64 },
    Outside { saves: u64 },
}

impl Row {
    /// Those that a pipeline of this shape comes by.
    pub fn all(shape: Shape) -> Vec<Self> {
        let own: &[Point] = match shape {
            Shape::Grouped => &Point::GROUPING,
            Shape::Plain | Shape::Stepped => &[],
        };
        let points = Point::ALL.iter().chain(own);
        let rows = points.map(|point| Self::At(*point));
        rows.chain([Self::Outside, Self::Restored]).collect()
    }

    pub fn name(self) -> String {
        match self {
            Self::At(point) => format!("{point:?}"),
            Self::Outside => "Outside".to_owned(),
            Self::Restored => "Restored".to_owned(),
        }
    }
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Self::UniqueKey => "unique-key",
            Self::Lookup => "lookup",
        }
    }
}

impl Case {
    pub(crate) fn random(&self) -> Random {
        let mut random = Random::new(self.seed);
        random.next();
        random
    }

    /// Whether batches are refused whole.
    pub(crate) fn cuts(&self) -> bool {
        self.fault == Fault::BrokenBatch || self.row == Row::At(Point::AfterBisect)
    }

    /// The move to the long ledger begins after so few rows.
    pub(crate) fn fresh_rows(&self, random: &mut Random) -> u64 {
        let about_moving = matches!(
            self.row,
            Row::At(Point::DuringArchive | Point::AfterArchive | Point::DuringCompaction)
        );
        let few = random.between(4, 12);
        if about_moving {
            few
        } else {
            few * random.pick(&[1, 8, 1_000])
        }
    }

    /// Kills that bring a run to this case's row, and perhaps more of them.
    pub(crate) fn kills(&self, batches: u64, random: &mut Random) -> Vec<Kill> {
        let mut kills = Vec::new();
        let in_recovery = matches!(
            self.row,
            Row::At(Point::RecoveryBegins | Point::RecoveryLookedUp)
        );
        let any = self.any();
        if in_recovery {
            let point = random.pick(&[Point::AfterIntent, Point::DuringSend, Point::AfterSend]);
            kills.push(at(point, batches, random));
        }
        match self.row {
            Row::At(point) => kills.push(at(point, batches, random)),
            Row::Outside => kills.push(Kill::Outside {
                saves: random.between(1, batches),
            }),
            Row::Restored => kills.push(at(random.pick(&any), batches, random)),
        }
        for _ in 0..random.below(3) {
            kills.push(at(random.pick(&any), batches, random));
        }
        kills
    }
}

impl Case {
    /// Points that any run may come by.
    fn any(&self) -> Vec<Point> {
        match self.shape {
            Shape::Grouped => ANY.into_iter().chain(Point::GROUPING).collect(),
            Shape::Plain | Shape::Stepped => ANY.to_vec(),
        }
    }
}

/// Points that every run comes by.
const ANY: [Point; 14] = [
    Point::AfterClaim,
    Point::RecoveryBegins,
    Point::BeforeIntent,
    Point::AfterSegment,
    Point::AfterIntent,
    Point::DuringSend,
    Point::AfterSend,
    Point::BeforeOutcome,
    Point::AfterOutcome,
    Point::BeforeCheckpoint,
    Point::AfterCheckpoint,
    Point::BeforeSync,
    Point::AfterSync,
    Point::BeforeRunEnds,
];

fn at(point: Point, batches: u64, random: &mut Random) -> Kill {
    let most = match point {
        Point::AfterClaim
        | Point::RecoveryBegins
        | Point::DuringCompaction
        | Point::BeforeRunEnds => 1,
        Point::RecoveryLookedUp
        | Point::AfterLookup
        | Point::AfterBisect
        | Point::DuringReplay
        | Point::DuringArchive
        | Point::AfterArchive => 1 + u64::from(random.one_in(4)),
        Point::BeforeCheckpoint | Point::AfterCheckpoint => batches / 2,
        _ => batches,
    };
    let micros = match point {
        Point::DuringSend => random.below(4_000),
        _ => 0,
    };
    Kill::At {
        point,
        nth: random.between(1, most.max(1)),
        micros,
    }
}

impl Kill {
    /// As `DUIJIE_CHAOS_KILL` says it.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::At { point, nth, micros } => Some(format!("{point:?}:{nth}:{micros}")),
            Self::Outside { .. } => None,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}/{:?}/{}/{}/{}/{}",
            self.row.name(),
            self.fault,
            self.class.name(),
            self.documents,
            self.settle_ms,
            self.seed
        )?;
        if self.shape != Shape::Plain {
            write!(out, "/{}", self.shape.name())?;
        }
        match self.off {
            Some(guard) => write!(out, "/{guard:?}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Case {
    type Err = String;

    /// What `Display` writes.
    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split('/').collect();
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        let number = |at: usize| {
            let parsed: Result<u64, _> = word(at).parse();
            parsed.map_err(|_| format!("`{}` in `{text}` is no number", word(at)))
        };
        let shape = Shape::ALL.into_iter().find(|shape| shape.name() == word(6));
        let shape = shape.unwrap_or(Shape::Plain);
        let rest = if shape == Shape::Plain { 6 } else { 7 };
        let row = Row::all(shape)
            .into_iter()
            .find(|row| row.name() == word(0));
        let fault = Fault::ALL
            .into_iter()
            .find(|fault| format!("{fault:?}") == word(1));
        let class = [Class::UniqueKey, Class::Lookup]
            .into_iter()
            .find(|class| class.name() == word(2));
        Ok(Self {
            row: row.ok_or_else(|| format!("there is no row `{}`", word(0)))?,
            fault: fault.ok_or_else(|| format!("there is no fault `{}`", word(1)))?,
            class: class.ok_or_else(|| format!("there is no class `{}`", word(2)))?,
            documents: usize::try_from(number(3)?).unwrap(),
            settle_ms: number(4)?,
            seed: number(5)?,
            off: match words.get(rest) {
                Some(name) => Some(guard(name)?),
                None => None,
            },
            shape,
        })
    }
}

fn guard(name: &str) -> Result<Guard, String> {
    let found = Guard::ALL
        .into_iter()
        .find(|guard| format!("{guard:?}") == name);
    found.ok_or_else(|| format!("there is no guard `{name}`"))
}
