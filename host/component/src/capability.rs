//! Everything that a guest may reach: requests to granted origins, digests
//! over secrets, leased sessions, the time. Secrets stay on this side. It
//! knows nothing of wasm; adapters turn guest values into these and back.

mod egress;
mod evidence;
mod http;
mod mask;
mod message;
mod outbound;
mod reach;
mod recipe;
mod secret;
mod session;

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use duijie_contract::{Mode, Preview};

use crate::budget::{Account, Payer};
use egress::AllowList;
use http::Clients;
pub(crate) use http::Http;
use mask::Masker;
pub(crate) use message::{Capture, Encoding, Failure, Piece, Place, Purpose, Request, Response};
pub use outbound::{Endpoint, Outbound, Posted, Unsent, Webhook};
pub(crate) use reach::{PREVIEW, Reach};
pub(crate) use recipe::{Recipe, Recipes};
pub use secret::{
    Closed, DataKeys, Kept, Key, Keys, MOST_VALUE, OWN, Provider, Secret, SecretError, Secrets,
    Vault, check_name,
};
pub(crate) use session::{Pool, Sessions};

/// Captured values that answers are still searched for.
const MOST_CAPTURED: usize = 32;

/// Previews kept until someone takes them.
const MOST_PREVIEWS: usize = 64;

/// The host's time; injected, so that runs replay.
pub trait Clock: Send + Sync {
    /// Unix milliseconds.
    fn now_ms(&self) -> u64;

    /// Ends when so much time has passed.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From the first byte out to the last byte in; also the default.
    pub(crate) deadline: Duration,
    pub(crate) request_bytes: usize,
    pub(crate) answer_bytes: usize,
    /// Requests of one `send_many` in flight.
    pub(crate) at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            request_bytes: 16 * 1024 * 1024,
            answer_bytes: 32 * 1024 * 1024,
            at_once: 8,
        }
    }
}

/// One connection, resolved.
pub(crate) struct CapabilityOptions {
    /// The connection's name, for messages.
    pub(crate) connection: String,
    /// By the name of the setting, not of the secret.
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// Plain settings as text; numbers with the digits as written.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) recipes: Recipes,
    /// Origins such as `https://erp.example.com:443`.
    pub(crate) allow: Vec<String>,
    /// The file where a missing grant would be written.
    pub(crate) grant_place: String,
    pub(crate) sessions: Pool,
    pub(crate) mode: Mode,
    pub(crate) limits: Limits,
    /// Requests that leave within a minute, at most; 0 is no limit.
    pub(crate) calls_per_minute: u32,
    pub(crate) http: Http,
    pub(crate) account: Account,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CapabilityError {
    #[error("connection `{connection}`: {reason}")]
    Allow { connection: String, reason: String },
    #[error(
        "connection `{connection}`: secret setting `{setting}` is too short: at least {} bytes are \
         needed, since a shorter value cannot be told from data and kept out of answers",
        mask::SHORTEST
    )]
    ShortSecret { connection: String, setting: String },
    #[error("connection `{connection}`: secret setting `{setting}` has over {MOST_VALUE} bytes")]
    LongSecret { connection: String, setting: String },
}

/// What the instances that use one connection share.
pub(crate) struct Capability {
    secrets: BTreeMap<String, Secret>,
    settings: BTreeMap<String, String>,
    recipes: Recipes,
    allow: Arc<AllowList>,
    sessions: Pool,
    mode: Mode,
    limits: Limits,
    payer: Payer,
    clients: Clients,
    /// Finds the secrets of the connection, and no captured value.
    own: Arc<Masker>,
    hidden: Mutex<Hidden>,
    previews: Mutex<Vec<Preview>>,
}

/// What answers are searched for.
struct Hidden {
    captured: VecDeque<Secret>,
    masker: Arc<Masker>,
}

impl Capability {
    pub(crate) fn new(options: CapabilityOptions) -> Result<Arc<Self>, CapabilityError> {
        let connection = options.connection;
        let allow = AllowList::new(&connection, &options.grant_place, &options.allow);
        let allow = Arc::new(allow.map_err(|reason| CapabilityError::Allow {
            connection: connection.clone(),
            reason,
        })?);
        for (setting, secret) in &options.secrets {
            let bytes = secret.expose().len();
            if bytes < mask::SHORTEST {
                return Err(CapabilityError::ShortSecret {
                    connection,
                    setting: setting.clone(),
                });
            }
            if bytes > MOST_VALUE {
                return Err(CapabilityError::LongSecret {
                    connection,
                    setting: setting.clone(),
                });
            }
            if bytes < 8 {
                tracing::warn!(
                    connection,
                    setting,
                    "secret is shorter than 8 bytes: data that equals it is masked"
                );
            }
        }
        let masker = Arc::new(Masker::new(options.secrets.values()));
        let secrets = options.secrets.iter();
        let settings = options.settings.iter();
        let payer = Payer::new(
            options.account,
            options.calls_per_minute,
            secrets.map(|(setting, secret)| (setting.as_str(), secret.expose())),
            settings.map(|(setting, value)| (setting.as_str(), value.as_str())),
        );
        Ok(Arc::new(Self {
            secrets: options.secrets,
            settings: options.settings,
            recipes: options.recipes,
            clients: Clients::new(options.http, allow.clone()),
            allow,
            sessions: options.sessions,
            mode: options.mode,
            limits: options.limits,
            payer,
            own: masker.clone(),
            hidden: Mutex::new(Hidden {
                captured: VecDeque::new(),
                masker,
            }),
            previews: Mutex::new(Vec::new()),
        }))
    }

    /// The writes that previews kept, oldest first, and forgets them.
    pub(crate) fn take_previews(&self) -> Vec<Preview> {
        let mut previews = self.previews.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *previews)
    }

    fn keep_preview(&self, preview: Preview) {
        let mut previews = self.previews.lock().unwrap_or_else(PoisonError::into_inner);
        if previews.len() < MOST_PREVIEWS {
            previews.push(preview);
        }
    }

    fn masker(&self) -> Arc<Masker> {
        let hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.masker.clone()
    }

    /// Makes sure that these values are hidden from now on.
    fn hide<'a>(&self, values: impl IntoIterator<Item = &'a Secret>) {
        let mut hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        let mut grown = false;
        for value in values {
            let known = |other: &Secret| other.expose() == value.expose();
            if hidden.captured.iter().any(known) {
                continue;
            }
            hidden.captured.push_back(value.clone());
            if hidden.captured.len() > MOST_CAPTURED {
                hidden.captured.pop_front();
            }
            grown = true;
        }
        if grown {
            let all = self.secrets.values().chain(&hidden.captured);
            hidden.masker = Arc::new(Masker::new(all));
        }
    }
}

/// The known name that was likely meant, when one is near.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    known
        .map(|known| (strsim::levenshtein(name, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, known)| known)
}
