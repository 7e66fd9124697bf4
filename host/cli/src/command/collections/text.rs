//! Collections and fields as tables for people. Titles stand last, since
//! characters of other widths would move whatever follows them.

use std::fmt::Write as _;

use duijie_contract::{CollectionInfo, Description, FieldInfo, FieldRule, Fields, Role, Title};

use super::{Offer, Told, who};

pub(super) fn list(connector: &str, description: &Description, offers: &[Offer]) -> String {
    let mut text = format!("{}  {}\n", who(description), titles(&description.title));
    if description.calls_per_minute > 0 {
        let calls = description.calls_per_minute;
        writeln!(text, "at most {calls} calls a minute for one credential").ok();
    }
    if description.sessions > 0 {
        let sessions = description.sessions;
        writeln!(text, "at most {sessions} sessions of one credential").ok();
    }
    let rows = offers.iter().map(|offer| {
        let info = &offer.info;
        let fields = match &offer.told {
            Told::Fields(told) => told.fields.len().to_string(),
            Told::Nothing(_) => "-".to_owned(),
        };
        [
            info.role.to_string(),
            info.name.clone(),
            or_dash(&info.key.join("+")),
            match info.role {
                Role::Target => info.guarantee.to_string(),
                _ => "-".to_owned(),
            },
            match info.max_records {
                0 => "-".to_owned(),
                most => most.to_string(),
            },
            fields,
            match info.draining {
                true => format!("{} (acknowledged)", titles(&info.title)),
                false => titles(&info.title),
            },
        ]
    });
    let head = [
        "role",
        "collection",
        "key",
        "guarantee",
        "at most",
        "fields",
        "title",
    ];
    if offers.is_empty() {
        text.push_str("\nit lists no collections\n");
    } else {
        text.push('\n');
        text.push_str(&table(head.map(str::to_owned), rows));
    }
    if description.other_collections {
        text.push_str("\nothers may be named too, with no promise\n");
    }
    if !offers.is_empty() {
        let hint = format!("`duijie collections {connector} <collection>` shows the fields of one");
        write!(text, "\nhint: {hint}").ok();
    }
    text
}

pub(super) fn collection(description: &Description, offers: &[Offer]) -> String {
    let shown: Vec<_> = offers.iter().map(|offer| one(description, offer)).collect();
    shown.join("\n\n")
}

fn one(description: &Description, offer: &Offer) -> String {
    let info = &offer.info;
    let mut text = format!("{} of {}, {}\n", info.name, who(description), info.role);
    for (name, value) in facts(description, info) {
        writeln!(text, "  {name:<10} {value}").ok();
    }
    if offer.by_name {
        text.push_str("  it is not listed: the manifest names its key\n");
    }
    match &offer.told {
        Told::Nothing(reason) => {
            write!(text, "\nits fields are not known: {reason}").ok();
        }
        Told::Fields(told) => text.push_str(&fields(told)),
    }
    text.trim_end().to_owned()
}

fn facts(description: &Description, info: &CollectionInfo) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let title = titles(&info.title);
    if !title.is_empty() {
        facts.push(("title", title));
    }
    if !info.key.is_empty() {
        facts.push(("key", info.key.join("+")));
    }
    if info.role == Role::Target {
        facts.push(("guarantee", info.guarantee.to_string()));
        if info.settle_ms > 0 {
            facts.push((
                "settles",
                format!("within {} s", info.settle_ms.div_ceil(1000)),
            ));
        }
        if !description.steps.is_empty() {
            facts.push(("steps", description.steps.join(", ")));
        }
    }
    let most: Vec<_> = [(info.max_records, "records"), (info.max_bytes, "bytes")]
        .into_iter()
        .filter(|(most, _)| *most > 0)
        .map(|(most, what)| format!("{most} {what}"))
        .collect();
    if !most.is_empty() {
        facts.push(("at most", format!("{} a batch", most.join(", "))));
    }
    if info.draining {
        let words = "records come again until each was acknowledged";
        facts.push(("reading", words.to_owned()));
    }
    facts
}

fn fields(told: &Fields) -> String {
    let rows = told.fields.iter().map(row);
    let head = ["field", "kind", "at most", "", "title"].map(str::to_owned);
    let mut text = format!("\n{}", table(head, rows));
    if !told.rules.is_empty() {
        text.push_str("\nrules\n");
    }
    for rule in &told.rules {
        writeln!(text, "  {}", words(rule)).ok();
    }
    text
}

fn row(field: &FieldInfo) -> [String; 5] {
    [
        field.path.clone(),
        field.kind.as_str().to_owned(),
        field
            .max_length
            .map_or_else(|| "-".to_owned(), |most| most.to_string()),
        match field.required {
            true => "required".to_owned(),
            false => String::new(),
        },
        titles(&field.title),
    ]
}

fn words(rule: &FieldRule) -> String {
    let names = |paths: &[String]| {
        let names: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
        names.join(", ")
    };
    match rule {
        FieldRule::OneOf(paths) => format!("at least one of {}", names(paths)),
        FieldRule::When {
            path,
            equals: Some(value),
            required,
        } => format!("{} where `{path}` is `{value}`", names(required)),
        FieldRule::When { path, required, .. } => {
            format!("{} where `{path}` is given", names(required))
        }
        FieldRule::Other(words) => words.clone(),
    }
}

fn titles(title: &Title) -> String {
    match (title.zh.as_str(), title.en.as_str()) {
        ("", en) => en.to_owned(),
        (zh, "") => zh.to_owned(),
        (zh, en) if zh == en => en.to_owned(),
        (zh, en) => format!("{zh}  {en}"),
    }
}

fn or_dash(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        text => text.to_owned(),
    }
}

/// Columns as wide as their widest cell; the last one is not filled up.
fn table<const N: usize>(head: [String; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:<width$}  ").ok();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{table, words};
    use duijie_contract::FieldRule;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        let rows = [row("longer", ""), row("x", "数量")];
        let text = table(row("a", "b"), rows.into_iter());
        assert_eq!(text, "a       b\nlonger\nx       数量\n");
    }

    #[test]
    fn rules_are_told_in_words() {
        let paths = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let when = |equals: Option<&str>| FieldRule::When {
            path: "type".to_owned(),
            equals: equals.map(str::to_owned),
            required: paths(&["a"]),
        };
        let check = |rule: FieldRule, expected: &str| assert_eq!(words(&rule), expected);
        check(
            FieldRule::OneOf(paths(&["a", "b"])),
            "at least one of `a`, `b`",
        );
        check(when(Some("2")), "`a` where `type` is `2`");
        check(when(None), "`a` where `type` is given");
    }
}
