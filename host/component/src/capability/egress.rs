//! Where requests of a connection may go: origins that the admin granted.
//! It reads addresses as written; what a name resolves to is not looked at.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use url::{Host, SyntaxViolation, Url};

/// Scheme, host and port, normalised: lower case, punycode, no trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// What one connection may reach.
#[derive(Debug, Clone)]
pub(crate) struct AllowList {
    connection: String,
    /// The file where a missing grant would be written.
    grant_place: String,
    origins: BTreeSet<Origin>,
}

impl AllowList {
    /// `allow` holds origins such as `https://erp.example.com:443`.
    pub(crate) fn new(
        connection: &str,
        grant_place: &str,
        allow: &[String],
    ) -> Result<Self, String> {
        let origins = allow.iter().map(|grant| origin_of_grant(grant));
        Ok(Self {
            connection: connection.to_owned(),
            grant_place: grant_place.to_owned(),
            origins: origins.collect::<Result<_, _>>()?,
        })
    }

    /// The address to call, when it is granted; the error names the grant
    /// that is missing.
    pub(crate) fn check(&self, address: &str) -> Result<Url, String> {
        let (mut url, origin) = parse(address)?;
        if !self.origins.contains(&origin) {
            return Err(format!(
                "origin {origin} is not granted to connection `{}`: add it to `allow` in {} if \
                 this connector should reach it",
                self.connection, self.grant_place
            ));
        }
        url.set_fragment(None);
        Ok(url)
    }
}

fn origin_of_grant(grant: &str) -> Result<Origin, String> {
    let (url, origin) = parse(grant)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "`allow` takes origins, found `{grant}`: write `{origin}`, which grants every path"
        ));
    }
    Ok(origin)
}

/// Refuses whatever one parser might read differently from another.
fn parse(address: &str) -> Result<(Url, Origin), String> {
    let odd = Cell::new(None);
    let note = |violation: SyntaxViolation| match violation {
        // Browsers and servers agree on these; they are percent-encoded or
        // passed on as they are.
        SyntaxViolation::NonUrlCodePoint | SyntaxViolation::PercentDecode => {}
        other => odd.set(Some(other)),
    };
    let parsed = Url::options()
        .syntax_violation_callback(Some(&note))
        .parse(address);
    let mut url = parsed.map_err(|error| format!("address `{address}` is not a URL: {error}"))?;
    // The text may hold credentials, so it is not repeated.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address must not hold a user name or password".to_owned());
    }
    if let Some(odd) = odd.get() {
        return Err(format!("address is written ambiguously: {odd}"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "address `{address}` must begin with `https://` or `http://`"
        ));
    }
    let dotless = match url.host() {
        Some(Host::Domain(name)) => name.strip_suffix('.').map(str::to_owned),
        _ => None,
    };
    if let Some(name) = dotless {
        url.set_host(Some(&name))
            .map_err(|error| format!("address `{address}` is not a URL: {error}"))?;
    }
    let origin = Origin {
        scheme: url.scheme().to_owned(),
        host: url.host_str().unwrap_or_default().to_owned(),
        port: url.port_or_known_default().unwrap_or_default(),
    };
    Ok((url, origin))
}
