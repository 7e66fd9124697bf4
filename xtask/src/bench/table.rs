//! Medians, spreads and ratios of what was measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::process::Usage;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    Native,
    NativeTwin,
    Sandboxed,
    SandboxedTwin,
    Python,
}

impl Row {
    fn name(self) -> &'static str {
        match self {
            Row::Native => "native Rust, by hand",
            Row::NativeTwin => "the same again (A/A)",
            Row::Sandboxed => "duijie, sandboxed, durable",
            Row::SandboxedTwin => "the same again (A/A)",
            Row::Python => "Python, httpx and orjson",
        }
    }
}

#[derive(Default)]
pub(crate) struct Rows(BTreeMap<Row, Vec<Usage>>);

impl Rows {
    pub(crate) fn add(&mut self, row: Row, usage: Usage) {
        self.0.entry(row).or_default().push(usage);
    }

    pub(crate) fn last_output(&self, row: Row) -> Option<&str> {
        self.0.get(&row)?.last().map(|usage| usage.output.as_str())
    }

    fn median(&self, row: Row, of: impl Fn(&Usage) -> f64) -> Option<f64> {
        let mut values: Vec<f64> = self.0.get(&row)?.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// The median, in seconds.
    pub(crate) fn cpu_s(&self, row: Row) -> Option<f64> {
        self.median(row, |usage| usage.cpu_s)
    }

    pub(crate) fn text(&self, records: usize) -> String {
        let mut text = String::from(
            "| who | records per CPU-s | CPU s | wall s | peak MB |\n|---|---|---|---|---|\n",
        );
        for row in self.0.keys() {
            let median = |of: fn(&Usage) -> f64| self.median(*row, of).unwrap_or_default();
            let cpu = median(|usage| usage.cpu_s);
            // Writing into a text cannot fail.
            _ = writeln!(
                text,
                "| {} | {:.0} | {cpu:.3} | {:.3} | {:.0} |",
                row.name(),
                records as f64 / cpu,
                median(|usage| usage.wall_s),
                median(|usage| usage.peak_mb),
            );
        }
        let cpu = |usage: &Usage| usage.cpu_s;
        let wall = |usage: &Usage| usage.wall_s;
        for (what, one, other, of) in [
            (
                "A/A control, CPU, native",
                Row::Native,
                Row::NativeTwin,
                &cpu as &dyn Fn(&Usage) -> f64,
            ),
            (
                "A/A control, CPU, duijie",
                Row::Sandboxed,
                Row::SandboxedTwin,
                &cpu,
            ),
            (
                "records per CPU-second, duijie / native",
                Row::Native,
                Row::Sandboxed,
                &cpu,
            ),
            (
                "records per CPU-second, duijie / Python",
                Row::Python,
                Row::Sandboxed,
                &cpu,
            ),
            ("wall, duijie / native", Row::Sandboxed, Row::Native, &wall),
        ] {
            if let (Some(one), Some(other)) = (self.median(one, of), self.median(other, of)) {
                _ = writeln!(text, "\n{what}: {:.3}", one / other);
            }
        }
        text
    }
}
