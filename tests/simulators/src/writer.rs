//! Writes JSON the way each Wangdiantong dialect does: numbers quoted in A, bare in B, the same digits in both.

use crate::config::Dialect;

pub(crate) struct Writer {
    out: Vec<u8>,
    dialect: Dialect,
}

impl Writer {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            out: Vec::with_capacity(6 * 1024),
            dialect,
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// `{`…`}` with the members that `body` writes.
    pub(crate) fn object(&mut self, body: impl FnOnce(&mut Self)) {
        self.separate();
        self.out.push(b'{');
        body(self);
        self.out.push(b'}');
    }

    pub(crate) fn list<T>(&mut self, key: &str, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.key(key);
        self.out.push(b'[');
        for item in items {
            self.object(|writer| each(writer, item));
        }
        self.out.push(b']');
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.string(value);
    }

    pub(crate) fn texts(&mut self, members: &[(&str, &str)]) {
        for (key, value) in members {
            self.text(key, value);
        }
    }

    /// A number by its digits; quoted in dialect A.
    pub(crate) fn number(&mut self, key: &str, digits: &str) {
        self.key(key);
        match self.dialect {
            Dialect::Direct => self.string(digits),
            Dialect::Qimen => self.out.extend_from_slice(digits.as_bytes()),
        }
    }

    pub(crate) fn integer(&mut self, key: &str, value: u64) {
        self.number(key, &value.to_string());
    }

    pub(crate) fn integers(&mut self, members: &[(&str, u64)]) {
        for (key, value) in members {
            self.integer(key, *value);
        }
    }

    /// Ten-thousandths, always with four decimals.
    pub(crate) fn decimal(&mut self, key: &str, ten_thousandths: i64) {
        self.number(key, &decimal(ten_thousandths));
    }

    pub(crate) fn decimals(&mut self, members: &[(&str, i64)]) {
        for (key, value) in members {
            self.decimal(key, *value);
        }
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.string(key);
        self.out.push(b':');
    }

    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    fn string(&mut self, value: &str) {
        string(&mut self.out, value);
    }
}

/// A JSON string with quotes, as both vendors write it: Chinese raw, control characters escaped.
pub(crate) fn string(out: &mut Vec<u8>, value: &str) {
    // Writing to memory cannot fail.
    _ = serde_json::to_writer(out, value);
}

/// `25.5000` for 255000.
pub(crate) fn decimal(ten_thousandths: i64) -> String {
    let sign = if ten_thousandths < 0 { "-" } else { "" };
    let digits = ten_thousandths.unsigned_abs();
    format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000)
}

#[cfg(test)]
mod tests {
    use super::Writer;
    use crate::config::Dialect;

    fn check(dialect: Dialect, expected: &str) {
        let mut writer = Writer::new(dialect);
        writer.object(|writer| {
            writer.text("no", "a\"b");
            writer.decimal("price", 255_000);
            writer.list("lines", &[1_u64, 2], |writer, line| {
                writer.integer("id", *line)
            });
            writer.integer("last", 7);
        });
        assert_eq!(String::from_utf8(writer.finish()).unwrap(), expected);
    }

    #[test]
    fn numbers_are_quoted_in_a_and_bare_in_b() {
        check(
            Dialect::Direct,
            r#"{"no":"a\"b","price":"25.5000","lines":[{"id":"1"},{"id":"2"}],"last":"7"}"#,
        );
        check(
            Dialect::Qimen,
            r#"{"no":"a\"b","price":25.5000,"lines":[{"id":1},{"id":2}],"last":7}"#,
        );
    }
}
