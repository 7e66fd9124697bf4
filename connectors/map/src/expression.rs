//! `_function`: the MySQL-like expressions of the dialect, parsed once into a
//! tree with typed operands. Values of a record are bound to the tree when it
//! is evaluated and are never part of the text, so no value can change what an
//! expression means.

mod aggregate;
mod evaluate;
mod function;
mod parse;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use function::Function;
pub(crate) use parse::{Complaint, FIND, Names, parse};

use crate::moment::Unit;
use crate::value::Value;
use crate::view::Variable;

/// A node and the place in the text where it stands, in characters.
#[derive(Debug)]
pub(crate) struct Expression {
    at: usize,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Constant(Value<'static>),
    /// A bare `{{x}}`.
    Variable(Variable),
    /// A quoted text with variables in it.
    Text(Vec<Part>),
    Negative(Box<Expression>),
    Arithmetic(Arithmetic, Box<[Expression; 2]>),
    Compare(Compare, Box<[Expression; 2]>),
    Not(Box<Expression>),
    And(Box<[Expression; 2]>),
    Or(Box<[Expression; 2]>),
    IsNull(Box<Expression>),
    Like(Box<[Expression; 2]>),
    In(Box<Expression>, Vec<Expression>),
    Between(Box<[Expression; 3]>),
    Case {
        subject: Option<Box<Expression>>,
        arms: Vec<[Expression; 2]>,
        otherwise: Option<Box<Expression>>,
    },
    Call(Function, Vec<Expression>),
    /// `DATE_ADD(moment, INTERVAL count unit)`.
    Shift {
        parts: Box<[Expression; 2]>,
        unit: Unit,
        back: bool,
    },
    /// Over all rows of a list.
    Aggregate(Aggregate, u16, Box<Expression>),
    /// `_findCollection`: a question to a value table, and the values given.
    Find(usize, Vec<Vec<Part>>),
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Variable(Variable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Average,
    Max,
    Min,
    Count,
}
