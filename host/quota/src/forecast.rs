//! How long a number of calls takes at least, when nobody else makes any.

use std::time::Duration;

use crate::budget::{Budget, CAUTION, Window, millis};

impl Budget {
    /// Time that the budget alone costs, from a fresh start; the calls' own time
    /// is not in it. `None` where there is no limit.
    pub fn forecast(&self, calls: u64) -> Option<Duration> {
        let waits = self.windows.iter().map(|window| wait_ms(*window, calls));
        waits.max().map(Duration::from_millis)
    }

    /// `about 9 h at 60 calls a minute`, by the window that costs most time.
    pub fn forecast_words(&self, calls: u64) -> Option<String> {
        let slowest = |window: &&Window| wait_ms(**window, calls);
        let window = self.windows.iter().max_by_key(slowest)?;
        let long = long(wait_ms(*window, calls));
        let noun = if window.calls() == 1 { "call" } else { "calls" };
        Some(format!(
            "{long} at {} {noun} {}",
            window.calls(),
            span(window.per_ms())
        ))
    }
}

/// The first windowful goes at once, each further one a window later, as it is
/// kept at departure.
fn wait_ms(window: Window, calls: u64) -> u64 {
    let rounds = calls.saturating_sub(1) / u64::from(window.calls());
    let per_ms = match window {
        Window::Sliding { .. } => window.per_ms().saturating_add(millis(CAUTION)),
        Window::Fixed { .. } => window.per_ms(),
    };
    rounds.saturating_mul(per_ms)
}

fn long(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
    ];
    if ms == 0 {
        return "no wait".to_owned();
    }
    // In units of which there are two at least, to the nearest.
    let unit = UNITS.iter().find(|(length, _)| ms >= length * 2);
    let (length, name) = unit.copied().unwrap_or((1, "ms"));
    format!("about {} {name}", (ms + length / 2) / length)
}

fn span(ms: u64) -> String {
    let names = [
        (Duration::from_secs(1), "a second"),
        (Duration::from_secs(60), "a minute"),
        (Duration::from_secs(3600), "an hour"),
        (Duration::from_secs(86_400), "a day"),
    ];
    let name = names.iter().find(|(length, _)| millis(*length) == ms);
    name.map_or_else(|| format!("in {ms} ms"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_counts_whole_windows_of_the_one_that_costs_most() {
        let minute = Budget::per_minute(60);
        let words = |calls| minute.forecast_words(calls).unwrap();
        assert_eq!(words(32_400), "about 9 h at 60 calls a minute");
        assert_eq!(words(60), "no wait at 60 calls a minute");
        assert_eq!(words(61), "about 61 s at 60 calls a minute");
        assert_eq!(words(1_000_000), "about 12 d at 60 calls a minute");
        let day = Window::Fixed {
            calls: 1000,
            per: Duration::from_secs(86_400),
            shift: Duration::ZERO,
        };
        let mut both = minute.clone();
        both.windows.push(day);
        let told = both.forecast_words(3500).unwrap();
        assert_eq!(told, "about 3 d at 1000 calls a day");
        assert_eq!(Budget::default().forecast(5), None);
    }
}
