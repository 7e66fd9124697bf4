//! Where a reader goes on: between two windows of time, behind one document of
//! a window, or behind one document of a form that is read whole. Positions are
//! JSON of this connector's own, with the number of their format.

use duijie_sdk::{Fault, time};

use crate::tree::Tree;

/// `[from, to)` in unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub from_s: i64,
    pub to_s: i64,
    /// Whether it ends where reading may end now.
    pub last: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Position {
    Between {
        next_s: i64,
        rested: bool,
    },
    /// `after` is an id as the system wrote it, JSON.
    Within {
        window: Window,
        after: Option<String>,
    },
    /// `pass` counts how often the form was read.
    Whole {
        pass: u64,
        after: Option<String>,
    },
}

impl Window {
    pub(crate) fn text(&self) -> String {
        format!(
            "{} .. {}",
            time::format(self.from_s),
            time::format(self.to_s - 1)
        )
    }
}

impl Position {
    /// Behind this document.
    pub(crate) fn behind(self, id: String) -> Self {
        match self {
            Self::Within { window, .. } => Self::Within {
                window,
                after: Some(id),
            },
            Self::Whole { pass, .. } => Self::Whole {
                pass,
                after: Some(id),
            },
            between @ Self::Between { .. } => between,
        }
    }

    /// Behind the last document.
    pub(crate) fn done(self) -> Self {
        match self {
            Self::Within { window, .. } => Self::Between {
                next_s: window.to_s,
                rested: window.last,
            },
            Self::Whole { pass, .. } => Self::Whole {
                pass: pass + 1,
                after: None,
            },
            between @ Self::Between { .. } => between,
        }
    }

    /// Whether nothing more is to be read before a pause.
    pub(crate) fn rests(&self) -> bool {
        matches!(
            self,
            Self::Between { rested: true, .. } | Self::Whole { after: None, .. }
        )
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let behind = |after: &Option<String>| match after {
            Some(id) => format!(",\"after\":{id}"),
            None => String::new(),
        };
        let text = match self {
            Self::Between { next_s, rested } => {
                format!("{{\"v\":1,\"next\":{next_s},\"rested\":{rested}}}")
            }
            Self::Within { window, after } => format!(
                "{{\"v\":1,\"from\":{},\"to\":{},\"last\":{}{}}}",
                window.from_s,
                window.to_s,
                window.last,
                behind(after)
            ),
            Self::Whole { pass, after } => {
                format!("{{\"v\":1,\"pass\":{pass}{}}}", behind(after))
            }
        };
        text.into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let read = || {
            let tree = Tree::parse(std::str::from_utf8(bytes).ok()?)?;
            let number = |name: &str| tree.get(name)?.scalar()?.parse::<i64>().ok();
            let flag = |name: &str| match tree.get(name) {
                Some(Tree::Flag(flag)) => Some(*flag),
                _ => None,
            };
            (number("v")? == 1).then_some(())?;
            let after = match tree.get("after") {
                Some(Tree::Number(digits)) => Some((*digits).to_owned()),
                Some(Tree::Text(text)) => Some(crate::tree::quote(text)),
                _ => None,
            };
            if let Some(pass) = number("pass") {
                let pass = u64::try_from(pass).ok()?;
                return Some(Self::Whole { pass, after });
            }
            if let Some(next_s) = number("next") {
                let rested = flag("rested")?;
                return Some(Self::Between { next_s, rested });
            }
            let window = Window {
                from_s: number("from")?,
                to_s: number("to")?,
                last: flag("last")?,
            };
            Some(Self::Within { window, after })
        };
        read().ok_or_else(|| {
            let text = duijie_sdk::http::excerpt(bytes);
            Fault::other(format!("`{text}` is no position of this connector"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back_and_keep_their_bytes() {
        let window = Window {
            from_s: 1_760_000_000,
            to_s: 1_760_003_600,
            last: true,
        };
        let within = |after: Option<&str>| Position::Within {
            window,
            after: after.map(str::to_owned),
        };
        let between = within(None).done();
        for (position, bytes) in [
            (between, r#"{"v":1,"next":1760003600,"rested":true}"#),
            (
                within(None),
                r#"{"v":1,"from":1760000000,"to":1760003600,"last":true}"#,
            ),
            (
                within(Some("100042")),
                r#"{"v":1,"from":1760000000,"to":1760003600,"last":true,"after":100042}"#,
            ),
            (
                within(Some(r#""a\"b""#)),
                r#"{"v":1,"from":1760000000,"to":1760003600,"last":true,"after":"a\"b"}"#,
            ),
            (
                Position::Whole {
                    pass: 3,
                    after: Some("7".to_owned()),
                },
                r#"{"v":1,"pass":3,"after":7}"#,
            ),
            (
                Position::Whole {
                    pass: 3,
                    after: None,
                }
                .done(),
                r#"{"v":1,"pass":4}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(position.to_bytes()).unwrap(), bytes);
            assert_eq!(Position::from_bytes(bytes.as_bytes()), Ok(position));
        }
        for foreign in [
            "",
            "{}",
            r#"{"v":2,"pass":1}"#,
            r#"{"v":1}"#,
            r#"{"v":1,"next":1}"#,
        ] {
            assert!(
                Position::from_bytes(foreign.as_bytes()).is_err(),
                "{foreign}"
            );
        }
    }
}
