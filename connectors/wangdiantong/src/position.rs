//! Where reading goes on: this connector's own bytes, compact JSON with a
//! format version. Everything that a window's pages depend on is in it, so
//! that a change of settings never moves pages under a window half read.

use duijie_sdk::Fault;
use duijie_sdk::json::{self, Raw};

use crate::window::Window;

const VERSION: i64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// Everything before `next_s` was read. `rested`: the run before ended
    /// here because nothing more was there, so the next one goes back by the
    /// overlap.
    Between { next_s: i64, rested: bool },
    /// Pages above `page` of the window were read, `page` to 0 were not.
    Within(Within),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Within {
    pub(crate) window: Window,
    pub(crate) page_size: u32,
    /// Records in the window when it was opened.
    pub(crate) total: u64,
    pub(crate) page: u64,
    /// Pages are read one by one, as records left the window while several
    /// were read at once.
    pub(crate) singly: bool,
    /// Pages are read from the first to a short one, as nothing tells how many
    /// there are; `total` is 0.
    pub(crate) forward: bool,
}

impl Position {
    pub(crate) fn after(window: Window) -> Self {
        Position::Between {
            next_s: window.to_s + 1,
            rested: window.last,
        }
    }

    /// Reading goes on at the window's last page.
    pub(crate) fn at_last_page(window: Window, page_size: u32, total: u64) -> Self {
        let pages = total.div_ceil(u64::from(page_size.max(1)));
        Position::Within(Within {
            window,
            page_size,
            total,
            page: pages.saturating_sub(1),
            singly: false,
            forward: false,
        })
    }

    /// Reading goes on at `page`, and how many follow is not known.
    pub(crate) fn forward(window: Window, page_size: u32, page: u64) -> Self {
        Position::Within(Within {
            window,
            page_size,
            total: 0,
            page,
            singly: false,
            forward: true,
        })
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let v = VERSION;
        let text = match self {
            Position::Between { next_s, rested } => {
                format!(r#"{{"v":{v},"next":{next_s},"rested":{rested}}}"#)
            }
            Position::Within(within) => {
                let Window { from_s, to_s, last } = within.window;
                let (size, total, page) = (within.page_size, within.total, within.page);
                let singly = if within.singly {
                    r#","singly":true"#
                } else {
                    ""
                };
                let forward = if within.forward {
                    r#","forward":true"#
                } else {
                    ""
                };
                format!(
                    r#"{{"v":{v},"from":{from_s},"to":{to_s},"last":{last},"size":{size},"total":{total},"page":{page}{singly}{forward}}}"#
                )
            }
        };
        text.into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let field = |name: &str| json::field(bytes, name).ok().flatten();
        match field("v").and_then(Raw::integer) {
            Some(VERSION) => read(field).ok_or_else(|| unreadable(bytes)),
            Some(found) => Err(Fault::other(format!(
                "the position has format {found}, and this version of the connector knows {VERSION}"
            ))),
            None => Err(unreadable(bytes)),
        }
    }
}

fn read<'a>(field: impl Fn(&str) -> Option<Raw<'a>>) -> Option<Position> {
    let number = |name: &str| field(name)?.integer();
    let is = |name: &str| match field(name)?.0 {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    };
    if let Some(next_s) = number("next") {
        let rested = is("rested")?;
        return Some(Position::Between { next_s, rested });
    }
    let window = Window {
        from_s: number("from")?,
        to_s: number("to")?,
        last: is("last")?,
    };
    let page_size = u32::try_from(number("size")?)
        .ok()
        .filter(|size| *size > 0)?;
    Some(Position::Within(Within {
        window,
        page_size,
        total: number("total")?.try_into().ok()?,
        page: number("page")?.try_into().ok()?,
        singly: is("singly").unwrap_or_default(),
        forward: is("forward").unwrap_or_default(),
    }))
}

fn unreadable(bytes: &[u8]) -> Fault {
    let text = duijie_sdk::http::excerpt(bytes);
    Fault::other(format!("`{text}` is no position of this connector"))
}

#[cfg(test)]
mod tests {
    use super::{Position, Within};
    use crate::window::Window;

    #[test]
    fn positions_read_back_and_keep_their_bytes() {
        let window = Window {
            from_s: 1_760_000_000,
            to_s: 1_760_003_599,
            last: true,
        };
        for (position, bytes) in [
            (
                Position::after(window),
                r#"{"v":1,"next":1760003600,"rested":true}"#,
            ),
            (
                Position::Within(Within {
                    window,
                    page_size: 100,
                    total: 201,
                    page: 2,
                    singly: false,
                    forward: false,
                }),
                r#"{"v":1,"from":1760000000,"to":1760003599,"last":true,"size":100,"total":201,"page":2}"#,
            ),
            (
                Position::Within(Within {
                    window,
                    page_size: 100,
                    total: 201,
                    page: 2,
                    singly: true,
                    forward: false,
                }),
                r#"{"v":1,"from":1760000000,"to":1760003599,"last":true,"size":100,"total":201,"page":2,"singly":true}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(position.to_bytes()).unwrap(), bytes);
            assert_eq!(Position::from_bytes(bytes.as_bytes()), Ok(position));
        }
    }

    #[test]
    fn foreign_bytes_are_no_position() {
        for (bytes, expected) in [
            ("", "no position"),
            ("{}", "no position"),
            (r#"{"v":1}"#, "no position"),
            (r#"{"v":2,"next":1,"rested":true}"#, "format 2"),
            (
                r#"{"v":1,"from":1,"to":2,"last":true,"size":0,"total":1,"page":0}"#,
                "no position",
            ),
        ] {
            let fault = format!("{:?}", Position::from_bytes(bytes.as_bytes()).unwrap_err());
            assert!(fault.contains(expected), "{fault}");
        }
    }
}
