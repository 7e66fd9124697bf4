//! Calls of the WebAPI on one session: logs in when the host holds none, once
//! again when the system lost it, and signs where no login is asked for. It
//! never sees a secret, a cookie or a session id: they are holes that the host
//! fills in. What an answer means for a document is not its business.

use duijie_sdk::http::{Encoding, Failure, Piece, Purpose, Request, Response};
use duijie_sdk::{Fault, Network, Problem};

use crate::reply::{self, Class, Rows, Status};
use crate::settings::{Auth, Connection};
use crate::tree::quote;

mod login;

const SERVICE: &str = "Kingdee.BOS.WebApi.ServicesStub";

/// Recipes that `describe` declares, by name.
pub(crate) mod recipe {
    pub(crate) const LOGIN: &str = "login-by-sign";
    pub(crate) const API: &str = "api-signature";
    pub(crate) const KD: &str = "kd-signature";
}

/// Names under which the host keeps what a login answered.
mod held {
    pub(super) const SESSION: &str = "KDSVCSessionId";
    pub(super) const KD_COOKIE: &str = "kdservice-sessionid";
    pub(super) const ASP_COOKIE: &str = "ASP.NET_SessionId";
    /// Never sent: kept so that the host takes them out of the answer, which
    /// tells the session under these names as well.
    pub(super) const ECHOES: [(&str, &str); 2] = [
        ("Context.SessionId", "/Context/SessionId"),
        ("Context.UserToken", "/Context/UserToken"),
    ];
}

/// An answer that may say that the session was lost.
pub(crate) trait Answer: Sized {
    fn read(response: Response) -> Result<Self, String>;

    /// The status of a refusal as a whole.
    fn refusal(&self) -> Option<&Status>;
}

impl Answer for Status {
    fn read(response: Response) -> Result<Self, String> {
        reply::status(&response)
    }

    fn refusal(&self) -> Option<&Status> {
        (!self.is_success() && self.success_entitys.is_empty()).then_some(self)
    }
}

impl Answer for Rows {
    fn read(response: Response) -> Result<Self, String> {
        reply::rows(&response)
    }

    fn refusal(&self) -> Option<&Status> {
        match self {
            Rows::Found(_) => None,
            Rows::Failed(status) => Some(status),
        }
    }
}

impl Answer for reply::Told {
    fn read(response: Response) -> Result<Self, String> {
        reply::told(response)
    }

    fn refusal(&self) -> Option<&Status> {
        match self {
            reply::Told::Rows(_) => None,
            reply::Told::Failed(status) => Some(status),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The request did not leave.
    Before(Fault),
    /// The request left, and the system's answer proves that nothing took
    /// effect.
    Refused(Fault),
    /// The request may have taken effect.
    After(String),
}

/// What is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'c> {
    pub operation: &'c str,
    /// Where the operation takes one.
    pub form: Option<&'c str>,
    /// Of `ExcuteOperation`.
    pub op_number: Option<&'c str>,
}

/// A request without what the session adds to it.
struct Sending {
    url: String,
    body: Vec<Piece>,
    purpose: Purpose,
}

/// The answer, or why what came cannot be understood.
pub(crate) type Told<T> = Result<T, String>;

#[derive(Debug)]
pub(crate) struct Client<N> {
    network: N,
    connection: Connection,
    data_as_text: bool,
}

impl<N: Network> Client<N> {
    pub(crate) fn new(network: N, connection: Connection, data_as_text: bool) -> Self {
        Self {
            network,
            connection,
            data_as_text,
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.network.now_ms()
    }

    /// A call that changes nothing; `form` where the operation takes one.
    pub(crate) fn read<T: Answer>(
        &self,
        operation: &str,
        form: Option<&str>,
        data: String,
    ) -> Result<T, Fault> {
        let call = Call {
            operation,
            form,
            op_number: None,
        };
        let told =
            self.call(call, data.into_bytes(), Purpose::Read)
                .map_err(|stop| match stop {
                    Stop::Before(fault) | Stop::Refused(fault) => fault,
                    Stop::After(reason) => Fault::unavailable(reason, None),
                })?;
        told.map_err(Fault::broken)
    }

    /// One operation, sent again once when the answer says that the session was
    /// lost, which proves that nothing took effect.
    pub(crate) fn call<T: Answer>(
        &self,
        call: Call<'_>,
        data: Vec<u8>,
        purpose: Purpose,
    ) -> Result<Told<T>, Stop> {
        let sending = Sending {
            url: self.url("DynamicFormService", call.operation),
            body: self.body(call, data),
            purpose,
        };
        let fresh = self.log_in_where_needed().map_err(Stop::Before)?;
        let first = T::read(self.exchange(&sending)?);
        let Some(lost) = lost_session(&first) else {
            return Ok(first);
        };
        let second = T::read(self.again(&sending, fresh, lost)?);
        match lost_session(&second) {
            None => Ok(second),
            Some(lost) => Err(Stop::Refused(Fault::unauthorized(lost))),
        }
    }

    /// The answer after a new login; a session that was new already is no use.
    fn again(&self, sending: &Sending, fresh: bool, lost: String) -> Result<Response, Stop> {
        self.network.forget();
        if fresh {
            return Err(Stop::Refused(Fault::unauthorized(lost)));
        }
        self.log_in_where_needed().map_err(Stop::Refused)?;
        self.exchange(sending).map_err(|stop| match stop {
            // The first request did leave.
            Stop::Before(fault) => Stop::Refused(fault),
            stop => stop,
        })
    }

    fn exchange(&self, sending: &Sending) -> Result<Response, Stop> {
        let request = self.headed(Request::post(&sending.url));
        let mut request = request.map_err(Stop::Before)?;
        request.purpose = Some(sending.purpose.clone());
        request.body.clone_from(&sending.body);
        match self.network.send(request) {
            Ok(response) if response.status == 429 => Err(Stop::Refused(too_many(&response))),
            Ok(response) => Ok(response),
            Err(Failure::Refused(reason) | Failure::NotSent(reason)) => {
                Err(Stop::Before(Fault::NotSent(reason)))
            }
            Err(Failure::NoAnswer(reason) | Failure::Other(reason)) => Err(Stop::After(reason)),
        }
    }

    /// `{"formid":…,"data":…}`; the data's bytes are not copied.
    fn body(&self, call: Call<'_>, data: Vec<u8>) -> Vec<Piece> {
        let mut head = String::from("{");
        for (name, value) in [("formid", call.form), ("opNumber", call.op_number)] {
            if let Some(value) = value {
                head.push_str(&format!("\"{name}\":{},", quote(value)));
            }
        }
        let data = if self.data_as_text {
            quote(&String::from_utf8_lossy(&data)).into_bytes()
        } else {
            data
        };
        vec![
            Piece::bytes(head + "\"data\":"),
            Piece::Bytes(data),
            Piece::bytes("}"),
        ]
    }

    fn url(&self, service: &str, operation: &str) -> String {
        format!(
            "{}{SERVICE}.{service}.{operation}.common.kdsvc",
            self.connection.base_url
        )
    }

    /// Content type, session and, where asked for, signatures.
    fn headed(&self, request: Request) -> Result<Request, Fault> {
        let held = self.network.held();
        let holds = |name: &str| held.iter().any(|known| known == name);
        let mut request = request.header("Content-Type", "application/json");
        let token = self.token();
        if let Some(name) = token {
            let value = vec![Piece::captured(name, Encoding::Raw)];
            request = request.header_pieces("kdservice-sessionid", value);
        }
        let mut cookie = Vec::new();
        for name in [held::KD_COOKIE, held::ASP_COOKIE]
            .into_iter()
            .filter(|name| holds(name))
        {
            let between = if cookie.is_empty() { "" } else { "; " };
            cookie.push(Piece::bytes(format!("{between}{name}=")));
            cookie.push(Piece::captured(name, Encoding::Raw));
        }
        if !cookie.is_empty() {
            request = request.header_pieces("Cookie", cookie);
        }
        if self.connection.auth != Auth::SignedHeaders {
            return Ok(request);
        }
        if token.is_none() {
            request = login::keep_cookies(request);
        }
        self.signed(request)
    }

    /// The headers of the official SDKs; their nonce is the time as well.
    fn signed(&self, request: Request) -> Result<Request, Fault> {
        let Connection {
            acct_id,
            username,
            lcid,
            org_num,
            ..
        } = &self.connection;
        let app_id = self.connection.app_id.as_deref().unwrap_or_default();
        let client_id = app_id.split('_').next().unwrap_or_default();
        let path = escaped_path(&request.url);
        let api = self.sign(recipe::API, &[("path", &path)])?;
        let appdata = format!("{acct_id},{username},{lcid},{org_num}");
        let kd = self.sign(recipe::KD, &[("appdata", &appdata)])?;
        let seconds = (api.time_ms / 1000).to_string();
        Ok(request
            .header("Accept-Charset", "utf-8")
            .header("X-Api-ClientID", client_id)
            .header("X-Api-Auth-Version", "2.0")
            .header("x-api-timestamp", seconds.as_str())
            .header("x-api-nonce", seconds.as_str())
            .header("x-api-signheaders", "x-api-timestamp,x-api-nonce")
            .header("X-Api-Signature", api.text)
            .header("X-Kd-Appkey", app_id)
            .header("X-Kd-Appdata", base64(appdata.as_bytes()))
            .header("X-Kd-Signature", kd.text))
    }

    fn sign(&self, recipe: &str, inputs: &[(&str, &str)]) -> Result<duijie_sdk::Signed, Fault> {
        self.network
            .sign(recipe, inputs)
            .map_err(|missing| Fault::invalid(Problem::new("/connection", missing)))
    }

    /// Whether a login was made.
    fn log_in_where_needed(&self) -> Result<bool, Fault> {
        if self.connection.auth == Auth::SignedHeaders || self.token().is_some() {
            return Ok(false);
        }
        let done = self.log_in();
        if done.is_err() {
            // A refused login may have left cookies that are no session.
            self.network.forget();
        }
        done.map(|()| true)
    }

    fn log_in(&self) -> Result<(), Fault> {
        let response = self.network.send(self.login()?)?;
        if response.status == 429 {
            return Err(too_many(&response));
        }
        if response.status >= 500 {
            let reason = format!("login: HTTP status {}", response.status);
            return Err(Fault::unavailable(reason, response.retry_after_ms()));
        }
        let reply =
            reply::login(&response).map_err(|why| Fault::broken(format!("login: {why}")))?;
        if !reply.succeeded() {
            return Err(Fault::unauthorized(format!(
                "login refused: {}",
                reply.message()
            )));
        }
        match self.token() {
            Some(_) => Ok(()),
            None => Err(Fault::broken(
                "login succeeded, but no session came with the answer",
            )),
        }
    }

    /// The name under which the host holds the session's id.
    fn token(&self) -> Option<&'static str> {
        let held = self.network.held();
        [held::SESSION, held::KD_COOKIE]
            .into_iter()
            .find(|name| held.iter().any(|known| known == name))
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place) & 63) as usize);
            let padding = place > chunk.len();
            text.push(
                digit
                    .filter(|_| !padding)
                    .map_or('=', |digit| char::from(*digit)),
            );
        }
    }
    text
}

fn lost_session<T: Answer>(told: &Told<T>) -> Option<String> {
    let status = told.as_ref().ok()?.refusal()?;
    (status.class() == Class::SessionLost).then(|| status.message())
}

fn too_many(response: &Response) -> Fault {
    Fault::rate_limited("HTTP status 429", response.retry_after_ms())
}

/// The path of a URL with everything escaped but unreserved characters, as the
/// signature takes it: each `/` is `%2F`.
fn escaped_path(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme
        .find('/')
        .and_then(|at| after_scheme.get(at..))
        .unwrap_or("/");
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut escaped = String::with_capacity(path.len() + 16);
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
