//! Recipe text to expression: one JSON object is one operator. Shape, size
//! and depth are settled here; what a recipe may do with a secret is not.

use serde_json::{Map, Value};

use super::RecipeError;
use super::expression::{Encoding, Expression, Hash, Part, TimeUnit};
use crate::capability::nearest;

const MOST_BYTES: usize = 16 * 1024;
const MOST_DEPTH: usize = 16;
const MOST_OPERATORS: usize = 200;
const MOST_DIGITS: usize = 16;

/// Every operator and the members that stand beside it.
const OPERATORS: [(&str, &[&str]); 21] = [
    ("text", &[]),
    ("setting", &[]),
    ("secret", &[]),
    ("input", &[]),
    ("part", &[]),
    ("time", &[]),
    ("concat", &[]),
    ("join", &["with"]),
    ("sort", &[]),
    ("pairs", &["between"]),
    ("length", &["digits"]),
    ("split", &["at", "take"]),
    ("base64", &[]),
    ("base64-decode", &[]),
    ("hex", &[]),
    ("upper", &[]),
    ("xor", &["with"]),
    ("md5", &[]),
    ("sha256", &[]),
    ("hmac-md5", &[]),
    ("hmac-sha256", &[]),
];

pub(super) fn parse(text: &str) -> Result<Expression, RecipeError> {
    if text.len() > MOST_BYTES {
        let reason = format!(
            "the recipe has {} bytes, at most {MOST_BYTES} are allowed",
            text.len()
        );
        return Err(RecipeError::new("", reason));
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| RecipeError::new("", format!("not JSON: {error}")))?;
    Parser { operators: 0 }.expression(&value, "", 0)
}

struct Parser {
    operators: usize,
}

impl Parser {
    fn expression(
        &mut self,
        value: &Value,
        at: &str,
        depth: usize,
    ) -> Result<Expression, RecipeError> {
        self.operators += 1;
        if self.operators > MOST_OPERATORS {
            let reason = format!("more than {MOST_OPERATORS} operators");
            return Err(RecipeError::new(at, reason));
        }
        if depth >= MOST_DEPTH {
            let reason = format!("nested deeper than {MOST_DEPTH} operators");
            return Err(RecipeError::new(at, reason));
        }
        let node = Node::of(value, at)?;
        let inner = format!("{at}/{}", node.operator);
        Ok(match node.operator {
            "text" => Expression::Text(node.text()?),
            "setting" => Expression::Setting(node.text()?),
            "secret" => Expression::Secret(node.text()?),
            "input" => Expression::Input(node.text()?),
            "part" => {
                Expression::Part(node.choice(&[("name", Part::Name), ("value", Part::Value)])?)
            }
            "time" => Expression::Time(node.choice(&[
                ("unix-seconds", TimeUnit::Seconds),
                ("unix-millis", TimeUnit::Millis),
            ])?),
            "concat" => Expression::Concat(self.items(&node, &inner, depth)?),
            "join" => Expression::Join {
                items: self.items(&node, &inner, depth)?,
                with: node.member_text("with")?,
            },
            "sort" => Expression::Sort(self.items(&node, &inner, depth)?),
            "pairs" => Expression::Pairs {
                items: self.items(&node, &inner, depth)?,
                between: node.member_text("between")?,
            },
            "hmac-md5" => self.hmac(Hash::Md5, &node, &inner, depth)?,
            "hmac-sha256" => self.hmac(Hash::Sha256, &node, &inner, depth)?,
            _ => self.over_one(&node, &inner, depth)?,
        })
    }

    /// The operators over one expression.
    fn over_one(
        &mut self,
        node: &Node<'_>,
        inner: &str,
        depth: usize,
    ) -> Result<Expression, RecipeError> {
        let of = Box::new(self.expression(node.body, inner, depth + 1)?);
        Ok(match node.operator {
            "length" => Expression::Length {
                of,
                digits: node.member_number("digits", MOST_DIGITS)?,
            },
            "split" => Expression::Split {
                of,
                at: node.member_filled("at")?,
                take: node.member_number("take", usize::MAX)?,
            },
            "xor" => Expression::Xor {
                of,
                with: node.member_filled("with")?,
            },
            "base64" => Expression::Encode(Encoding::Base64, of),
            "base64-decode" => Expression::Encode(Encoding::Base64Decode, of),
            "hex" => Expression::Encode(Encoding::Hex, of),
            "upper" => Expression::Encode(Encoding::Upper, of),
            "md5" => Expression::Digest(Hash::Md5, of),
            "sha256" => Expression::Digest(Hash::Sha256, of),
            other => return Err(unknown(node.at, other)),
        })
    }

    fn items(
        &mut self,
        node: &Node<'_>,
        inner: &str,
        depth: usize,
    ) -> Result<Vec<Expression>, RecipeError> {
        let Some(items) = node.body.as_array().filter(|items| !items.is_empty()) else {
            let reason = format!(
                "`{}` takes a list of at least one expression",
                node.operator
            );
            return Err(RecipeError::new(inner, reason));
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| self.expression(item, &format!("{inner}/{index}"), depth + 1))
            .collect()
    }

    fn hmac(
        &mut self,
        hash: Hash,
        node: &Node<'_>,
        inner: &str,
        depth: usize,
    ) -> Result<Expression, RecipeError> {
        let members = node.body.as_object();
        let both = members
            .filter(|members| members.len() == 2)
            .and_then(|members| Some((members.get("key")?, members.get("over")?)));
        let Some((key, over)) = both else {
            let reason = format!("`{}` takes an object of `key` and `over`", node.operator);
            return Err(RecipeError::new(inner, reason));
        };
        Ok(Expression::Hmac {
            hash,
            key: Box::new(self.expression(key, &format!("{inner}/key"), depth + 1)?),
            over: Box::new(self.expression(over, &format!("{inner}/over"), depth + 1)?),
        })
    }
}

/// One operator's object.
struct Node<'a> {
    at: &'a str,
    operator: &'static str,
    body: &'a Value,
    members: &'a Map<String, Value>,
}

impl<'a> Node<'a> {
    fn of(value: &'a Value, at: &'a str) -> Result<Self, RecipeError> {
        let members = value.as_object().ok_or_else(|| {
            RecipeError::new(at, "an expression is an object such as {\"text\": \"…\"}")
        })?;
        let mut found = OPERATORS
            .iter()
            .filter_map(|(operator, beside)| Some((*operator, *beside, members.get(*operator)?)));
        let Some((operator, beside, body)) = found.next() else {
            let name = members.keys().next().map_or("", String::as_str);
            return Err(unknown(at, name));
        };
        if let Some((second, _, _)) = found.next() {
            let reason = format!("two operators in one object: `{operator}` and `{second}`");
            return Err(RecipeError::new(at, reason));
        }
        let stray = members
            .keys()
            .find(|name| *name != operator && !beside.contains(&name.as_str()));
        if let Some(stray) = stray {
            let reason = match beside {
                [] => format!("`{operator}` takes nothing beside it, found `{stray}`"),
                _ => format!(
                    "`{operator}` takes `{}` beside it, found `{stray}`",
                    beside.join("`, `")
                ),
            };
            return Err(RecipeError::new(at, reason));
        }
        Ok(Self {
            at,
            operator,
            body,
            members,
        })
    }

    fn text(&self) -> Result<String, RecipeError> {
        let text = self.body.as_str();
        let reason = || format!("`{}` takes a text", self.operator);
        text.map(str::to_owned)
            .ok_or_else(|| RecipeError::new(self.at, reason()))
    }

    fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, RecipeError> {
        let chosen = self.body.as_str();
        let found = choices.iter().find(|(name, _)| Some(*name) == chosen);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let reason = format!("`{}` takes one of `{}`", self.operator, names.join("`, `"));
            RecipeError::new(self.at, reason)
        })
    }

    fn member_text(&self, name: &str) -> Result<String, RecipeError> {
        let text = self.members.get(name).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| {
            let reason = format!("`{}` needs the text `{name}` beside it", self.operator);
            RecipeError::new(self.at, reason)
        })
    }

    fn member_filled(&self, name: &str) -> Result<String, RecipeError> {
        let text = self.member_text(name)?;
        if text.is_empty() {
            let reason = format!("`{name}` of `{}` must not be empty", self.operator);
            return Err(RecipeError::new(self.at, reason));
        }
        Ok(text)
    }

    fn member_number(&self, name: &str, most: usize) -> Result<usize, RecipeError> {
        let number = self.members.get(name).and_then(Value::as_u64);
        number
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number <= most)
            .ok_or_else(|| {
                let reason = if most == usize::MAX {
                    format!(
                        "`{}` needs the whole number `{name}` beside it",
                        self.operator
                    )
                } else {
                    format!(
                        "`{}` needs `{name}` beside it, a number up to {most}",
                        self.operator
                    )
                };
                RecipeError::new(self.at, reason)
            })
    }
}

fn unknown(at: &str, name: &str) -> RecipeError {
    let known = OPERATORS.iter().map(|(operator, _)| *operator);
    let reason = match nearest(name, known) {
        Some(near) => format!("unknown operator `{name}`, did you mean `{near}`?"),
        None => format!("unknown operator `{name}`"),
    };
    RecipeError::new(at, reason)
}
