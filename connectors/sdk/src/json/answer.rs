//! An answer with an envelope and a list of records in it: the envelope's
//! fields can be read, and the list leaves as JSON Lines in the same memory.

use std::ops::Range;

use super::{Error, Raw, Record, skip};

/// A member of one of the objects on the way to the list.
struct Member {
    /// 0 for the outermost object.
    level: usize,
    name: Range<usize>,
    value: Range<usize>,
}

/// One element of the list.
struct Element {
    span: Range<usize>,
    /// Its part of `children`.
    children: Range<usize>,
    line_feeds: bool,
}

/// A whole answer, stepped over once.
pub struct Answer {
    body: Vec<u8>,
    members: Vec<Member>,
    elements: Option<Vec<Element>>,
    children: Vec<(usize, usize)>,
}

impl Answer {
    /// `list` is the path of the list of records, such as `stockout_list` or
    /// `response.stockout_list`. That it is missing is no error here: an
    /// answer that reports one often lacks it. Gives the body back where it
    /// cannot be understood, so that a message can quote it.
    pub fn read(body: Vec<u8>, list: &str) -> Result<Self, (Error, Vec<u8>)> {
        let mut answer = Self {
            body,
            members: Vec::new(),
            elements: None,
            children: Vec::new(),
        };
        match answer.scan(list) {
            Ok(()) => Ok(answer),
            Err(error) => Err((error, answer.body)),
        }
    }

    /// The raw value of a field on the way to the list, by path: `code`,
    /// `response.errorcode`. The path's objects must be those of the list.
    pub fn field(&self, path: &str) -> Option<Raw<'_>> {
        let level = path.matches('.').count();
        let name = path.rsplit('.').next()?.as_bytes();
        let member = self.members.iter().find(|member| {
            member.level == level && self.body.get(member.name.clone()) == Some(name)
        })?;
        self.body.get(member.value.clone()).map(Raw)
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The records, or the answer back where it has no list.
    pub fn into_page(self) -> Result<Page, Self> {
        match self.elements {
            Some(elements) => Ok(Page {
                body: self.body,
                elements,
                children: self.children,
            }),
            None => Err(self),
        }
    }

    fn scan(&mut self, list: &str) -> Result<(), Error> {
        let path: Vec<&str> = list.split('.').collect();
        // A byte order mark is no part of the text.
        let start = if self.body.starts_with(b"\xEF\xBB\xBF") {
            3
        } else {
            0
        };
        let start = skip::blanks(&self.body, start);
        let end = self.object(start, &path, 0)?;
        let end = skip::blanks(&self.body, end);
        if end == self.body.len() {
            Ok(())
        } else {
            Err(Error::new(end, "nothing after the JSON value"))
        }
    }

    /// Steps over the object at `at`; its members are kept. Recurses along
    /// `path` only.
    fn object(&mut self, at: usize, path: &[&str], level: usize) -> Result<usize, Error> {
        let mut at = skip::token(&self.body, at, b'{', "a JSON object")?;
        at = skip::blanks(&self.body, at);
        if self.body.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        loop {
            let name_end = skip::string(&self.body, at)?;
            let name = at + 1..name_end - 1;
            at = skip::blanks(&self.body, name_end);
            at = skip::token(&self.body, at, b':', "`:` after a name")?;
            let start = skip::blanks(&self.body, at);
            let on_path = path.first().map(|step| step.as_bytes()) == self.body.get(name.clone());
            at = match (on_path, path, self.body.get(start)) {
                (true, [_], Some(b'[')) => self.list(start)?,
                (true, [_, rest @ ..], Some(b'{')) if !rest.is_empty() => {
                    self.object(start, rest, level + 1)?
                }
                _ => skip::value(&self.body, start)?,
            };
            let value = start..at;
            self.members.push(Member { level, name, value });
            at = skip::blanks(&self.body, at);
            if self.body.get(at) == Some(&b'}') {
                return Ok(at + 1);
            }
            at = skip::token(&self.body, at, b',', "`,` or `}` after a value")?;
            at = skip::blanks(&self.body, at);
        }
    }

    fn list(&mut self, start: usize) -> Result<usize, Error> {
        if self.elements.is_some() {
            return Err(Error::new(start, "one list of records, not two"));
        }
        let mut elements = Vec::new();
        let mut at = skip::blanks(&self.body, start + 1);
        if self.body.get(at) == Some(&b']') {
            self.elements = Some(elements);
            return Ok(at + 1);
        }
        loop {
            if self.body.get(at) != Some(&b'{') {
                return Err(Error::new(at, "an object in the list of records"));
            }
            let first_child = self.children.len();
            let children = &mut self.children;
            let found = skip::container(&self.body, at, |from, to| children.push((from, to)))?;
            elements.push(Element {
                span: at..found.end,
                children: first_child..self.children.len(),
                line_feeds: found.line_feeds,
            });
            at = skip::blanks(&self.body, found.end);
            if self.body.get(at) == Some(&b']') {
                self.elements = Some(elements);
                return Ok(at + 1);
            }
            at = skip::token(&self.body, at, b',', "`,` or `]` after a record")?;
            at = skip::blanks(&self.body, at);
        }
    }
}

/// The records of one answer, still in the answer's memory.
pub struct Page {
    body: Vec<u8>,
    elements: Vec<Element>,
    children: Vec<(usize, usize)>,
}

impl Page {
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.elements.iter().map(|element| Record {
            bytes: self.body.get(element.span.clone()).unwrap_or_default(),
            children: self
                .children
                .get(element.children.clone())
                .unwrap_or_default(),
            base: element.span.start,
        })
    }

    /// JSON Lines in the same memory: blanks before the first record, a line
    /// feed and blanks between two, nothing after the last, blanks in the
    /// place of line feeds inside a record. Lines may begin with blanks.
    pub fn into_lines(self) -> Vec<u8> {
        let mut body = self.body;
        let mut blank_from = 0;
        for element in &self.elements {
            if let Some(gap) = body.get_mut(blank_from..element.span.start) {
                gap.fill(b' ');
                if blank_from > 0
                    && let Some(first) = gap.first_mut()
                {
                    *first = b'\n';
                }
            }
            if element.line_feeds
                && let Some(record) = body.get_mut(element.span.clone())
            {
                for byte in record.iter_mut().filter(|byte| **byte == b'\n') {
                    *byte = b' ';
                }
            }
            blank_from = element.span.end;
        }
        body.truncate(blank_from);
        body
    }
}
