//! `duijie-sim`: the simulators as a process. One JSON line on stdout says where they are; then they serve
//! until SIGINT, SIGTERM or, if asked, the end of stdin. A line `report` on stdin is answered by one JSON line
//! of what arrived.

use clap::{Parser, ValueEnum};
use duijie_sim::{Clock, Config, Dialect, Error, Simulators, report, write_connections};
use serde::Serialize;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::signal::unix::{SignalKind, signal};

/// Simulates Wangdiantong, Kingdee and Waiqin365 on the loopback.
#[derive(Parser)]
struct Arguments {
    /// Shipped orders at the start
    #[arg(long, default_value_t = 2000)]
    orders: usize,
    /// The same seed and `--now` give the same orders
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Unix seconds of the end of the orders' period; the machine's time when not given
    #[arg(long)]
    now: Option<i64>,
    /// The servers' clock stands at `--now` and moves by the admin endpoint only
    #[arg(long, requires = "now")]
    stopped_clock: bool,
    /// Days before `--now` over which orders were shipped
    #[arg(long, default_value_t = 7)]
    days: u64,
    /// Fewest lines of an order
    #[arg(long, default_value_t = 1)]
    lines_min: u32,
    /// Most lines of an order
    #[arg(long, default_value_t = 6)]
    lines_max: u32,
    /// Give `batch_details` beside `details_list`
    #[arg(long)]
    batch_details: bool,
    /// Port of Wangdiantong, 0 for any
    #[arg(long, default_value_t = 0)]
    port_wangdiantong: u16,
    /// Port of Kingdee, 0 for any
    #[arg(long, default_value_t = 0)]
    port_kingdee: u16,
    /// Port of Waiqin365, 0 for any
    #[arg(long, default_value_t = 0)]
    port_waiqin365: u16,
    /// Port of the admin endpoint, 0 for any
    #[arg(long, default_value_t = 0)]
    port_admin: u16,
    /// Every answer waits so long
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Calls a minute that Wangdiantong allows; no limit when not given
    #[arg(long)]
    calls_per_minute: Option<usize>,
    /// Bench mode: Kingdee stores raw bodies and finds bill numbers only
    #[arg(long)]
    fast: bool,
    /// Render the orders of one dialect before serving
    #[arg(long)]
    render_first: Option<RenderFirst>,
    /// Take flat names, unwrapped base data and misplaced options as the real server does: silently
    #[arg(long)]
    lenient_fields: bool,
    /// Write connections and secrets for these servers into this project
    #[arg(long)]
    project: Option<PathBuf>,
    /// End when stdin ends
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum RenderFirst {
    A,
    B,
}

impl Arguments {
    fn config(&self) -> Config {
        let mut config = Config::new(self.orders, self.seed);
        config.now = self.now;
        if let Some(now) = self.now.filter(|_| self.stopped_clock) {
            config.clock = Clock::manual(now);
        }
        config.period = Duration::from_secs(self.days.max(1) * 86_400);
        config.lines = self.lines_min..=self.lines_max;
        config.batch_details = self.batch_details;
        config.port_wangdiantong = self.port_wangdiantong;
        config.port_kingdee = self.port_kingdee;
        config.port_waiqin365 = self.port_waiqin365;
        config.port_admin = self.port_admin;
        config.latency = Duration::from_millis(self.latency_ms);
        config.calls_per_minute = self.calls_per_minute;
        config.render_first = self.render_first.map(|dialect| match dialect {
            RenderFirst::A => Dialect::Direct,
            RenderFirst::B => Dialect::Qimen,
        });
        config.kingdee.fast = self.fast;
        config.kingdee.strict_fields = !self.lenient_fields;
        if self.fast {
            config.journal = 0;
        }
        config
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr leaves nowhere to complain to.
            _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let simulators = Simulators::start_blocking(arguments.config())?;
    if let Some(project) = &arguments.project {
        write_connections(&simulators, project)?;
    }
    let line = serde_json::json!({
        "wangdiantong": simulators.wangdiantong_url(),
        "qimen": simulators.qimen_url(),
        "kingdee": simulators.kingdee_url(),
        "waiqin365": simulators.waiqin365_url(),
        "admin": simulators.admin_url(),
        "credentials": simulators.credentials(),
        "orders": arguments.orders,
        "pid": std::process::id(),
    });
    say(&line);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    runtime
        .block_on(wait(&simulators, arguments.until_stdin_closes))
        .map_err(Error::Runtime)?;
    // A blocked read of stdin must not hold the process.
    runtime.shutdown_background();
    Ok(())
}

/// A reader that is gone is noticed by the end of stdin or a signal.
fn say(line: &impl Serialize) {
    let line = serde_json::to_string(line).unwrap_or_default();
    _ = writeln!(std::io::stdout(), "{line}");
}

async fn wait(simulators: &Simulators, until_stdin_closes: bool) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stdin = async {
        if !until_stdin_closes {
            std::future::pending::<()>().await;
        }
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line == "report" {
                say(&report(simulators));
            }
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = stdin => {}
    }
    Ok(())
}
