//! One document against its collection's fields and rules: one pass over its
//! raw bytes, nothing built. What the fields do not name is not looked at.

use std::borrow::Cow;

use super::compile::{self, Asked, Node};
use super::{Collection, Kind};
use crate::Rejection;
use crate::json::{Error, Raw, skip, text_of};

mod value;

/// The bits that a node keeps while a document is read.
const PRESENT: u8 = 1;
/// Not blank in any object that it may stand in.
const SOMEWHERE: u8 = 2;
/// Blank in one of the objects that it may stand in.
const LACKING: u8 = 4;

/// Checks documents of one collection; keep it for all of them, since it
/// remembers in which order their names come.
pub struct Checker<'t> {
    nodes: Vec<Node<'t>>,
    marks: Vec<u8>,
    rules: Vec<Asked<'t>>,
}

/// Why a document was left.
enum Stop {
    Json(Error),
    Broken {
        code: &'static str,
        node: usize,
        /// What is wrong and what to do, after the field's name.
        words: String,
        /// Of the innermost list that it stands in, from 1.
        line: Option<usize>,
    },
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Json(error)
    }
}

impl<'t> Checker<'t> {
    pub(super) fn new(collection: Collection<'t>) -> Self {
        let mut nodes = compile::nodes(collection);
        let rules = compile::rules(collection, &mut nodes);
        Self {
            marks: vec![0; nodes.len()],
            nodes,
            rules,
        }
    }

    /// The first thing that is wrong with a document, as a refusal that is
    /// not tried again: code `required`, `one-of`, `length` or `type`. A text
    /// may stand as a number and a number as a text, since systems take both.
    pub fn check(&mut self, document: &[u8]) -> Result<(), Rejection> {
        self.marks.fill(0);
        for rule in &mut self.rules {
            rule.held = false;
        }
        self.document(document).map_err(|stop| self.rejection(stop))
    }

    fn document(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let start = skip::blanks(bytes, 0);
        let end = self.object(bytes, start, 0)?;
        let end = skip::blanks(bytes, end);
        match end == bytes.len() {
            true => Ok(()),
            false => Err(Error::new(end, "nothing after the document").into()),
        }
    }

    /// The object at `at`, which stands where `parent` does. Recurses as deep
    /// as the fields' paths and no deeper.
    fn object(&mut self, bytes: &[u8], at: usize, parent: usize) -> Result<usize, Stop> {
        self.enter(parent);
        let at = skip::token(bytes, at, b'{', "a JSON object")?;
        let mut at = skip::blanks(bytes, at);
        if bytes.get(at) == Some(&b'}') {
            self.leave(parent)?;
            return Ok(at + 1);
        }
        let mut before = None;
        loop {
            let name_end = skip::string(bytes, at)?;
            let name = bytes.get(at..name_end).unwrap_or_default();
            at = skip::blanks(bytes, name_end);
            at = skip::token(bytes, at, b':', "`:` after a name")?;
            at = skip::blanks(bytes, at);
            at = match self.child(parent, before, name)? {
                Some(child) => {
                    before = Some(child);
                    self.value(bytes, at, child)?
                }
                None => skip::value(bytes, at)?,
            };
            at = skip::blanks(bytes, at);
            if bytes.get(at) == Some(&b'}') {
                self.leave(parent)?;
                return Ok(at + 1);
            }
            at = skip::token(bytes, at, b',', "`,` or `}` after a value")?;
            at = skip::blanks(bytes, at);
        }
    }

    /// The child of a name in quotes: first the one that came here in the
    /// document before.
    fn child(
        &mut self,
        parent: usize,
        before: Option<usize>,
        quoted: &[u8],
    ) -> Result<Option<usize>, Stop> {
        let plain = memchr::memchr(b'\\', quoted).is_none();
        let name = match plain {
            true => Cow::Borrowed(quoted.get(1..quoted.len() - 1).unwrap_or_default()),
            false => Cow::Owned(text_of(quoted)?.into_owned().into_bytes()),
        };
        let guess = match before {
            Some(before) => self.nodes.get(before).map(|node| node.followed_by),
            None => self.nodes.get(parent).map(|node| node.began_with),
        };
        let is = |at: usize| at != 0 && self.nodes.get(at).is_some_and(|node| named(node, &name));
        if let Some(guess) = guess.filter(|guess| is(*guess)) {
            return Ok(Some(guess));
        }
        let mut at = self.nodes.get(parent).map_or(0, |node| node.first);
        while at != 0 && !is(at) {
            at = self.nodes.get(at).map_or(0, |node| node.next);
        }
        if at == 0 {
            return Ok(None);
        }
        match before {
            Some(before) => {
                if let Some(node) = self.nodes.get_mut(before) {
                    node.followed_by = at;
                }
            }
            None => {
                if let Some(node) = self.nodes.get_mut(parent) {
                    node.began_with = at;
                }
            }
        }
        Ok(Some(at))
    }

    /// A value of a field, or of a name on the way to fields.
    fn value(&mut self, bytes: &[u8], at: usize, node: usize) -> Result<usize, Stop> {
        let field = self.nodes.get(node).and_then(|node| node.field);
        let kind = field.map_or(Kind::Any, |field| field.kind);
        let deeper = self.nodes.get(node).is_some_and(|node| node.first != 0);
        let first = bytes.get(at).copied().unwrap_or_default();
        if matches!(first, b'{' | b'[') {
            self.mark(node, PRESENT | SOMEWHERE);
            self.decide(node, None);
            value::container(kind, first).map_err(|words| broken("type", node, words))?;
            return match (deeper, first) {
                (true, b'{') => self.object(bytes, at, node),
                (true, _) => self.lines(bytes, at, node),
                (false, _) => Ok(skip::value(bytes, at)?),
            };
        }
        let end = skip::value(bytes, at)?;
        let raw = Raw(bytes.get(at..end).unwrap_or_default());
        if matches!(raw.0, b"null" | b"\"\"") {
            return Ok(end);
        }
        self.mark(node, PRESENT | SOMEWHERE);
        value::scalar(kind, raw)?.map_err(|words| broken("type", node, words))?;
        if let Some(most) = field.and_then(|field| field.max_length) {
            value::length(raw, most)?.map_err(|words| broken("length", node, words))?;
        }
        if self.nodes.get(node).is_some_and(|node| node.decides) {
            self.decide(node, Some(&raw.text()?));
        }
        Ok(end)
    }

    /// The list at `at`, whose lines are objects.
    fn lines(&mut self, bytes: &[u8], at: usize, node: usize) -> Result<usize, Stop> {
        let mut at = skip::blanks(bytes, at + 1);
        if bytes.get(at) == Some(&b']') {
            return Ok(at + 1);
        }
        for line in 1.. {
            let read = match bytes.get(at) {
                Some(b'{') => self.object(bytes, at, node),
                _ => Err(broken("type", node, value::NO_OBJECT.to_owned())),
            };
            at = read.map_err(|stop| stop.in_line(line))?;
            at = skip::blanks(bytes, at);
            if bytes.get(at) == Some(&b']') {
                break;
            }
            at = skip::token(bytes, at, b',', "`,` or `]` after a line")?;
            at = skip::blanks(bytes, at);
        }
        Ok(at + 1)
    }

    /// A condition may speak of a value that is not blank; none stands for a
    /// list or object.
    fn decide(&mut self, node: usize, text: Option<&str>) {
        for rule in &mut self.rules {
            if let Some((decides, equals)) = rule.condition
                && decides == node
                && (equals.is_none() || equals == text)
            {
                rule.held = true;
            }
        }
    }

    fn mark(&mut self, node: usize, bits: u8) {
        if let Some(marks) = self.marks.get_mut(node) {
            *marks |= bits;
        }
    }

    fn marked(&self, node: usize, bit: u8) -> bool {
        self.marks.get(node).is_some_and(|marks| marks & bit != 0)
    }

    fn children(&self, parent: usize) -> impl Iterator<Item = usize> {
        let first = self.nodes.get(parent).map_or(0, |node| node.first);
        std::iter::successors(Some(first), |at| self.nodes.get(*at).map(|node| node.next))
            .take_while(|at| *at != 0)
    }

    /// An object begins where `parent` stands: nothing of it was seen.
    fn enter(&mut self, parent: usize) {
        let mut at = self.nodes.get(parent).map_or(0, |node| node.first);
        while at != 0 {
            if let Some(marks) = self.marks.get_mut(at) {
                *marks &= !PRESENT;
            }
            at = self.nodes.get(at).map_or(0, |node| node.next);
        }
        for rule in &mut self.rules {
            if rule.together && rule.scope == parent {
                rule.held = false;
            }
        }
    }

    /// An object ends: what is required in it, and the rules that it decides.
    fn leave(&mut self, parent: usize) -> Result<(), Stop> {
        let mut at = self.nodes.get(parent).map_or(0, |node| node.first);
        while let Some(node) = self.nodes.get(at).filter(|_| at != 0) {
            let required = node.field.is_some_and(|field| field.required);
            let next = node.next;
            if !self.marked(at, PRESENT) {
                if required {
                    let words = "is required and is blank: map a value to it";
                    return Err(broken("required", at, words.to_owned()));
                }
                self.mark(at, LACKING);
            }
            at = next;
        }
        for rule in self.rules.iter().filter(|rule| rule.scope == parent) {
            self.hold(rule)?;
        }
        Ok(())
    }

    /// A rule, at the end of its scope.
    fn hold(&self, rule: &Asked<'_>) -> Result<(), Stop> {
        let Some((condition, equals)) = rule.condition else {
            let seen = if rule.together { PRESENT } else { SOMEWHERE };
            let first = rule.fields.first().copied().unwrap_or_default();
            return match rule.fields.iter().any(|node| self.marked(*node, seen)) {
                true => Ok(()),
                false => Err(broken("one-of", first, self.one_of(&rule.fields))),
            };
        };
        let blank = |node: usize| match rule.together {
            true => !self.marked(node, PRESENT),
            false => self.marked(node, LACKING),
        };
        match rule.fields.iter().find(|node| rule.held && blank(**node)) {
            None => Ok(()),
            Some(node) => {
                let name = self.name(condition);
                let case = match equals {
                    Some(value) => format!("{name} is `{value}`"),
                    None => format!("{name} is given"),
                };
                let words = format!("is required where {case}, and is blank: map a value to it");
                Err(broken("required", *node, words))
            }
        }
    }

    fn one_of(&self, fields: &[usize]) -> String {
        let others: Vec<_> = fields.iter().skip(1).map(|node| self.name(*node)).collect();
        let others = others.join(" or ");
        format!("or {others} is required and all are blank: map a value to one of them")
    }

    /// A field's name for people: `details.spec_no` (商家编码).
    fn name(&self, node: usize) -> String {
        let path = self.path(node);
        let title = self.nodes.get(node).and_then(|node| node.field);
        match title
            .map(|field| field.zh)
            .filter(|title| !title.is_empty())
        {
            Some(title) => format!("`{path}` ({title})"),
            None => format!("`{path}`"),
        }
    }

    fn path(&self, node: usize) -> String {
        match self.nodes.get(node) {
            Some(found) if node != 0 => match self.path(found.parent) {
                parent if parent.is_empty() => found.name.to_owned(),
                parent => format!("{parent}.{}", found.name),
            },
            _ => String::new(),
        }
    }

    fn rejection(&self, stop: Stop) -> Rejection {
        match stop {
            Stop::Json(error) => Rejection::never(
                "type",
                format!("the document is no JSON object: {error}; see what the mapping gives"),
            ),
            Stop::Broken {
                code,
                node,
                words,
                line,
            } => {
                let name = self.name(node);
                let message = match line {
                    Some(line) => format!("{name} {words} (line {line})"),
                    None => format!("{name} {words}"),
                };
                Rejection {
                    field: Some(self.path(node)),
                    ..Rejection::never(code, message)
                }
            }
        }
    }
}

impl Stop {
    fn in_line(self, number: usize) -> Self {
        match self {
            Self::Broken {
                code,
                node,
                words,
                line: None,
            } => Self::Broken {
                code,
                node,
                words,
                line: Some(number),
            },
            other => other,
        }
    }
}

fn named(node: &Node<'_>, name: &[u8]) -> bool {
    node.name.as_bytes() == name
}

fn broken(code: &'static str, node: usize, words: String) -> Stop {
    Stop::Broken {
        code,
        node,
        words,
        line: None,
    }
}

impl std::fmt::Debug for Checker<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.children(0).count();
        write!(formatter, "Checker({names} names)")
    }
}
