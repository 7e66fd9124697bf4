//! How many calls leave this process: within the budget of each credential,
//! whoever uses it, and within what each tenant may have. Waiting costs a guest
//! no processor time; the deadline of its call goes on.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duijie_contract::FaultKind;
use duijie_quota::{Answer, Budget, Call, Credential, Quota};
use sha2::{Digest as _, Sha256};

use crate::capability::Clock;

#[cfg(test)]
mod tests;

/// No description tells classes of endpoints apart yet: a credential has one.
const CLASS: &str = "";

/// Calls that a tenant may make from one whole hour or day in UTC to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimit {
    pub calls: u64,
    pub per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    Hour,
    Day,
}

/// Calls that a tenant made of what it may make.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// When the hour or day began, Unix milliseconds.
    pub from_ms: u64,
    pub calls: u64,
}

/// Whose calls they are, and with whom they share budgets.
#[derive(Clone, Default)]
pub struct Account {
    pub budgets: Arc<Budgets>,
    /// Empty for the only user of a folder.
    pub tenant: Arc<str>,
}

/// One for all launchers of a process.
#[derive(Default)]
pub struct Budgets(Mutex<State>);

#[derive(Default)]
struct State {
    quota: Quota,
    tenants: HashMap<Arc<str>, Tenant>,
}

#[derive(Default)]
struct Tenant {
    limit: Option<CallLimit>,
    spent: Counted,
    made: u64,
}

impl CallLimit {
    /// `None` for no calls, and for anything but `100000/day` or `5000/hour`.
    pub fn parse(text: &str) -> Option<Self> {
        let (calls, per) = text.split_once('/')?;
        let per = match per {
            "hour" => Per::Hour,
            "day" => Per::Day,
            _ => return None,
        };
        let calls = calls.parse().ok().filter(|calls| *calls > 0)?;
        Some(Self { calls, per })
    }

    fn per_ms(self) -> u64 {
        match self.per {
            Per::Hour => 3_600_000,
            Per::Day => 86_400_000,
        }
    }
}

impl fmt::Display for CallLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Hour => "hour",
            Per::Day => "day",
        };
        write!(formatter, "{}/{per}", self.calls)
    }
}

impl Counted {
    /// As it stands at this time: nothing, once the next hour or day began, or
    /// where it was counted by another length.
    fn at(self, limit: CallLimit, now_ms: u64) -> Self {
        let from_ms = now_ms - now_ms % limit.per_ms();
        match self.from_ms == from_ms {
            true => self,
            false => Self { from_ms, calls: 0 },
        }
    }
}

impl Budgets {
    /// What a tenant may have from now on; `None` is no limit.
    pub fn allow(&self, tenant: &str, limit: Option<CallLimit>) {
        self.state().tenant(&tenant.into()).limit = limit;
    }

    /// What an earlier process counted; the larger count holds.
    pub fn restore(&self, tenant: &str, spent: Counted) {
        let mut state = self.state();
        let known = &mut state.tenant(&tenant.into()).spent;
        let newer = (spent.from_ms, spent.calls) > (known.from_ms, known.calls);
        if newer {
            *known = spent;
        }
    }

    /// What a tenant has had by now; `None` where it has no limit.
    pub fn spent(&self, tenant: &str, now_ms: u64) -> Option<Counted> {
        let state = self.state();
        let tenant = state.tenants.get(tenant)?;
        Some(tenant.spent.at(tenant.limit?, now_ms))
    }

    /// Calls that a tenant made since this process began.
    pub fn made(&self, tenant: &str) -> u64 {
        let state = self.state();
        state.tenants.get(tenant).map_or(0, |tenant| tenant.made)
    }

    pub fn forget(&self, tenant: &str) {
        self.state().tenants.remove(tenant);
    }

    fn acquire(
        &self,
        name: &Arc<str>,
        call: &Call<'_>,
        budget: &Budget,
        now_ms: u64,
    ) -> Result<Answer, FaultKind> {
        let mut state = self.state();
        let tenant = state.tenant(name);
        if let Some(limit) = tenant.limit {
            tenant.spent = tenant.spent.at(limit, now_ms);
            if tenant.spent.calls >= limit.calls {
                let until_ms = tenant.spent.from_ms.saturating_add(limit.per_ms());
                return Err(FaultKind::Spent {
                    reason: format!(
                        "`quotas.requests: {limit}` of tenant.yaml is spent, there is more \
                         from {} on",
                        moment(until_ms)
                    ),
                    until_ms,
                });
            }
        }
        let answer = state.quota.acquire(call, budget, now_ms);
        if answer == Answer::Granted {
            let tenant = state.tenant(name);
            tenant.spent.calls = tenant.spent.calls.saturating_add(1);
            tenant.made = tenant.made.saturating_add(1);
        }
        Ok(answer)
    }

    /// A panic elsewhere leaves the counts whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tenant(&mut self, name: &Arc<str>) -> &mut Tenant {
        self.tenants.entry(name.clone()).or_default()
    }
}

/// What the calls over one connection count for.
pub(crate) struct Payer {
    account: Account,
    budget: Budget,
    /// Of what the connection is known by to a system.
    identity: [u8; 32],
}

impl Payer {
    /// `calls_per_minute` of 0 is no limit. Connections with the same secrets
    /// share, in whatever tenant; one without secrets shares with those of its
    /// tenant that have the same settings.
    pub(crate) fn new<'a>(
        account: Account,
        calls_per_minute: u32,
        secrets: impl Iterator<Item = (&'a str, &'a str)>,
        settings: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        };
        let mut secrets = secrets.peekable();
        if secrets.peek().is_none() {
            add("settings");
            add(&account.tenant);
            settings.for_each(|(name, value)| [name, value].into_iter().for_each(&mut add));
        } else {
            add("secrets");
            secrets.for_each(|(name, value)| [name, value].into_iter().for_each(&mut add));
        }
        let budget = match calls_per_minute {
            0 => Budget::default(),
            calls => Budget::per_minute(calls).at_departure(),
        };
        Self {
            account,
            budget,
            identity: digest.finalize().into(),
        }
    }

    /// Waits until a call to `origin` may leave, and counts it. Refused at once
    /// where that is not before `deadline_ms`. Who gives up waiting takes
    /// nothing from the others.
    pub(crate) async fn turn(
        &self,
        origin: &str,
        clock: &dyn Clock,
        deadline_ms: u64,
    ) -> Result<Credential, FaultKind> {
        let credential = self.credential(origin);
        loop {
            let now_ms = clock.now_ms();
            let call = self.call(credential);
            let Account { budgets, tenant } = &self.account;
            match budgets.acquire(tenant, &call, &self.budget, now_ms)? {
                Answer::Granted => return Ok(credential),
                Answer::Wait { until_ms } => {
                    let wait = Duration::from_millis(until_ms.saturating_sub(now_ms));
                    if until_ms > deadline_ms {
                        return Err(FaultKind::RateLimited {
                            reason: format!(
                                "the calls that its credential may make are spent for {} s",
                                wait.as_secs().max(1)
                            ),
                            retry_after: Some(wait),
                        });
                    }
                    clock.sleep(wait).await;
                }
            }
        }
    }

    /// The system said that it was too much.
    pub(crate) fn throttled(
        &self,
        credential: Credential,
        retry_after: Option<Duration>,
        now_ms: u64,
    ) {
        let mut state = self.account.budgets.state();
        let call = self.call(credential);
        state.quota.throttled(&call, retry_after, now_ms);
    }

    /// The system took the call.
    pub(crate) fn answered(&self, credential: Credential) {
        let mut state = self.account.budgets.state();
        state.quota.answered(&self.call(credential));
    }

    fn call(&self, credential: Credential) -> Call<'_> {
        Call {
            credential,
            class: CLASS,
            tenant: &self.account.tenant,
        }
    }

    fn credential(&self, origin: &str) -> Credential {
        let digest = Sha256::new().chain_update(self.identity);
        Credential(digest.chain_update(origin).finalize().into())
    }
}

fn moment(unix_ms: u64) -> String {
    let moment = i64::try_from(unix_ms).ok();
    let moment = moment.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    moment.unwrap_or_default().to_string()
}
