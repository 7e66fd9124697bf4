//! Who is calling: logins, sessions and signed headers.
//!
//! Our inference: a call whose signed headers are wrong gets the "session lost" answer (the vendor's text is
//! said to appear for a wrong account too); a signed call is not refused for an unknown session id.

use crate::clock::Clock;
use crate::config::{KingdeeCredentials, KingdeeRules};
use crate::node::Node;
use crate::signature::{kingdee_api, kingdee_client_secret, kingdee_data, kingdee_login};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Calls on one session wait for each other.
pub(crate) type Turn = Arc<tokio::sync::Mutex<()>>;

struct Session {
    used_ms: i64,
    turn: Turn,
}

#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    drawn: Mutex<u64>,
}

impl Sessions {
    pub(crate) fn start(&self, clock: &Clock) -> String {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        *drawn += 1;
        // Side by side, so that no two logins draw from the same seed.
        let seed = *drawn << 44 ^ clock.now_ms().unsigned_abs();
        let mut random = crate::random::Random::new(seed);
        let (high, low) = (random.next(), random.next());
        let id = format!(
            "{:08x}-{:04x}-{:04x}-{low:016x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff
        );
        let session = Session {
            used_ms: clock.now_ms(),
            turn: Turn::default(),
        };
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), session);
        id
    }

    /// The turn of a session that is still alive; using it renews it.
    pub(crate) fn touch(&self, id: &str, clock: &Clock, rules: &KingdeeRules) -> Option<Turn> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = i64::try_from(rules.session_idle.as_millis()).unwrap_or(i64::MAX);
        let now = clock.now_ms();
        open.retain(|_, session| now - session.used_ms <= idle);
        let session = open.get_mut(id)?;
        session.used_ms = now;
        Some(Arc::clone(&session.turn))
    }

    pub(crate) fn end(&self, id: &str) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.keys().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

/// The session id of a request: its own header, the older SDK's `SID`, or the cookie.
pub(crate) fn session_id(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let direct = header("kdservice-sessionid")
        .or_else(|| header("SID"))
        .map(str::to_owned);
    direct.or_else(|| {
        let cookies = header("cookie")?.split(';');
        cookies
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, _)| *name == "kdservice-sessionid")
            .map(|(_, id)| id.to_owned())
    })
}

/// Checks every signed header; the error names the first that is wrong.
pub(crate) fn verify(
    headers: &HeaderMap,
    path: &str,
    who: &KingdeeCredentials,
    rules: &KingdeeRules,
    clock: &Clock,
) -> Result<(), String> {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| format!("header {name} is missing"))
    };
    let equal = |name: &str, wanted: &str| match header(name)? {
        found if found == wanted => Ok(()),
        _ => Err(format!("header {name} is wrong")),
    };
    equal(
        "x-api-clientid",
        who.app_id.split_once('_').map_or("", |(id, _)| id),
    )?;
    equal("x-api-auth-version", "2.0")?;
    let signed = header("x-api-signheaders")?;
    if !signed.eq_ignore_ascii_case("x-api-timestamp,x-api-nonce") {
        return Err("header x-api-signheaders is wrong".to_owned());
    }
    let (timestamp, nonce) = (header("x-api-timestamp")?, header("x-api-nonce")?);
    let sent_ms = match (timestamp.len(), timestamp.parse::<i64>()) {
        (10, Ok(seconds)) => seconds * 1000,
        (13, Ok(millis)) => millis,
        _ => return Err("header x-api-timestamp is neither seconds nor milliseconds".to_owned()),
    };
    if rules.max_skew.is_some_and(|skew| {
        (clock.now_ms() - sent_ms).unsigned_abs()
            > u64::try_from(skew.as_millis()).unwrap_or(u64::MAX)
    }) {
        return Err("header x-api-timestamp is too far from the server's time".to_owned());
    }
    equal(
        "x-api-signature",
        &kingdee_api(path, nonce, timestamp, &kingdee_client_secret(&who.app_id)),
    )?;
    equal("x-kd-appkey", &who.app_id)?;
    let data = STANDARD
        .decode(header("x-kd-appdata")?)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let data = data.ok_or_else(|| "header x-kd-appdata is not base64 of UTF-8".to_owned())?;
    let parts: Vec<&str> = data.split(',').collect();
    match parts.as_slice() {
        [acct, user, lcid, org]
            if *acct == who.acct_id
                && *user == who.username
                && is_lcid(lcid)
                && org.parse::<i64>().is_ok() => {}
        _ => return Err(format!("header x-kd-appdata holds `{data}`")),
    }
    equal(
        "x-kd-signature",
        &kingdee_data(&who.app_id, &data, &who.app_secret),
    )
}

fn is_lcid(text: &str) -> bool {
    ["2052", "1033", "3076"].contains(&text)
}

/// A login call: the session's id, or the message and code of its refusal.
pub(crate) fn login(
    operation: &str,
    body: &Node,
    who: &KingdeeCredentials,
) -> Result<(), (&'static str, &'static str)> {
    let names: &[&str] = match operation {
        "ValidateUser" => &["acctID", "username", "password", "lcid"],
        "LoginByAppSecret" => &["acctID", "username", "appId", "appSecret", "lcid"],
        _ => &["acctID", "username", "appId", "timestamp", "sign", "lcid"],
    };
    let positional = body.get("parameters").map(Node::items);
    let argument = |name: &str| -> &str {
        let node = match positional {
            Some(items) => names
                .iter()
                .position(|known| *known == name)
                .and_then(|at| items.get(at)),
            None => body.get(name),
        };
        node.and_then(Node::scalar).unwrap_or_default()
    };
    if argument("acctID") != who.acct_id {
        return Err(("数据中心不存在", "002005000003001"));
    }
    if argument("username") != who.username {
        return Err(("用户名或密码错误", "002005000003002"));
    }
    if !is_lcid(argument("lcid")) {
        return Err(("语言标识错误", "002005000003003"));
    }
    let right = match operation {
        "ValidateUser" => argument("password") == who.password,
        "LoginByAppSecret" => {
            argument("appId") == who.app_id && argument("appSecret") == who.app_secret
        }
        _ => {
            let timestamp = argument("timestamp");
            let sign = kingdee_login(
                &who.acct_id,
                &who.username,
                &who.app_id,
                &who.app_secret,
                timestamp,
            );
            argument("appId") == who.app_id && timestamp.len() == 10 && argument("sign") == sign
        }
    };
    match (right, operation) {
        (true, _) => Ok(()),
        (false, "ValidateUser") => Err(("用户名或密码错误", "002005000003002")),
        (false, "LoginByAppSecret") => Err(("第三方系统登录授权的应用密钥错误", "002005000003015")),
        (false, _) => Err(("签名验证失败", "002005000003016")),
    }
}

pub(crate) fn cookies(id: &str) -> Vec<(header::HeaderName, String)> {
    vec![
        (
            header::SET_COOKIE,
            format!("kdservice-sessionid={id}; path=/"),
        ),
        (
            header::SET_COOKIE,
            format!(
                "ASP.NET_SessionId={}; path=/; HttpOnly",
                id.replace('-', "")
            ),
        ),
    ]
}

pub(crate) fn welcome(id: &str, who: &KingdeeCredentials) -> Node {
    let context = Node::map([
        ("UserLocale", Node::text("zh-CN")),
        ("SessionId", Node::text(id.replace('-', ""))),
        ("UserId", Node::integer(16_394)),
        ("UserName", Node::text(&who.username)),
        ("DataCenterName", Node::text("模拟账套")),
        ("UserToken", Node::text(id)),
    ]);
    Node::map([
        ("Message", Node::Null),
        ("MessageCode", Node::text("CheckPasswordPolicy")),
        ("LoginResultType", Node::integer(1)),
        ("Context", context),
        ("KDSVCSessionId", Node::text(id)),
        ("IsSuccessByAPI", Node::Bool(true)),
    ])
}
