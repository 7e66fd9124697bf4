//! Who comes in: a token's role for a tenant, so many failures an address and
//! minute, and a line in the audit log.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};

use crate::audit::{Audit, Deed};
use crate::http::problem::Problem;
use crate::token::{EVERY, Role, Token, Tokens};

/// Wrong tokens that one address may send in a minute.
const FAILURES: u32 = 10;
const WINDOW_MS: u64 = 60_000;
/// Addresses that are remembered; beyond it none fails more than once.
const MOST: usize = 10_000;

pub(crate) struct Door {
    pub(crate) tokens: Tokens,
    pub(crate) audit: Audit,
    pub(crate) now_ms: fn() -> u64,
    /// By address and, where it is one, the id that was tried.
    failures: Mutex<HashMap<(IpAddr, String), (u64, u32)>>,
}

/// A request's sender, before anything is believed of it.
pub(crate) struct Who {
    from: IpAddr,
    token: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let from = address.map_or(IpAddr::from([0, 0, 0, 0]), |address| address.0.ip());
        let header = parts.headers.get(header::AUTHORIZATION);
        let text = header.and_then(|value| value.to_str().ok());
        let token = text
            .and_then(|text| text.split_once(' '))
            .and_then(|(scheme, token)| {
                scheme
                    .eq_ignore_ascii_case("bearer")
                    .then(|| token.trim().to_owned())
            });
        Ok(Self { from, token })
    }
}

/// What somebody wants to do.
pub(crate) struct Wish<'a> {
    /// `None` for what is of no tenant.
    pub(crate) tenant: Option<&'a str>,
    pub(crate) needs: Role,
    pub(crate) what: &'a str,
    /// Whether it is written down when it was allowed as well.
    pub(crate) changes: bool,
}

impl Door {
    pub(crate) fn new(tokens: Tokens, audit: Audit, now_ms: fn() -> u64) -> Self {
        Self {
            tokens,
            audit,
            now_ms,
            failures: Mutex::default(),
        }
    }

    /// Whether a tenant exists is not told to who may not see it.
    pub(crate) fn enter(&self, who: &Who, wish: &Wish<'_>) -> Result<Token, Problem> {
        let entered = self.judge(who, wish);
        if let Err(problem) = &entered {
            let id = who.token.as_deref().and_then(id_of).unwrap_or_default();
            self.note(&id, who, wish, problem.status);
        }
        entered
    }

    /// The tenant that a right token is for; `None` for one of every tenant,
    /// and for a wrong one.
    pub(crate) fn own(&self, who: &Who) -> Option<String> {
        let (token, _) = self.tokens.find(who.token.as_deref()?).ok()?;
        Some(token?.tenant).filter(|tenant| tenant != EVERY)
    }

    pub(crate) fn note(&self, token: &str, who: &Who, wish: &Wish<'_>, status: u16) {
        let deed = Deed {
            at_ms: (self.now_ms)(),
            token: token.to_owned(),
            from: who.from.to_string(),
            tenant: wish.tenant.unwrap_or_default().to_owned(),
            what: wish.what.to_owned(),
            status,
        };
        if let Err(error) = self.audit.write(&deed) {
            tracing::error!(%error, ?deed, "the audit log cannot be written");
        }
    }

    fn judge(&self, who: &Who, wish: &Wish<'_>) -> Result<Token, Problem> {
        let Some(text) = &who.token else {
            return Err(unknown("there is no token in `Authorization: Bearer …`"));
        };
        let place = (who.from, id_of(text).unwrap_or_default());
        if self.failed(&place, false) >= FAILURES {
            let detail = "too many wrong tokens from here";
            let hint = "wait a minute";
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Err(Problem::new(status, "too_many_failures", detail, hint));
        }
        let (token, _) = self.tokens.find(text).map_err(|error| {
            tracing::error!(%error, "tokens cannot be read");
            let hint = "see the log of the service";
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(status, "failed", "tokens cannot be read", hint)
        })?;
        let Some(token) = token else {
            self.failed(&place, true);
            return Err(unknown("the token is not known"));
        };
        let every = token.tenant == EVERY;
        let tenant = every || wish.tenant == Some(token.tenant.as_str());
        if tenant && token.role >= wish.needs {
            return Ok(token);
        }
        let detail = format!(
            "the token is one of role `{}` for `{}`, and this needs `{}`{}",
            token.role.as_str(),
            token.tenant,
            wish.needs.as_str(),
            match wish.tenant {
                _ if tenant => "",
                Some(_) => " for this tenant",
                None => " for `*`",
            }
        );
        let hint = "use a token made for it: `duijie tokens add`";
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_allowed",
            detail,
            hint,
        ))
    }

    /// How often it failed in this minute, this time included.
    fn failed(&self, place: &(IpAddr, String), now: bool) -> u32 {
        let now_ms = (self.now_ms)();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST {
            failures.retain(|_, (since_ms, _)| now_ms.saturating_sub(*since_ms) < WINDOW_MS);
        }
        if !now {
            let found = failures.get(place);
            let found = found.filter(|(since_ms, _)| now_ms.saturating_sub(*since_ms) < WINDOW_MS);
            return found.map_or(0, |(_, count)| *count);
        }
        if failures.len() >= MOST && !failures.contains_key(place) {
            return FAILURES;
        }
        let count = failures.entry(place.clone()).or_insert((now_ms, 0));
        if now_ms.saturating_sub(count.0) >= WINDOW_MS {
            *count = (now_ms, 0);
        }
        count.1 += 1;
        count.1
    }
}

fn unknown(detail: &str) -> Problem {
    let hint = "make a token with `duijie tokens add`";
    Problem::new(StatusCode::UNAUTHORIZED, "no_token", detail, hint)
}

/// The part of a token that may be told: eight hex digits, or nothing.
fn id_of(text: &str) -> Option<String> {
    let id = text.split('_').nth(1)?;
    let hex = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| id.to_owned())
}
