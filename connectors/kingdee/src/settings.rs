//! What an admin writes: the connection and the settings of one pipeline, read
//! from JSON and checked. Secrets are not here: the host keeps them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// How the connector proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Auth {
    /// `AuthService.ValidateUser`; private deployments only.
    Password,
    /// `AuthService.LoginByAppSecret`.
    AppSecret,
    /// `AuthService.LoginBySign`.
    Sign,
    /// No login: `X-Api-*` and `X-Kd-*` headers on every request.
    SignedHeaders,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    /// Ends with `/`, such as `https://erp.example.com/K3Cloud/`.
    pub base_url: String,
    pub acct_id: String,
    pub username: String,
    pub auth: Auth,
    /// A mark in place of the secret: only whether it is there can be known.
    #[serde(default)]
    pub password: Option<IgnoredAny>,
    #[serde(default)]
    pub app_id: Option<String>,
    #[serde(default)]
    pub app_secret: Option<IgnoredAny>,
    #[serde(default = "simplified_chinese")]
    pub lcid: u32,
    #[serde(default)]
    pub org_num: Number,
}

fn simplified_chinese() -> u32 {
    2052
}

/// An organisation's number, written as a number or as text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Number {
    Digits(u64),
    Text(String),
}

impl Default for Number {
    fn default() -> Self {
        Self::Digits(0)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digits(digits) => write!(out, "{digits}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// The settings of this target in one pipeline. Empty ones leave the default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pipeline {
    /// The field that holds the document's number.
    pub key: Option<String>,
    /// The field that holds the system's own id, `FID` unless said.
    pub id_field: Option<String>,
    /// The field that holds the rows, `FEntity` unless said.
    pub entity: Option<String>,
    /// Field -> member that its value is wrapped in; empty for none.
    pub wrap: BTreeMap<String, String>,
    /// Field as it comes -> field as it is sent.
    pub rename: BTreeMap<String, String>,
    /// Field -> flex member, such as `FAUXPROPID__FF100001`.
    pub flex: BTreeMap<String, String>,
    /// Send `data` as JSON text inside the request.
    pub data_as_text: bool,
    pub options: Options,
}

/// Options of the call, in the vendor's spelling, errors of it included.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "PascalCase")]
pub(crate) struct Options {
    pub need_up_date_fields: Vec<String>,
    pub need_return_fields: Option<Vec<String>>,
    pub sub_system_id: Option<String>,
    pub interation_flags: Option<String>,
    pub is_auto_submit_and_audit: Option<bool>,
    pub is_verify_base_data_field: Option<bool>,
    pub is_entry_batch_fill: Option<bool>,
    pub validate_flag: Option<bool>,
    pub number_search: Option<bool>,
    pub is_auto_adjust_field: Option<bool>,
    pub ignore_interation_flag: Option<bool>,
    pub is_control_precision: Option<bool>,
    pub validate_repeat_json: Option<bool>,
    pub batch_count: Option<u32>,
}

/// Something that the schema cannot say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub at: &'static str,
    pub message: String,
    pub hint: &'static str,
}

impl Connection {
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut missing = |at, name: &str| {
            faults.push(Fault {
                at,
                message: format!("`{name}` is missing, and this `auth` needs it"),
                hint: "set it, or choose another `auth`",
            });
        };
        match self.auth {
            Auth::Password if self.password.is_none() => missing("/password", "password"),
            Auth::Password => {}
            _ => {
                if self.app_id.is_none() {
                    missing("/app_id", "app_id");
                }
                if self.app_secret.is_none() {
                    missing("/app_secret", "app_secret");
                }
            }
        }
        if !self.base_url.ends_with('/') {
            faults.push(Fault {
                at: "/base_url",
                message: format!("`{}` does not end with `/`", self.base_url),
                hint: "write the whole address, such as `https://erp.example.com/K3Cloud/`",
            });
        }
        if self.auth == Auth::SignedHeaders
            && !self.app_id.as_ref().is_none_or(|id| splits_into_secret(id))
        {
            faults.push(Fault {
                at: "/app_id",
                message: "expected `<client id>_<32 characters>`".to_owned(),
                hint: "copy the whole app id from the system's third-party login page",
            });
        }
        faults
    }
}

fn splits_into_secret(app_id: &str) -> bool {
    let mut parts = app_id.split('_');
    let (client, seed) = (parts.next(), parts.next());
    client.is_some_and(|client| !client.is_empty())
        && seed.is_some_and(|seed| seed.len() == 32)
        && parts.next().is_none()
}
