//! The simulators of one measurement, in a process of their own, and the
//! ways in which each contestant is told where they are.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The one window that the job reads, around the simulators' orders.
pub(crate) const START: &str = "2025-10-01 00:00:00";
pub(crate) const END: &str = "2025-10-29 23:59:59";
/// 2025-10-28 00:00:00 in China.
const ORDERS_END: &str = "1761580800";

pub(crate) struct Field {
    child: Child,
    ready: Value,
    root: PathBuf,
}

impl Field {
    pub(crate) fn start(root: &Path, orders: usize, latency_ms: u64) -> Result<Self> {
        let (orders, latency_ms) = (orders.to_string(), latency_ms.to_string());
        Self::with(
            root,
            &[
                &["--orders", &orders, "--latency-ms", &latency_ms][..],
                &["--days", "20", "--now", ORDERS_END, "--render-first", "a"],
            ]
            .concat(),
        )
    }

    /// Without orders; those that are added come now.
    pub(crate) fn of_now(root: &Path) -> Result<Self> {
        Self::with(root, &["--orders", "0", "--latency-ms", "20"])
    }

    fn with(root: &Path, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(root.join("target/release/duijie-sim"))
            .args(["--seed", "7", "--lines-max", "5", "--fast"])
            .arg("--until-stdin-closes")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the simulators")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).context("the simulators said nothing")?;
        Ok(Self {
            child,
            ready,
            root: root.to_owned(),
        })
    }

    fn text(&self, pointer: &str) -> &str {
        self.ready
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// For the contestants that read the environment.
    pub(crate) fn describe<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .current_dir(&self.root)
            .env("BENCH_START", START)
            .env("BENCH_END", END)
            .env("BENCH_PAGES", "4")
            .env("BENCH_WRITERS", "4")
            .env("BENCH_PAGE_SIZE", "100")
            .env("BENCH_WANGDIANTONG_URL", self.text("/wangdiantong"))
            .env("BENCH_SID", self.text("/credentials/wangdiantong/sid"))
            .env(
                "BENCH_APPKEY",
                self.text("/credentials/wangdiantong/appkey"),
            )
            .env(
                "BENCH_APPSECRET",
                self.text("/credentials/wangdiantong/appsecret"),
            )
            .env("BENCH_KINGDEE_URL", self.text("/kingdee"))
            .env("BENCH_ACCT_ID", self.text("/credentials/kingdee/acct_id"))
            .env("BENCH_USERNAME", self.text("/credentials/kingdee/username"))
            .env("BENCH_APP_ID", self.text("/credentials/kingdee/app_id"))
            .env(
                "BENCH_APP_SECRET",
                self.text("/credentials/kingdee/app_secret"),
            )
    }

    pub(crate) fn write_project(&self, project: &Path) -> Result<()> {
        self.write_project_at(project, self.text("/wangdiantong"))
    }

    pub(crate) fn write_project_at(&self, project: &Path, source: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let connections = project.join("connections");
        std::fs::create_dir_all(&connections)?;
        let text = format!(
            "connection: wangdiantong\nconnector: wangdiantong\ncalls_per_minute: 100000\n\
             settings:\n  base_url: {source}\n  \
             dialect: openapi2\n  sid: {}\n  appkey: {}\n  appsecret: ${{secret:WDT}}\n",
            self.text("/credentials/wangdiantong/sid"),
            self.text("/credentials/wangdiantong/appkey"),
        );
        std::fs::write(connections.join("wangdiantong.yaml"), text)?;
        let text = format!(
            "connection: kingdee\nconnector: kingdee\nsettings:\n  base_url: {}\n  acct_id: {}\n  \
             username: {}\n  auth: app_secret\n  app_id: {}\n  app_secret: ${{secret:KD}}\n",
            self.text("/kingdee"),
            self.text("/credentials/kingdee/acct_id"),
            self.text("/credentials/kingdee/username"),
            self.text("/credentials/kingdee/app_id"),
        );
        std::fs::write(connections.join("kingdee.yaml"), text)?;
        let secrets = format!(
            "WDT={}\nKD={}\n",
            self.text("/credentials/wangdiantong/appsecret"),
            self.text("/credentials/kingdee/app_secret"),
        );
        let place = project.join("secrets.env");
        std::fs::write(&place, secrets)?;
        Ok(std::fs::set_permissions(
            place,
            std::fs::Permissions::from_mode(0o600),
        )?)
    }

    /// Forgets the documents that arrived; the orders stay.
    pub(crate) fn reset(&self) -> Result<()> {
        self.admin("POST", "reset", "").map(drop)
    }

    /// Orders that were shipped in this second.
    pub(crate) fn add(&self, count: usize) -> Result<()> {
        let now_s = now_s();
        let wish = format!(r#"{{"count":{count},"from":{now_s},"to":{now_s}}}"#);
        self.admin("POST", "orders/add", &wish).map(drop)
    }

    /// A contestant that lost or doubled something has no figure.
    pub(crate) fn check_arrived(&self, expected: usize) -> Result<()> {
        let counts: Value = serde_json::from_str(&self.admin("GET", "counts", "")?)?;
        let arrived = counts
            .get("documents")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if arrived != expected as u64 {
            bail!("{arrived} documents arrived instead of {expected}");
        }
        Ok(())
    }

    fn admin(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let address = self
            .text("/admin")
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "{method} /{path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{method} {path}: {head}");
        }
        Ok(body.to_owned())
    }
}

/// Unix seconds.
pub(crate) fn now_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

impl Drop for Field {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}
