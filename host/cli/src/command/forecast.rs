//! How long so many records take at least, by the calls a minute that the
//! systems document or that were agreed on. Sessions, the calls' own time and
//! those who share the credential make it longer.

use std::time::Duration;

use duijie_plan::Plan;
use duijie_quota::Budget;
use serde_json::{Value, json};

/// One end of a pipeline.
pub(crate) struct Forecast {
    end: &'static str,
    connector: String,
    calls: u64,
    /// 0 where there is no limit that is known.
    calls_per_minute: u32,
}

/// A call a page at the source, a call a batch at the target.
/// A value table is filled without a call.
pub(crate) fn forecast(plan: &Plan, records: u64) -> Vec<Forecast> {
    let page = u64::from(plan.policy.page_records);
    let batch = u64::try_from(plan.target.max_records).unwrap_or(u64::MAX);
    let target = Some(("target", &plan.target.stage, batch));
    let target = target.filter(|_| plan.target.table.is_none());
    let ends = std::iter::once(("source", &plan.source, page)).chain(target);
    let ends = ends.map(|(end, stage, at_once)| Forecast {
        end,
        connector: stage.usage.connector.clone(),
        calls: records.div_ceil(at_once.max(1)),
        calls_per_minute: stage.usage.calls_per_minute,
    });
    ends.collect()
}

impl Forecast {
    fn budget(&self) -> Option<Budget> {
        (self.calls_per_minute > 0).then(|| Budget::per_minute(self.calls_per_minute))
    }

    /// One line.
    pub(crate) fn text(&self) -> String {
        let words = self.budget().and_then(|it| it.forecast_words(self.calls));
        let words = words.unwrap_or_else(|| "no known limit".to_owned());
        format!(
            "{} {}: {} calls, {words}",
            self.end, self.connector, self.calls
        )
    }

    pub(crate) fn data(&self) -> Value {
        let wait = self.budget().and_then(|it| it.forecast(self.calls));
        let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        json!({
            "end": self.end,
            "connector": self.connector,
            "calls": self.calls,
            "calls_per_minute": self.budget().map(|_| self.calls_per_minute),
            "least_ms": wait.map(millis),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_with_its_calls_and_its_limit() {
        let mut end = Forecast {
            end: "source",
            connector: "books".to_owned(),
            calls: 32_400,
            calls_per_minute: 60,
        };
        let text = "source books: 32400 calls, about 9 h at 60 calls a minute";
        assert_eq!(end.text(), text);
        assert_eq!(end.data()["least_ms"], 32_879_000);
        end.calls_per_minute = 0;
        assert_eq!(end.text(), "source books: 32400 calls, no known limit");
        assert_eq!(end.data()["least_ms"], Value::Null);
    }
}
