//! From words to the tree, by precedence: OR, AND, NOT, comparison, sum,
//! product, sign. Only what the dialect has is understood; all else is a
//! complaint with its place.

mod call;
mod find;

pub(crate) use find::FIND;

use super::token::{Token, tokens};
use super::{Arithmetic, Compare, Expression, Node, Part};
use crate::value::Value;
use crate::view::Variable;

/// Brackets and operators inside each other, at most.
const DEPTH: u32 = 48;

/// What is wrong with an expression or another value of a rule.
#[derive(Debug)]
pub(crate) struct Complaint {
    /// In characters from the start of the expression.
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Complaint {
    pub(crate) fn new(at: usize, message: String) -> Self {
        Self {
            at,
            message,
            hint: None,
        }
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Who knows what `{{…}}` means.
pub(crate) trait Names {
    fn variable(&mut self, inside: &str) -> Result<Variable, Complaint>;

    /// The number of a question to a value table.
    fn lookup(&mut self, table: &str, given: &[&str], wanted: &str) -> Result<usize, Complaint>;
}

/// The expression after `_function `.
pub(crate) fn parse(text: &str, names: &mut dyn Names) -> Result<Expression, Complaint> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens,
        at: 0,
        names,
        depth: 0,
        lists: Vec::new(),
        inside: false,
    };
    let expression = parser.or()?;
    match parser.peek() {
        Token::End => Ok(expression),
        other => Err(parser.unexpected(other, "the end or an operator")),
    }
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    names: &'a mut dyn Names,
    depth: u32,
    /// The lists of the variables met so far.
    lists: Vec<u16>,
    /// Whether this is the inside of an aggregate.
    inside: bool,
}

type Parsed = Result<Expression, Complaint>;

impl Parser<'_> {
    fn peek(&self) -> Token {
        self.tokens
            .get(self.at)
            .map_or(Token::End, |(_, token)| token.clone())
    }

    fn place(&self) -> usize {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(0, |(at, _)| *at)
    }

    fn unexpected(&self, found: Token, expected: &str) -> Complaint {
        let found = match found {
            Token::End => String::from("the end"),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::Name(name) => format!("`{name}`"),
            Token::Number(number) => format!("`{number}`"),
            Token::Variable(name) => format!("`{{{{{name}}}}}`"),
            Token::Text(_) => String::from("a text"),
            Token::Find(_) => String::from("a look-up"),
        };
        Complaint::new(self.place(), format!("found {found}, expected {expected}"))
    }

    fn symbol(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(symbol) if symbol == wanted);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(name) if name.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Complaint> {
        if self.symbol(symbol) {
            return Ok(());
        }
        Err(self.unexpected(self.peek(), &format!("`{symbol}`")))
    }

    fn expect_word(&mut self, word: &str) -> Result<(), Complaint> {
        if self.word(word) {
            return Ok(());
        }
        Err(self.unexpected(self.peek(), &format!("`{word}`")))
    }

    fn or(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Complaint::new(
                self.place(),
                format!("more than {DEPTH} levels deep"),
            ));
        }
        let mut left = self.and()?;
        loop {
            let at = self.place();
            if !self.symbol("||") && !self.word("or") {
                self.depth -= 1;
                return Ok(left);
            }
            let right = self.and()?;
            left = Expression {
                at,
                node: Node::Or(Box::new([left, right])),
            };
        }
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        loop {
            let at = self.place();
            if !self.symbol("&&") && !self.word("and") {
                return Ok(left);
            }
            let right = self.not()?;
            left = Expression {
                at,
                node: Node::And(Box::new([left, right])),
            };
        }
    }

    fn not(&mut self) -> Parsed {
        let at = self.place();
        let mut count = 0;
        while self.word("not") {
            count += 1;
        }
        let inner = self.comparison()?;
        Ok(if count % 2 == 1 {
            not(at, inner)
        } else {
            inner
        })
    }

    fn comparison(&mut self) -> Parsed {
        let mut left = self.sum()?;
        loop {
            let at = self.place();
            let compare = match self.peek() {
                Token::Symbol("=") => Compare::Equal,
                Token::Symbol("<>" | "!=") => Compare::Differs,
                Token::Symbol("<") => Compare::Less,
                Token::Symbol("<=") => Compare::AtMost,
                Token::Symbol(">") => Compare::Greater,
                Token::Symbol(">=") => Compare::AtLeast,
                Token::Name(_) => match self.predicate(left, at)? {
                    Ok(predicate) => {
                        left = predicate;
                        continue;
                    }
                    Err(left) => return Ok(left),
                },
                _ => return Ok(left),
            };
            self.at += 1;
            if self.symbol("=") {
                return Err(
                    Complaint::new(at, String::from("`==` and `===` are not MySQL"))
                        .hint("write `=`"),
                );
            }
            let right = self.sum()?;
            left = Expression {
                at,
                node: Node::Compare(compare, Box::new([left, right])),
            };
        }
    }

    /// `is null`, `like`, `in`, `between`, and their opposites; the left side
    /// comes back where the word is none of them.
    fn predicate(
        &mut self,
        left: Expression,
        at: usize,
    ) -> Result<Result<Expression, Expression>, Complaint> {
        if self.word("is") {
            let negative = self.word("not");
            self.expect_word("null")?;
            return Ok(Ok(negated(negative, at, Node::IsNull(Box::new(left)))));
        }
        let negative = self.word("not");
        let node = if self.word("like") {
            Node::Like(Box::new([left, self.sum()?]))
        } else if self.word("in") {
            self.expect("(")?;
            Node::In(Box::new(left), self.arguments()?)
        } else if self.word("between") {
            let low = self.sum()?;
            self.expect_word("and")?;
            Node::Between(Box::new([left, low, self.sum()?]))
        } else if negative {
            return Err(self.unexpected(self.peek(), "`like`, `in` or `between` after `not`"));
        } else {
            return Ok(Err(left));
        };
        Ok(Ok(negated(negative, at, node)))
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let at = self.place();
            let operation = match self.peek() {
                Token::Symbol("+") => Arithmetic::Add,
                Token::Symbol("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = Expression {
                at,
                node: Node::Arithmetic(operation, Box::new([left, right])),
            };
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.sign()?;
        loop {
            let at = self.place();
            let operation = match self.peek() {
                Token::Symbol("*") => Arithmetic::Multiply,
                Token::Symbol("/") => Arithmetic::Divide,
                Token::Symbol("%") => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.sign()?;
            left = Expression {
                at,
                node: Node::Arithmetic(operation, Box::new([left, right])),
            };
        }
    }

    fn sign(&mut self) -> Parsed {
        let at = self.place();
        let mut negative = false;
        loop {
            if self.symbol("-") {
                negative = !negative;
            } else if !self.symbol("+") {
                break;
            }
        }
        let inner = self.primary()?;
        if !negative {
            return Ok(inner);
        }
        Ok(Expression {
            at,
            node: Node::Negative(Box::new(inner)),
        })
    }

    fn primary(&mut self) -> Parsed {
        let at = self.place();
        let token = self.peek();
        self.at += 1;
        let node = match token {
            Token::Number(number) => Node::Constant(Value::Number(number)),
            Token::Text(parts) => self.text(parts)?,
            Token::Variable(inside) => Node::Variable(self.variable(&inside, at)?),
            Token::Symbol("(") => {
                let inner = self.or()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Name(name) => return self.named(&name, at),
            Token::Find(inside) => self.find(&inside, at)?,
            other => {
                self.at -= 1;
                return Err(self.unexpected(other, "a value"));
            }
        };
        Ok(Expression { at, node })
    }

    fn variable(&mut self, inside: &str, at: usize) -> Result<Variable, Complaint> {
        let variable = self.names.variable(inside);
        let variable = variable.map_err(|complaint| Complaint { at, ..complaint })?;
        self.lists.push(variable.field.list);
        Ok(variable)
    }

    fn text(&mut self, parts: Vec<(String, bool)>) -> Result<Node, Complaint> {
        if parts.iter().all(|(_, variable)| !variable) {
            let text = parts.into_iter().map(|(text, _)| text).collect();
            return Ok(Node::Constant(Value::owned(text)));
        }
        let at = self.place();
        let part = |(text, variable): (String, bool)| {
            Ok(if variable {
                Part::Variable(self.variable(&text, at)?)
            } else {
                Part::Literal(text)
            })
        };
        parts
            .into_iter()
            .map(part)
            .collect::<Result<_, _>>()
            .map(Node::Text)
    }
}

fn not(at: usize, inner: Expression) -> Expression {
    Expression {
        at,
        node: Node::Not(Box::new(inner)),
    }
}

fn negated(negative: bool, at: usize, node: Node) -> Expression {
    let inner = Expression { at, node };
    if negative { not(at, inner) } else { inner }
}
