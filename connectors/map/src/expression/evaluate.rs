//! The value of a tree for one record. Null spreads as in SQL; what SQL would
//! bend silently (a text as a number, a division by zero) ends the record with
//! the place in the expression.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::function::{int, moment};
use super::{Arithmetic, Compare, Expression, Function, Node, Part};
use crate::decimal::Decimal;
use crate::value::{Value, like};
use crate::view::{Trouble, View};

pub(super) type Evaluated<'a> = Result<Value<'a>, Trouble>;

impl Expression {
    pub(crate) fn value<'a>(&'a self, view: &View<'a>) -> Evaluated<'a> {
        match &self.node {
            Node::Constant(value) => Ok(borrowed(value)),
            Node::Variable(variable) => view.variable_value(variable),
            Node::Text(parts) => text(parts, view).map(Value::Text),
            Node::Negative(inner) => {
                let value = inner.value(view)?;
                self.number(&value)?.map_or(Ok(Value::Null), |number| {
                    number
                        .checked_neg()
                        .map(Value::Number)
                        .ok_or_else(|| self.too_large())
                })
            }
            Node::Arithmetic(operation, sides) => self.arithmetic(*operation, sides, view),
            Node::Compare(compare, sides) => self.compare(*compare, sides, view),
            Node::Not(inner) => Ok(truth(inner.truth(view)?.map(|truth| !truth))),
            Node::And(sides) => self.junction(sides, false, view),
            Node::Or(sides) => self.junction(sides, true, view),
            Node::IsNull(inner) => Ok(Value::Bool(inner.value(view)? == Value::Null)),
            Node::Like(sides) => {
                let [left, right] = &**sides;
                let (left, right) = (left.value(view)?, right.value(view)?);
                if left == Value::Null || right == Value::Null {
                    return Ok(Value::Null);
                }
                Ok(Value::Bool(like(&left.text(), &right.text())))
            }
            Node::In(left, list) => self.contained(left, list, view),
            Node::Between(parts) => self.between(parts, view),
            Node::Case {
                subject,
                arms,
                otherwise,
            } => self.case(subject.as_deref(), arms, otherwise.as_deref(), view),
            Node::Call(function, args) => self.call(*function, args, view),
            Node::Shift { parts, unit, back } => {
                let [start, count] = &**parts;
                let values = [start.value(view)?, count.value(view)?];
                if values.contains(&Value::Null) {
                    return Ok(Value::Null);
                }
                let start = moment(&values, 0, view.ground.offset).map_err(|m| self.trouble(&m))?;
                let count = int(&values, 1).map_err(|m| self.trouble(&m))?;
                let count = if *back { -count } else { count };
                start.map_or(Ok(Value::Null), |start| {
                    let moved = start.plus(count, *unit);
                    let moved = moved.ok_or_else(|| self.trouble("the date is out of range"));
                    moved.map(|moved| Value::owned(moved.text()))
                })
            }
            Node::Aggregate(aggregate, list, inner) => {
                self.aggregate(*aggregate, *list, inner, view)
            }
            Node::Find(lookup, given) => find(*lookup, given, view),
        }
    }

    /// The message with the place, counted from one.
    #[cold]
    pub(super) fn trouble(&self, message: &str) -> Trouble {
        let place = self.at + 1;
        Trouble::new(
            "map.expression",
            format!("{message}, at character {place} of the expression"),
        )
    }

    #[cold]
    pub(super) fn too_large(&self) -> Trouble {
        self.trouble("the result has more than 38 digits")
    }

    /// None for null.
    pub(super) fn number(&self, value: &Value<'_>) -> Result<Option<Decimal>, Trouble> {
        match value {
            Value::Null => Ok(None),
            other => other.number().map(Some).ok_or_else(|| {
                self.trouble(&format!(
                    "{} was found where a number was expected",
                    other.name()
                ))
            }),
        }
    }

    fn truth(&self, view: &View<'_>) -> Result<Option<bool>, Trouble> {
        // The view's record outlives this call, not the borrow of the result.
        let value = self.value_within(view)?;
        value.truth().map_err(|()| {
            self.trouble(&format!(
                "{} was found where a condition was expected",
                value.name()
            ))
        })
    }

    fn value_within<'s>(&'s self, view: &View<'s>) -> Evaluated<'s> {
        self.value(view)
    }

    fn arithmetic<'a>(
        &self,
        operation: Arithmetic,
        sides: &'a [Expression; 2],
        view: &View<'a>,
    ) -> Evaluated<'a> {
        let [left, right] = sides;
        let (a, b) = (left.value(view)?, right.value(view)?);
        let (Some(a), Some(b)) = (left.number(&a)?, right.number(&b)?) else {
            return Ok(Value::Null);
        };
        let by_zero = matches!(operation, Arithmetic::Divide | Arithmetic::Remainder);
        if by_zero && b.is_zero() {
            return Err(self.trouble("division by zero"));
        }
        let result = match operation {
            Arithmetic::Add => a.checked_add(b),
            Arithmetic::Subtract => a.checked_sub(b),
            Arithmetic::Multiply => a.checked_mul(b),
            Arithmetic::Divide => a.checked_div(b),
            Arithmetic::Remainder => a.checked_rem(b),
        };
        result.map(Value::Number).ok_or_else(|| self.too_large())
    }

    pub(super) fn ordering(
        &self,
        left: &Value<'_>,
        right: &Value<'_>,
        order: bool,
    ) -> Result<Option<Ordering>, Trouble> {
        left.compare(right, order).map_err(|()| {
            self.trouble(&format!(
                "{} cannot be compared with {}",
                left.name(),
                right.name()
            ))
        })
    }

    fn compare<'a>(
        &self,
        compare: Compare,
        sides: &'a [Expression; 2],
        view: &View<'a>,
    ) -> Evaluated<'a> {
        let [left, right] = sides;
        let order = !matches!(compare, Compare::Equal | Compare::Differs);
        let found = self.ordering(&left.value(view)?, &right.value(view)?, order)?;
        Ok(truth(found.map(|found| match compare {
            Compare::Equal => found.is_eq(),
            Compare::Differs => found.is_ne(),
            Compare::Less => found.is_lt(),
            Compare::AtMost => found.is_le(),
            Compare::Greater => found.is_gt(),
            Compare::AtLeast => found.is_ge(),
        })))
    }

    /// AND ends at the first false, OR at the first true; null is neither.
    fn junction<'a>(
        &self,
        sides: &'a [Expression; 2],
        ends: bool,
        view: &View<'a>,
    ) -> Evaluated<'a> {
        let mut null = false;
        for side in sides {
            match side.truth(view)? {
                Some(truth) if truth == ends => return Ok(Value::Bool(ends)),
                Some(_) => {}
                None => null = true,
            }
        }
        Ok(if null {
            Value::Null
        } else {
            Value::Bool(!ends)
        })
    }

    fn contained<'a>(
        &self,
        left: &'a Expression,
        list: &'a [Expression],
        view: &View<'a>,
    ) -> Evaluated<'a> {
        let left = left.value(view)?;
        let mut null = left == Value::Null;
        for item in list {
            match self.ordering(&left, &item.value(view)?, false)? {
                Some(Ordering::Equal) => return Ok(Value::Bool(true)),
                Some(_) => {}
                None => null = true,
            }
        }
        Ok(if null {
            Value::Null
        } else {
            Value::Bool(false)
        })
    }

    fn between<'a>(&self, parts: &'a [Expression; 3], view: &View<'a>) -> Evaluated<'a> {
        let [value, low, high] = parts;
        let value = value.value(view)?;
        let low = self.ordering(&value, &low.value(view)?, true)?;
        let high = self.ordering(&value, &high.value(view)?, true)?;
        Ok(match (low, high) {
            (Some(Ordering::Less), _) | (_, Some(Ordering::Greater)) => Value::Bool(false),
            (Some(_), Some(_)) => Value::Bool(true),
            _ => Value::Null,
        })
    }

    fn case<'a>(
        &self,
        subject: Option<&'a Expression>,
        arms: &'a [[Expression; 2]],
        otherwise: Option<&'a Expression>,
        view: &View<'a>,
    ) -> Evaluated<'a> {
        let subject = subject.map(|subject| subject.value(view)).transpose()?;
        for [when, then] in arms {
            let taken = match &subject {
                Some(subject) => {
                    let found = when.ordering(subject, &when.value(view)?, false)?;
                    found == Some(Ordering::Equal)
                }
                None => when.truth(view)? == Some(true),
            };
            if taken {
                return then.value(view);
            }
        }
        otherwise.map_or(Ok(Value::Null), |otherwise| otherwise.value(view))
    }

    fn call<'a>(
        &self,
        function: Function,
        args: &'a [Expression],
        view: &View<'a>,
    ) -> Evaluated<'a> {
        match (function, args) {
            (Function::If, [condition, yes, no]) => {
                let chosen = if condition.truth(view)? == Some(true) {
                    yes
                } else {
                    no
                };
                return chosen.value(view);
            }
            (Function::Nullif, [left, right]) => {
                let value = left.value(view)?;
                let same = self.ordering(&value, &right.value(view)?, false)?;
                return Ok(if same == Some(Ordering::Equal) {
                    Value::Null
                } else {
                    value
                });
            }
            (Function::Coalesce, args) => {
                for arg in args {
                    match arg.value(view)? {
                        Value::Null => {}
                        value => return Ok(value),
                    }
                }
                return Ok(Value::Null);
            }
            _ => {}
        }
        let values = args
            .iter()
            .map(|arg| arg.value(view))
            .collect::<Result<Vec<_>, _>>()?;
        if function.strict() && values.contains(&Value::Null) {
            return Ok(Value::Null);
        }
        function
            .apply(&values, view.ground.offset)
            .map_err(|message| self.trouble(&message))
    }
}

fn text<'a>(parts: &'a [Part], view: &View<'a>) -> Result<Cow<'a, str>, Trouble> {
    if let [Part::Variable(variable)] = parts {
        return view.variable_text(variable);
    }
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Variable(variable) => text.push_str(&view.variable_text(variable)?),
        }
    }
    Ok(Cow::Owned(text))
}

/// Null where a given value is empty, and where the table gives nothing.
fn find<'a>(lookup: usize, given: &'a [Vec<Part>], view: &View<'a>) -> Evaluated<'a> {
    let mut values = Vec::with_capacity(given.len());
    for parts in given {
        let value = text(parts, view)?;
        if value.is_empty() {
            return Ok(Value::Null);
        }
        values.push(value);
    }
    Ok(match view.find(lookup, &values)? {
        "" => Value::Null,
        found => Value::Text(Cow::Borrowed(found)),
    })
}

fn truth(value: Option<bool>) -> Value<'static> {
    value.map_or(Value::Null, Value::Bool)
}

fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        other => other.clone(),
    }
}
