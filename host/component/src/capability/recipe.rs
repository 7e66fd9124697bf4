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
//! - An hmac key is a secret or an input, never both: the padding of short
//!   keys shows the key's length to who can add zero bytes to it.
//! - `base64-decode` refuses a secret mixed with inputs, since its error
//!   tells how the two line up.
//! - `xor` takes a constant only, repeats it, and keeps the length.
//! - Depth, number of operators and bytes produced are bounded.
//!
//! What remains is said in `docs/recipes.md`: a digest lets a hostile
//! connector confirm a guess of a weak secret offline.

mod check;
mod evaluate;
mod expression;
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
}

/// Recipes by name.
pub(crate) type Recipes = BTreeMap<String, Recipe>;

impl Recipe {
    /// Parses and checks a recipe's JSON text.
    pub(crate) fn compile(text: &str) -> Result<Self, RecipeError> {
        let result = parse::parse(text)?;
        check::check(&result)?;
        let mut named = Vec::new();
        let mut takes_others = false;
        result.visit(&mut |expression| match expression {
            Expression::Input(name) if !named.contains(name) => named.push(name.clone()),
            Expression::Pairs { .. } => takes_others = true,
            _ => {}
        });
        Ok(Self {
            result,
            named,
            takes_others,
        })
    }
}
