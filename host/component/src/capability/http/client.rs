//! One exchange: a request out, a whole answer in, nothing repeated. No
//! proxies, redirects or retries of its own.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, StatusCode, redirect, retry};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt as _;

use super::resolve::{Checked, Resolver, SystemResolver};
use super::{Answer, Filled};
use crate::capability::egress::{AllowList, Denied, Origin};
use crate::capability::message::Failure;

const CONNECT: Duration = Duration::from_secs(10);

/// Shorter than servers keep idle connections open, as a rule: a write on a
/// connection that the server just closed ends in doubt.
const IDLE: Duration = Duration::from_secs(20);

const IDLE_PER_HOST: usize = 16;

/// What all connections share; cheap to clone.
#[derive(Clone)]
pub(crate) struct Http {
    resolver: Arc<dyn Resolver>,
    /// Made at the first `https` request: reading the machine's certificates
    /// takes milliseconds, and a bare machine has none.
    secure: Arc<OnceLock<Result<ClientConfig, String>>>,
}

impl Http {
    pub(crate) fn new() -> Self {
        Self::resolving(Arc::new(SystemResolver))
    }

    pub(in crate::capability) fn resolving(resolver: Arc<dyn Resolver>) -> Self {
        // Fails only where a provider is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            resolver,
            secure: Arc::default(),
        }
    }

    fn secure(&self) -> Result<ClientConfig, String> {
        let made = self.secure.get_or_init(|| {
            let mut config =
                ClientConfig::with_platform_verifier().map_err(|error| error.to_string())?;
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok(config)
        });
        made.clone()
    }
}

/// One connection's clients, one for each granted origin, made when it is
/// first called. Nothing is kept open for two connections: an address may be
/// granted to one of them only.
pub(in crate::capability) struct Clients {
    http: Http,
    allow: Arc<AllowList>,
    made: Mutex<BTreeMap<Origin, Client>>,
}

impl Clients {
    pub(in crate::capability) fn new(http: Http, allow: Arc<AllowList>) -> Self {
        Self {
            http,
            allow,
            made: Mutex::default(),
        }
    }

    /// The request goes to `origin`, which was granted.
    pub(in crate::capability) async fn exchange(
        &self,
        filled: Filled,
        origin: &Origin,
        deadline: Duration,
        most_bytes: usize,
    ) -> Result<Answer, Failure> {
        // A client asks no resolver for an address.
        if let Some(address) = origin.address() {
            let passed = self.allow.pass(origin, &[address]);
            passed.map_err(|denied| Failure::NotSent(denied.to_string()))?;
        }
        let client = self.client(origin)?;
        let whole = Box::pin(whole(&client, filled, most_bytes));
        tokio::time::timeout(deadline, whole)
            .await
            .unwrap_or_else(|_| {
                Err(Failure::NoAnswer(format!(
                    "no whole answer within {} ms",
                    deadline.as_millis()
                )))
            })
    }

    fn client(&self, origin: &Origin) -> Result<Client, Failure> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(origin) {
            return Ok(known.clone());
        }
        let builder = builder().dns_resolver(Checked {
            origin: origin.clone(),
            allow: self.allow.clone(),
            resolver: self.http.resolver.clone(),
        });
        let builder = match origin.is_secure() {
            true => self
                .http
                .secure()
                .map(|config| builder.tls_backend_preconfigured(config)),
            false => Ok(builder.tls_certs_only([])),
        };
        let client = builder.and_then(|builder| builder.build().map_err(reason));
        let client = client.map_err(|reason| {
            Failure::NotSent(format!("no connection to {origin} can be made: {reason}"))
        })?;
        made.insert(origin.clone(), client.clone());
        Ok(client)
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        // What is left is hyper's own second try of a request of which no
        // byte was written, because its pooled connection was closed.
        .retry(retry::never())
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
}

async fn whole(client: &Client, filled: Filled, most_bytes: usize) -> Result<Answer, Failure> {
    let sent = client.execute(filled.request).await;
    let mut response = sent.map_err(|error| {
        // Connecting comes before the first byte of a request.
        if error.is_connect() {
            Failure::NotSent(reason(error))
        } else if error.is_builder() {
            Failure::Other(reason(error))
        } else {
            Failure::NoAnswer(reason(error))
        }
    })?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let reason = "the system changed to another protocol, which was not asked for";
        return Err(Failure::NoAnswer(reason.to_owned()));
    }
    let too_large = || Failure::NoAnswer(format!("the answer is larger than {most_bytes} bytes"));
    let announced = response.content_length().unwrap_or_default();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > most_bytes {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(announced);
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(|error| Failure::NoAnswer(reason(error)))? {
            None => break,
            Some(chunk) if body.len() + chunk.len() > most_bytes => return Err(too_large()),
            Some(chunk) => body.extend_from_slice(&chunk),
        }
    }
    Ok(Answer {
        status: response.status().as_u16(),
        headers: std::mem::take(response.headers_mut()),
        body,
    })
}

/// The whole chain of causes, without the address, which the caller knows.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<Denied>() {
            return inner.to_string();
        }
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
