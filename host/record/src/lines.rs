//! JSON Lines in one byte list: where each line begins and ends.

/// Iterates over the lines of a batch's data, without their line ends.
/// A line end after the last line is allowed and adds no line.
pub struct Lines<'data> {
    rest: &'data [u8],
}

impl<'data> Lines<'data> {
    pub fn new(data: &'data [u8]) -> Self {
        Self { rest: data }
    }
}

impl<'data> Iterator for Lines<'data> {
    type Item = &'data [u8];

    fn next(&mut self) -> Option<&'data [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line)
    }
}

/// How many lines `data` holds.
pub fn line_count(data: &[u8]) -> usize {
    let ends = memchr::memchr_iter(b'\n', data).count();
    ends + usize::from(data.last().is_some_and(|last| *last != b'\n'))
}

#[cfg(test)]
mod tests {
    use super::{Lines, line_count};

    fn check(data: &str, expected: &[&str]) {
        let lines: Vec<_> = Lines::new(data.as_bytes()).collect();
        let expected: Vec<_> = expected.iter().map(|line| line.as_bytes()).collect();
        assert_eq!(lines, expected);
        assert_eq!(line_count(data.as_bytes()), expected.len());
    }

    #[test]
    fn a_line_end_after_the_last_line_adds_no_line() {
        check("", &[]);
        check("{}", &["{}"]);
        check("{}\n", &["{}"]);
        check("{}\n[]", &["{}", "[]"]);
        check("{}\n\n[]\n", &["{}", "", "[]"]);
    }
}
