//! The files of a project: the quickstart's pipeline with changes applied to it, and connections to running
//! simulators. Texts only; nothing is started here.

use duijie_sim::{Config, Dialect, Simulators, china_text};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// How Kingdee is logged in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Password,
    AppSecret,
    Sign,
    SignedHeaders,
}

/// The quickstart's pipeline, changed by finding and replacing text in it.
#[derive(Clone, Debug)]
pub struct Manifest(pub String);

impl Manifest {
    /// Reads the last eight days, so that one window holds every order, and waits next to nothing between tries.
    pub(crate) fn quickstart(config: &Config) -> Self {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../examples/quickstart/pipelines/stockouts.yaml"
        );
        let now = config.now.unwrap_or_else(|| config.clock.now());
        Self(std::fs::read_to_string(path).unwrap())
            .with(
                "start_time: 2025-10-01 00:00:00",
                &format!("start_time: {}", china_text(now - 8 * 86_400)),
            )
            .with(
                "first_wait: 1s, longest_wait: 2m",
                "first_wait: 10ms, longest_wait: 50ms",
            )
    }

    /// Fails where `from` does not stand exactly once.
    #[track_caller]
    #[must_use]
    pub fn with(&self, from: &str, to: &str) -> Self {
        assert_eq!(self.0.matches(from).count(), 1, "`{from}` in {}", self.0);
        Self(self.0.replace(from, to))
    }

    /// A line more in the source's settings.
    #[must_use]
    pub fn with_source_setting(&self, line: &str) -> Self {
        let status = "    status: \"95,105,110,113\"";
        self.with(status, &format!("    {line}\n{status}"))
    }

    #[must_use]
    pub fn with_on_change(&self, policy: &str) -> Self {
        self.with("on_change: hold", &format!("on_change: {policy}"))
    }

    #[must_use]
    pub fn with_attempts(&self, attempts: u32) -> Self {
        self.with("attempts: 5", &format!("attempts: {attempts}"))
    }

    /// Small pages and batches, so that few orders make many of both.
    #[must_use]
    pub fn with_portions(&self, records: u32) -> Self {
        self.with(
            "page_records: 100, read_ahead: 4, writers: 4, batch_records: 100",
            &format!(
                "page_records: {records}, read_ahead: 4, writers: 4, batch_records: {records}"
            ),
        )
        .with_source_setting(&format!("page_size: {records}"))
    }
}

pub(crate) fn write_connections(
    folder: &Path,
    simulators: &Simulators,
    dialect: Dialect,
    auth: Auth,
) {
    let connections = folder.join("connections");
    std::fs::create_dir_all(&connections).unwrap();
    std::fs::write(
        connections.join("wangdiantong.yaml"),
        wangdiantong(simulators, dialect),
    )
    .unwrap();
    std::fs::write(connections.join("kingdee.yaml"), kingdee(simulators, auth)).unwrap();
    let kingdee = &simulators.credentials().kingdee;
    let text = format!(
        "{}KINGDEE_PASSWORD={}\nKINGDEE_APP_SECRET={}\n",
        wangdiantong_secrets(simulators, dialect),
        kingdee.password,
        kingdee.app_secret
    );
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join("secrets.env"))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Lines of `secrets.env`: the outer secret of a dialect, and the inner one of 旗舰奇门.
pub(crate) fn wangdiantong_secrets(simulators: &Simulators, dialect: Dialect) -> String {
    let known = &simulators.credentials().wangdiantong;
    let secret = match dialect {
        Dialect::Direct => &known.appsecret,
        Dialect::Flagship => &known.flagship_secret,
        Dialect::Qimen | Dialect::FlagshipQimen => &known.app_secret,
    };
    let inner = &known.flagship_secret;
    format!("WDT_SECRET={secret}\nWDT_INNER_SECRET={inner}\n")
}

pub(crate) fn wangdiantong(simulators: &Simulators, dialect: Dialect) -> String {
    let known = &simulators.credentials().wangdiantong;
    let sid = &known.sid;
    let dialect = match dialect {
        Dialect::Direct => format!(
            "  base_url: {}\n  dialect: openapi2\n  appkey: {}\n  appsecret: ${{secret:WDT_SECRET}}\n",
            simulators.wangdiantong_url(),
            known.appkey
        ),
        Dialect::Qimen => format!(
            "  base_url: {}\n  dialect: qimen\n  app_key: \"{}\"\n  target_app_key: \"{}\"\n  app_secret: ${{secret:WDT_SECRET}}\n",
            simulators.qimen_url(),
            known.app_key,
            known.target_app_key
        ),
        Dialect::Flagship => format!(
            "  base_url: {}\n  dialect: flagship\n  appkey: {}\n  salt: {}\n  appsecret: ${{secret:WDT_SECRET}}\n",
            simulators.flagship_url(),
            known.flagship_key,
            known.flagship_salt
        ),
        Dialect::FlagshipQimen => format!(
            "  base_url: {}\n  dialect: flagship-qimen\n  appkey: {}\n  salt: {}\n  appsecret: ${{secret:WDT_INNER_SECRET}}\n  app_key: \"{}\"\n  app_secret: ${{secret:WDT_SECRET}}\n",
            simulators.qimen_url(),
            known.flagship_key,
            known.flagship_salt,
            known.app_key
        ),
    };
    format!(
        "connection: wangdiantong\nconnector: wangdiantong\ncalls_per_minute: 100000\nsettings:\n  sid: {sid}\n{dialect}"
    )
}

fn kingdee(simulators: &Simulators, auth: Auth) -> String {
    let known = &simulators.credentials().kingdee;
    let with_app = |name: &str| {
        format!(
            "  auth: {name}\n  app_id: {}\n  app_secret: ${{secret:KINGDEE_APP_SECRET}}\n",
            known.app_id
        )
    };
    let auth = match auth {
        Auth::Password => "  auth: password\n  password: ${secret:KINGDEE_PASSWORD}\n".to_owned(),
        Auth::AppSecret => with_app("app_secret"),
        Auth::Sign => with_app("sign"),
        Auth::SignedHeaders => with_app("signed_headers"),
    };
    format!(
        "connection: kingdee\nconnector: kingdee\nsettings:\n  base_url: {}\n  acct_id: {}\n  username: {}\n{auth}",
        simulators.kingdee_url(),
        known.acct_id,
        known.username
    )
}
