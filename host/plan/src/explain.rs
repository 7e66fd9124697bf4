//! A plan for people and as data. What a run would read comes from outside,
//! as the source's outline.

use duijie_contract::Role;
use duijie_schedule::When;
use serde_json::{Value, json};

use crate::{
    OnChange, OnNewer, OnRejected, OnUnknown, Plan, Policy, Schedule, Stage, collection, duration,
    schedule, size,
};

/// Several lines, the last ended. `outline` says what the source would read,
/// a line a slice.
pub fn explain(plan: &Plan, outline: &[String]) -> String {
    let mut lines = Lines::default();
    lines.title(&format!("pipeline {}", plan.name));
    lines.line("scope", plan.scope.as_str());
    starts(plan, &mut lines);
    lines.line(
        "manifest",
        &format!("sha256 {}", short(&plan.manifest_digest)),
    );

    stage(&plan.source, &mut lines);
    lines.line("page", &records(plan.policy.page_records));
    if plan.drains {
        lines.line("comes again", "until each record is acknowledged");
        lines.line("read ahead", "nothing");
    } else {
        lines.line("read ahead", &pages(plan.policy.read_ahead));
    }
    lines.list("would read", outline);

    if let Some(group) = &plan.group {
        lines.title("group");
        for (name, value) in group.told() {
            lines.line(name, &value);
        }
    }
    for transform in &plan.transforms {
        stage(transform, &mut lines);
    }

    target(plan, &mut lines);

    policy(&plan.policy, &mut lines);
    lines.text
}

fn target(plan: &Plan, lines: &mut Lines) {
    let target = &plan.target;
    match &target.table {
        Some(table) => lines.title(&format!("target value table {table}")),
        None => stage(&target.stage, lines),
    }
    lines.line(
        "key",
        target
            .key
            .as_deref()
            .unwrap_or("derived from scope and source key"),
    );
    let class = format!(
        "{}: {}",
        target.guarantee,
        collection::words(target.guarantee)
    );
    lines.line("guarantee", &class);
    lines.line(
        "found again",
        if target.lookup { "by look-up" } else { "never" },
    );
    lines.line("settles in", &duration::write(target.settle));
    if !target.steps.is_empty() {
        lines.line("then", &target.steps.join(", "));
    }
    let batch = format!(
        "{} records, {} bytes at most",
        target.max_records, target.max_bytes
    );
    lines.line("batch", &batch);
    lines.line("at once", &format!("{} batches", plan.policy.writers));
}

fn policy(policy: &Policy, lines: &mut Lines) {
    lines.title("policy");
    lines.line("newer version", on_change(policy.on_change).1);
    lines.line("rejected", on_rejected(policy.on_rejected).1);
    lines.line("in doubt", on_unknown(policy.on_unknown).1);
    let retries = policy.retries;
    lines.line(
        "retries",
        &format!(
            "{} attempts, waits from {} to {}, {} of a run at most",
            retries.attempts,
            duration::write(retries.first_wait),
            duration::write(retries.longest_wait),
            duration::write(retries.budget)
        ),
    );
    lines.line("once refused", on_newer(policy.on_newer).1);
    let kept = policy.retention;
    lines.line(
        "kept",
        &format!(
            "ledger {}, evidence {} and {} at most",
            duration::write(kept.ledger),
            duration::write(kept.evidence),
            size::write(kept.evidence_bytes)
        ),
    );
}

/// The same as data; settings as they reach the connector, secrets by name.
pub fn explain_json(plan: &Plan, outline: &[String]) -> Value {
    let target = &plan.target;
    let retries = plan.policy.retries;
    json!({
        "pipeline": plan.name.as_str(),
        "scope": plan.scope.as_str(),
        "enabled": plan.enabled,
        "schedule_every_ms": interval(plan.schedule.as_ref()),
        "schedule": schedule_json(plan.schedule.as_ref()),
        "manifest_sha256": plan.manifest_digest,
        "source": source_json(plan),
        "would_read": outline,
        "group": plan.group.as_ref().map(|group| {
            let told = group.told().into_iter();
            told.map(|(name, value)| (name.to_owned(), value.into())).collect::<serde_json::Map<_, _>>()
        }),
        "transforms": plan.transforms.iter().map(stage_json).collect::<Value>(),
        "target": {
            "stage": match &target.table {
                Some(table) => json!({ "table": table }),
                None => stage_json(&target.stage),
            },
            "key": target.key,
            "guarantee": target.guarantee.as_str(),
            "lookup": target.lookup,
            "settle_ms": millis(target.settle),
            "max_records": target.max_records,
            "max_bytes": target.max_bytes,
            "steps": target.steps,
        },
        "policy": {
            "on_change": on_change(plan.policy.on_change).0,
            "on_rejected": on_rejected(plan.policy.on_rejected).0,
            "on_unknown": on_unknown(plan.policy.on_unknown).0,
            "on_newer": on_newer(plan.policy.on_newer).0,
            "attempts": retries.attempts,
            "first_wait_ms": millis(retries.first_wait),
            "longest_wait_ms": millis(retries.longest_wait),
            "budget_ms": millis(retries.budget),
            "page_records": plan.policy.page_records,
            "read_ahead": plan.policy.read_ahead,
            "writers": plan.policy.writers,
            "retention": {
                "ledger_ms": millis(plan.policy.retention.ledger),
                "evidence_ms": millis(plan.policy.retention.evidence),
                "evidence_bytes": plan.policy.retention.evidence_bytes,
            },
        },
    })
}

fn stage(stage: &Stage, lines: &mut Lines) {
    let usage = &stage.usage;
    lines.title(&format!(
        "{} {} {}",
        usage.role, usage.connector, stage.version
    ));
    lines.line("component", &format!("sha256 {}", short(&stage.digest)));
    if let Some(connection) = &usage.connection {
        lines.line("collection", usage.collection.as_str());
        lines.line(
            "connection",
            &format!("{connection} ({})", usage.grant_place),
        );
    }
    lines.list("may call", &usage.allow);
    if usage.calls_per_minute > 0 {
        let calls = usage.calls_per_minute;
        lines.line("calls", &format!("at most {calls} a minute"));
    }
    let secrets = usage.secrets.iter();
    let secrets: Vec<String> = secrets
        .map(|(setting, name)| format!("{setting} from {name}"))
        .collect();
    lines.list("secrets", &secrets);
    if usage.role == Role::Transform {
        lines.line("may call", "nothing");
        lines.list("reads tables", &usage.tables);
    }
}

/// Says `drains` only where it is so.
fn source_json(plan: &Plan) -> Value {
    let mut source = stage_json(&plan.source);
    if let (Some(fields), true) = (source.as_object_mut(), plan.drains) {
        fields.insert("drains".to_owned(), Value::Bool(true));
    }
    source
}

fn stage_json(stage: &Stage) -> Value {
    let usage = &stage.usage;
    // As text: a JSON value would pass numbers through the machine's.
    let secrets = usage.secrets.iter();
    let mut said = json!({
        "role": usage.role.to_string(),
        "connector": usage.connector,
        "version": stage.version,
        "component_sha256": stage.digest,
        "connection": usage.connection,
        "collection": usage.connection.as_ref().map(|_| usage.collection.as_str()),
        "allow": usage.allow,
        "secrets": secrets.map(|(setting, name)| json!({ "setting": setting, "secret": name })).collect::<Value>(),
        "connection_settings": usage.connection_settings,
        "pipeline_settings": usage.pipeline_settings,
    });
    if let (Some(fields), true) = (said.as_object_mut(), usage.calls_per_minute > 0) {
        fields.insert("calls_per_minute".to_owned(), usage.calls_per_minute.into());
    }
    if let (Some(fields), false) = (said.as_object_mut(), usage.tables.is_empty()) {
        fields.insert("tables".to_owned(), json!(usage.tables));
    }
    said
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn title(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn line(&mut self, name: &str, value: &str) {
        self.text.push_str(&format!("  {name:<15}{value}\n"));
    }

    /// The name once, then a line each.
    fn list(&mut self, name: &str, values: &[String]) {
        let names = std::iter::once(name).chain(std::iter::repeat(""));
        for (name, value) in names.zip(values) {
            self.line(name, value);
        }
    }
}

fn starts(plan: &Plan, lines: &mut Lines) {
    let told = plan.schedule.as_ref().map(schedule::told);
    let mut told = told.unwrap_or_else(|| vec![("starts", "when told to".to_owned())]);
    if let (Some((_, when)), false) = (told.first_mut(), plan.enabled) {
        when.push_str(", but it is not enabled");
    }
    for (name, value) in told {
        lines.line(name, &value);
    }
}

/// As the lines of the text, and the interval as a number.
fn schedule_json(schedule: Option<&Schedule>) -> Value {
    let told = schedule.into_iter().flat_map(schedule::told);
    let fields = told.map(|(name, value)| (name.replace(' ', "_"), value.into()));
    let fields: serde_json::Map<_, _> = fields.collect();
    match schedule {
        Some(_) => Value::Object(fields),
        None => Value::Null,
    }
}

fn interval(schedule: Option<&Schedule>) -> Option<u64> {
    match schedule?.when {
        When::Every(every) => Some(millis(every)),
        When::At(_) | When::After(_) => None,
    }
}

fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

fn records(count: u32) -> String {
    format!("{count} records")
}

fn pages(count: u32) -> String {
    match count {
        0 => "nothing".to_owned(),
        _ => format!("{count} pages"),
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// As the manifest writes it, and what it means.
fn on_change(choice: OnChange) -> (&'static str, &'static str) {
    match choice {
        OnChange::Hold => ("hold", "held for a person"),
        OnChange::Update => ("update", "updates the document in the target"),
        OnChange::Ignore => ("ignore", "is left alone"),
    }
}

fn on_rejected(choice: OnRejected) -> (&'static str, &'static str) {
    match choice {
        OnRejected::Continue => ("continue", "becomes a dead letter, the others go on"),
        OnRejected::Stop => ("stop", "stops the run"),
    }
}

fn on_unknown(choice: OnUnknown) -> (&'static str, &'static str) {
    match choice {
        OnUnknown::Hold => ("hold", "held for a person"),
        OnUnknown::Resend => ("resend", "is sent again and may be doubled"),
        OnUnknown::Skip => ("skip", "is skipped and may be lost"),
    }
}

fn on_newer(choice: OnNewer) -> (&'static str, &'static str) {
    match choice {
        OnNewer::Pass => ("pass", "a later version is sent"),
        OnNewer::Wait => ("wait", "a later version waits in its place"),
    }
}
