//! Retries and limits: what is absent gets its default, what is
//! more than a connector takes is told.

use std::time::Duration;

use duijie_contract::{CollectionInfo, Role};
use duijie_diagnostic::Diagnostic;
use duijie_manifest as low;

use crate::{
    OnChange, OnNewer, OnRejected, OnUnknown, Policy, Retries, code, duration, resolve::Check,
};

/// Records of a page or a batch where neither connector nor manifest says.
const RECORDS: u32 = 100;
/// Bytes of a batch where the connector does not say.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
const AT_ONCE: u32 = 4;

pub(crate) fn policy(check: &mut Check<'_>) -> Policy {
    let retries = check.retries();
    let retention = check.retention();
    let bounds = check.bounds();
    let pipeline = &check.inputs.pipeline.low;
    let limits = pipeline.limits.clone().unwrap_or_default();
    let (bounds, longest_run) = bounds;
    let target = pipeline.target.as_ref();
    let into_table = target.is_some_and(|target| target.table.is_some());
    Policy {
        on_change: match pipeline.on_change {
            // A row is no document that someone may have worked on since.
            None if into_table => OnChange::Update,
            None | Some(low::OnChange::Hold) => OnChange::Hold,
            Some(low::OnChange::Update) => OnChange::Update,
            Some(low::OnChange::Ignore) => OnChange::Ignore,
        },
        on_rejected: match pipeline.on_rejected {
            None | Some(low::OnRejected::Continue) => OnRejected::Continue,
            Some(low::OnRejected::Stop) => OnRejected::Stop,
        },
        on_unknown: match pipeline.on_unknown {
            None | Some(low::OnUnknown::Hold) => OnUnknown::Hold,
            Some(low::OnUnknown::Resend) => OnUnknown::Resend,
            Some(low::OnUnknown::Skip) => OnUnknown::Skip,
        },
        on_newer: match pipeline.on_newer {
            None | Some(low::OnNewer::Pass) => OnNewer::Pass,
            Some(low::OnNewer::Wait) => OnNewer::Wait,
        },
        retries,
        page_records: check.page_records(),
        read_ahead: limits.read_ahead.unwrap_or(AT_ONCE),
        writers: check.writers(),
        retention,
        bounds,
        longest_run,
    }
}

impl Check<'_> {
    fn retries(&mut self) -> Retries {
        let given = self.inputs.pipeline.low.retries.clone().unwrap_or_default();
        let longest = self.wait("longest_wait", given.longest_wait.as_deref());
        let first = self.wait("first_wait", given.first_wait.as_deref());
        let budget = self.wait("budget", given.budget.as_deref());
        let longest_wait = longest.unwrap_or(Duration::from_secs(120));
        let first_wait = first.unwrap_or(Duration::from_secs(1).min(longest_wait));
        if first_wait > longest_wait {
            let document = self.inputs.pipeline;
            let message = format!(
                "`retries.first_wait` is {}, longer than the longest wait of {}",
                duration::write(first_wait),
                duration::write(longest_wait)
            );
            let problem = Diagnostic::error(code::BAD_DURATION, message)
                .at(document.place("/retries/first_wait"))
                .hint("waits double from the first to the longest");
            self.tell(problem);
        }
        Retries {
            attempts: given.attempts.unwrap_or(5),
            first_wait,
            longest_wait,
            budget: budget.unwrap_or(Duration::from_secs(3600)),
        }
    }

    fn wait(&mut self, name: &str, text: Option<&str>) -> Option<Duration> {
        self.length("retries", name, text?)
    }

    /// A length of time that a field of the manifest holds.
    pub(crate) fn length(&mut self, within: &str, name: &str, text: &str) -> Option<Duration> {
        let parsed = duration::parse(text);
        if parsed.is_none() {
            let field = within.replace('/', ".");
            let message = format!("`{field}.{name}` is `{text}`, expected a length of time");
            let problem = Diagnostic::error(code::BAD_DURATION, message)
                .at(self.inputs.pipeline.place(&format!("/{within}/{name}")))
                .hint("such as `500ms`, `30s`, `5m`, `1h30m` or `400d`");
            self.tell(problem);
        }
        parsed
    }

    fn page_records(&mut self) -> u32 {
        let pipeline = &self.inputs.pipeline.low;
        let asked = pipeline
            .limits
            .as_ref()
            .and_then(|limits| limits.page_records);
        let source = pipeline.source.as_ref();
        let most = source.map_or(0, |source| {
            let names = (source.connector.as_deref(), source.collection.as_deref());
            self.most_records(Role::Source, names)
        });
        self.limit("page_records", asked, most, "the source gives at most")
            .unwrap_or(if most == 0 { RECORDS } else { most })
    }

    pub(crate) fn batch_records(&mut self, info: Option<&CollectionInfo>) -> usize {
        let limits = self.inputs.pipeline.low.limits.as_ref();
        let asked = limits.and_then(|limits| limits.batch_records);
        let most = info.map_or(0, |info| info.max_records);
        let records = self
            .limit("batch_records", asked, most, "the target takes at most")
            .unwrap_or(if most == 0 { RECORDS } else { most });
        usize::try_from(records).unwrap_or(usize::MAX)
    }

    fn writers(&mut self) -> u32 {
        let pipeline = &self.inputs.pipeline.low;
        let asked = pipeline.limits.as_ref().and_then(|limits| limits.writers);
        let connector = pipeline
            .target
            .as_ref()
            .and_then(|target| target.connector.as_ref());
        let description = connector.and_then(|name| self.inputs.descriptions.get(name));
        let sessions = description.map_or(0, |description| description.sessions);
        let most = if sessions == 0 { u32::MAX } else { sessions };
        self.limit(
            "writers",
            asked,
            sessions,
            "one credential of the target has at most",
        )
        .unwrap_or(AT_ONCE.min(most))
    }

    fn most_records(&self, role: Role, names: (Option<&str>, Option<&str>)) -> u32 {
        let (Some(connector), Some(collection)) = names else {
            return 0;
        };
        let description = self.inputs.descriptions.get(connector);
        let info = description.and_then(|known| known.collection(role, collection));
        info.map_or(0, |info| info.max_records)
    }

    /// `asked`, told when it is more than `most`; a `most` of 0 is no limit.
    fn limit(&mut self, name: &str, asked: Option<u32>, most: u32, whose: &str) -> Option<u32> {
        let asked = asked?;
        if most != 0 && asked > most {
            let message = format!("`limits.{name}` is {asked}, {whose} {most}");
            let problem = Diagnostic::error(code::LIMIT_TOO_HIGH, message)
                .at(self.inputs.pipeline.place(&format!("/limits/{name}")))
                .hint(format!("write {most} or less, or leave it out"));
            self.tell(problem);
        }
        Some(asked)
    }
}
