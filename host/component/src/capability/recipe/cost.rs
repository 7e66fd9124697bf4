//! How many bytes a run of a recipe produces at most, told from what the
//! guest knows anyway: each secret counts as the longest that there may be,
//! so that where the bound lies shows nothing of the secret's length.

use std::collections::BTreeMap;

use super::expression::{Encoding, Expression, Part};
use crate::capability::secret::MOST_VALUE;

/// Bytes that one evaluation may produce in all its steps.
const MOST_PRODUCED: usize = 32 * 1024 * 1024;

const LONGEST_NUMBER: usize = 20;
const LONGEST_DIGEST: usize = 32;

pub(super) struct Cost<'a> {
    pub(super) settings: &'a BTreeMap<String, String>,
    pub(super) inputs: &'a BTreeMap<&'a str, &'a str>,
    pub(super) others: &'a BTreeMap<&'a str, &'a str>,
    pub(super) produced: usize,
}

impl Cost<'_> {
    pub(super) fn check(mut self, result: &Expression) -> Result<(), String> {
        self.of(result, (0, 0)).map(|_| ())
    }

    /// Length of the value at most. `pair` is the length of the name and the
    /// value in hand.
    fn of(&mut self, expression: &Expression, pair: (usize, usize)) -> Result<usize, String> {
        let length = match expression {
            Expression::Text(text) => text.len(),
            Expression::Setting(name) => self.settings.get(name).map_or(0, String::len),
            Expression::Secret(_) => MOST_VALUE,
            Expression::Input(name) => self.inputs.get(name.as_str()).map_or(0, |one| one.len()),
            Expression::Part(Part::Name) => pair.0,
            Expression::Part(Part::Value) => pair.1,
            Expression::Time(_) => LONGEST_NUMBER,
            Expression::Concat(items) | Expression::Sort(items) => self.all(items, 0, pair)?,
            Expression::Join { items, with } => self.all(items, with.len(), pair)?,
            Expression::Pairs { items, between } => {
                let others = self.others;
                let mut length = 0_usize;
                for (name, value) in others {
                    let one = self.all(items, 0, (name.len(), value.len()))?;
                    length = length.saturating_add(one).saturating_add(between.len());
                }
                length
            }
            Expression::Length { of, digits } => {
                self.of(of, pair)?;
                LONGEST_NUMBER.max(*digits)
            }
            Expression::Split { of, .. } | Expression::Xor { of, .. } => self.of(of, pair)?,
            Expression::Encode(encoding, of) => {
                let length = self.of(of, pair)?;
                match encoding {
                    Encoding::Upper | Encoding::Base64Decode => length,
                    Encoding::Hex => length.saturating_mul(2),
                    Encoding::Base64 => length.div_ceil(3).saturating_mul(4),
                }
            }
            Expression::Digest(_, of) => {
                self.of(of, pair)?;
                LONGEST_DIGEST
            }
            Expression::Hmac { key, over, .. } => {
                self.of(key, pair)?;
                self.of(over, pair)?;
                LONGEST_DIGEST
            }
        };
        // These pass on what was counted when it was made.
        let made = match expression {
            Expression::Concat(_) | Expression::Join { .. } | Expression::Pairs { .. } => 0,
            _ => length,
        };
        self.produced = self.produced.saturating_add(made);
        match self.produced > MOST_PRODUCED {
            true => Err(format!(
                "the recipe produces more than {MOST_PRODUCED} bytes: give it shorter inputs"
            )),
            false => Ok(length),
        }
    }

    fn all(
        &mut self,
        items: &[Expression],
        between: usize,
        pair: (usize, usize),
    ) -> Result<usize, String> {
        let mut length = 0_usize;
        for item in items {
            let one = self.of(item, pair)?;
            length = length.saturating_add(one).saturating_add(between);
        }
        Ok(length)
    }
}
