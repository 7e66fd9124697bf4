//! YAML text into the located tree. One document, plain data: no aliases, no
//! tags, so that what is checked is what was written and nothing can grow.
//! Scalars are read as JSON reads them: what is no JSON number, `true`,
//! `false` or null is text, so that `0123` keeps its digits.

use std::ops::Range;

use duijie_diagnostic::{Code, Diagnostic, Place};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::{Entry, Kind, Node, code};

const MOST_BYTES: usize = 1 << 20;
const MOST_DEPTH: usize = 48;

/// The tree, `None` where the text is not YAML that the house takes.
pub(crate) fn read(file: &str, text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    if text.len() > MOST_BYTES {
        let message = format!(
            "the file has {} bytes, the most is {MOST_BYTES}",
            text.len()
        );
        let problem = Diagnostic::error(code::TOO_LARGE, message)
            .at(Place::new(file, 0..0))
            .hint("value tables of this size belong into their own files");
        return (None, vec![problem]);
    }
    let offsets = text.char_indices().map(|(byte, _)| byte);
    let mut reader = Reader {
        file,
        text,
        offsets: offsets.chain([text.len()]).collect(),
        parser: Parser::new_from_str(text),
        problems: Vec::new(),
    };
    let node = match reader.document() {
        Ok(node) => node,
        Err(fatal) => {
            reader.problems.push(*fatal);
            None
        }
    };
    (node, reader.problems)
}

/// The document cannot be read any further.
type Fatal = Box<Diagnostic>;

struct Reader<'text> {
    file: &'text str,
    text: &'text str,
    /// Byte of each character; the parser counts characters.
    offsets: Vec<usize>,
    parser: Parser<'text, StrInput<'text>>,
    problems: Vec<Diagnostic>,
}

impl<'text> Reader<'text> {
    fn document(&mut self) -> Result<Option<Node>, Fatal> {
        let mut root = None;
        loop {
            let (event, span) = self.event()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(self
                        .fatal(code::UNSUPPORTED, "a second document begins here", &span)
                        .hint("one file holds one pipeline or one connection: move it into its own file")
                        .into());
                }
                Event::DocumentStart(_) => {
                    let first = self.event()?;
                    root = Some(self.node(first, 0)?);
                }
                _ => break,
            }
        }
        if root.as_ref().is_none_or(|node| node.kind == Kind::Null) {
            let problem = Diagnostic::error(code::EMPTY, "the file is empty")
                .at(Place::new(self.file, 0..0))
                .hint("`duijie quickstart` writes a pipeline and its connections to start from");
            return Err(problem.into());
        }
        Ok(root)
    }

    fn event(&mut self) -> Result<(Event<'text>, Span), Fatal> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.syntax(&error).into()),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, (event, span): (Event<'text>, Span), depth: usize) -> Result<Node, Fatal> {
        if depth > MOST_DEPTH {
            let message = format!("more than {MOST_DEPTH} levels inside each other");
            return Err(self.fatal(code::TOO_LARGE, &message, &span).into());
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if anchor != 0 || matches!(event, Event::Alias(_)) {
            return Err(self
                .fatal(
                    code::UNSUPPORTED,
                    "anchors and aliases are not supported",
                    &span,
                )
                .hint("write the value out where it is used")
                .into());
        }
        if tag {
            return Err(self
                .fatal(code::UNSUPPORTED, "tags are not supported", &span)
                .hint("put a value in quotes to make it text")
                .into());
        }
        let kind = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => {
                return Err(self
                    .fatal(code::BUG, "a value was expected here", &span)
                    .into());
            }
        };
        Ok(Node {
            kind,
            span: self.bytes(&span),
        })
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Fatal> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(items)),
                next => items.push(self.node(next, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Fatal> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut first_spans = std::collections::HashMap::new();
        loop {
            let (key, key_span) = match self.event()? {
                (Event::MappingEnd, _) => return Ok(Kind::Map(entries)),
                (Event::Scalar(text, _, 0, None), span) => (text.into_owned(), self.bytes(&span)),
                (_, span) => {
                    return Err(self
                        .fatal(code::UNSUPPORTED, "a key must be plain text", &span)
                        .hint("write `key: value`; put a key that begins with `*`, `&`, `!`, `[` or `{` in quotes")
                        .into());
                }
            };
            let next = self.event()?;
            let value = self.node(next, depth + 1)?;
            if let Some(first) = first_spans.get(&key) {
                self.duplicate(&key, &key_span, first);
                continue;
            }
            first_spans.insert(key.clone(), key_span.clone());
            entries.push(Entry {
                key,
                key_span,
                value,
            });
        }
    }

    fn duplicate(&mut self, key: &str, again: &Range<usize>, first: &Range<usize>) {
        let problem = Diagnostic::error(code::DUPLICATE_KEY, format!("`{key}` is set twice"))
            .at(Place::new(self.file, again.clone()))
            .label(Place::new(self.file, first.clone()), "first set here")
            .hint("keep one of the two");
        self.problems.push(problem);
    }

    fn fatal(&self, code: Code, message: &str, span: &Span) -> Diagnostic {
        let span = self.bytes(span);
        let line = self
            .text
            .get(span.clone())
            .and_then(|text| text.lines().next());
        let end = span.start + line.map_or(0, str::len);
        Diagnostic::error(code, message).at(Place::new(self.file, span.start..end))
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let at = self.byte(error.marker().index());
        let problem =
            Diagnostic::error(code::SYNTAX, format!("this is not YAML: {}", error.info()))
                .at(Place::new(self.file, at..at));
        let line_start = self.text.get(..at).and_then(|text| text.rfind('\n'));
        let line = self.text.get(line_start.map_or(0, |start| start + 1)..);
        let indent = line.map(|line| line.chars().take_while(|letter| letter.is_whitespace()));
        let hint = if indent.is_some_and(|mut indent| indent.any(|letter| letter == '\t')) {
            "indent with blanks, not with tabs"
        } else {
            "look at the indentation and the quotes here and on the line before; \
             text with `: `, ` #` or a leading `{`, `[`, `*`, `&`, `!`, `%`, `@` needs quotes"
        };
        problem.hint(hint)
    }

    fn bytes(&self, span: &Span) -> Range<usize> {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end().len()
    }

    fn byte(&self, character: usize) -> usize {
        self.offsets
            .get(character)
            .copied()
            .unwrap_or(self.text.len())
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Kind {
    if style != ScalarStyle::Plain {
        return Kind::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if is_json_number(text) => Kind::Number(text.to_owned()),
        _ => Kind::Text(text.to_owned()),
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn is_json_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}
