//! What a recipe may do with a secret, settled before it ever runs. The
//! reasons stand in the module above.

use super::RecipeError;
use super::expression::{Encoding, Expression};

/// What can be said of a value before there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    /// Holds a secret other than through a digest.
    secret: bool,
    /// The guest chooses some of it, if only through a digest.
    guest: bool,
    /// Is text, and not any bytes.
    text: bool,
}

impl Shape {
    const FIXED: Shape = Shape {
        secret: false,
        guest: false,
        text: true,
    };

    fn beside(self, other: Shape) -> Shape {
        Shape {
            secret: self.secret || other.secret,
            guest: self.guest || other.guest,
            text: self.text && other.text,
        }
    }
}

pub(super) fn check(result: &Expression) -> Result<(), RecipeError> {
    let shape = shape(result, "", false)?;
    if shape.secret {
        return Err(RecipeError::new(
            "",
            "the result holds a secret that no digest covers: wrap it in `md5`, `sha256`, \
             `hmac-md5` or `hmac-sha256`",
        ));
    }
    if !shape.text {
        return Err(RecipeError::new(
            "",
            "the result is bytes: wrap it in `hex` or `base64`",
        ));
    }
    Ok(())
}

fn shape(expression: &Expression, at: &str, in_pairs: bool) -> Result<Shape, RecipeError> {
    let inner = format!("{at}/{}", expression.operator());
    match expression {
        Expression::Text(_) | Expression::Setting(_) | Expression::Time(_) => Ok(Shape::FIXED),
        Expression::Secret(_) => Ok(Shape {
            secret: true,
            ..Shape::FIXED
        }),
        Expression::Input(_) => Ok(Shape {
            guest: true,
            ..Shape::FIXED
        }),
        Expression::Part(_) if !in_pairs => Err(RecipeError::new(
            at,
            "`part` means the pair in hand, and stands inside `pairs` only",
        )),
        Expression::Part(_) => Ok(Shape {
            guest: true,
            ..Shape::FIXED
        }),
        Expression::Concat(items) | Expression::Join { items, .. } => all(items, &inner, in_pairs),
        Expression::Sort(items) => sort(items, &inner),
        Expression::Pairs { items, .. } => pairs(items, at, &inner, in_pairs),
        Expression::Length { of, .. } => measured(of, "length", at, &inner, in_pairs),
        Expression::Split { of, .. } => measured(of, "split", at, &inner, in_pairs),
        Expression::Encode(encoding, of) => encode(*encoding, of, at, &inner, in_pairs),
        Expression::Xor { of, .. } => Ok(Shape {
            text: false,
            ..shape(of, &inner, in_pairs)?
        }),
        Expression::Digest(_, of) => {
            digest(expression.operator(), shape(of, &inner, in_pairs)?, at)
        }
        Expression::Hmac { key, over, .. } => {
            let alone = matches!(**key, Expression::Secret(_));
            let key = shape(key, &format!("{inner}/key"), in_pairs)?;
            let over = shape(over, &format!("{inner}/over"), in_pairs)?;
            if key.secret && !alone {
                return Err(RecipeError::new(
                    &format!("{inner}/key"),
                    "a key that holds a secret is that secret and nothing else: anything beside \
                     it shows its length",
                ));
            }
            Ok(Shape {
                secret: false,
                text: false,
                guest: key.guest || over.guest,
            })
        }
    }
}

fn digest(name: &str, of: Shape, at: &str) -> Result<Shape, RecipeError> {
    if of.secret && !of.text {
        let reason = format!(
            "`{name}` over a secret beside bytes: what is beside it must be text, since bytes \
             extend a digest and show the secret's length"
        );
        return Err(RecipeError::new(at, reason));
    }
    Ok(Shape {
        secret: false,
        text: false,
        ..of
    })
}

fn all(items: &[Expression], inner: &str, in_pairs: bool) -> Result<Shape, RecipeError> {
    let mut together = Shape::FIXED;
    for (index, item) in items.iter().enumerate() {
        together = together.beside(shape(item, &format!("{inner}/{index}"), in_pairs)?);
    }
    Ok(together)
}

/// A text in a sort is a yardstick that its author lays beside the secret,
/// so not even constants are allowed.
fn sort(items: &[Expression], inner: &str) -> Result<Shape, RecipeError> {
    for (index, item) in items.iter().enumerate() {
        if !matches!(
            item,
            Expression::Setting(_) | Expression::Secret(_) | Expression::Time(_)
        ) {
            return Err(RecipeError::new(
                &format!("{inner}/{index}"),
                format!(
                    "`sort` takes `setting`, `secret` and `time` only, found `{}`: where a secret \
                     sorts beside a chosen text shows what it is",
                    item.operator()
                ),
            ));
        }
    }
    all(items, inner, false)
}

fn pairs(
    items: &[Expression],
    at: &str,
    inner: &str,
    in_pairs: bool,
) -> Result<Shape, RecipeError> {
    if in_pairs {
        return Err(RecipeError::new(at, "`pairs` inside `pairs`"));
    }
    let mut has_part = false;
    for item in items {
        item.visit(&mut |inside| has_part |= matches!(inside, Expression::Part(_)));
    }
    if !has_part {
        return Err(RecipeError::new(
            at,
            "`pairs` holds no {\"part\": \"name\"} or {\"part\": \"value\"}",
        ));
    }
    all(items, inner, true)
}

/// What looks at the characters of a text, and so at no secret.
fn measured(
    of: &Expression,
    operator: &str,
    at: &str,
    inner: &str,
    in_pairs: bool,
) -> Result<Shape, RecipeError> {
    let shape = shape(of, inner, in_pairs)?;
    if shape.secret {
        return Err(RecipeError::new(
            at,
            format!("`{operator}` over a secret lets it be read out piece by piece"),
        ));
    }
    if !shape.text {
        return Err(RecipeError::new(
            at,
            format!("`{operator}` takes text, found bytes: wrap them in `hex` or `base64`"),
        ));
    }
    Ok(shape)
}

fn encode(
    encoding: Encoding,
    of: &Expression,
    at: &str,
    inner: &str,
    in_pairs: bool,
) -> Result<Shape, RecipeError> {
    match encoding {
        Encoding::Upper => measured(of, "upper", at, inner, in_pairs),
        Encoding::Base64 | Encoding::Hex => Ok(Shape {
            text: true,
            ..shape(of, inner, in_pairs)?
        }),
        Encoding::Base64Decode => {
            let shape = shape(of, inner, in_pairs)?;
            if shape.secret {
                return Err(RecipeError::new(
                    at,
                    "`base64-decode` over a secret: whether it fails shows what the secret is",
                ));
            }
            Ok(Shape {
                text: false,
                ..shape
            })
        }
    }
}
