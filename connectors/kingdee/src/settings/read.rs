//! Members of an object of settings, taken one by one; what is left over at
//! the end is not known. Every problem is told, not only the first.

use duijie_sdk::Problem;

use super::Names;
use crate::tree::Tree;

pub(crate) struct Members<'t> {
    at: String,
    members: Vec<(String, Tree<'t>)>,
    problems: Vec<Problem>,
}

impl<'t> Members<'t> {
    pub(crate) fn of(text: &'t str, at: &str) -> Self {
        match Tree::parse(text) {
            Some(tree) => Self::inside(tree, at.to_owned()),
            None => Self::inside(Tree::Null, at.to_owned()),
        }
    }

    fn inside(tree: Tree<'t>, at: String) -> Self {
        let mut problems = Vec::new();
        let members = match tree {
            Tree::Object(members) => members
                .into_iter()
                .map(|(name, value)| (name.into_owned(), value))
                .collect(),
            _ => {
                problems.push(Problem::new(&at, "expected an object"));
                Vec::new()
            }
        };
        Self {
            at,
            members,
            problems,
        }
    }

    /// A member that is there and not null.
    pub(crate) fn take(&mut self, name: &str) -> Option<Tree<'t>> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.members.swap_remove(at);
        (value != Tree::Null).then_some(value)
    }

    pub(crate) fn problem(&mut self, name: &str, message: String) {
        self.problems
            .push(Problem::new(&format!("{}/{name}", self.at), message));
    }

    /// What `read` makes of a member; a problem where it makes nothing.
    fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Tree<'t>) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let found = read(&value);
        if found.is_none() {
            self.problem(name, format!("expected {expected}"));
        }
        found
    }

    /// A text that is not empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "a text that is not empty", |value| match value {
            Tree::Text(text) if !text.is_empty() => Some(text.to_string()),
            _ => None,
        })
    }

    /// A text that must be there.
    pub(crate) fn needed(&mut self, name: &str) -> String {
        if !self.members.iter().any(|(known, _)| known == name) {
            self.problem(name, format!("missing field `{name}`"));
        }
        self.text(name).unwrap_or_default()
    }

    /// A whole number, which may be a text.
    pub(crate) fn digits(&mut self, name: &str) -> Option<String> {
        self.read(name, "a number", |value| match value {
            Tree::Text(text) => Some(text.to_string()),
            Tree::Number(digits) => digits.parse::<u64>().ok().map(|_| (*digits).to_owned()),
            _ => None,
        })
    }

    pub(crate) fn number(&mut self, name: &str) -> Option<u32> {
        self.read(name, "a whole number", |value| match value {
            Tree::Number(digits) => digits.parse().ok(),
            _ => None,
        })
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "`true` or `false`", |value| match value {
            Tree::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(name, "a list of texts", |value| {
            let texts = value.items()?.iter().map(|item| match item {
                Tree::Text(text) => Some(text.to_string()),
                _ => None,
            });
            texts.collect()
        })
    }

    /// An object of texts.
    pub(crate) fn names(&mut self, name: &str) -> Names {
        let found = self.read(name, "an object of texts", |value| match value {
            Tree::Object(members) => members
                .iter()
                .map(|(from, to)| match to {
                    Tree::Text(to) => Some((from.to_string(), to.to_string())),
                    _ => None,
                })
                .collect(),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// One of these words, which must be there.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let said = self.needed(name);
        let found = words.iter().find(|(word, _)| *word == said);
        if found.is_none() && !said.is_empty() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("found `{said}`, expected one of {}", known.join(", "));
            self.problem(name, message);
        }
        found.map(|(_, value)| *value)
    }

    pub(crate) fn object(&mut self, name: &str) -> Option<Self> {
        let value = self.take(name)?;
        Some(Self::inside(value, format!("{}/{name}", self.at)))
    }

    /// The problems of an object inside.
    pub(crate) fn told(&mut self, inner: Self) {
        self.problems.extend(inner.problems());
    }

    /// What is wrong, unknown members included.
    pub(crate) fn problems(self) -> Vec<Problem> {
        let mut problems = self.problems;
        for (name, _) in self.members {
            let message = format!("unknown field `{name}`");
            problems.push(Problem::new(&format!("{}/{name}", self.at), message));
        }
        problems
    }
}
