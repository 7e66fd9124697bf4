//! How far a run is: a moving line on a terminal, plain lines otherwise.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use duijie_pipeline::{Counts, Event, Observer};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

const BETWEEN_LINES: Duration = Duration::from_secs(5);

pub(crate) struct Progress {
    bar: ProgressBar,
    live: bool,
    quiet: bool,
    told: Mutex<Instant>,
}

impl Progress {
    pub(crate) fn new(output: &Output) -> Self {
        let live = output.live();
        let bar = match live {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        if live {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self {
            bar,
            live,
            quiet: output.is_json(),
            told: Mutex::new(Instant::now()),
        }
    }

    fn line(&self, text: String) {
        if self.live {
            self.bar.println(text);
        } else if !self.quiet {
            tell(&text);
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { resumed: true, .. } => self.line("going on at the checkpoint".into()),
            Event::Recovering { intents, documents } => self.line(format!(
                "settling {intents} intents ({documents} documents) of an earlier run first"
            )),
            Event::Settled { counts } => {
                self.bar.set_message(counted(counts));
                let Ok(mut told) = self.told.lock() else {
                    return;
                };
                if !self.live && told.elapsed() >= BETWEEN_LINES {
                    *told = Instant::now();
                    self.line(counted(counts));
                }
            }
            Event::Waiting { what, reason, wait } => {
                self.line(format!(
                    "{what}: {reason}; trying again in {} ms",
                    wait.as_millis()
                ));
            }
            Event::Rejected {
                source_key,
                code,
                message,
            } => self.line(format!("rejected {source_key}: {code} {message}")),
            Event::Held {
                source_key,
                target_key,
                reason,
            } => self.line(format!("held {source_key} ({target_key}): {reason}")),
            Event::Alarm {
                source_key,
                target_key,
                reason,
                ..
            } => self.line(format!(
                "ALARM {source_key} ({target_key}): {reason}; see `duijie holds show {target_key}`"
            )),
            Event::NotAcknowledged { source_key, reason } => {
                self.line(format!("not acknowledged {source_key}: {reason}"));
            }
            Event::ComesAgain { records } => self.line(format!(
                "{records} records come again: what waits for a person is not acknowledged"
            )),
            Event::Ended { .. } => self.bar.finish_and_clear(),
            _ => {}
        }
    }
}

/// Counts in words, zeros left out but for what was applied.
pub(crate) fn counted(counts: &Counts) -> String {
    let mut text = format!("{} read, {} applied", counts.read, counts.applied);
    for (count, word) in [
        (counts.unchanged, "unchanged"),
        (counts.dropped, "dropped"),
        (counts.rejected, "rejected"),
        (counts.held, "held"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}

#[allow(clippy::print_stderr)]
fn tell(text: &str) {
    eprintln!("{text}");
}
