//! Signing recipes: expressions that a connector declares and the host runs
//! over secrets, so that only digests reach the connector. Not a general
//! language: what could be used to read a secret out is refused before a
//! recipe ever runs.
//!
//! The guest is taken to be hostile: it wrote the recipe, chooses every
//! input, and sees every result and error. It must learn nothing of a secret
//! but what one digest over the whole of it tells. Hence:
//!
//! - The result may hold a secret only through a digest.
//! - No part of a secret is ever cut out or measured: `length`, `split` and
//!   `upper` refuse secrets. The digest of a prefix can be guessed a
//!   character at a time.
//! - `sort` takes settings, secrets and the time only. The order in which a
//!   secret and a chosen text end up shows in the digest, and finds any
//!   secret by halving.
//! - An hmac key that holds a secret is that secret alone: short keys are
//!   padded with zeros and long ones hashed, so that anything beside the
//!   secret shows where the one becomes the other, and so its length.
//! - `base64-decode` refuses secrets: whether it fails tells of what they
//!   are made, and constants of the author make that a question a byte.
//! - What a digest covers beside a secret is text. Chosen bytes could be the
//!   digest's own padding: who extends a digest by them learns the length.
//! - `xor` takes a constant only, repeats it, and keeps the length.
//! - Settings that are sorted beside a secret come from a person: the
//!   connector's schema gives them no value (see `connection`).
//! - Depth, number of operators and bytes produced are bounded; the bound
//!   counts every secret as equally long (see `cost`).
//!
//! What remains is said in `docs/recipes.md`: a digest lets a hostile
//! connector confirm a guess of a weak secret offline.

mod check;
mod cost;
mod evaluate;
mod expression;
#[cfg(test)]
mod oracle;
mod parse;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use std::collections::BTreeMap;

pub(crate) use evaluate::Call;
use expression::Expression;

/// Why a recipe was refused, and where in its JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at `{at}`: {reason}")]
pub(crate) struct RecipeError {
    /// JSON pointer into the recipe; `/` for the whole.
    pub(crate) at: String,
    pub(crate) reason: String,
}

impl RecipeError {
    fn new(at: &str, reason: impl Into<String>) -> Self {
        let at = if at.is_empty() { "/" } else { at };
        Self {
            at: at.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A parsed and checked recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipe {
    result: Expression,
    /// The inputs that it names, in no pairs.
    named: Vec<String>,
    /// Whether it has a use for inputs that it does not name.
    takes_others: bool,
    /// The settings that it sorts.
    pub(crate) sorted: Vec<String>,
}

/// Recipes by name.
pub(crate) type Recipes = BTreeMap<String, Recipe>;

impl Recipe {
    /// Parses and checks a recipe's JSON text.
    pub(crate) fn compile(text: &str) -> Result<Self, RecipeError> {
        let result = parse::parse(text)?;
        check::check(&result)?;
        Ok(Self::of(result))
    }

    fn of(result: Expression) -> Self {
        let mut named = Vec::new();
        let mut takes_others = false;
        let mut sorted = Vec::new();
        result.visit(&mut |expression| match expression {
            Expression::Input(name) if !named.contains(name) => named.push(name.clone()),
            Expression::Pairs { .. } => takes_others = true,
            Expression::Sort(items) => {
                let setting = |item: &Expression| match item {
                    Expression::Setting(name) => Some(name.clone()),
                    _ => None,
                };
                sorted.extend(items.iter().filter_map(setting));
            }
            _ => {}
        });
        Self {
            result,
            named,
            takes_others,
            sorted,
        }
    }
}
