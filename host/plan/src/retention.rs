//! How long state is kept: what is absent gets its default, what is too short
//! to keep the promises is told.

use std::time::Duration;

use duijie_diagnostic::Diagnostic;
use duijie_manifest as low;

use crate::{Retention, code, duration, resolve::Check, size};

const DAY: Duration = Duration::from_secs(86_400);
const SHORTEST_LEDGER: Duration = DAY;

impl Retention {
    pub const DEFAULT: Self = Self {
        ledger: Duration::from_secs(400 * DAY.as_secs()),
        evidence: Duration::from_secs(30 * DAY.as_secs()),
        evidence_bytes: 4 << 30,
    };

    /// What is wanted, read from its low form: where that has a problem, the
    /// default.
    pub fn wanted(low: Option<&low::Retention>) -> Self {
        let given = low.cloned().unwrap_or_default();
        let length = |text: Option<String>| text.as_deref().and_then(duration::parse);
        let ledger = length(given.ledger).filter(|length| *length >= SHORTEST_LEDGER);
        Self {
            ledger: ledger.unwrap_or(Self::DEFAULT.ledger),
            evidence: length(given.evidence).unwrap_or(Self::DEFAULT.evidence),
            evidence_bytes: (given.evidence_bytes.as_deref())
                .and_then(size::parse)
                .unwrap_or(Self::DEFAULT.evidence_bytes),
        }
    }

    /// What satisfies both.
    #[must_use]
    pub fn longer(self, other: Self) -> Self {
        Self {
            ledger: self.ledger.max(other.ledger),
            evidence: self.evidence.max(other.evidence),
            evidence_bytes: self.evidence_bytes.max(other.evidence_bytes),
        }
    }
}

impl Check<'_> {
    pub(crate) fn retention(&mut self) -> Retention {
        let low = &self.inputs.pipeline.low;
        let given = low.retention.clone().unwrap_or_default();
        let length = |check: &mut Self, name: &str, text: Option<String>| {
            text.and_then(|text| check.length("retention", name, &text))
        };
        length(self, "evidence", given.evidence);
        let ledger = length(self, "ledger", given.ledger);
        if let Some(ledger) = ledger.filter(|ledger| *ledger < SHORTEST_LEDGER) {
            let message = format!(
                "`retention.ledger` is {}, expected a day at least",
                duration::write(ledger)
            );
            let problem = Diagnostic::error(code::RETENTION_TOO_SHORT, message)
                .at(self.inputs.pipeline.place("/retention/ledger"))
                .hint("a record that is read again later than that is written a second time");
            self.tell(problem);
        }
        if let Some(text) = given.evidence_bytes
            && size::parse(&text).is_none()
        {
            let message =
                format!("`retention.evidence_bytes` is `{text}`, expected an amount of bytes");
            let problem = Diagnostic::error(code::BAD_SIZE, message)
                .at(self.inputs.pipeline.place("/retention/evidence_bytes"))
                .hint("such as `500MB` or `4GiB`");
            self.tell(problem);
        }
        Retention::wanted(low.retention.as_ref())
    }
}
