//! Where requests of a connection may go, looked at twice: the origin that is
//! asked for, as it is written, and the address that its name resolves to.

mod address;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

pub(super) use address::inner;
use url::{Host, SyntaxViolation, Url};

/// What denials are told under: a filter for logs can name it.
const EVENTS: &str = "duijie::egress";

/// Different denials that are told of one connection; a guest can be refused
/// for ever.
const MOST_TOLD: usize = 64;

/// Longer than any address that a system asks for; servers refuse half of it.
const MOST_ADDRESS: usize = 16 * 1024;

/// Scheme, host and port, normalised: lower case, punycode, no trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: u16,
    /// Where the host is no name.
    address: Option<IpAddr>,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl Origin {
    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == "https"
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The same, by address.
    fn at(&self, address: IpAddr) -> Self {
        Self {
            scheme: self.scheme.clone(),
            host: match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            },
            port: self.port,
            address: Some(address),
        }
    }
}

/// A name leads to addresses that it may not lead to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Denied(String);

/// What one connection may reach.
#[derive(Debug)]
pub(crate) struct AllowList {
    connection: String,
    /// The file where a missing grant would be written.
    grant_place: String,
    origins: BTreeSet<Origin>,
    /// Whether names may lead to addresses that are not public.
    anywhere: bool,
    /// Denials that were told already.
    told: Mutex<BTreeSet<String>>,
}

impl AllowList {
    /// `allow` holds origins such as `https://erp.example.com:443`. One whose
    /// host is an address also grants that address and port to every granted
    /// name that resolves to it.
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
            anywhere: false,
            told: Mutex::default(),
        })
    }

    /// One origin that whoever runs the process named, wherever it leads.
    pub(crate) fn of_operator(place: &str, origin: Origin) -> Self {
        Self {
            connection: place.to_owned(),
            grant_place: place.to_owned(),
            origins: BTreeSet::from([origin]),
            anywhere: true,
            told: Mutex::default(),
        }
    }

    /// The address to call, when it is granted; the error names the grant
    /// that is missing.
    pub(crate) fn check(&self, address: &str) -> Result<(Url, Origin), String> {
        let (mut url, origin) = parse(address).inspect_err(|reason| {
            if self.is_new(reason) {
                let connection = &self.connection;
                tracing::warn!(target: EVENTS, connection, "an address that is none was refused");
            }
        })?;
        if !self.origins.contains(&origin) {
            self.tell(&origin, None, &origin);
            return Err(format!(
                "origin {origin} is not granted to connection `{}`: add it to `allow` in {} if \
                 this connector should reach it",
                self.connection, self.grant_place
            ));
        }
        url.set_fragment(None);
        Ok((url, origin))
    }

    /// Of the addresses that a granted origin leads to, those that may be
    /// connected to: public ones, and those that were granted as addresses.
    pub(crate) fn pass(&self, origin: &Origin, found: &[IpAddr]) -> Result<Vec<IpAddr>, Denied> {
        let mut passed = Vec::new();
        let mut denied = None;
        for &address in found {
            match inner(address) {
                Some(what) if !self.grants(origin, address) => {
                    self.tell(origin, Some(address), &origin.at(address));
                    denied.get_or_insert((address, what));
                }
                _ => passed.push(address),
            }
        }
        match denied {
            Some((address, what)) if passed.is_empty() => Err(Denied(format!(
                "`{}` is at {address}, {what} that is not granted to connection `{}`: add `{}` to \
                 `allow` in {} if this connector should reach it",
                origin.host,
                self.connection,
                origin.at(address),
                self.grant_place
            ))),
            _ => Ok(passed),
        }
    }

    /// Whether an address that is not public was granted on this port. Who
    /// writes `localhost` means this machine; other names are the resolver's.
    fn grants(&self, origin: &Origin, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        let granted = |grant: &Origin| {
            grant.port == origin.port
                && (grant.address == Some(address) || grant.address == Some(plain))
        };
        self.anywhere
            || origin.host == "localhost" && plain.is_loopback()
            || self.origins.iter().any(granted)
    }

    /// Every denial is an event, once.
    fn tell(&self, origin: &Origin, address: Option<IpAddr>, grant: &Origin) {
        let (connection, host) = (&self.connection, &origin.host);
        if self.is_new(&format!("{origin} {address:?}")) {
            let address = address.map(tracing::field::display);
            tracing::warn!(target: EVENTS, connection, host, address, %grant, "a request was refused");
        }
    }

    fn is_new(&self, denial: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST_TOLD && told.insert(denial.to_owned())
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
pub(super) fn parse(address: &str) -> Result<(Url, Origin), String> {
    if address.len() > MOST_ADDRESS {
        return Err(format!("an address has at most {MOST_ADDRESS} bytes"));
    }
    let odd = Cell::new(None);
    let note = |violation: SyntaxViolation| match violation {
        // Browsers and servers agree on these; they are percent-encoded or
        // passed on as they are.
        SyntaxViolation::NonUrlCodePoint | SyntaxViolation::PercentDecode => {}
        other => odd.set(Some(other)),
    };
    let shown = address.escape_debug();
    let parsed = Url::options()
        .syntax_violation_callback(Some(&note))
        .parse(address);
    let mut url = parsed.map_err(|error| format!("address `{shown}` is not a URL: {error}"))?;
    // The text may hold credentials, so it is not repeated.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address must not hold a user name or password".to_owned());
    }
    if let Some(odd) = odd.get() {
        return Err(format!("address is written ambiguously: {odd}"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "address `{shown}` must begin with `https://` or `http://`"
        ));
    }
    let dotless = match url.host() {
        Some(Host::Domain(name)) => name.strip_suffix('.').map(str::to_owned),
        _ => None,
    };
    if let Some(name) = dotless {
        url.set_host(Some(&name))
            .map_err(|error| format!("address `{shown}` is not a URL: {error}"))?;
    }
    let origin = Origin {
        scheme: url.scheme().to_owned(),
        host: url.host_str().unwrap_or_default().to_owned(),
        port: url.port_or_known_default().unwrap_or_default(),
        address: match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        },
    };
    if origin.port == 0 {
        return Err(format!("address `{shown}` has port 0, which nothing is at"));
    }
    Ok((url, origin))
}
