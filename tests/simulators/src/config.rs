//! What a caller chooses before the simulators start. Every credential here is invented.

use crate::clock::Clock;
use crate::waiqin365::Waiqin365Rules;
use serde::Serialize;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Which of Wangdiantong's dialects: scalars as strings (`Direct`), numbers as JSON numbers (`Qimen`), or both
/// mixed, with times as milliseconds among them (`Flagship`, `FlagshipQimen`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A, 企业版 openapi2.
    Direct,
    /// B, 企业奇门 through TOP.
    Qimen,
    /// C, 旗舰版.
    Flagship,
    /// D, 旗舰奇门 through TOP.
    FlagshipQimen,
}

impl Dialect {
    pub const ALL: [Self; 4] = [
        Self::Direct,
        Self::Qimen,
        Self::Flagship,
        Self::FlagshipQimen,
    ];

    /// As tables of operations have it.
    pub fn letter(self) -> char {
        match self {
            Self::Direct => 'A',
            Self::Qimen => 'B',
            Self::Flagship => 'C',
            Self::FlagshipQimen => 'D',
        }
    }

    pub(crate) fn is_flagship(self) -> bool {
        matches!(self, Self::Flagship | Self::FlagshipQimen)
    }
}

/// Everything that can be chosen. [`Config::new`] gives the usual values; every field may be changed.
#[derive(Clone, Debug)]
pub struct Config {
    /// Shipped orders at the start. A fiftieth more exist that are not shipped yet.
    pub orders: usize,
    /// The same seed and the same `now` give the same orders.
    pub seed: u64,
    /// Unix seconds of the end of the orders' period; the clock's time when not given.
    pub now: Option<i64>,
    /// Consign times are spread over this long before `now`.
    pub period: Duration,
    /// Rows at the start of each of Wangdiantong's collections that no order makes.
    pub rows: usize,
    /// Lines of an order.
    pub lines: RangeInclusive<u32>,
    /// Give `details_list` in a stock-out.
    pub details_list: bool,
    /// Give `batch_details` in a stock-out: the seed's list, which no vendor document describes.
    pub batch_details: bool,
    /// Render the documents of one dialect before the first request instead of at their first use.
    pub render_first: Option<Dialect>,
    /// What the servers believe the time to be.
    pub clock: Clock,
    pub credentials: Credentials,
    /// Calls a minute to Wangdiantong. Real value 60; none means no limit.
    pub calls_per_minute: Option<usize>,
    /// Every vendor answer waits this long.
    pub latency: Duration,
    /// Loopback ports, 0 for any.
    pub port_wangdiantong: u16,
    pub port_kingdee: u16,
    pub port_admin: u16,
    /// Metadata of so many last requests is kept; 0 keeps counts only.
    pub journal: usize,
    pub kingdee: KingdeeRules,
    pub port_waiqin365: u16,
    pub waiqin365: Waiqin365Rules,
}

/// How strict Kingdee is. All of it is on by default except what the real server does not do by itself.
#[derive(Clone, Debug)]
pub struct KingdeeRules {
    /// Bench mode: see `kingdee::fast` for what it skips.
    pub fast: bool,
    /// Refuse what the real server would silently ignore: unknown keys, flat dotted keys, call options
    /// inside `Model`, base data that is not wrapped.
    pub strict_fields: bool,
    /// Check numbers of materials, customers and organisations even when the call does not ask for it.
    pub verify_base_data: bool,
    /// Refuse a second bill with a number; off where the account does not have the rule.
    pub unique_numbers: bool,
    /// Largest distance of a signed header's timestamp. Whether the real gateway checks it is not known.
    pub max_skew: Option<Duration>,
    /// Idle life of a session. Real default 20 minutes.
    pub session_idle: Duration,
}

impl Config {
    /// The usual values: orders over the last seven days, lines 1 to 6, random ports, no delay.
    pub fn new(orders: usize, seed: u64) -> Self {
        Self {
            orders,
            seed,
            now: None,
            period: Duration::from_secs(7 * 86_400),
            rows: 12,
            lines: 1..=6,
            details_list: true,
            batch_details: false,
            render_first: None,
            clock: Clock::System,
            credentials: Credentials::invented(),
            calls_per_minute: None,
            latency: Duration::ZERO,
            port_wangdiantong: 0,
            port_kingdee: 0,
            port_admin: 0,
            journal: 10_000,
            kingdee: KingdeeRules {
                fast: false,
                strict_fields: true,
                verify_base_data: false,
                unique_numbers: true,
                max_skew: Some(Duration::from_secs(15 * 60)),
                session_idle: Duration::from_secs(20 * 60),
            },
            port_waiqin365: 0,
            waiqin365: Waiqin365Rules::default(),
        }
    }

    /// The bench's values: documents rendered first, Kingdee in fast mode, no request metadata.
    pub fn bench(orders: usize, seed: u64, dialect: Dialect) -> Self {
        let mut config = Self::new(orders, seed);
        config.render_first = Some(dialect);
        config.journal = 0;
        config.kingdee.fast = true;
        config
    }
}

/// The credentials of all servers.
#[derive(Clone, Debug, Serialize)]
pub struct Credentials {
    pub wangdiantong: WangdiantongCredentials,
    pub kingdee: KingdeeCredentials,
    pub waiqin365: Waiqin365Credentials,
}

#[derive(Clone, Debug, Serialize)]
pub struct Waiqin365Credentials {
    pub openid: String,
    pub appkey: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct WangdiantongCredentials {
    pub sid: String,
    pub appkey: String,
    pub appsecret: String,
    /// TOP application of dialect B.
    pub app_key: String,
    pub app_secret: String,
    pub target_app_key: String,
    /// 旗舰版: interface account, and both halves of its secret.
    pub flagship_key: String,
    pub flagship_secret: String,
    pub flagship_salt: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct KingdeeCredentials {
    pub acct_id: String,
    pub username: String,
    pub password: String,
    pub app_id: String,
    pub app_secret: String,
    pub lcid: u32,
}

impl Credentials {
    /// Credentials of the vendors' shapes that belong to nobody.
    pub fn invented() -> Self {
        let text = str::to_owned;
        Self {
            wangdiantong: WangdiantongCredentials {
                sid: text("demo2"),
                appkey: text("demo2-test"),
                appsecret: text("s3cr3t-of-the-simulator"),
                app_key: text("12345678"),
                app_secret: text("helloworld-of-the-simulator"),
                target_app_key: text("21363512"),
                flagship_key: text("demo2-flagship"),
                flagship_secret: text("testsecret-of-the-simulator"),
                flagship_salt: text("testsalt"),
            },
            kingdee: KingdeeCredentials {
                acct_id: text("5fd1c2a9f0e3b8"),
                username: text("demo"),
                password: text("pass-of-the-simulator"),
                app_id: text("251234_QlVaSJ9t4ppV6X4J0c2N4+0HxYRd7qnk"),
                app_secret: text("0123456789abcdef0123456789abcdef"),
                lcid: 2052,
            },
            waiqin365: Waiqin365Credentials {
                openid: text("5000000000000000365"),
                appkey: text("appkey-of-the-simulator"),
            },
        }
    }
}
