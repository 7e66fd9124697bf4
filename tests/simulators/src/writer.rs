//! Writes JSON the way each Wangdiantong dialect does: numbers quoted in A, bare in B, now this and now that in
//! C and D, where some times are milliseconds too; the same digits in all.

use crate::clock::parse_china;
use crate::config::Dialect;
use crate::node::Node;

/// Times that 旗舰版 tells as milliseconds.
const MILLISECONDS: [&str; 4] = ["trade_time", "pay_time", "created", "stock_check_time"];

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
        if self.dialect.is_flagship()
            && MILLISECONDS.contains(&key)
            && let Some(seconds) = parse_china(value)
        {
            let digits = (seconds * 1000).to_string();
            self.out.extend_from_slice(digits.as_bytes());
        } else {
            self.string(value);
        }
    }

    /// The members of an object that was kept as it is.
    pub(crate) fn members(&mut self, members: &[(String, Node)]) {
        for (key, value) in members {
            match value {
                Node::Text(text) => self.text(key, text),
                Node::Number(digits) => self.number(key, digits),
                Node::List(items) => {
                    self.list(key, items, |writer, item| writer.members(item.members()));
                }
                other => {
                    self.key(key);
                    other.write(&mut self.out);
                }
            }
        }
    }

    pub(crate) fn texts(&mut self, members: &[(&str, &str)]) {
        for (key, value) in members {
            self.text(key, value);
        }
    }

    /// A number by its digits; quoted in dialect A, and some decimals in C and D.
    pub(crate) fn number(&mut self, key: &str, digits: &str) {
        self.key(key);
        // As in the vendor's samples, decimals of 旗舰版 are texts in one field and numbers in the next.
        let mixed =
            self.dialect.is_flagship() && digits.contains('.') && key.len().is_multiple_of(2);
        if self.dialect == Dialect::Direct || mixed {
            self.string(digits);
        } else {
            self.out.extend_from_slice(digits.as_bytes());
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

    #[test]
    fn the_flagship_mixes_texts_and_numbers() {
        let mut writer = Writer::new(Dialect::Flagship);
        writer.object(|writer| {
            writer.decimal("paid", 90_000);
            writer.decimal("price", 255_000);
            writer.texts(&[
                ("created", "2025-10-09 11:00:00"),
                ("modified", "2025-10-09 11:00:00"),
            ]);
        });
        let expected = r#"{"paid":"9.0000","price":25.5000,"created":1759978800000,"modified":"2025-10-09 11:00:00"}"#;
        assert_eq!(String::from_utf8(writer.finish()).unwrap(), expected);
    }
}
