//! Nested JSON values as the dialects want them on the wire and in what is
//! signed. The text's own digits and order stay as they are.

use duijie_sdk::json::{self, Error, Raw};

/// The same JSON in ASCII: everything else as `\u` escapes.
pub(crate) fn ascii(json: &str) -> String {
    if json.is_ascii() {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut units = [0; 2];
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut units) {
            out.push_str("\\u");
            for shift in [12, 8, 4, 0] {
                let digit = u32::from(*unit >> shift & 15);
                out.push(char::from_digit(digit, 16).unwrap_or('0'));
            }
        }
    }
    out
}

/// What 旗舰奇门 signs of a value: members sorted, names and values without
/// anything between them, elements in order, nothing of what is null. A text
/// that is itself an object or list is taken apart; any other stands as it is.
pub(crate) fn flatten(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    if !is_nested(value) || append(Raw(value.trim().as_bytes()), &mut out).is_err() {
        value.clone_into(&mut out);
    }
    out
}

/// Whether a text is one object or list and nothing else.
fn is_nested(text: &str) -> bool {
    let text = text.trim();
    let enclosed = |open, close| text.starts_with(open) && text.ends_with(close);
    (enclosed('{', '}') || enclosed('[', ']'))
        && json::elements(format!("[{text}]").as_bytes())
            .is_ok_and(|found| matches!(found.as_slice(), [only] if only.0 == text.as_bytes()))
}

fn append(raw: Raw<'_>, out: &mut String) -> Result<(), Error> {
    match raw.0.first() {
        Some(b'{') => {
            let mut members = json::members(raw.0)?;
            members.sort_unstable_by(|left, right| left.0.cmp(&right.0));
            for (name, value) in members {
                if !value.is_null() {
                    out.push_str(&name);
                    append(value, out)?;
                }
            }
        }
        Some(b'[') => {
            for element in json::elements(raw.0)? {
                append(element, out)?;
            }
        }
        Some(b'"') => out.push_str(&flatten(&raw.text()?)),
        _ if raw.is_null() => {}
        _ => out.push_str(&raw.text()?),
    }
    Ok(())
}

/// Numbers with a fraction or an exponent become texts of the same digits.
pub(crate) fn fractions_as_text(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => text_length(rest),
            '-' | '0'..='9' => {
                let digits =
                    |byte: u8| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                rest.bytes().position(digits).unwrap_or(rest.len())
            }
            _ => first.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        let is_number = matches!(first, '-' | '0'..='9');
        if is_number && token.contains(['.', 'e', 'E']) {
            out.push('"');
            out.push_str(token);
            out.push('"');
        } else {
            out.push_str(token);
        }
        rest = tail;
    }
    out
}

/// Of a JSON string with its quotes, at the beginning of `text`.
fn text_length(text: &str) -> usize {
    let mut escaped = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if at == 0 => escaped = false,
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{ascii, flatten, fractions_as_text};

    #[test]
    fn escapes_are_those_of_the_vendors_vector() {
        let json = r#"[{"tid":"T1","receiver_name":"张三","num":"1.0000"}]"#;
        let expected = r#"[{"tid":"T1","receiver_name":"\u5f20\u4e09","num":"1.0000"}]"#;
        assert_eq!(ascii(json), expected);
        assert_eq!(ascii("\"😀\""), r#""\ud83d\ude00""#);
    }

    #[test]
    fn what_is_signed_has_sorted_members_and_no_nulls() {
        let check = |value: &str, expected: &str| assert_eq!(flatten(value), expected);
        check(
            r#"{"warehouse_no":"1001","spec_no":null,"start_date":"2020-08-23 00:00:00"}"#,
            "start_date2020-08-23 00:00:00warehouse_no1001",
        );
        check(
            r#"{"b":[{"d":1.50,"c":true},"x",2],"a":"[{\"y\":1}]"}"#,
            "ay1bctrued1.50x2",
        );
        check("2020-09-17 19:22:26", "2020-09-17 19:22:26");
        check("[note] and more", "[note] and more");
        check("{broken}", "{broken}");
    }

    #[test]
    fn fractions_become_texts_and_nothing_else_changes() {
        let json =
            r#"{"a\"1.5":1.50,"b":-2,"c":"3.0","d":[1e3,0.10],"e":null,"张":2756286207594856469}"#;
        let expected = r#"{"a\"1.5":"1.50","b":-2,"c":"3.0","d":["1e3","0.10"],"e":null,"张":2756286207594856469}"#;
        assert_eq!(fractions_as_text(json), expected);
    }
}
