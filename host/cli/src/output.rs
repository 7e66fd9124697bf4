//! The one place that prints: data to stdout, the rest to stderr, colour
//! where a terminal wants it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{IsTerminal as _, Write as _};

use duijie_diagnostic::{Diagnostic, Sources, Style, render, to_json};
use duijie_otlp::Traces;
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

pub(crate) struct Output {
    json: bool,
    /// For a step of a larger command, whose answer is the only JSON object.
    step: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, step: false }
    }

    pub(crate) fn step(&self) -> Self {
        Self {
            json: self.json,
            step: true,
        }
    }

    /// A command's answer: text for people, or the same as data in the one
    /// envelope that all commands share.
    pub(crate) fn data(&self, text: &str, data: Value) {
        match (self.json, self.step) {
            (true, true) => {}
            (true, false) => print(&json!({"ok": true, "data": data}).to_string()),
            (false, _) => print(text.trim_end()),
        }
    }

    /// One line of data of many, whatever the form.
    pub(crate) fn line(&self, text: &str) {
        print(text);
    }

    /// Something on the way, for people only.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    /// Asks for something to be typed behind it.
    pub(crate) fn prompt(&self, text: &str) {
        eprint!("{text}");
    }

    pub(crate) fn is_step(&self) -> bool {
        self.step
    }

    pub(crate) fn error(&self, text: &str) {
        if self.json {
            print(&json!({"ok": false, "error": text}).to_string());
        } else {
            eprintln!("error: {text}");
        }
    }

    /// Located problems, all at once.
    pub(crate) fn problems(&self, problems: &[Diagnostic], sources: &Sources) {
        if self.json {
            let problems: Vec<_> = problems.iter().map(|one| to_json(one, sources)).collect();
            print(&json!({"ok": false, "problems": problems}).to_string());
        } else {
            eprintln!("{}", render(problems, sources, style()).trim_end());
        }
    }

    /// Whether a bar can move.
    pub(crate) fn live(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }
}

fn style() -> Style {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style {
        colour: wanted && std::io::stderr().is_terminal(),
        ..Style::PLAIN
    }
}

/// A reader that went away needs no more.
fn print(text: &str) {
    writeln!(std::io::stdout().lock(), "{text}").ok();
}

/// Logs go to stderr, warnings and worse unless `DUIJIE_LOG` says otherwise;
/// spans to whoever collects them.
pub(crate) fn start_log(traces: Option<&Traces>) {
    let wish = std::env::var("DUIJIE_LOG").unwrap_or_else(|_| "warn".to_owned());
    let filter = EnvFilter::try_new(&wish).unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(style().colour);
    let log = match std::env::var("DUIJIE_LOG_FORM").as_deref() {
        Ok("json") => log.json().boxed(),
        _ => log.boxed(),
    };
    let log = tracing_subscriber::registry().with(log.with_filter(filter));
    match traces {
        Some(traces) => log.with(traces.layer()).init(),
        None => log.init(),
    }
}
