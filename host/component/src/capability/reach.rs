//! What one instance holds of its connection: the session in its hands and
//! the write window of the call it is in. Every effect of a guest passes here.

mod outgoing;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use duijie_contract::{Exchange, FaultKind, Mode};
use futures_util::{StreamExt, stream};

use super::evidence::Evidence;
use super::http::{capture, exchange, fill, preview};
use super::message::{Failure, Piece, Purpose, Request, Response, Signed};
use super::recipe::Call;
use super::session::Lease;
use super::{Capability, Clock, nearest};
use outgoing::{Exchanged, Ready, Told, leave};

/// Why a write did not leave.
pub(crate) const PREVIEW: &str = "a preview writes nothing";

/// One instance's reach. Between two calls into the guest the adapter calls
/// [`Reach::end_call`].
pub(crate) struct Reach {
    shared: Arc<Capability>,
    clock: Arc<dyn Clock>,
    /// Taken when a call first needs it.
    lease: Option<Lease>,
    /// How many entries the batch in hand has; `None` outside a write.
    window: Option<u32>,
    /// Whether this window's first write was kept for a preview.
    previewed: bool,
    /// Whether a write of this window may have reached the system.
    wrote: bool,
    /// The writes of this window.
    evidence: Evidence,
    /// When the call in hand ends, whatever it waits for.
    deadline_ms: u64,
    told: Told,
}

impl Reach {
    pub(crate) fn new(shared: Arc<Capability>, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared,
            clock,
            lease: None,
            window: None,
            previewed: false,
            wrote: false,
            evidence: Evidence::default(),
            deadline_ms: u64::MAX,
            told: Told::default(),
        }
    }

    /// A call into the guest begins, which ends after so long at most.
    pub(crate) fn begin_call(&mut self, deadline: Duration) {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        self.deadline_ms = self.clock.now_ms().saturating_add(deadline_ms);
        self.told = Told::default();
    }

    /// The guest took what came of its requests.
    pub(crate) fn went_well(&self) {
        if let Some(credential) = self.told.paid.filter(|_| !self.told.throttled) {
            self.shared.payer.answered(credential);
        }
    }

    /// The guest's call failed; gives why. That the system asked for fewer
    /// calls may stand where the guest alone can read it.
    pub(crate) fn went_wrong(&self, kind: FaultKind) -> FaultKind {
        if let Some(refused) = &self.told.refused {
            return refused.clone();
        }
        if let (FaultKind::RateLimited { retry_after, .. }, Some(credential)) =
            (&kind, self.told.paid)
        {
            let now_ms = self.clock.now_ms();
            let payer = &self.shared.payer;
            payer.throttled(credential, *retry_after, now_ms);
        }
        kind
    }

    pub(crate) async fn send(&mut self, request: Request) -> Result<Response, Failure> {
        let mut answers = self.send_many(vec![request]).await;
        answers
            .pop()
            .unwrap_or_else(|| Err(Failure::Other("the request was lost".to_owned())))
    }

    /// All at once, within the limit; answers in the order of the requests.
    pub(crate) async fn send_many(
        &mut self,
        requests: Vec<Request>,
    ) -> Vec<Result<Response, Failure>> {
        if requests.iter().any(needs_session) {
            self.leased().await;
        }
        let writes = requests.iter().any(is_write);
        let shared = self.shared.clone();
        let at_once = shared.limits.at_once.max(1);
        let prepared: Vec<_> = requests
            .into_iter()
            .map(|request| self.prepare(request))
            .collect();
        let (clock, deadline_ms) = (self.clock.clone(), self.deadline_ms);
        let told = Mutex::new(std::mem::take(&mut self.told));
        let exchanges = prepared.into_iter().map(|prepared| {
            let (shared, clock, told) = (&shared, &clock, &told);
            async move {
                match prepared {
                    Ok(ready) => leave(shared, &**clock, deadline_ms, told, ready).await,
                    Err(failure) => (None, Err(failure)),
                }
            }
        });
        // Until it is known that none did, a write may have left: the guest's
        // call can end here by its deadline.
        let wrote = self.wrote;
        self.wrote |= self.window.is_some() && writes;
        let answers: Vec<_> = stream::iter(exchanges).buffered(at_once).collect().await;
        self.told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        let stayed = |(_, answer): &Exchanged| {
            matches!(answer, Err(Failure::Refused(_) | Failure::NotSent(_)))
        };
        if answers.iter().all(stayed) {
            self.wrote = wrote;
        }
        self.finish(answers)
    }

    /// Runs a recipe that the connector declared.
    pub(crate) fn sign(&self, recipe: &str, inputs: &[(String, String)]) -> Result<Signed, String> {
        let Some(found) = self.shared.recipes.get(recipe) else {
            let known = self.shared.recipes.keys().map(String::as_str);
            return Err(match nearest(recipe, known) {
                Some(near) => format!("no recipe `{recipe}` is declared, did you mean `{near}`?"),
                None => format!("no recipe `{recipe}` is declared"),
            });
        };
        let time_ms = self.clock.now_ms();
        let text = found.evaluate(&Call {
            settings: &self.shared.settings,
            secrets: &self.shared.secrets,
            inputs,
            time_ms,
        });
        let text = text.map_err(|reason| format!("recipe `{recipe}`: {reason}"))?;
        Ok(Signed { text, time_ms })
    }

    /// Names of the captured values in the leased session; waits for one.
    pub(crate) async fn session_held(&mut self) -> Vec<String> {
        self.leased().await.held()
    }

    pub(crate) async fn session_forget(&mut self) {
        self.leased().await.forget();
    }

    /// Text of the guest without any known secret in it, for logs.
    pub(crate) fn mask_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.shared.masker().mask_text(text)
    }

    /// From here to [`Reach::end_call`], writes for a batch of so many
    /// entries may leave.
    pub(crate) fn open_write(&mut self, entries: u32) {
        self.window = Some(entries);
        self.previewed = false;
        self.wrote = false;
        self.evidence = Evidence::default();
    }

    /// The writes of the last window that left or tried to, oldest first.
    pub(crate) fn take_exchanges(&mut self) -> Vec<Exchange> {
        self.evidence.take(&self.shared.masker())
    }

    /// Whether the last window's first write was kept for a preview, and so
    /// nothing of its batch was written.
    pub(crate) fn kept_preview(&self) -> bool {
        self.previewed
    }

    /// The call into the guest is over: no more writes, and the session goes
    /// to who waits for it.
    pub(crate) fn end_call(&mut self) {
        self.window = None;
        self.lease = None;
    }

    /// Whether a write of the last write window may have reached the system.
    pub(crate) fn wrote(&self) -> bool {
        self.wrote
    }

    async fn leased(&mut self) -> &mut Lease {
        let lease = match self.lease.take() {
            Some(lease) => lease,
            None => {
                let lease = self.shared.sessions.lease().await;
                // Another user of the connection may have captured these.
                self.shared.hide(lease.values().values());
                lease
            }
        };
        self.lease.insert(lease)
    }

    /// Everything that can be said before anything leaves the host.
    fn prepare(&mut self, request: Request) -> Result<Ready, Failure> {
        let shared = self.shared.clone();
        let checked = shared.allow.check(&request.url);
        let (url, origin) = checked.map_err(Failure::Refused)?;
        self.permit(&request)?;
        let nothing = Default::default();
        let held = self.lease.as_ref().map_or(&nothing, Lease::values);
        let noted = is_write(&request).then(|| exchange(&request, self.takes_effect(&request)));
        let purpose = word(&request);
        let wanted = request.timeout_ms.map(u64::from).map(Duration::from_millis);
        let most = shared.limits.deadline;
        let (filled, captures) = fill(
            request,
            url,
            &shared.secrets,
            held,
            shared.limits.request_bytes,
        )?;
        let noted = noted.map(|mut exchange| {
            exchange.at_ms = self.clock.now_ms();
            exchange.body = filled.shown.clone();
            self.evidence.begin(exchange, &shared.masker())
        });
        Ok(Ready {
            filled,
            origin,
            noted,
            captures,
            deadline: wanted.map_or(most, |wanted| wanted.min(most)),
            purpose,
        })
    }

    /// The entries that a write takes effect for.
    fn takes_effect(&self, request: &Request) -> Vec<u32> {
        match &request.purpose {
            Some(Purpose::Write(entries)) => entries.clone(),
            _ => (0..self.window.unwrap_or_default()).collect(),
        }
    }

    /// Writes leave within a write window only, and never in a preview.
    fn permit(&mut self, request: &Request) -> Result<(), Failure> {
        let entries = match &request.purpose {
            Some(Purpose::Session | Purpose::Read) => return Ok(()),
            Some(Purpose::Write(entries)) => Some(entries),
            None => None,
        };
        let refused = |reason: String| Err(Failure::Refused(reason));
        let Some(window) = self.window else {
            return refused(
                "a write leaves within a call of `write` only: label the request `read` or \
                 `session` if it changes nothing"
                    .to_owned(),
            );
        };
        if entries.is_some_and(Vec::is_empty) {
            return refused("a write names the entries that it takes effect for".to_owned());
        }
        let stray = entries.and_then(|entries| entries.iter().find(|entry| **entry >= window));
        if let Some(stray) = stray {
            return refused(format!(
                "entry {stray} is not in the batch in hand, which has {window}"
            ));
        }
        if self.shared.mode == Mode::Effect {
            return Ok(());
        }
        if !self.previewed {
            self.previewed = true;
            let masker = self.shared.masker();
            self.shared.keep_preview(preview(request, &masker));
        }
        refused(PREVIEW.to_owned())
    }

    /// Captures first, so that every answer is searched for all of them.
    fn finish(&mut self, mut answers: Vec<Exchanged>) -> Vec<Result<Response, Failure>> {
        let mut captured = Vec::new();
        for (_, answer) in &mut answers {
            let Ok((answer, captures)) = answer else {
                continue;
            };
            if !captures.is_empty() {
                answer.hide(&self.shared.own);
            }
            for asked in captures.iter() {
                let Some(value) = capture(answer, &asked.at) else {
                    continue;
                };
                captured.push(value.clone());
                if let Some(lease) = &mut self.lease {
                    lease.keep(asked.name.clone(), value);
                }
            }
        }
        self.shared.hide(&captured);
        let masker = self.shared.masker();
        answers
            .into_iter()
            .map(|(noted, answer)| {
                let answer = match answer {
                    Ok((answer, _)) => Ok(answer.masked(&masker)),
                    Err(failure) => Err(failure.masked(&masker)),
                };
                if let Some((number, span)) = noted {
                    self.evidence.end(number, span, &answer);
                }
                answer
            })
            .collect()
    }
}

fn is_write(request: &Request) -> bool {
    matches!(request.purpose, None | Some(Purpose::Write(_)))
}

fn word(request: &Request) -> &'static str {
    match &request.purpose {
        Some(Purpose::Session) => "session",
        Some(Purpose::Read) => "read",
        Some(Purpose::Write(_)) | None => "write",
    }
}

fn needs_session(request: &Request) -> bool {
    let captured = |pieces: &[Piece]| {
        pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Captured(..)))
    };
    !request.captures.is_empty()
        || captured(&request.body)
        || request.headers.iter().any(|(_, value)| captured(value))
}
