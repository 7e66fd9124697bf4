//! A message of the host's own to a webhook of somebody, under the same rules
//! as requests of a guest: two looks at where it goes, no redirects, no second
//! try. Its address is a secret, since robots' addresses hold their key.
//! Whoever runs the process has an endpoint instead, wherever it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use url::Url;

use super::egress::{AllowList, Origin, inner, parse};
use super::http::{Clients, Filled, Http};
use super::mask::Masker;
use super::secret::Secret;

/// From the first byte out to the last byte in.
const DEADLINE: Duration = Duration::from_secs(10);
const MOST_ANSWER: usize = 64 << 10;

/// What all webhooks share; cheap to clone.
#[derive(Clone)]
pub struct Outbound(Http);

/// One receiver.
pub struct Webhook {
    clients: Clients,
    url: Url,
    origin: Origin,
    masker: Masker,
}

/// A receiver that whoever runs the process named; its address is no secret.
pub struct Endpoint {
    clients: Clients,
    url: Url,
    origin: Origin,
}

/// An answer, with nothing of the address in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why no answer came. It holds nothing of the address but its origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsent(String);

impl Outbound {
    #[allow(clippy::new_without_default)] // It installs a provider of TLS.
    pub fn new() -> Self {
        Self(Http::new())
    }

    /// `allow` holds the origins that it may be at although they are not of the
    /// public internet or do not speak `https`; it stands in `place`.
    pub fn webhook(&self, place: &str, url: &Secret, allow: &[String]) -> Result<Webhook, Unsent> {
        // The reasons repeat what was written.
        let read = parse(url.expose());
        let (url, origin) = read.map_err(|_| {
            Unsent("the secret in `url` is no address: expected `https://…`".to_owned())
        })?;
        let mut origins = allow.to_vec();
        let granted: Result<Vec<_>, _> = allow.iter().map(|grant| parse(grant)).collect();
        let granted = granted.map_err(Unsent)?;
        if !granted.iter().any(|(_, grant)| *grant == origin) {
            let own = origin.host() == "localhost";
            let own = own
                || origin
                    .address()
                    .is_some_and(|address| inner(address).is_some());
            if own || !origin.is_secure() {
                return Err(Unsent(format!(
                    "{origin} is not of the public internet or does not speak `https`: add \
                     `{origin}` to `allow` in {place} if messages should go there"
                )));
            }
            origins.push(origin.to_string());
        }
        let list = AllowList::new("alerts", place, &origins).map_err(Unsent)?;
        Ok(Webhook {
            clients: Clients::new(self.0.clone(), Arc::new(list)),
            masker: masker(&url),
            url,
            origin,
        })
    }
}

impl Outbound {
    /// `place` is where the address is written.
    pub fn endpoint(&self, place: &str, url: &str) -> Result<Endpoint, Unsent> {
        let (url, origin) = parse(url).map_err(Unsent)?;
        let list = AllowList::of_operator(place, origin.clone());
        Ok(Endpoint {
            clients: Clients::new(self.0.clone(), Arc::new(list)),
            url,
            origin,
        })
    }
}

impl Endpoint {
    /// Once, as what its form is called.
    pub async fn post(&self, form: &'static str, body: Bytes) -> Result<Posted, Unsent> {
        let filled = Filled::posted(self.url.clone(), form, body);
        let exchange = self
            .clients
            .exchange(filled, &self.origin, DEADLINE, MOST_ANSWER);
        let answer = exchange
            .await
            .map_err(|failure| Unsent(failure.to_string()))?;
        let answer = answer.masked(&Masker::new([]));
        Ok(Posted {
            status: answer.status,
            body: answer.body,
        })
    }
}

impl Webhook {
    /// JSON, once. `query` is encoded already, and goes behind that of the
    /// address.
    pub async fn post(&self, query: Option<&str>, body: Vec<u8>) -> Result<Posted, Unsent> {
        let mut url = self.url.clone();
        if let Some(query) = query {
            let whole = match url.query().filter(|query| !query.is_empty()) {
                Some(before) => format!("{before}&{query}"),
                None => query.to_owned(),
            };
            url.set_query(Some(&whole));
        }
        let filled = Filled::json(url, body);
        let exchange = self
            .clients
            .exchange(filled, &self.origin, DEADLINE, MOST_ANSWER);
        match exchange.await {
            Ok(answer) => {
                let answer = answer.masked(&self.masker);
                Ok(Posted {
                    status: answer.status,
                    body: answer.body,
                })
            }
            Err(failure) => Err(Unsent(failure.masked(&self.masker).to_string())),
        }
    }
}

/// Parts of the addresses of robots that are no key. Answers have them as words
/// of their own.
const WORDS: [&str; 18] = [
    "alert",
    "alerts",
    "cgi-bin",
    "hook",
    "hooks",
    "message",
    "messages",
    "notify",
    "open-apis",
    "robot",
    "send",
    "code",
    "data",
    "services",
    "text",
    "true",
    "webhook",
    "webhooks",
];

/// Hides the parts of an address that may be its key: of the path, values of
/// the query, and names of the query that have none.
fn masker(url: &Url) -> Masker {
    let segments = url.path_segments().into_iter().flatten();
    let plain = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let segments = segments.flat_map(|segment| [segment.to_owned(), plain(segment)]);
    let query = url
        .query_pairs()
        .map(|(name, value)| match value.is_empty() {
            true => name.into_owned(),
            false => value.into_owned(),
        });
    let keys = segments.chain(query);
    let keys = keys.filter(|key| !WORDS.contains(&key.as_str()));
    let keys: Vec<Secret> = keys.map(Secret::new).collect();
    Masker::new(keys.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str, allow: &[&str]) -> Result<Webhook, Unsent> {
        let allow: Vec<String> = allow.iter().map(|text| (*text).to_owned()).collect();
        Outbound::new().webhook("tenant.yaml", &Secret::new(url.to_owned()), &allow)
    }

    #[track_caller]
    fn check_refused(url: &str, allow: &[&str], reason: &str) {
        let error = webhook(url, allow).err().unwrap().to_string();
        assert!(error.contains(reason), "{url}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }

    #[test]
    fn an_address_of_the_public_internet_needs_no_grant_and_others_do() {
        webhook("https://robot.example/send?key=hush", &[]).unwrap();
        webhook("https://8.8.8.8/hush", &[]).unwrap();
        webhook("http://127.0.0.1:9/hush", &["http://127.0.0.1:9"]).unwrap();
        for url in [
            "http://robot.example/hush",
            "https://localhost/hush",
            "https://127.0.0.1/hush",
            "https://0x7f.1/hush",
            "https://169.254.169.254/hush",
            "https://[::1]/hush",
            "https://[::ffff:10.0.0.1]/hush",
            "http://127.0.0.1:10/hush",
        ] {
            check_refused(url, &["http://127.0.0.1:9"], "to `allow` in tenant.yaml");
        }
        for url in ["hush", "ftp://robot.example/hush", "https://a@b/hush", ""] {
            check_refused(url, &[], "is no address");
        }
        check_refused("https://robot.example/", &["nothing"], "is not a URL");
    }

    #[test]
    fn whatever_of_an_address_may_be_a_key_is_hidden() {
        let url =
            "https://robot.example/open-apis/bot/v2/hook/k3y/ab-12%2Fcd?key=s3cr&t0ken&type=text";
        let masker = masker(&Url::parse(url).unwrap());
        for key in ["ab-12%2Fcd", "ab-12/cd", "s3cr", "t0ken"] {
            let text = format!("sent with {key}: no");
            assert_eq!(masker.mask_text(&text), "sent with ***: no");
        }
        // Words that answers have, and what is too short to be told from data.
        for plain in [
            r#"{"errcode":0,"errmsg":"send: hook of robot"}"#,
            "text",
            "v2",
            "k3y",
        ] {
            assert_eq!(masker.mask_text(plain), plain);
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_when_it_is_called() {
        // Names below `localhost` are loopback for every resolver that knows them.
        let hook = webhook("https://robot.localhost/hush-hush-hush", &[]).unwrap();
        let error = hook.post(None, b"{}".to_vec()).await.unwrap_err();
        assert!(error.to_string().starts_with("not sent: "), "{error}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
