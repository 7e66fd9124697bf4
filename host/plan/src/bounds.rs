//! What one run may use of its connectors: what is absent gets its default.

use std::time::Duration;

use duijie_contract::Bounds;
use duijie_diagnostic::Diagnostic;

use crate::{code, resolve::Check, size};

const LONGEST_RUN: Duration = Duration::from_secs(7 * 86_400);
const WITHIN: &str = "limits/run";

impl Check<'_> {
    /// And how long a run may take.
    pub(crate) fn bounds(&mut self) -> (Bounds, Duration) {
        let limits = self.inputs.pipeline.low.limits.as_ref();
        let given = limits.and_then(|limits| limits.run.clone());
        let given = given.unwrap_or_default();
        let length = |check: &mut Self, name: &str, text: Option<String>| {
            text.and_then(|text| check.length(WITHIN, name, &text))
        };
        let longest = length(self, "time", given.time);
        let default = Bounds::DEFAULT;
        let bounds = Bounds {
            cpu: length(self, "cpu", given.cpu).unwrap_or(default.cpu),
            calls: given.calls.unwrap_or(default.calls),
            sent_bytes: self.amount("sent", given.sent, default.sent_bytes),
            received_bytes: self.amount("received", given.received, default.received_bytes),
            log_lines: given.log_lines.unwrap_or(default.log_lines),
            log_bytes: self.amount("log_bytes", given.log_bytes, default.log_bytes),
        };
        (bounds, longest.unwrap_or(LONGEST_RUN))
    }

    fn amount(&mut self, name: &str, text: Option<String>, default: u64) -> u64 {
        let Some(text) = text else {
            return default;
        };
        size::parse(&text).unwrap_or_else(|| {
            let message = format!("`limits.run.{name}` is `{text}`, expected an amount of bytes");
            let problem = Diagnostic::error(code::BAD_SIZE, message)
                .at(self.inputs.pipeline.place(&format!("/{WITHIN}/{name}")))
                .hint("such as `500MB` or `4GiB`");
            self.tell(problem);
            default
        })
    }
}
