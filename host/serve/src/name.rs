//! A tenant's name, which is also that of its folder and the beginning of its
//! scopes: nothing in it can mean another place.

use std::fmt;

use crate::Error;

const LONGEST: usize = 63;

/// Lower-case letters, digits and `-`, at most 63, the first no `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName(String);

impl TenantName {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = text.bytes().next().is_some_and(plain)
            && text.len() <= LONGEST
            && text.bytes().all(|byte| plain(byte) || byte == b'-');
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::Name(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
