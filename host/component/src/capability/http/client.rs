//! One exchange: a request out, a whole answer in, nothing repeated. No
//! proxies, redirects or retries of its own.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect, retry};

use super::{Answer, Filled};
use crate::capability::message::Failure;

const CONNECT: Duration = Duration::from_secs(10);

/// Shorter than servers keep idle connections open, as a rule: a write on a
/// connection that the server just closed ends in doubt.
const IDLE: Duration = Duration::from_secs(20);

const IDLE_PER_HOST: usize = 16;

/// The host's connections; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    plain: Client,
    /// Made at the first `https` request: reading the machine's certificates
    /// takes milliseconds, and a bare machine has none.
    secure: Arc<OnceLock<Result<Client, String>>>,
}

impl Http {
    pub(crate) fn new() -> Result<Self, String> {
        // Fails only where a provider is installed already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let plain = builder().tls_certs_only([]).build().map_err(reason)?;
        Ok(Self {
            plain,
            secure: Arc::new(OnceLock::new()),
        })
    }

    pub(in crate::capability) async fn exchange(
        &self,
        filled: Filled,
        deadline: Duration,
        most_bytes: usize,
    ) -> Result<Answer, Failure> {
        let client = if filled.request.url().scheme() == "https" {
            self.secure()?
        } else {
            &self.plain
        };
        let whole = Box::pin(whole(client, filled, most_bytes));
        tokio::time::timeout(deadline, whole)
            .await
            .unwrap_or_else(|_| {
                Err(Failure::NoAnswer(format!(
                    "no whole answer within {} ms",
                    deadline.as_millis()
                )))
            })
    }

    fn secure(&self) -> Result<&Client, Failure> {
        let made = self
            .secure
            .get_or_init(|| builder().build().map_err(reason));
        made.as_ref().map_err(|reason| {
            Failure::NotSent(format!("no secure connection can be made: {reason}"))
        })
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
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
