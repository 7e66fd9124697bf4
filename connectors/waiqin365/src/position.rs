//! Where reading goes on: this connector's own bytes, compact JSON with a
//! format version. Everything that a round of pages depends on is in it, so
//! that a change of settings never moves pages under a span half read.

use duijie_sdk::Fault;
use serde::{Deserialize, Serialize};

use crate::window::{Span, Stamp};

const VERSION: u32 = 1;

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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    v: u32,
    next: i64,
    at: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rested: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<Round>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Round {
    /// `whole`, `days` or `after`.
    span: String,
    from: i64,
    to: i64,
    modify: bool,
    size: u32,
    pass: u32,
    page: u32,
    digest: u64,
    before: u64,
}

impl Position {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let form = match self {
            Self::Between {
                next_s,
                rested,
                at_ms,
            } => Form {
                v: VERSION,
                next: next_s,
                at: at_ms,
                rested,
                within: None,
            },
            Self::Within(within) => Form {
                v: VERSION,
                next: within.next_s,
                at: within.at_ms,
                rested: within.last,
                within: Some(Round::of(within)),
            },
        };
        // Writing plain numbers into memory cannot fail.
        serde_json::to_vec(&form).unwrap_or_default()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        let Versioned { v } = serde_json::from_slice(bytes).map_err(|_| unreadable(bytes))?;
        if v != VERSION {
            return Err(Fault::other(format!(
                "the position has format {v}, and this version of the connector knows {VERSION}"
            )));
        }
        let form: Form = serde_json::from_slice(bytes).map_err(|_| unreadable(bytes))?;
        match form.within {
            None => Ok(Self::Between {
                next_s: form.next,
                rested: form.rested,
                at_ms: form.at,
            }),
            Some(round) => round
                .within(form.next, form.at, form.rested)
                .map(Self::Within)
                .ok_or_else(|| unreadable(bytes)),
        }
    }
}

impl Round {
    fn of(within: Within) -> Self {
        let (span, from, to) = match within.span {
            Span::Whole => ("whole", 0, 0),
            Span::Days { from, to } => ("days", from, to),
            Span::After { from_s } => ("after", from_s, 0),
        };
        Self {
            span: span.to_owned(),
            from,
            to,
            modify: within.stamp == Stamp::Modify,
            size: within.page_size,
            pass: within.pass,
            page: within.page,
            digest: within.digest,
            before: within.before,
        }
    }

    fn within(&self, next_s: i64, at_ms: u64, last: bool) -> Option<Within> {
        let (from, to) = (self.from, self.to);
        Some(Within {
            span: match self.span.as_str() {
                "whole" => Span::Whole,
                "days" => Span::Days { from, to },
                "after" => Span::After { from_s: from },
                _ => return None,
            },
            stamp: if self.modify {
                Stamp::Modify
            } else {
                Stamp::Create
            },
            at_ms,
            next_s,
            last,
            page_size: self.size,
            pass: self.pass,
            page: Some(self.page).filter(|page| *page > 0)?,
            digest: self.digest,
            before: self.before,
        })
    }
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
        let between = Position::Between {
            next_s: 1_760_000_000,
            rested: true,
            at_ms: 5,
        };
        check(between, r#"{"v":1,"next":1760000000,"at":5,"rested":true}"#);
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
        let rest = r#""size":1000,"pass":1,"page":3,"digest":18446744073709551615,"before":2}}"#;
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
            let bytes = format!(r#"{{"v":1,"next":9,"at":7,"within":{{"span":{text},{rest}"#);
            check(within(span, stamp), &bytes);
        }
    }

    #[test]
    fn foreign_bytes_are_no_position() {
        let round = r#"{"v":1,"next":1,"at":1,"within":{"span":"weeks","from":0,"to":0,"modify":false,"size":1,"pass":0,"page":1,"digest":0,"before":0}}"#;
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
