//! Whom to tell of what goes wrong, and the one task that tells it. Runs only
//! leave word: nothing of them waits for a webhook.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duijie_alert::{Cause, Event, Form, Kind, Language, Route, Rule, Signature, Told, sign};
use duijie_component::{Outbound, Secret, Secrets, Webhook};
use duijie_manifest::{Alert, AlertForm, AlertOn, Lang};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::supervisor::Shared;

/// Whose webhooks are told of every tenant: no tenant's name is empty.
pub(crate) const OF_ALL: &str = "";

/// Messages under way at a time, of all tenants.
const AT_ONCE: usize = 16;
/// Of these, messages to the webhooks of one owner.
const OF_ONE_OWNER: usize = 2;
/// A clock that was put forward is noticed after this long at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
const HOUR_MS: u64 = 3_600_000;
/// More often a cause is not told, whatever is written.
const SHORTEST_MS: u64 = 60_000;

pub(crate) struct Alerts {
    outbound: Outbound,
    /// By whose they are.
    channels: Mutex<BTreeMap<String, Vec<Channel>>>,
    wake: Notify,
    /// Given once nothing more will happen.
    close: Notify,
}

/// One webhook.
struct Channel {
    low: Alert,
    url: Secret,
    receiver: Arc<Receiver>,
    route: Route,
}

/// What a message is made and sent with.
struct Receiver {
    form: Form,
    language: Language,
    webhook: Webhook,
    secret: Option<Secret>,
}

/// A message to be sent.
pub(crate) struct Message {
    owner: String,
    receiver: Arc<Receiver>,
    pub(crate) told: Vec<Told>,
}

impl Alerts {
    pub(crate) fn new() -> Self {
        Self {
            outbound: Outbound::new(),
            channels: Mutex::default(),
            wake: Notify::new(),
            close: Notify::new(),
        }
    }

    /// These webhooks from now on, and what is wrong with those that cannot
    /// be. One that was there as it is goes on where it stands.
    pub(crate) fn configure(
        &self,
        owner: &str,
        place: &str,
        wanted: &[Alert],
        secrets: &Secrets,
    ) -> Vec<String> {
        if wanted.is_empty() {
            self.channels().remove(owner);
            return Vec::new();
        }
        let made: Vec<_> = wanted
            .iter()
            .map(|low| self.channel(place, low, secrets))
            .collect();
        let mut problems = Vec::new();
        let mut channels = self.channels();
        let mut before = channels.remove(owner).unwrap_or_default();
        let mut now = Vec::new();
        for (index, made) in made.into_iter().enumerate() {
            let mut channel = match made {
                Ok(channel) => channel,
                Err(reason) => {
                    problems.push(format!("{place}: alerts[{index}]: {reason}"));
                    continue;
                }
            };
            let same = |known: &Channel| {
                known.low == channel.low
                    && known.url.is_same(&channel.url)
                    && match (&known.receiver.secret, &channel.receiver.secret) {
                        (Some(known), Some(other)) => known.is_same(other),
                        (known, other) => known.is_none() && other.is_none(),
                    }
            };
            if let Some(at) = before.iter().position(same) {
                channel = before.swap_remove(at);
            }
            now.push(channel);
        }
        channels.insert(owner.to_owned(), now);
        problems
    }

    fn channel(&self, place: &str, low: &Alert, secrets: &Secrets) -> Result<Channel, String> {
        let secret = |text: &Option<String>| {
            let named = text.as_deref().and_then(duijie_plan::secret_named);
            let secret = named.map(|name| secrets.get(name)).transpose();
            secret.map_err(|error| error.to_string())
        };
        let form = form(low.to.ok_or("`to` is missing")?);
        let url = secret(&low.url)?.ok_or("`url` is missing")?;
        let key = secret(&low.secret)?;
        if key.is_some() && !form.signs() {
            return Err("a webhook of this form is not signed: leave `secret` out".to_owned());
        }
        let every_ms = match &low.every {
            Some(text) => {
                let length = duijie_plan::length_of_time(text);
                let length = length.ok_or_else(|| {
                    format!("`every` is `{text}`, expected a length of time such as `1h`")
                })?;
                let ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
                ms.max(SHORTEST_MS)
            }
            None => HOUR_MS,
        };
        let on = match &low.on {
            Some(on) => on.iter().map(|on| kind(*on)).collect(),
            None => Kind::ALL.into(),
        };
        let allow = low.allow.clone().unwrap_or_default();
        let webhook = self.outbound.webhook(place, &url, &allow);
        Ok(Channel {
            low: low.clone(),
            url,
            receiver: Arc::new(Receiver {
                form,
                language: match low.lang.unwrap_or_default() {
                    Lang::Zh => Language::Chinese,
                    Lang::En => Language::English,
                },
                webhook: webhook.map_err(|error| error.to_string())?,
                secret: key,
            }),
            route: Route::new(Rule {
                on,
                every_ms,
                recovered: low.recovered.unwrap_or(false),
            }),
        })
    }

    /// A tenant that is gone is told nothing more.
    pub(crate) fn forget(&self, owner: &str) {
        self.channels().remove(owner);
    }

    /// It happened: leaves word of it.
    pub(crate) fn happened(&self, event: &Event) {
        let told = self.each(&event.cause.tenant, |route| route.happened(event.clone()));
        if told {
            self.wake.notify_one();
        }
    }

    /// It goes well again.
    pub(crate) fn ended(&self, cause: &Cause, at_ms: u64) {
        let told = self.each(&cause.tenant, |route| route.ended(cause, at_ms));
        if told {
            self.wake.notify_one();
        }
    }

    /// The webhooks of all, and those of the tenant; whether there are any.
    fn each(&self, tenant: &str, mut work: impl FnMut(&mut Route)) -> bool {
        let mut channels = self.channels();
        let mut any = false;
        for owner in [OF_ALL, tenant] {
            for channel in channels.get_mut(owner).into_iter().flatten() {
                work(&mut channel.route);
                any = true;
            }
        }
        any
    }

    /// What is due, of as many webhooks as may be sent to now: so that slow ones
    /// of one owner leave places for the others, each has few of them.
    pub(crate) fn take(&self, now_ms: u64, most: usize) -> Vec<Message> {
        let mut taken = Vec::new();
        for (owner, channels) in self.channels().iter_mut() {
            let under_way = channels.iter().filter(|channel| channel.route.is_sending());
            let mut left = OF_ONE_OWNER.saturating_sub(under_way.count());
            for channel in channels {
                if taken.len() >= most {
                    return taken;
                }
                if left == 0 {
                    break;
                }
                let told = channel.route.take(now_ms);
                if !told.is_empty() {
                    left -= 1;
                    taken.push(Message {
                        owner: owner.clone(),
                        receiver: channel.receiver.clone(),
                        told,
                    });
                }
            }
        }
        taken
    }

    /// Gives how often in a row it failed before; nothing where the webhook is
    /// no longer told of anything.
    pub(crate) fn sent(&self, message: &Message, taken_in: bool, now_ms: u64) -> Option<u32> {
        let mut channels = self.channels();
        let mut channels = channels.get_mut(&message.owner)?.iter_mut();
        let channel = channels.find(|channel| Arc::ptr_eq(&channel.receiver, &message.receiver))?;
        let failures = channel.route.failures();
        channel.route.sent(taken_in, now_ms);
        Some(failures)
    }

    fn next_ms(&self) -> Option<u64> {
        let channels = self.channels();
        let routes = channels.values().flatten();
        routes.filter_map(|channel| channel.route.next_ms()).min()
    }

    /// Each change is complete before anything else is called.
    fn channels(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Channel>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is due now is still sent, and then [`tell`] ends.
    pub(crate) fn close(&self) {
        self.close.notify_one();
    }
}

/// Tells what is due until it is closed.
pub(crate) async fn tell(shared: Arc<Shared>) {
    let alerts = &shared.alerts;
    let mut sending = JoinSet::new();
    let mut closed = false;
    loop {
        let now_ms = shared.now_ms();
        for message in alerts.take(now_ms, AT_ONCE.saturating_sub(sending.len())) {
            sending.spawn(send(shared.clone(), message));
        }
        if closed && sending.is_empty() {
            return;
        }
        let wait = alerts.next_ms().map_or(LONGEST_SLEEP, |at_ms| {
            Duration::from_millis(at_ms.saturating_sub(now_ms)).min(LONGEST_SLEEP)
        });
        let free = sending.len() < AT_ONCE;
        tokio::select! {
            () = alerts.close.notified() => closed = true,
            Some(_) = sending.join_next(), if !sending.is_empty() => {}
            () = alerts.wake.notified(), if free => {}
            () = shared.options.clock.sleep(wait), if free => {}
        }
    }
}

async fn send(shared: Arc<Shared>, message: Message) {
    let receiver = &message.receiver;
    let now_ms = shared.now_ms();
    let signed = receiver.secret.as_ref();
    let signed =
        signed.and_then(|secret| secret.with(|secret| sign(receiver.form, secret, now_ms)));
    let body = receiver
        .form
        .body(&message.told, receiver.language, signed.as_ref());
    let query = match &signed {
        Some(Signature::Query(query)) => Some(query.as_str()),
        _ => None,
    };
    let posted = receiver.webhook.post(query, body.to_string().into_bytes());
    let taken_in = match posted.await {
        Ok(answer) => receiver
            .form
            .judge(answer.status, &answer.body)
            .map_err(|refused| refused.to_string()),
        Err(unsent) => Err(unsent.to_string()),
    };
    let failures = shared
        .alerts
        .sent(&message, taken_in.is_ok(), shared.now_ms());
    if let (Err(reason), Some(failures)) = (taken_in, failures) {
        let (tenant, form) = (&message.owner, receiver.form);
        tracing::warn!(
            tenant,
            ?form,
            reason,
            failures,
            "an alert was not taken in, and waits"
        );
    }
}

fn form(low: AlertForm) -> Form {
    match low {
        AlertForm::Wecom => Form::Wecom,
        AlertForm::Dingtalk => Form::Dingtalk,
        AlertForm::Feishu => Form::Feishu,
        AlertForm::Json => Form::Json,
    }
}

fn kind(low: AlertOn) -> Kind {
    match low {
        AlertOn::Holds => Kind::Holds,
        AlertOn::DeadLetters => Kind::DeadLetters,
        AlertOn::FailedRuns => Kind::FailedRuns,
        AlertOn::MissedRuns => Kind::MissedRuns,
        AlertOn::Folder => Kind::Folder,
        AlertOn::Quota => Kind::Quota,
        AlertOn::Reconciliation => Kind::Reconciliation,
    }
}
