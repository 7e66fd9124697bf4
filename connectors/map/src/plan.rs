//! The rules in their running form: operations with their fixed bytes ready.

use crate::condition::Condition;
use crate::expression::Expression;
use crate::layout::Field;
use crate::parser::Step;
use crate::settings::Form;
use crate::view::{Ground, Variable};

/// A stretch of the plan's fixed bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fragment {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// A rule, for messages.
#[derive(Debug)]
pub(crate) struct RuleName {
    pub(crate) field: String,
    pub(crate) label: String,
    pub(crate) required: bool,
}

/// Fragments named `key` begin with a comma, which the first member of an
/// object leaves out; they end just before the value.
#[derive(Debug)]
pub(crate) enum Op {
    /// Whole members that never change.
    Constant(Fragment),
    /// One raw value, between `key` and `close`.
    Copy {
        key: Fragment,
        close: Fragment,
        field: Field,
        form: Form,
        rule: u16,
    },
    /// A JSON string of pieces, between `key` and `close`.
    Join {
        key: Fragment,
        close: Fragment,
        pieces: Vec<Piece>,
        rule: u16,
    },
    /// Anything that is computed.
    Value {
        key: Fragment,
        value: Computed,
        rule: u16,
    },
    /// An object, or the only row of a list that is one.
    Object {
        key: Fragment,
        members: Vec<Op>,
        end: &'static [u8],
        rule: u16,
    },
    /// One object a row.
    Rows {
        key: Fragment,
        list: u16,
        members: Vec<Op>,
        rule: u16,
    },
}

#[derive(Debug)]
pub(crate) enum Piece {
    /// Escaped already.
    Literal(Fragment),
    Field(Field),
    Variable(Variable),
}

/// A value, what parsers do to it, and how it is written.
#[derive(Debug)]
pub(crate) struct Computed {
    pub(crate) from: From,
    pub(crate) steps: Vec<Step>,
    pub(crate) form: Form,
}

#[derive(Debug)]
pub(crate) enum From {
    Literal(String),
    Variable(Variable),
    Template(Vec<Segment>),
    Expression(Expression),
}

#[derive(Debug)]
pub(crate) enum Segment {
    Literal(String),
    Variable(Variable),
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) ops: Vec<Op>,
    pub(crate) rules: Vec<RuleName>,
    /// All fragments, with slack at the end so that reads may pass it.
    pub(crate) fixed: Vec<u8>,
    pub(crate) ground: Ground,
    pub(crate) condition: Condition,
    /// Names of the lists, by list number, for messages.
    pub(crate) lists: Vec<String>,
    pub(crate) each: Option<Each>,
}

/// One document for each row of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Each {
    pub(crate) list: u16,
    /// The field that tells a row from the others; its place if none.
    pub(crate) part: Option<Field>,
}
