//! Fault rules: which requests go wrong, and how. What an answer then looks like is each vendor's matter.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// One rule. Rules are asked in the order in which they were added; the first that applies wins.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// `kingdee.BatchSave`, `wangdiantong.stockout_order_query_trade`, `kingdee.*` or `*`.
    #[serde(rename = "match")]
    pub operation: String,
    /// Matching requests that pass unharmed first.
    #[serde(default)]
    pub skip: u64,
    /// Requests that are harmed; `null` for all that follow.
    #[serde(default = "once")]
    pub times: Option<u64>,
    pub kind: FaultKind,
    /// Milliseconds, for the kinds that speak of them.
    #[serde(default)]
    pub ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request takes effect, then the connection closes without an answer. What it saved can be found
    /// after `ms`.
    DropAfterApply,
    /// The connection closes without an answer and without effect.
    DropBefore,
    /// A gateway's 502 without effect.
    #[serde(rename = "status_502_before")]
    Status502Before,
    /// A gateway's 502 after the request took effect.
    #[serde(rename = "status_502_after")]
    Status502After,
    /// Status 200 with an HTML page, without effect.
    #[serde(rename = "html_200")]
    Html200,
    /// The request takes effect; the answer's second half is missing, under a matching content length.
    TruncatedJson,
    /// Valid JSON of another shape, without effect.
    WrongEnvelope,
    /// The envelope's members with other types, without effect. Wangdiantong's: the list alone.
    WrongTypes,
    /// The first half of a batch takes effect; the answer tells of that half only. Kingdee's `BatchSave`,
    /// `Submit`, `Audit` and the like.
    HalfBatch,
    /// What is saved can be found by queries only after `ms`. Kingdee's `Save` and `BatchSave`.
    DelayedVisibility,
    /// The connection closes at once without an answer, and the request takes effect `ms` later. Kingdee's
    /// `Save`, `BatchSave`, `Submit` and `Audit`.
    LateApply,
    /// The page also holds the rows of the page that was given before it, as they are now. Wangdiantong's
    /// stock-outs.
    RepeatPage,
    /// As `RepeatPage`, each row as it was at first: a replica that lags behind.
    StalePage,
    /// Once the page is given, its first order gets one piece more, as if that had happened `ms` ago.
    /// Wangdiantong's stock-outs.
    ChangeRows,
    /// The vendor's own answer to too many calls.
    Throttle,
    /// The session ends before the request. Kingdee only.
    SessionLost,
    /// The answer waits `ms`.
    Slow,
}

// The field's type asks for the option: `null` means "for ever".
#[allow(clippy::unnecessary_wraps)]
fn once() -> Option<u64> {
    Some(1)
}

impl FaultRule {
    /// A rule that harms the next matching request.
    pub fn once(operation: &str, kind: FaultKind) -> Self {
        Self {
            operation: operation.to_owned(),
            skip: 0,
            times: Some(1),
            kind,
            ms: 0,
        }
    }

    fn matches(&self, operation: &str) -> bool {
        match self.operation.strip_suffix('*') {
            Some(prefix) => operation.starts_with(prefix),
            None => self.operation == operation,
        }
    }
}

/// The rules in force.
#[derive(Default)]
pub(crate) struct FaultRules(Mutex<Vec<FaultRule>>);

impl FaultRules {
    pub(crate) fn add(&self, rule: FaultRule) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
    }

    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(crate) fn all(&self) -> Vec<FaultRule> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What shall go wrong with this request, counting it against the rule.
    pub(crate) fn take(&self, operation: &str) -> Option<(FaultKind, u64)> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules.iter_mut().filter(|rule| rule.matches(operation)) {
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            match &mut rule.times {
                Some(0) => continue,
                Some(times) => *times -= 1,
                None => {}
            }
            return Some((rule.kind, rule.ms));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, FaultRule, FaultRules};

    #[test]
    fn a_rule_skips_then_harms_then_rests() {
        let rules = FaultRules::default();
        let rule = r#"{"match":"kingdee.*","skip":1,"times":2,"kind":"status_502_after"}"#;
        rules.add(serde_json::from_str::<FaultRule>(rule).unwrap());
        let taken: Vec<bool> = (0..5)
            .map(|_| rules.take("kingdee.Save").is_some())
            .collect();
        assert_eq!(taken, [false, true, true, false, false]);
        assert!(rules.take("wangdiantong.trade_query").is_none());
    }

    #[test]
    fn a_rule_without_an_end_stays() {
        let rules = FaultRules::default();
        rules.add(
            serde_json::from_str(r#"{"match":"*","times":null,"kind":"slow","ms":5}"#).unwrap(),
        );
        assert!((0..10).all(|_| rules.take("anything") == Some((FaultKind::Slow, 5))));
    }
}
