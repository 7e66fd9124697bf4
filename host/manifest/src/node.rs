//! The located tree of a file. Numbers are kept as the text that was written.

use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: Kind,
    /// Bytes of the file's text.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool(bool),
    /// The digits as written, always a JSON number.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One line of a map; keys are unique in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub key_span: Range<usize>,
    pub value: Node,
}

impl Node {
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node at a JSON pointer.
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        segments(pointer).try_fold(self, |node, segment| node.child(&segment))
    }

    pub(crate) fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Node> {
        segments(pointer).try_fold(self, |node, segment| match &mut node.kind {
            Kind::List(items) => items.get_mut(segment.parse::<usize>().ok()?),
            Kind::Map(entries) => entries
                .iter_mut()
                .find(|entry| entry.key == segment)
                .map(|entry| &mut entry.value),
            _ => None,
        })
    }

    /// The span of the node at a pointer, or of its nearest ancestor that
    /// exists; a map or a list below the root stands for its key, so that a
    /// missing field is shown where it is missing.
    pub fn span_at(&self, pointer: &str) -> Range<usize> {
        let mut node = self;
        let mut span = self.head();
        for segment in segments(pointer) {
            let Some(child) = node.child(&segment) else {
                break;
            };
            let key = node.entry(&segment).map(|entry| entry.key_span.clone());
            span = match (&child.kind, key) {
                (Kind::Map(_) | Kind::List(_) | Kind::Null, Some(key)) => key,
                _ => child.head(),
            };
            node = child;
        }
        span
    }

    /// The span of the key that a pointer ends in.
    pub fn key_span(&self, pointer: &str) -> Option<Range<usize>> {
        let (parent, key) = pointer.rsplit_once('/')?;
        let key = unescape(key);
        self.pointer(parent)?
            .entry(&key)
            .map(|entry| entry.key_span.clone())
    }

    /// What stands for the node in a message: a container's first key or item.
    fn head(&self) -> Range<usize> {
        match &self.kind {
            Kind::Map(entries) => entries.first().map(|entry| entry.key_span.clone()),
            Kind::List(items) => items.first().map(Node::head),
            _ => None,
        }
        .unwrap_or_else(|| self.span.clone())
    }

    fn child(&self, segment: &str) -> Option<&Node> {
        match &self.kind {
            Kind::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => self.get(segment),
        }
    }
}

/// A JSON pointer as a person would write it: `source.settings.rules[2].value`.
pub fn path(prefix: &str, pointer: &str) -> String {
    let mut path = prefix.to_owned();
    for segment in segments(pointer) {
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{segment}]"));
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&segment);
    }
    path
}

/// One segment of a JSON pointer, escaped.
pub(crate) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(unescape)
}
