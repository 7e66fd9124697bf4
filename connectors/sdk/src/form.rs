//! `application/x-www-form-urlencoded`, as browsers write it.

/// Each pair encoded once, in the order given.
pub fn encode(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::with_capacity(pairs.iter().map(|(n, v)| n.len() + v.len() + 8).sum());
    for (name, value) in pairs {
        if !body.is_empty() {
            body.push(b'&');
        }
        append(&mut body, name);
        body.push(b'=');
        append(&mut body, value);
    }
    body
}

fn append(body: &mut Vec<u8>, text: &str) {
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => body.push(byte),
            b' ' => body.push(b'+'),
            _ => {
                body.push(b'%');
                body.push(hex_digit(byte >> 4));
                body.push(hex_digit(byte & 15));
            }
        }
    }
}

fn hex_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'A' + value - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn everything_but_plain_characters_is_escaped_once() {
        let body = encode(&[("a", "1 2"), ("b", "发+&=%"), ("c", "~-_.*")]);
        let text = String::from_utf8(body).unwrap();
        assert_eq!(text, "a=1+2&b=%E5%8F%91%2B%26%3D%25&c=%7E-_.*");
    }
}
