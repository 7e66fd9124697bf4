//! Where reading goes on: this connector's own bytes, compact JSON with a
//! format version. Everything that a round of pages depends on is in it, so
//! that a change of settings never moves pages under a span half read.

use duijie_sdk::Fault;
use duijie_sdk::json::{self, Raw};

use crate::window::{Span, Stamp};

const VERSION: i64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// Everything before `next_s` was read. `rested`: the run before ended
    /// here because nothing more was there. `at_ms` tells one whole reading
    /// from the next.
    Between {
        next_s: i64,
        rested: bool,
        at_ms: u64,
    },
    Within(Within),
}

/// A span half read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Within {
    pub(crate) span: Span,
    pub(crate) stamp: Stamp,
    /// When the span was opened.
    pub(crate) at_ms: u64,
    /// Where reading goes on after it, and whether the run then rests.
    pub(crate) next_s: i64,
    pub(crate) last: bool,
    pub(crate) page_size: u32,
    /// Passes that were finished: even ones go forward, odd ones back.
    pub(crate) pass: u32,
    /// The page to read, from 1.
    pub(crate) page: u32,
    /// Digest of the pages of this pass so far, in any order.
    pub(crate) digest: u64,
    /// Digest of the pass before.
    pub(crate) before: u64,
}

impl Position {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let (next_s, at_ms, rested, round) = match self {
            Self::Between {
                next_s,
                rested,
                at_ms,
            } => (next_s, at_ms, rested, String::new()),
            Self::Within(within) => (within.next_s, within.at_ms, within.last, round(within)),
        };
        format!(r#"{{"v":{VERSION},"next":{next_s},"at":{at_ms},"rested":{rested}{round}}}"#)
            .into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let field = |name: &str| json::field(bytes, name).ok().flatten();
        let version = field("v").and_then(Raw::integer);
        match version {
            Some(VERSION) => read(field).ok_or_else(|| unreadable(bytes)),
            Some(v) => Err(Fault::other(format!(
                "the position has format {v}, and this version of the connector knows {VERSION}"
            ))),
            None => Err(unreadable(bytes)),
        }
    }
}

/// Digests are hexadecimal text: as numbers they would not fit everywhere.
fn round(within: Within) -> String {
    let (span, from, to) = match within.span {
        Span::Whole => ("whole", 0, 0),
        Span::Days { from, to } => ("days", from, to),
        Span::After { from_s } => ("after", from_s, 0),
    };
    let modify = within.stamp == Stamp::Modify;
    let Within {
        page_size,
        pass,
        page,
        digest,
        before,
        ..
    } = within;
    format!(
        r#","span":"{span}","from":{from},"to":{to},"modify":{modify},"size":{page_size},"pass":{pass},"page":{page},"digest":"{digest:x}","before":"{before:x}""#
    )
}

fn read<'b>(field: impl Fn(&str) -> Option<Raw<'b>>) -> Option<Position> {
    let integer = |name| field(name).and_then(Raw::integer);
    let small = |name| integer(name).and_then(|number| u32::try_from(number).ok());
    let flag = |name| match field(name)?.0 {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    };
    let digest = |name| u64::from_str_radix(&field(name)?.text().ok()?, 16).ok();
    let next_s = integer("next")?;
    let at_ms = u64::try_from(integer("at")?).ok()?;
    let rested = flag("rested")?;
    let Some(span) = field("span") else {
        return Some(Position::Between {
            next_s,
            rested,
            at_ms,
        });
    };
    let (from, to) = (integer("from")?, integer("to")?);
    Some(Position::Within(Within {
        span: match span.text().ok()?.as_ref() {
            "whole" => Span::Whole,
            "days" => Span::Days { from, to },
            "after" => Span::After { from_s: from },
            _ => return None,
        },
        stamp: match flag("modify")? {
            true => Stamp::Modify,
            false => Stamp::Create,
        },
        at_ms,
        next_s,
        last: rested,
        page_size: small("size")?,
        pass: small("pass")?,
        page: small("page").filter(|page| *page > 0)?,
        digest: digest("digest")?,
        before: digest("before")?,
    }))
}

fn unreadable(bytes: &[u8]) -> Fault {
    let text = duijie_sdk::http::excerpt(bytes);
    Fault::other(format!("`{text}` is no position of this connector"))
}

#[cfg(test)]
mod tests {
    use super::{Position, Within};
    use crate::window::{Span, Stamp};

    #[track_caller]
    fn check(position: Position, bytes: &str) {
        assert_eq!(String::from_utf8(position.to_bytes()).unwrap(), bytes);
        assert_eq!(Position::from_bytes(bytes.as_bytes()), Ok(position));
    }

    #[test]
    fn positions_read_back_and_keep_their_bytes() {
        for (rested, text) in [(true, "true"), (false, "false")] {
            let between = Position::Between {
                next_s: 1_760_000_000,
                rested,
                at_ms: 5,
            };
            let bytes = format!(r#"{{"v":1,"next":1760000000,"at":5,"rested":{text}}}"#);
            check(between, &bytes);
        }
        let within = |span, stamp| {
            Position::Within(Within {
                span,
                stamp,
                at_ms: 7,
                next_s: 9,
                last: false,
                page_size: 1000,
                pass: 1,
                page: 3,
                digest: u64::MAX,
                before: 2,
            })
        };
        let rest = r#""size":1000,"pass":1,"page":3,"digest":"ffffffffffffffff","before":"2"}"#;
        for (span, stamp, text) in [
            (
                Span::Whole,
                Stamp::Create,
                r#""whole","from":0,"to":0,"modify":false"#,
            ),
            (
                Span::Days { from: 1, to: 2 },
                Stamp::Modify,
                r#""days","from":1,"to":2,"modify":true"#,
            ),
            (
                Span::After { from_s: 4 },
                Stamp::Create,
                r#""after","from":4,"to":0,"modify":false"#,
            ),
        ] {
            let bytes = format!(r#"{{"v":1,"next":9,"at":7,"rested":false,"span":{text},{rest}"#);
            check(within(span, stamp), &bytes);
        }
    }

    #[test]
    fn foreign_bytes_are_no_position() {
        let round = r#"{"v":1,"next":1,"at":1,"rested":false,"span":"weeks","from":0,"to":0,"modify":false,"size":1,"pass":0,"page":1,"digest":"0","before":"0"}"#;
        let no_page = round
            .replace("weeks", "days")
            .replace("\"page\":1", "\"page\":0");
        for (bytes, expected) in [
            ("", "no position"),
            ("{}", "no position"),
            (r#"{"v":1}"#, "no position"),
            (r#"{"v":2,"next":1,"at":1}"#, "format 2"),
            (round, "no position"),
            (no_page.as_str(), "no position"),
        ] {
            let fault = format!("{:?}", Position::from_bytes(bytes.as_bytes()).unwrap_err());
            assert!(fault.contains(expected), "{fault}");
        }
    }
}
