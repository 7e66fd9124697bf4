//! The part of `FilterString` that is understood: comparisons joined by `and` and `or`, in parentheses or not.
//! `FBillNo='x'`, `FBillNo in ('a','b')`, `FDate>='2025-01-01'`, `<>`, `<`, `<=`, `>`; quotes are doubled
//! inside texts (SQL's habit; the vendor says nothing). Anything else is refused aloud.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    In,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) compare: Compare,
    /// One value, or several for `in`; equality is `in` with one.
    pub(crate) values: Vec<String>,
}

/// Comparisons and what joins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    One(Condition),
    All(Vec<Filter>),
    Any(Vec<Filter>),
}

impl Filter {
    /// Every comparison in it.
    pub(crate) fn conditions(&self) -> Vec<&Condition> {
        match self {
            Self::One(condition) => vec![condition],
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(Self::conditions).collect()
            }
        }
    }

    /// A comparison that everything must fulfil.
    pub(crate) fn certain(&self, wanted: &dyn Fn(&Condition) -> bool) -> Option<&Condition> {
        match self {
            Self::One(condition) => wanted(condition).then_some(condition),
            Self::All(parts) => parts.iter().find_map(|part| part.certain(wanted)),
            Self::Any(_) => None,
        }
    }

    pub(crate) fn holds(&self, holds: &dyn Fn(&Condition) -> bool) -> bool {
        match self {
            Self::One(condition) => holds(condition),
            Self::All(parts) => parts.iter().all(|part| part.holds(holds)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(holds)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Sign(String),
}

/// Reads a filter; the error says what was not understood.
pub(crate) fn parse(text: &str) -> Result<Filter, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
    };
    if tokens.is_empty() {
        return Ok(Filter::All(Vec::new()));
    }
    let conditions = reader.any()?;
    match reader.peek() {
        None => Ok(conditions),
        Some(token) => Err(format!("“{token:?}”附近有语法错误")),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(text)) if text == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Name(name)) if name.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Filter::All))
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.sign("(") {
            let inside = self.any()?;
            return if self.sign(")") {
                Ok(inside)
            } else {
                Err("缺少右括号".to_owned())
            };
        }
        let Some(Token::Name(field)) = self.next() else {
            return Err("缺少字段名".to_owned());
        };
        if self.word("in") {
            return Ok(Filter::One(Condition {
                field,
                compare: Compare::In,
                values: self.list()?,
            }));
        }
        let compare = match self.next() {
            Some(Token::Sign(sign)) => match sign.as_str() {
                "=" => Compare::In,
                "<>" => Compare::NotEqual,
                "<" => Compare::Less,
                "<=" => Compare::LessOrEqual,
                ">" => Compare::Greater,
                ">=" => Compare::GreaterOrEqual,
                _ => return Err(format!("“{sign}”附近有语法错误")),
            },
            _ => return Err(format!("字段{field}缺少比较符")),
        };
        Ok(Filter::One(Condition {
            field,
            compare,
            values: vec![self.value()?],
        }))
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        if !self.sign("(") {
            return Err("in后缺少左括号".to_owned());
        }
        let mut values = vec![self.value()?];
        while self.sign(",") {
            values.push(self.value()?);
        }
        if self.sign(")") {
            Ok(values)
        } else {
            Err("缺少右括号".to_owned())
        }
    }

    fn value(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text),
            Some(Token::Name(digits)) if digits.parse::<f64>().is_ok() => Ok(digits),
            _ => Err("缺少比较值".to_owned()),
        }
    }
}

fn joined(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => join(parts),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = if first == '\'' {
            let (value, length) = quoted(rest)?;
            tokens.push(Token::Text(value));
            length
        } else if first.is_alphanumeric() || matches!(first, '_' | '-' | '.') {
            let length = rest
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
                .unwrap_or(rest.len());
            tokens.push(Token::Name(
                rest.get(..length).unwrap_or_default().to_owned(),
            ));
            length
        } else {
            let two = rest.get(..2).filter(|two| ["<>", "<=", ">="].contains(two));
            let length = two.map_or(first.len_utf8(), str::len);
            tokens.push(Token::Sign(
                rest.get(..length).unwrap_or_default().to_owned(),
            ));
            length
        };
        rest = rest.get(taken..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

/// A text in quotes at the start of `text`, and the length that it takes with its quotes.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != '\'' {
            value.push(character);
        } else if matches!(characters.peek(), Some((_, '\''))) {
            value.push('\'');
            characters.next();
        } else {
            return Ok((value, at + 1));
        }
    }
    Err("字符串缺少右引号".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Compare, Condition, parse};

    fn condition(field: &str, compare: Compare, values: &[&str]) -> Condition {
        Condition {
            field: field.to_owned(),
            compare,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    #[test]
    fn the_usual_filters_are_understood() {
        let parse = |text: &str| -> Vec<Condition> {
            let filter = parse(text).unwrap();
            filter.conditions().into_iter().cloned().collect()
        };
        assert_eq!(parse(""), []);
        assert_eq!(
            parse("FBillNo='a''b'"),
            [condition("FBillNo", Compare::In, &["a'b"])]
        );
        assert_eq!(
            parse("(FBillNo in ('a', '张') AND FDate >= '2025-01-01') and FID<>7"),
            [
                condition("FBillNo", Compare::In, &["a", "张"]),
                condition("FDate", Compare::GreaterOrEqual, &["2025-01-01"]),
                condition("FID", Compare::NotEqual, &["7"]),
            ]
        );
    }

    #[test]
    fn and_binds_more_than_or() {
        let holds = |text: &str| parse(text).unwrap().holds(&|one| one.values == ["1"]);
        assert!(holds("a='1' or b='0' and c='0'"));
        assert!(!holds("(a='1' or b='0') and c='0'"));
        assert!(holds("(a='0' or b='1') and c='1'"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "FBillNo='a",
            "FBillNo=a",
            "FBillNo in 'a'",
            "FBillNo='a' or",
            "or FBillNo='a'",
            "FBillNo like 'a%'",
            "1=1)",
            "(FBillNo='a'",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
