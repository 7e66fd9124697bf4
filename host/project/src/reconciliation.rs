//! What a comparison of source and target came to, for people and programs.

use std::collections::BTreeMap;

use duijie_pipeline::Reconciliation;
use serde_json::{Value, json};

/// Everything, without any record or document.
pub fn data(found: &Reconciliation) -> Value {
    let differences = found.differences.iter().map(|difference| {
        json!({
            "kind": difference.kind.word(),
            "source_key": difference.source_key.as_str(),
            "target_key": difference.target_key.as_ref().map(|key| key.as_str()),
        })
    });
    json!({
        "records": found.records,
        "dropped": found.dropped,
        "newer": found.newer,
        "open": found.open,
        "applied": found.applied,
        "cancelled": found.cancelled,
        "rejected": found.rejected,
        "held": found.held,
        "discarded": found.discarded,
        "grouped": found.grouped,
        "shown": found.shown,
        "early": found.early,
        "untold": found.untold,
        "differing": found.differing,
        "differences": differences.collect::<Vec<_>>(),
    })
}

/// How many of which kind, among those that are told.
pub fn kinds(found: &Reconciliation) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for difference in &found.differences {
        *counts.entry(difference.kind.word()).or_default() += 1;
    }
    let counts = counts
        .iter()
        .map(|(kind, count)| format!("{kind}: {count}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// Lines for people.
pub fn text(found: &Reconciliation) -> String {
    let mut text = format!("{} records in the source", found.records);
    let counts = [
        ("dropped", found.dropped),
        ("newer", found.newer),
        ("open", found.open),
        ("applied", found.applied),
        ("cancelled", found.cancelled),
        ("rejected", found.rejected),
        ("held", found.held),
        ("discarded", found.discarded),
        ("grouped", found.grouped),
        ("early", found.early),
        ("untold", found.untold),
    ];
    for (word, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("\n  {word:<12}{count:>8}"));
    }
    match found.shown {
        Some(shown) => text.push_str(&format!("\n  {:<12}{shown:>8}", "shown")),
        None => text.push_str("\nthe target cannot be asked what it has"),
    }
    if found.differing == 0 {
        text.push_str("\n\nno differences");
        return text;
    }
    text.push_str(&format!("\n\ndifferences: {}", found.differing));
    for difference in &found.differences {
        let target = difference.target_key.as_ref();
        let target = target.map_or("-", |key| key.as_str());
        let (kind, source) = (difference.kind.word(), &difference.source_key);
        text.push_str(&format!("\n  {kind}: {source} {target}"));
    }
    text
}
