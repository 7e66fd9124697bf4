//! A refusal in the vendor's own words, and what it means. Code and text are
//! judged together, since several codes mean more than one thing.

use duijie_sdk::Fault;

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Enterprise,
    Flagship,
    /// Taobao's gateway, before Wangdiantong saw the request.
    Gateway,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) layer: Layer,
    pub(crate) code: String,
    /// Of the gateway, beside the code; empty elsewhere.
    pub(crate) sub_code: String,
    pub(crate) message: String,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Too many calls; come back after so many milliseconds.
    Throttled(u64),
    /// Account, signature or clock.
    Credentials,
    /// The system broke; a request may have taken effect.
    Outage,
    /// What was asked for.
    Request,
}

/// The limit counts calls a minute; the vendor's clients wait 31 seconds.
const THROTTLED_MS: u64 = 31_000;
/// Where the gateway says how long its ban lasts, that is taken instead; of
/// 旗舰版 the vendor says that minutes should pass.
const LONG_THROTTLED_MS: u64 = 60_000;

impl Refusal {
    pub(crate) fn class(&self) -> Class {
        let Self { code, message, .. } = self;
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        match self.layer {
            Layer::Enterprise => match code.as_str() {
                "1012" => Class::Throttled(THROTTLED_MS),
                _ if says(&["频率"]) => Class::Throttled(THROTTLED_MS),
                "1007" if says(&["店铺"]) => Class::Request,
                "1007" | "2030" | "2060" | "2090" | "2100" => Class::Credentials,
                // `system error`, but also `range over a month` and `do not repeat`.
                "1020" if !says(&["月", "重复"]) => Class::Outage,
                _ => Class::Request,
            },
            Layer::Flagship => match code.as_str() {
                _ if says(&["调用频率", "并发次数"]) => Class::Throttled(LONG_THROTTLED_MS),
                "1" if says(&["签名", "sign", "sid", "卖家账号", "appkey", "auth"]) => {
                    Class::Credentials
                }
                "3" | "6" | "7" => Class::Credentials,
                "4" | "5" => Class::Outage,
                _ => Class::Request,
            },
            Layer::Gateway => match code.as_str() {
                "7" => Class::Throttled(self.ban_ms()),
                _ if self.sub_code.contains("limited-by") || says(&["频率"]) => {
                    Class::Throttled(self.ban_ms())
                }
                "15" => Class::Outage,
                "25" | "26" | "27" | "28" | "29" => Class::Credentials,
                _ => Class::Request,
            },
        }
    }

    /// For people.
    pub(crate) fn said(&self) -> String {
        let Self {
            code,
            sub_code,
            message,
            ..
        } = self;
        match (self.layer, sub_code.as_str()) {
            (Layer::Gateway, "") => format!("the gateway answered {code}: {message}"),
            (Layer::Gateway, _) => format!("the gateway answered {code} ({sub_code}): {message}"),
            _ => format!("Wangdiantong answered {code}: {message}"),
        }
    }

    /// Of a read, where nothing could take effect.
    pub(crate) fn fault(&self) -> Fault {
        let said = self.said();
        match self.class() {
            Class::Throttled(wait_ms) => Fault::rate_limited(said, Some(wait_ms)),
            Class::Credentials => Fault::unauthorized(said),
            Class::Outage => Fault::unavailable(said, None),
            Class::Request => Fault::other(said),
        }
    }

    /// `This ban will last for 17 more seconds`.
    fn ban_ms(&self) -> u64 {
        let told = self.message.split_once("last for ").and_then(|(_, rest)| {
            let seconds: u64 = rest.split_once(" more second")?.0.parse().ok()?;
            seconds.checked_mul(1000)
        });
        told.unwrap_or(LONG_THROTTLED_MS)
    }
}
