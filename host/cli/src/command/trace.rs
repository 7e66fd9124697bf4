//! `duijie trace`: everything that is known of one document, from source
//! record to answer.

use duijie_admin::Request;
use duijie_project::{Project, personal, state, state::history::GONE};
use serde_json::{Value, json};

use crate::args::Global;
use crate::command::waiting;
use crate::exit::Failure;
use crate::layout::{indent, pretty};
use crate::moment;
use crate::output::Output;

/// A body is cut here on a page for people.
const SHOWN: usize = 2_000;

pub(crate) async fn trace(
    global: &Global,
    number: &str,
    clear: bool,
    output: &Output,
) -> Result<(), Failure> {
    let project = Project::open(&global.folders())?;
    let request = Request::Trace {
        number: number.to_owned(),
    };
    let mut found = match state::is_there(&project) {
        true => state::query(&project, request).await?,
        false => json!({ "found": [], "open": [] }),
    };
    if !clear {
        personal::mask(&mut found, &personal::of(&project.pipelines));
    }
    let rows = list(&found, "found");
    let open = list(&found, "open");
    if rows.is_empty() && open.is_empty() {
        return Err(Failure::Argument(format!(
            "nothing is known of `{number}`\n\nhint: it is looked for as source key, target key \
             and id of the target, whole and with the same capitals; it may not have been read yet \
             (`duijie runs`, `duijie checkpoints show`), or be older than `retention.ledger`"
        )));
    }
    let mut text = String::new();
    for one in open {
        text.push_str(&under_way(&project, one));
    }
    for row in rows {
        text.push_str(&page(&project, row));
    }
    output.data(&text, found);
    Ok(())
}

/// A document that was sent, or is about to be, and has no outcome yet.
fn under_way(project: &Project, entry: &Value) -> String {
    format!(
        "{} of {}\n  state        on its way: {} by intent {} of run {}, since {}, try {}\n{}\n",
        word(entry, "target_key"),
        word(entry, "scope"),
        word(entry, "action"),
        number(entry, "intent"),
        entry
            .get("run")
            .map(|run| word(run, "run"))
            .unwrap_or_default(),
        moment::write(number(entry, "at_ms")),
        number(entry, "attempt"),
        told(&[
            ("source key", word(entry, "source_key")),
            (
                "pipeline",
                &waiting::pipeline_of(project, word(entry, "scope"))
            ),
        ]),
    )
}

fn page(project: &Project, row: &Value) -> String {
    let mut text = format!("{} of {}\n", word(row, "source_key"), word(row, "scope"));
    let pipeline = waiting::pipeline_of(project, word(row, "scope"));
    let dealt = moment::write(number(row, "at_ms"));
    text.push_str(&told(&[
        ("pipeline", &pipeline),
        ("version", word(row, "version")),
        ("last dealt", &dealt),
    ]));
    text.push_str(&run(row.get("run").unwrap_or(&Value::Null)));
    text.push_str("  source record\n");
    text.push_str(&body(row, "record"));
    let members = list(row, "members").iter().filter_map(Value::as_str);
    let members: Vec<&str> = members.collect();
    if !members.is_empty() {
        let listed = format!("{} records: {}", members.len(), members.join(", "));
        text.push_str(&told(&[("made of", &cut(&listed))]));
    }
    let documents = list(row, "documents");
    if documents.is_empty() {
        text.push_str("  no document  the transforms left it out\n");
    }
    for one in documents {
        text.push_str(&document(one));
    }
    text.push('\n');
    text
}

/// With what it was done: what a run ran is told by digest.
fn run(run: &Value) -> String {
    let name = word(run, "run");
    let mut lines = vec![("run", format!("{name} ({})", word(run, "purpose")))];
    if run.get("manifest_sha256").is_none() {
        lines = vec![("run", format!("{name} (too long ago to be listed)"))];
    }
    let manifest = word(run, "manifest_sha256");
    if !manifest.is_empty() {
        lines.push(("manifest", format!("sha256 {manifest}")));
    }
    for component in list(run, "components") {
        let (name, digest) = (word(component, "name"), word(component, "sha256"));
        lines.push(("component", format!("{name} sha256 {digest}")));
    }
    for table in list(run, "tables") {
        let (name, digest) = (word(table, "name"), word(table, "digest"));
        lines.push(("value table", format!("{name} digest {digest}")));
    }
    let lines: Vec<(&str, &str)> = lines
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    told(&lines)
}

fn document(document: &Value) -> String {
    let mut text = format!("  document {}\n", word(document, "target_key"));
    let reason = word(document, "reason");
    let state = match reason {
        "" => word(document, "state").to_owned(),
        reason => format!("{}: {reason}", word(document, "state")),
    };
    text.push_str(&indent(
        &told(&[
            ("part", word(document, "part")),
            ("target id", word(document, "target_id")),
            ("state", &state),
            ("tries", &number(document, "attempts").to_string()),
        ]),
        2,
    ));
    if word(document, "state") == "in a group" {
        return text;
    }
    text.push_str("    as it was sent\n");
    text.push_str(&indent(&body(document, "sent"), 2));
    for (index, one) in list(document, "tries").iter().enumerate() {
        text.push_str(&indent(&attempt(index, one), 4));
    }
    text
}

fn attempt(index: usize, one: &Value) -> String {
    let why = match word(one, "why") {
        "" => String::new(),
        why => format!(": {why}"),
    };
    let intent = one.get("intent").and_then(Value::as_u64);
    let intent = intent.map(|intent| format!(", intent {intent}"));
    let mut text = format!(
        "{}. {} {} {}{why} (run {}{})\n",
        index + 1,
        moment::write(number(one, "at_ms")),
        word(one, "action"),
        word(one, "came"),
        word(one, "run"),
        intent.unwrap_or_default(),
    );
    match one.get("exchange") {
        None | Some(Value::Null) => {}
        Some(found) => text.push_str(&indent(&exchange(found), 3)),
    }
    text
}

/// A request and its answer; also of a dead letter.
pub(crate) fn exchange(found: &Value) -> String {
    if let Some(gone) = found.as_str() {
        return format!("exchange with the target: {gone}\n");
    }
    let mut text = format!("{} {}\n", word(found, "method"), word(found, "url"));
    for header in list(found, "headers") {
        let part = |index: usize| header.get(index).and_then(Value::as_str);
        let (name, value) = (part(0).unwrap_or_default(), part(1).unwrap_or_default());
        text.push_str(&format!("  {name}: {value}\n"));
    }
    text.push_str(&indent(&cut(&pretty(word(found, "body"))), 2));
    let took = number(found, "took_ms");
    let status = found.get("status").and_then(Value::as_u64);
    text.push_str(&match (status, word(found, "fault")) {
        (Some(status), _) => format!("answer {status} after {took} ms\n"),
        (None, fault) => format!("no answer after {took} ms: {fault}\n"),
    });
    text.push_str(&indent(&cut(&pretty(word(found, "answer"))), 2));
    text
}

/// A request has a whole batch in it, of which this document is one.
fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN);
    match text.get(..end) {
        Some(start) if end < text.len() => {
            format!("{start}…\n({} bytes in all, --json has them)", text.len())
        }
        _ => text.to_owned(),
    }
}

/// A record or document, laid out.
fn body(within: &Value, name: &str) -> String {
    let text = within.get(name).and_then(Value::as_str);
    indent(&text.map_or(GONE.to_owned(), pretty), 4)
}

/// A name and a value a line; what has no value is left out.
fn told(lines: &[(&str, &str)]) -> String {
    let lines = lines.iter().filter(|(_, value)| !value.is_empty());
    lines
        .map(|(name, value)| format!("  {name:<13}{value}\n"))
        .collect()
}

fn word<'a>(within: &'a Value, name: &str) -> &'a str {
    within.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(within: &Value, name: &str) -> u64 {
    within.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn list<'a>(within: &'a Value, name: &str) -> &'a [Value] {
    within
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
