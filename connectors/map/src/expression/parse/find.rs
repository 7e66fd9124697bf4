//! `find <column> from <table> where a={{x}} b={{y}}`: a row of a value table
//! by its columns, as the dialect writes it. Blanks mean "and"; there is no "or".

use super::{Complaint, Parser};
use crate::expression::{Node, Part};

pub(crate) const FIND: &str = "write `_findCollection find <column> from <table> where <column>={{field}}`, with the table under `tables`";

impl Parser<'_> {
    pub(super) fn find(&mut self, inside: &str, at: usize) -> Result<Node, Complaint> {
        let told = |message: String| Complaint::new(at, message).hint(FIND);
        let words = words(inside);
        let (wanted, table, conditions) = match words.as_slice() {
            ["find", wanted, "from", table, "where", conditions @ ..] if !conditions.is_empty() => {
                (*wanted, *table, conditions)
            }
            _ => return Err(told(format!("`{inside}` is no look-up"))),
        };
        let (mut given, mut values) = (Vec::new(), Vec::new());
        for condition in conditions {
            let Some((column, value)) = condition.split_once('=') else {
                return Err(told(format!(
                    "found `{condition}`, expected `column={{{{field}}}}`"
                )));
            };
            given.push(column);
            values.push(self.pieces(value, at)?);
        }
        let lookup = self.names.lookup(table, &given, wanted);
        let lookup = lookup.map_err(|complaint| Complaint { at, ..complaint })?;
        Ok(Node::Find(lookup, values))
    }

    /// `{{x}}`, `A-{{x}}`, `'A'`.
    fn pieces(&mut self, value: &str, at: usize) -> Result<Vec<Part>, Complaint> {
        let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
        let mut rest = quoted('\'').or_else(|| quoted('"')).unwrap_or(value);
        let mut parts = Vec::new();
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, next) = after
                .split_once("}}")
                .ok_or_else(|| Complaint::new(at, String::from("`{{` has no `}}`")))?;
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            parts.push(Part::Variable(self.variable(inside, at)?));
            rest = next;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(parts)
    }
}

/// Cut at blanks that stand in no braces and no quotes.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut start, mut braces, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (at, char) in text.char_indices() {
        match char {
            '{' => braces += 1,
            '}' => braces -= 1,
            '\'' | '"' if quote == Some(char) => quote = None,
            '\'' | '"' if quote.is_none() && braces == 0 => quote = Some(char),
            _ if char.is_whitespace() && braces == 0 && quote.is_none() => {
                words.extend(text.get(start..at));
                start = at + char.len_utf8();
            }
            _ => {}
        }
    }
    words.extend(text.get(start..));
    words.retain(|word| !word.is_empty());
    words
}
