//! What the vendor's documents say of the 39 operations, as lines of text, read once. It is this server's
//! own reading of them and knows nothing of the connector's.
//!
//! ```text
//! operation <name> <path> query|write
//! answer number|text|truth [msg] [data]
//! pages <page parameter> <size parameter or ->
//! date <parameter> create|modify after|from|to
//! key <field>…
//! takes <path> <type> [must]
//! one <path>…
//! when <field> <value> <path>…
//! when-one <field> <value> <path>…
//! gives <path> <type> string|number [format]
//! ```

const TEXT: &str = include_str!("facts.txt");

#[derive(Debug, Default)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// `/api/…` up to the openid.
    pub(super) path: &'static str,
    pub(super) is_query: bool,
    pub(super) answer: Vec<&'static str>,
    pub(super) page: &'static str,
    /// `-` where a page's size cannot be asked for.
    pub(super) size: &'static str,
    pub(super) dates: Vec<Date>,
    pub(super) key: Vec<&'static str>,
    pub(super) takes: Vec<Take>,
    pub(super) rules: Vec<Rule>,
    pub(super) gives: Vec<Give>,
}

#[derive(Debug)]
pub(super) struct Date {
    pub(super) name: &'static str,
    pub(super) of_creation: bool,
    pub(super) bound: &'static str,
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) must: bool,
}

/// At least one of these, where a condition is given only under it; all of them with `all`.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) condition: Option<(&'static str, &'static str)>,
    pub(super) paths: Vec<&'static str>,
    pub(super) all: bool,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct Give {
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) is_number: bool,
    pub(super) format: &'static str,
}

impl Operation {
    pub(super) fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for line in TEXT.lines() {
            let mut words = line.split(' ');
            let head = words.next().unwrap_or_default();
            if head == "operation" {
                let mut next = || words.next().unwrap_or_default();
                all.push(Self {
                    name: next(),
                    path: next(),
                    is_query: next() == "query",
                    ..Self::default()
                });
            } else if let Some(operation) = all.last_mut() {
                operation.line(head, words.collect());
            }
        }
        all
    }

    fn line(&mut self, head: &str, words: Vec<&'static str>) {
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        let rest = |from: usize| words.get(from..).unwrap_or_default().to_vec();
        match head {
            "answer" => self.answer = words,
            "pages" => (self.page, self.size) = (word(0), word(1)),
            "key" => self.key = words,
            "date" => self.dates.push(Date {
                name: word(0),
                of_creation: word(1) == "create",
                bound: word(2),
            }),
            "takes" => self.takes.push(Take {
                path: word(0),
                kind: word(1),
                must: word(2) == "must",
            }),
            "one" => self.rules.push(Rule {
                condition: None,
                paths: words,
                all: false,
            }),
            "when" | "when-one" => self.rules.push(Rule {
                condition: Some((word(0), word(1))),
                paths: rest(2),
                all: head == "when",
            }),
            "gives" => self.gives.push(Give {
                path: word(0),
                kind: word(1),
                is_number: word(2) == "number",
                format: word(3),
            }),
            _ => {}
        }
    }

    /// The greatest length of a text.
    pub(super) fn length(kind: &str) -> Option<usize> {
        let (_, inside) = kind.strip_suffix(')')?.split_once("CHAR(")?;
        inside.parse().ok()
    }

    /// The places behind the point of a number.
    pub(super) fn scale(kind: &str) -> Option<usize> {
        kind.strip_suffix(')')?.split_once(',')?.1.parse().ok()
    }

    pub(super) fn is_decimal(kind: &str) -> bool {
        kind.starts_with("NUMERIC") || kind == "VARCHAR(20,2)"
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;

    #[test]
    fn every_operation_and_row_of_the_documents_is_there() {
        let all = Operation::all();
        let queries = all.iter().filter(|operation| operation.is_query);
        assert_eq!((all.len(), queries.count()), (39, 20));
        // One of 471 parameters is printed twice.
        let takes: usize = all.iter().map(|operation| operation.takes.len()).sum();
        assert_eq!(takes, 470);
        for operation in &all {
            assert_eq!(operation.is_query, !operation.gives.is_empty());
            assert_eq!(operation.is_query, !operation.page.is_empty());
            assert!(!operation.answer.is_empty(), "{}", operation.name);
        }
    }
}
