//! What a comparison of source and target came to, for people and programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use duijie_pipeline::Reconciliation;
use serde_json::{Value, json};

use crate::Error;

/// Within the data folder; a folder for each tenant.
pub const FOLDER: &str = "reconciliations";

/// Where a service keeps the latest report of this scope, before which the
/// tenant's name and `/` stand. `None` for what is no such name: nothing but a
/// file of its own is ever named by it.
pub fn place(data: &Path, scope: &str) -> Option<PathBuf> {
    let (tenant, scope) = scope.split_once('/')?;
    let is_name = |text: &str| {
        let mut letters = text.chars();
        let first = letters.next();
        first.is_some_and(|letter| letter.is_ascii_alphanumeric())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
            && text.len() <= 64
    };
    let sound = is_name(tenant) && is_name(scope);
    sound.then(|| {
        let folder = data.join(FOLDER).join(tenant);
        folder.join(format!("{scope}.json"))
    })
}

/// Takes it away; whether there was one.
pub fn forget(data: &Path, scope: &str) -> Result<bool, Error> {
    let Some(place) = place(data, scope) else {
        return Ok(false);
    };
    match std::fs::remove_file(&place) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::Write {
            place,
            reason: error.to_string(),
        }),
    }
}

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
        "cut": found.cut,
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
    if found.cut {
        text.push_str(
            "\nthe source has more than one comparison looks at: compare shorter stretches",
        );
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_lies_in_its_tenants_folder_or_nowhere() {
        let data = Path::new("/data");
        let good = place(data, "north/a.B_c-1").unwrap();
        assert_eq!(good, Path::new("/data/reconciliations/north/a.B_c-1.json"));
        let long = format!("north/{}", "a".repeat(65));
        for bad in [
            "orders",
            "north/",
            "/orders",
            "north/../south/orders",
            "../north/orders",
            "north/..",
            "../orders",
            "north/.hidden",
            "north/a/b",
            "north//etc/passwd",
            "north/订单",
            &long,
        ] {
            assert_eq!(place(data, bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_forgotten_leaves_its_report_and_no_other() {
        let data = tempfile::tempdir().unwrap();
        let [own, other] = ["north/a", "south/a"].map(|scope| place(data.path(), scope).unwrap());
        for place in [&own, &other] {
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, "{}").unwrap();
        }
        assert!(forget(data.path(), "north/a").unwrap());
        assert!(!forget(data.path(), "north/a").unwrap());
        assert!(!forget(data.path(), "a").unwrap());
        assert_eq!((own.exists(), other.exists()), (false, true));
    }
}
