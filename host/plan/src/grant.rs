//! Where a connection's requests may go: what the connector asks for, as far
//! as the admin granted it.

use duijie_contract::Description;
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Connection, Document, Node, path};
use url::{Host, Url};

use crate::code;

/// Normalised origins, sorted: those of settings that the connector names
/// (granted by being typed) and those that the connection lists.
pub(crate) fn allow(
    document: &Document<Connection>,
    description: &Description,
    settings: &Node,
    problems: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let listed = listed(document, problems);
    let mut asked = Vec::new();
    for pattern in &description.egress {
        let setting = pattern.strip_prefix('{');
        match setting.and_then(|rest| rest.strip_suffix('}')) {
            Some(setting) => {
                let text = settings.get(setting).and_then(Node::text);
                asked.extend(text.and_then(|text| of_setting(setting, text, document, problems)));
            }
            None => asked.extend(fixed(pattern, &listed, document, description, problems)),
        }
    }
    for (index, origin) in &listed {
        // An address is granted for the names that resolve to it.
        let is_address = Url::parse(origin)
            .is_ok_and(|url| matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))));
        if !is_address && !asked.contains(origin) {
            let message = format!(
                "`allow[{index}]` grants `{origin}`, which connector `{}` does not ask for",
                description.name
            );
            problems.push(
                Diagnostic::warning(code::UNUSED_GRANT, message)
                    .at(document.place(&format!("/allow/{index}")))
                    .hint("remove it if nothing needs it"),
            );
        }
    }
    asked.extend(listed.into_iter().map(|(_, origin)| origin));
    asked.sort_unstable();
    asked.dedup();
    asked
}

/// The connection's own list, with the index of each.
fn listed(document: &Document<Connection>, problems: &mut Vec<Diagnostic>) -> Vec<(usize, String)> {
    let mut origins = Vec::new();
    for (index, text) in document.low.allow.iter().flatten().enumerate() {
        match origin(text).and_then(|origin| bare(text).map(|()| origin)) {
            Ok(origin) => origins.push((index, origin)),
            Err(reason) => problems.push(
                bad_origin(document, &format!("/allow/{index}"), text, &reason)
                    .hint("write an origin: `https://host` or `https://host:port`"),
            ),
        }
    }
    origins
}

fn of_setting(
    setting: &str,
    text: &str,
    document: &Document<Connection>,
    problems: &mut Vec<Diagnostic>,
) -> Option<String> {
    match origin(text) {
        Ok(origin) => Some(origin),
        Err(reason) => {
            problems.push(
                bad_origin(document, &format!("/settings/{setting}"), text, &reason)
                    .hint("write the address as `https://host` or `https://host:port/path`"),
            );
            None
        }
    }
}

/// An origin that is always the same must be granted by name.
fn fixed(
    pattern: &str,
    listed: &[(usize, String)],
    document: &Document<Connection>,
    description: &Description,
    problems: &mut Vec<Diagnostic>,
) -> Option<String> {
    let at = if document.node.get("allow").is_some() {
        document.key_place("/allow")
    } else {
        document.place("/connector")
    };
    let problem = match origin(pattern) {
        Ok(origin) if listed.iter().any(|(_, known)| *known == origin) => return Some(origin),
        Ok(origin) => {
            let message = format!(
                "connector `{}` calls `{origin}`, which this connection does not allow",
                description.name
            );
            Diagnostic::error(code::MISSING_GRANT, message)
                .hint(format!("add `{pattern}` to `allow` in `{}`", document.file))
        }
        Err(reason) => {
            let message = format!(
                "connector `{}` {} asks to call `{pattern}`, {reason}",
                description.name, description.version
            );
            Diagnostic::error(code::BAD_CONNECTOR, message)
                .hint("tell the connector's author, or use another version of it")
        }
    };
    problems.push(problem.at(at));
    None
}

/// `scheme://host:port` of a URL, lower case, the port always written.
pub(crate) fn origin(text: &str) -> Result<String, String> {
    if !text.contains("://") {
        return Err("expected it to begin with `https://` or `http://`".to_owned());
    }
    let url = Url::parse(text.trim()).map_err(|error| format!("which is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme();
        return Err(format!("expected `https` or `http`, found `{scheme}`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected no user name or password in it".to_owned());
    }
    match (url.host_str(), url.port_or_known_default()) {
        (Some(_), Some(0)) => Err("expected a port other than 0".to_owned()),
        (Some(host), Some(port)) if !host.contains('*') => {
            Ok(format!("{}://{host}:{port}", url.scheme()))
        }
        (Some(_), Some(_)) => Err("expected one host, found a pattern".to_owned()),
        _ => Err("expected a host".to_owned()),
    }
}

/// Whether it is an origin and nothing behind it.
fn bare(text: &str) -> Result<(), String> {
    match Url::parse(text.trim()) {
        Ok(url) if url.path() == "/" && url.query().is_none() && url.fragment().is_none() => Ok(()),
        _ => Err("expected nothing behind host and port".to_owned()),
    }
}

/// A password typed into an address is not shown, nor its length by carets.
fn bad_origin(
    document: &Document<Connection>,
    pointer: &str,
    text: &str,
    reason: &str,
) -> Diagnostic {
    let name = path("", pointer);
    if !text.contains('@') {
        let message = format!("`{name}` is `{text}`, {reason}");
        return Diagnostic::error(code::BAD_ORIGIN, message).at(document.place(pointer));
    }
    let key = match pointer.strip_prefix("/allow/") {
        Some(_) => "/allow",
        None => pointer,
    };
    Diagnostic::error(code::BAD_ORIGIN, format!("`{name}` is no origin, {reason}"))
        .at(document.key_place(key))
        .hide(document.place(pointer))
}
