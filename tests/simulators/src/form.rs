//! Form parameters as the Wangdiantong servers read them: decoded once, each key once, in byte order.

use percent_encoding::percent_decode_str;

pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` texts (query and body together); the error names the fault.
    pub(crate) fn parse(parts: &[&str]) -> Result<Self, String> {
        let mut pairs = Vec::new();
        for pair in parts
            .iter()
            .flat_map(|part| part.split('&'))
            .filter(|pair| !pair.is_empty())
        {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(key)?, decode(value)?));
        }
        Self::of(pairs)
    }

    /// Pairs that were decoded elsewhere.
    pub(crate) fn of(mut pairs: Vec<(String, String)>) -> Result<Self, String> {
        pairs.sort();
        let twice = pairs
            .windows(2)
            .find(|pair| matches!(pair, [(left, _), (right, _)] if left == right));
        match twice.and_then(<[_]>::first) {
            Some((key, _)) => Err(format!("参数{key}重复")),
            None => Ok(Self(pairs)),
        }
    }

    /// A parameter's value; empty values count as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let at = self
            .0
            .binary_search_by(|(name, _)| name.as_str().cmp(key))
            .ok()?;
        self.0
            .get(at)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The pairs that are signed: all but `sign`, sorted.
    pub(crate) fn signed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(key, _)| key != "sign")
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    pub(crate) fn empty_value(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(_, value)| value.is_empty())
            .map(|(key, _)| key.as_str())
    }
}

fn decode(text: &str) -> Result<String, String> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err("参数不是UTF-8编码".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn plus_is_a_space_and_escapes_are_utf8() {
        let form = Form::parse(&["b=2025-10-09+11%3A00%3A00&a=%E5%BC%A0%2B", "c=x"]).unwrap();
        assert_eq!(form.get("b"), Some("2025-10-09 11:00:00"));
        assert_eq!(form.get("a"), Some("张+"));
        let keys: Vec<&str> = form.signed().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a", "b", "c"]);
    }

    #[test]
    fn a_repeated_key_and_broken_utf8_are_refused() {
        assert!(Form::parse(&["a=1", "a=2"]).is_err());
        assert!(Form::parse(&["a=%FF"]).is_err());
    }
}
