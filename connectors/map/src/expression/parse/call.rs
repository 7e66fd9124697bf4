//! Names and what follows them: constants, CASE, functions, aggregates.

use super::{Complaint, FIND, Parsed, Parser};
use crate::expression::token::Token;
use crate::expression::{Aggregate, Expression, Function, Node};
use crate::layout::HEAD;
use crate::moment::Unit;
use crate::text::nearest;
use crate::value::Value;

impl Parser<'_> {
    pub(super) fn named(&mut self, name: &str, at: usize) -> Parsed {
        let lower = name.to_ascii_lowercase();
        let node = match lower.as_str() {
            "true" => Node::Constant(Value::Bool(true)),
            "false" => Node::Constant(Value::Bool(false)),
            "null" => Node::Constant(Value::Null),
            "case" => self.case()?,
            _ if matches!(self.peek(), Token::Symbol("(")) => {
                self.at += 1;
                self.call(name, &lower, at)?
            }
            "_mongoquery" => {
                return Err(
                    Complaint::new(at, format!("`{name}` is not understood here")).hint(FIND),
                );
            }
            _ => {
                return Err(
                    Complaint::new(at, format!("the bare name `{name}` has no meaning")).hint(
                        format!("write a field as `{{{{{name}}}}}` and a text in quotes"),
                    ),
                );
            }
        };
        Ok(Expression { at, node })
    }

    fn case(&mut self) -> Result<Node, Complaint> {
        let subject = if self.word("when") {
            None
        } else {
            Some(Box::new(self.or()?))
        };
        if subject.is_some() {
            self.expect_word("when")?;
        }
        let mut arms = Vec::new();
        loop {
            let when = self.or()?;
            self.expect_word("then")?;
            arms.push([when, self.or()?]);
            if !self.word("when") {
                break;
            }
        }
        let otherwise = if self.word("else") {
            Some(Box::new(self.or()?))
        } else {
            None
        };
        if !self.word("end") {
            return Err(self.unexpected(self.peek(), "`when`, `else` or `end`"));
        }
        Ok(Node::Case {
            subject,
            arms,
            otherwise,
        })
    }

    /// After `(`: up to and including `)`.
    pub(super) fn arguments(&mut self) -> Result<Vec<Expression>, Complaint> {
        let mut arguments = Vec::new();
        if self.symbol(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.or()?);
            if self.symbol(")") {
                return Ok(arguments);
            }
            if !self.symbol(",") {
                return Err(self.unexpected(self.peek(), "`,` or `)`"));
            }
        }
    }

    fn call(&mut self, name: &str, lower: &str, at: usize) -> Result<Node, Complaint> {
        match lower {
            "sum" => return self.aggregate(Aggregate::Sum, at),
            "avg" => return self.aggregate(Aggregate::Average, at),
            "max" => return self.aggregate(Aggregate::Max, at),
            "min" => return self.aggregate(Aggregate::Min, at),
            "count" => return self.aggregate(Aggregate::Count, at),
            "date_add" => return self.shift(false),
            "date_sub" => return self.shift(true),
            "curdate" | "now" | "current_date" | "current_timestamp" | "sysdate" | "uuid"
            | "rand" => {
                let message =
                    format!("`{name}` would give another result when a record is sent again");
                return Err(Complaint::new(at, message).hint("use a time of the record"));
            }
            _ => {}
        }
        let Some((function, least, most)) = Function::find(lower) else {
            let complaint = Complaint::new(at, format!("unknown function `{name}`"));
            return Err(match nearest(name, Function::names()) {
                Some(near) => complaint.hint(format!("did you mean `{near}`?")),
                None => complaint.hint(format!(
                    "known are {}",
                    Function::names().collect::<Vec<_>>().join(", ")
                )),
            });
        };
        let arguments = self.arguments()?;
        if !(least..=most).contains(&arguments.len()) {
            let wanted = match most {
                _ if least == most => format!("{least}"),
                usize::MAX => format!("at least {least}"),
                _ => format!("{least} to {most}"),
            };
            let found = arguments.len();
            let message = format!("`{name}` was given {found} arguments, expected {wanted}");
            return Err(Complaint::new(at, message));
        }
        Ok(Node::Call(function, arguments))
    }

    fn aggregate(&mut self, aggregate: Aggregate, at: usize) -> Result<Node, Complaint> {
        if std::mem::replace(&mut self.inside, true) {
            return Err(Complaint::new(
                at,
                String::from("a sum inside a sum has no meaning"),
            ));
        }
        let mark = self.lists.len();
        let inner = self.or()?;
        self.expect(")")?;
        self.inside = false;
        let mut lists: Vec<u16> = self.lists.iter().skip(mark).copied().collect();
        lists.retain(|list| *list != HEAD);
        lists.sort_unstable();
        lists.dedup();
        match lists.as_slice() {
            [list] => Ok(Node::Aggregate(aggregate, *list, Box::new(inner))),
            [] => Err(
                Complaint::new(at, String::from("this needs a field of a list"))
                    .hint("write `SUM({{details_list.goods_count}})`"),
            ),
            _ => Err(Complaint::new(
                at,
                String::from("this mixes fields of different lists"),
            )),
        }
    }

    fn shift(&mut self, back: bool) -> Result<Node, Complaint> {
        let moment = self.or()?;
        self.expect(",")?;
        self.expect_word("interval")?;
        let count = self.sum()?;
        let place = self.place();
        let Token::Name(word) = self.peek() else {
            return Err(self.unexpected(self.peek(), "a unit such as `DAY`"));
        };
        self.at += 1;
        let unit = match word.to_ascii_lowercase().as_str() {
            "second" => Unit::Second,
            "minute" => Unit::Minute,
            "hour" => Unit::Hour,
            "day" => Unit::Day,
            "week" => Unit::Week,
            "month" => Unit::Month,
            "quarter" => Unit::Quarter,
            "year" => Unit::Year,
            _ => {
                return Err(Complaint::new(place, format!("unknown unit `{word}`"))
                    .hint("known are SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER and YEAR"));
            }
        };
        self.expect(")")?;
        Ok(Node::Shift {
            parts: Box::new([moment, count]),
            unit,
            back,
        })
    }
}
