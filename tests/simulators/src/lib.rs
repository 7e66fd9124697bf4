//! Simulators of Wangdiantong, Kingdee and Waiqin365: real HTTP servers on the loopback that check signatures and
//! shapes as strictly as the real ones are known to, give reproducible orders, and misbehave on demand.
//! They are not mocks of our connectors' calls: they know nothing of the connectors.

mod admin;
mod clock;
mod config;
mod connection;
mod exchange;
mod fault_rule;
mod form;
mod journal;
mod kingdee;
mod node;
mod orders;
mod plain;
mod project;
mod random;
mod signature;
mod simulators;
mod system;
mod waiqin365;
mod wangdiantong;
mod writer;

pub use clock::{Clock, china_text, parse_china};
pub use config::{
    Config, Credentials, Dialect, KingdeeCredentials, KingdeeRules, Waiqin365Credentials,
    WangdiantongCredentials,
};
pub use fault_rule::{FaultKind, FaultRule};
pub use journal::Request;
pub use kingdee::{Document, Refusal};
pub use plain::Plain;
pub use project::{Report, report, write_connections};
pub use simulators::{Error, Simulators};
pub use system::{Broken, Row, System};
pub use waiqin365::{Waiqin365, Waiqin365Rules, WaiqinOrder};
pub use wangdiantong::OrderChange;
