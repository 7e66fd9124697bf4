//! A running `duijie serve`: started, asked, looked at from outside.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Ground;
use super::home::Home;

/// Nothing that is waited for takes longer.
const LONGEST: Duration = Duration::from_secs(600);
const LISTENING: &str = "listening on http://";

pub(super) struct Server {
    child: Child,
    address: String,
    token: String,
    /// Of each batch the tenant and the milliseconds, as the log tells them.
    batches: Receiver<(String, f64)>,
    /// From starting the program to its word that runs begin.
    pub(super) ready: Duration,
    pub(super) ready_at: Instant,
}

/// Of the process, now.
pub(super) struct Held {
    pub(super) memory_mb: f64,
    pub(super) peak_mb: f64,
    pub(super) files: usize,
    pub(super) cpu_s: f64,
}

impl Server {
    pub(super) fn start(ground: &Ground, home: &Home, token: &str) -> Result<Self> {
        let begun = Instant::now();
        let mut child = Command::new(ground.program())
            .env("DUIJIE_LOG", "error,duijie::batch=debug")
            .env("DUIJIE_LOG_FORM", "json")
            .args(["serve", "--listen", "127.0.0.1:0", "--project"])
            .arg(&home.root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the service")?;
        let errors = child.stderr.take().context("no output")?;
        let (told, batches) = channel();
        let (listening, address) = channel();
        std::thread::spawn(move || listen(errors, &listening, &told));
        let address = address
            .recv_timeout(LONGEST)
            .context("the service does not listen")?;
        let mut server = Self {
            child,
            address,
            token: token.to_owned(),
            batches,
            ready: Duration::ZERO,
            ready_at: begun,
        };
        while server.get("/readyz").is_err() {
            if begun.elapsed() > LONGEST {
                bail!("the service is not ready after {LONGEST:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        server.ready = begun.elapsed();
        server.ready_at = Instant::now();
        Ok(server)
    }

    pub(super) fn get(&self, path: &str) -> Result<String> {
        self.call("GET", path)
    }

    pub(super) fn json(&self, path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.get(path)?)?)
    }

    fn call(&self, method: &str, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: duijie\r\nauthorization: Bearer {}\r\n\
             content-length: 0\r\nconnection: close\r\n\r\n",
            self.token
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("{method} {path}: {head}\n{body}");
        }
        Ok(match head.contains("transfer-encoding: chunked") {
            true => unchunked(body),
            false => body.to_owned(),
        })
    }

    /// Values of one metric, by tenant, where this label stands beside it.
    pub(super) fn metric(&self, metric: &str, label: &str) -> Result<Vec<(String, f64)>> {
        let text = self.get("/metrics")?;
        let lines = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(metric)?.strip_prefix("{tenant=\"")?;
            let (tenant, rest) = rest.split_once('"')?;
            let (labels, value) = rest.split_once("} ")?;
            labels
                .contains(label)
                .then(|| Some((tenant.to_owned(), value.parse().ok()?)))?
        });
        Ok(lines.collect())
    }

    pub(super) fn sum(&self, metric: &str, label: &str) -> Result<f64> {
        Ok(self
            .metric(metric, label)?
            .iter()
            .map(|(_, value)| value)
            .sum())
    }

    /// Waits until so many runs of tenants whose names begin with `t` have
    /// ended well.
    pub(super) fn until_finished(&self, runs: usize) -> Result<()> {
        let begun = Instant::now();
        loop {
            let ended = self.metric("duijie_runs_total", "end=\"finished\"")?;
            let ended = ended.iter().filter(|(tenant, _)| tenant.starts_with('t'));
            let ended: f64 = ended.map(|(_, value)| value).sum();
            if ended >= runs as f64 {
                return Ok(());
            }
            if begun.elapsed() > LONGEST {
                bail!("{ended} of {runs} runs have finished after {LONGEST:?}");
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Batches that were told since the last call.
    pub(super) fn batches(&self) -> Vec<(String, f64)> {
        self.batches.try_iter().collect()
    }

    pub(super) fn held(&self) -> Result<Held> {
        let process = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{process}/status"))?;
        let mb = |name: &str| {
            let mut lines = status.lines();
            let line = lines.find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.map_or(f64::NAN, |kib: f64| kib / 1_024.0)
        };
        let stat = std::fs::read_to_string(format!("{process}/stat"))?;
        // Behind the name, which may hold anything, are the fields from the third on.
        let (_, fields) = stat.rsplit_once(')').context("no fields")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(Held {
            memory_mb: mb("VmRSS:"),
            peak_mb: mb("VmHWM:"),
            files: std::fs::read_dir(format!("{process}/fd"))?.count(),
            // Linux counts in hundredths of a second everywhere.
            cpu_s: ticks / 100.0,
        })
    }

    /// By the signal that asks it to; an end in any other way is an error.
    pub(super) fn terminate(mut self) -> Result<()> {
        let begun = Instant::now();
        let id = self.child.id().to_string();
        crate::shell::run(Command::new("kill").args(["-TERM", &id]))?;
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("the service does not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        match self.child.wait()?.code() {
            Some(143) => Ok(()),
            other => bail!("the service ended with {other:?}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn listen(errors: ChildStderr, listening: &Sender<String>, told: &Sender<(String, f64)>) {
    for line in BufReader::new(errors).lines() {
        let Ok(line) = line else { return };
        if let Some((_, address)) = line.split_once(LISTENING) {
            listening.send(address.to_owned()).ok();
            continue;
        }
        match batch(&line) {
            Some(batch) => _ = told.send(batch),
            None => eprintln!("serve: {line}"),
        }
    }
}

fn batch(line: &str) -> Option<(String, f64)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields")?;
    let tenant = fields.get("tenant")?.as_str()?.to_owned();
    let took_ms = fields.get("took_ms")?;
    let told = || took_ms.as_str()?.parse().ok();
    Some((tenant, took_ms.as_f64().or_else(told)?))
}

fn unchunked(body: &str) -> String {
    let mut whole = String::new();
    let mut rest = body;
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..length).filter(|_| length > 0) else {
            break;
        };
        whole.push_str(chunk);
        rest = after.get(length + 2..).unwrap_or_default();
    }
    whole
}
