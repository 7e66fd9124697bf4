//! The low form of `alerts`: whom to tell what by webhook.

use schemars::JsonSchema;
use serde::Deserialize;

/// One webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// The form of its messages.
    #[schemars(required)]
    pub to: Option<AlertForm>,
    /// Its address, which is a secret: `${secret:NAME}`.
    #[schemars(required, regex(pattern = r"^\$\{secret:[A-Za-z0-9_]+\}$"))]
    pub url: Option<String>,
    /// What its messages are signed with, where the robot asks for it:
    /// `${secret:NAME}`.
    #[schemars(regex(pattern = r"^\$\{secret:[A-Za-z0-9_]+\}$"))]
    pub secret: Option<String>,
    /// What it is told of; all there is when absent.
    #[schemars(length(min = 1))]
    pub on: Option<Vec<AlertOn>>,
    /// One cause is told once in such a time; `1h` when absent.
    pub every: Option<String>,
    /// Whether the end of a cause is told as well; false when absent.
    pub recovered: Option<bool>,
    /// `zh` when absent.
    pub lang: Option<Lang>,
    /// Origins that it may be at although they are not of the public internet,
    /// or do not speak `https`: `http://10.0.0.5:8080`.
    #[schemars(length(max = 16), inner(length(min = 1)))]
    pub allow: Option<Vec<String>>,
}

/// Group robots of the three messengers, or plain JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertForm {
    Wecom,
    Dingtalk,
    Feishu,
    Json,
}

/// A kind of cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertOn {
    Holds,
    DeadLetters,
    FailedRuns,
    MissedRuns,
    Folder,
    Quota,
    Reconciliation,
}

/// The language of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lang {
    #[default]
    Zh,
    En,
}
