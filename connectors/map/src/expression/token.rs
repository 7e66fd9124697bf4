//! Words of an expression: numbers, quoted texts, `{{variables}}`, names and
//! symbols, each with its place.

use super::parse::Complaint;
use crate::decimal::Decimal;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(Decimal),
    /// Literal stretches and, with true, the insides of `{{…}}`.
    Text(Vec<(String, bool)>),
    Variable(String),
    Name(String),
    /// `_findCollection` up to `_endFind` or the end, without both.
    Find(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 17] = [
    "<>", "!=", "<=", ">=", "&&", "||", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",",
];

/// The words and their places in characters, the end included.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Complaint> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text
            .get(..text.len() - rest.len())
            .map_or(0, |before| before.chars().count());
        let Some(first) = rest.chars().next() else {
            tokens.push((at, Token::End));
            return Ok(tokens);
        };
        let (token, after) = match first {
            '\'' | '"' => quoted(rest, first, at)?,
            '0'..='9' | '.' => number(rest, at)?,
            _ if rest.starts_with("{{") => variable(rest, at)?,
            _ if first.is_alphabetic() || matches!(first, '_' | '`') => word(rest),
            _ => symbol(rest, at)?,
        };
        tokens.push((at, token));
        rest = after;
    }
}

fn quoted(text: &str, quote: char, at: usize) -> Result<(Token, &str), Complaint> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        if rest.starts_with("{{") {
            let (name, after) = inside(rest, at)?;
            parts.push((std::mem::take(&mut literal), false));
            parts.push((name.to_owned(), true));
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        match chars.next() {
            None => {
                return Err(Complaint::new(
                    at,
                    format!("the text that begins with {quote} has no end"),
                )
                .hint("close the quotes"));
            }
            Some('\\') => match chars.next() {
                Some('n') => literal.push('\n'),
                Some('t') => literal.push('\t'),
                Some('r') => literal.push('\r'),
                // LIKE reads these two itself.
                Some(other @ ('%' | '_')) => literal.extend(['\\', other]),
                Some(other) => literal.push(other),
                None => {}
            },
            Some(char) if char == quote => {
                if chars.clone().next() != Some(quote) {
                    parts.push((literal, false));
                    parts.retain(|(text, variable)| *variable || !text.is_empty());
                    return Ok((Token::Text(parts), chars.as_str()));
                }
                chars.next();
                literal.push(quote);
            }
            Some(char) => literal.push(char),
        }
        rest = chars.as_str();
    }
}

fn number(text: &str, at: usize) -> Result<(Token, &str), Complaint> {
    let end = text
        .find(|char: char| !char.is_ascii_digit() && char != '.')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if rest.starts_with(|char: char| char.is_alphanumeric() || char == '_') {
        return Err(
            Complaint::new(at, format!("`{digits}` is followed by a letter"))
                .hint("write a text in quotes"),
        );
    }
    match Decimal::parse(digits) {
        Some(number) => Ok((Token::Number(number), rest)),
        None => Err(Complaint::new(
            at,
            format!("`{digits}` is no number of up to 38 digits"),
        )),
    }
}

fn variable(text: &str, at: usize) -> Result<(Token, &str), Complaint> {
    let (name, rest) = inside(text, at)?;
    Ok((Token::Variable(name.to_owned()), rest))
}

fn inside(text: &str, at: usize) -> Result<(&str, &str), Complaint> {
    text.strip_prefix("{{")
        .and_then(|text| text.split_once("}}"))
        .ok_or_else(|| Complaint::new(at, String::from("`{{` has no `}}`")))
}

fn name(text: &str) -> (Token, &str) {
    let end = text
        .find(|char: char| !char.is_alphanumeric() && !matches!(char, '_' | '.' | '`'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (Token::Name(name.to_owned()), rest)
}

/// A name, or a whole look-up.
fn word(text: &str) -> (Token, &str) {
    let (token, rest) = name(text);
    let is_find = matches!(&token, Token::Name(name) if {
        let name = name.trim_start_matches('_');
        name.eq_ignore_ascii_case("findCollection")
    });
    if !is_find {
        return (token, rest);
    }
    let (inside, rest) = match rest.split_once("_endFind") {
        Some(cut) => cut,
        None => (rest, ""),
    };
    (Token::Find(inside.trim().to_owned()), rest)
}

fn symbol(text: &str, at: usize) -> Result<(Token, &str), Complaint> {
    for symbol in SYMBOLS {
        if let Some(rest) = text.strip_prefix(symbol) {
            return Ok((Token::Symbol(symbol), rest));
        }
    }
    let found = text.chars().next().unwrap_or(' ');
    let complaint = Complaint::new(at, format!("`{found}` has no meaning in an expression"));
    Err(match found {
        '?' | ':' => {
            complaint.hint("`a ? b : c` is not MySQL; write `case when a then b else c end`")
        }
        '“' | '”' | '‘' | '’' => complaint.hint("write the quotes as ' or \""),
        '（' | '）' | '，' => complaint.hint("write brackets and commas as ( ) ,"),
        _ => complaint,
    })
}
