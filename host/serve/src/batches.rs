//! How long batches took from the transforms to durable outcomes, as a
//! histogram of Prometheus.

use std::time::Duration;

/// Upper bounds in milliseconds, and as `le` has them in seconds. Beyond the
/// last there is one more.
const BOUNDS: [(u64, &str); 11] = [
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (2_500, "2.5"),
    (5_000, "5"),
    (10_000, "10"),
    (30_000, "30"),
    (120_000, "120"),
];

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Batches {
    /// Of each bound, those that took longer than the one before.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum_ms: u64,
}

impl Batches {
    pub(crate) fn add(&mut self, took: Duration) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let mut bounds = BOUNDS.iter().zip(&mut self.within);
        if let Some((_, within)) = bounds.find(|((bound, _), _)| took_ms <= *bound) {
            *within += 1;
        }
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(took_ms);
    }

    /// Its samples; none of a tenant that had no batch.
    pub(crate) fn write(&self, metric: &str, tenant: &str, out: &mut String) {
        use std::fmt::Write as _;
        if self.count == 0 {
            return;
        }
        let mut upto = 0;
        let bounds = BOUNDS.iter().zip(&self.within);
        // Writing into a text cannot fail.
        for ((_, bound), within) in bounds {
            upto += within;
            _ = writeln!(
                out,
                "{metric}_bucket{{tenant=\"{tenant}\",le=\"{bound}\"}} {upto}"
            );
        }
        let (count, sum_ms) = (self.count, self.sum_ms);
        let (whole, thousandths) = (sum_ms / 1_000, sum_ms % 1_000);
        _ = write!(
            out,
            "{metric}_bucket{{tenant=\"{tenant}\",le=\"+Inf\"}} {count}\n\
             {metric}_sum{{tenant=\"{tenant}\"}} {whole}.{thousandths:03}\n\
             {metric}_count{{tenant=\"{tenant}\"}} {count}\n"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_all_that_took_no_longer() {
        let mut batches = Batches::default();
        let mut text = String::new();
        batches.write("b", "north", &mut text);
        assert_eq!(text, "");
        for ms in [10, 25, 26, 700, 200_000] {
            batches.add(Duration::from_millis(ms));
        }
        batches.write("b", "north", &mut text);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), BOUNDS.len() + 3);
        assert_eq!(lines[0], "b_bucket{tenant=\"north\",le=\"0.025\"} 2");
        assert_eq!(lines[1], "b_bucket{tenant=\"north\",le=\"0.05\"} 3");
        assert_eq!(lines[4], "b_bucket{tenant=\"north\",le=\"0.5\"} 3");
        assert_eq!(lines[5], "b_bucket{tenant=\"north\",le=\"1\"} 4");
        assert_eq!(
            lines[10..],
            [
                "b_bucket{tenant=\"north\",le=\"120\"} 4",
                "b_bucket{tenant=\"north\",le=\"+Inf\"} 5",
                "b_sum{tenant=\"north\"} 200.761",
                "b_count{tenant=\"north\"} 5",
            ]
        );
    }
}
