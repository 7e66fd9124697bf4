//! SUM, AVG, MAX, MIN and COUNT over all rows of a list.

use std::cmp::Ordering;

use super::evaluate::Evaluated;
use super::{Aggregate, Expression};
use crate::decimal::Decimal;
use crate::value::Value;
use crate::view::{Trouble, View};

impl Expression {
    /// Rows whose value is null are left out; nothing left gives null.
    pub(super) fn aggregate<'a>(
        &self,
        aggregate: Aggregate,
        list: u16,
        inner: &'a Expression,
        view: &View<'a>,
    ) -> Evaluated<'a> {
        let Some(current) = view.current.get(usize::from(list)) else {
            return Ok(Value::Null);
        };
        let before = current.get();
        let mut row = view
            .rows(list)
            .filter(|(_, count)| *count > 0)
            .map(|(first, _)| first);
        let (mut count, mut best) = (0, Value::Null);
        let mut result = Ok(());
        while let Some(at) = row {
            current.set(at);
            let value = inner.value(view);
            current.set(before);
            result = match value {
                Ok(Value::Null) => Ok(()),
                Ok(value) => {
                    count += 1;
                    self.gather(aggregate, inner, &mut best, value)
                }
                Err(trouble) => Err(trouble),
            };
            if result.is_err() {
                break;
            }
            row = view.next_row(at);
        }
        result?;
        let count = Decimal::from_int(count);
        match aggregate {
            Aggregate::Count => Ok(Value::Number(count)),
            Aggregate::Average => self.number(&best)?.map_or(Ok(Value::Null), |sum| {
                sum.checked_div(count)
                    .map(Value::Number)
                    .ok_or_else(|| self.too_large())
            }),
            _ => Ok(best),
        }
    }

    fn gather<'a>(
        &self,
        aggregate: Aggregate,
        inner: &Expression,
        best: &mut Value<'a>,
        value: Value<'a>,
    ) -> Result<(), Trouble> {
        match aggregate {
            Aggregate::Count => {}
            Aggregate::Sum | Aggregate::Average => {
                let so_far = self.number(best)?.unwrap_or(Decimal::ZERO);
                let sum = inner
                    .number(&value)?
                    .and_then(|number| so_far.checked_add(number));
                *best = Value::Number(sum.ok_or_else(|| self.too_large())?);
            }
            Aggregate::Max | Aggregate::Min => {
                let wanted = if aggregate == Aggregate::Max {
                    Ordering::Less
                } else {
                    Ordering::Greater
                };
                let found = self.ordering(best, &value, true)?;
                if found.is_none() || found == Some(wanted) {
                    *best = value;
                }
            }
        }
        Ok(())
    }
}
