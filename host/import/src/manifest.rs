//! A draft as a manifest: YAML with comments, a rule a line, labels kept. The
//! mapping's settings as JSON are the same, without what was left out.

use duijie_contract::Guarantee;
use serde_json::{Map, Value, json};

use crate::draft::{Draft, Stage, Timing};
use crate::group::Grouped;
use crate::offer::List;
use crate::rules::Rule;
use crate::scheme::Compare;
use crate::source::quoted;

/// The mapping's settings.
pub(crate) fn mapping(draft: &Draft) -> Value {
    let rules = draft.rules.iter().filter(|rule| rule.live);
    let mut settings = Map::new();
    settings.insert("rules".into(), rules.map(rule_json).collect());
    if !draft.lists.is_empty() {
        let lists = draft.lists.iter();
        let lists = lists.map(|(name, list)| (name.clone(), list_json(list)));
        settings.insert("lists".into(), Value::Object(lists.collect()));
    }
    if let Some(each) = &draft.each {
        settings.insert("each".into(), json!(each));
    }
    if !draft.tables.is_empty() {
        let tables = names(draft).into_iter();
        let tables = tables.map(|(name, _)| {
            let table = json!({"from": name, "missing": "later"});
            (name, table)
        });
        settings.insert("tables".into(), Value::Object(tables.collect()));
    }
    if !draft.condition.is_empty() {
        let groups = draft.condition.iter();
        let groups = groups.map(|group| group.iter().map(compare_json).collect::<Value>());
        settings.insert("condition".into(), groups.collect());
    }
    Value::Object(settings)
}

fn rule_json(rule: &Rule) -> Value {
    let mut fields = Map::new();
    fields.insert("field".into(), json!(rule.path));
    if !rule.label.is_empty() {
        fields.insert("label".into(), json!(rule.label));
    }
    fields.insert("type".into(), json!(rule.kind));
    if !rule.value.is_empty() {
        fields.insert("value".into(), json!(rule.value));
    }
    if let Some((name, params)) = &rule.parser {
        let mut parser = Map::from_iter([("name".to_owned(), json!(name))]);
        if !params.is_empty() {
            parser.insert("params".into(), json!(params));
        }
        fields.insert("parser".into(), Value::Object(parser));
    }
    if rule.required && !rule.value.is_empty() {
        fields.insert("required".into(), json!(true));
    }
    Value::Object(fields)
}

fn list_json(list: &List) -> Value {
    let mut fields = Map::from_iter([("from".to_owned(), json!(list.from))]);
    if !list.fields.is_empty() {
        let renamed = list.fields.iter();
        let renamed = renamed.map(|(rule, own)| (rule.clone(), json!(own)));
        fields.insert("fields".into(), Value::Object(renamed.collect()));
    }
    Value::Object(fields)
}

fn compare_json(compare: &Compare) -> Value {
    let mut fields = Map::from_iter([
        ("field".to_owned(), json!(compare.field)),
        ("logic".to_owned(), json!(compare.logic)),
    ]);
    match compare.values.as_slice() {
        [] => {}
        [one] => {
            fields.insert("value".into(), json!(one));
        }
        many => {
            fields.insert("value".into(), json!(many));
        }
    }
    if compare.strict {
        fields.insert("strictMode".into(), json!(true));
    }
    Value::Object(fields)
}

/// Each table with all the columns that rules need of it.
fn names(draft: &Draft) -> Vec<(String, Vec<String>)> {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for table in &draft.tables {
        let known = tables.iter_mut().find(|(name, _)| *name == table.name);
        let columns = table.columns.iter().cloned();
        match known {
            Some((_, all)) => {
                let new: Vec<String> = columns.filter(|column| !all.contains(column)).collect();
                all.extend(new);
            }
            None => tables.push((table.name.clone(), columns.collect())),
        }
    }
    tables
}

impl Draft {
    /// The value tables that it reads.
    pub fn tables(&self) -> Vec<String> {
        let tables = names(self).into_iter();
        tables.map(|(name, _)| name).collect()
    }
}

fn schedule(draft: &Draft, text: &mut Text) {
    let Some(timing) = &draft.schedule else {
        return;
    };
    let (name, value) = match timing {
        Timing::Every(every) => ("every", every.clone()),
        Timing::Cron(cron) => ("cron", quoted(cron)),
    };
    match (&draft.catch_up, name) {
        (None, "every") => text.line(&format!("schedule: every {value} # 传递时间")),
        (None, _) => text.line(&format!("schedule: {{ {name}: {value} }} # 传递时间")),
        (Some((cron, days)), _) => {
            text.line("schedule: # 传递时间");
            text.line(&format!("  {name}: {value}"));
            let cron = quoted(cron);
            text.line(&format!(
                "  catch_up: {{ cron: {cron}, window: {days}d }} # 补漏"
            ));
        }
    }
}

pub(crate) fn write(draft: &Draft) -> String {
    let mut text = Text::default();
    text.line(&format!("# {}", comment(&draft.title)));
    text.line(
        "# Made by `duijie import qeasy`; what it could not carry over stands in its report.",
    );
    text.line(&format!("pipeline: {}", scalar(&draft.name)));
    text.line("# State lives under the scope, which never changes. 状态按 scope 存放,不可更改。");
    text.line(&format!("scope: {}", scalar(&scope(&draft.name))));
    match draft.is_whole() {
        true => text.line("enabled: true # 是否启动"),
        false => text
            .line("enabled: false # 是否启动: parts of the scheme were left out, see the report"),
    }
    schedule(draft, &mut text);
    text.line("\nsource:");
    stage(&draft.source, &mut text);
    if draft.settings.is_empty() {
        text.line("  settings: {}");
    } else {
        text.line("  settings:");
        for (name, value) in &draft.settings {
            text.line(&format!("    {name}: {value}"));
        }
    }
    if let Some(grouped) = &draft.group {
        group(grouped, &mut text);
    }
    transform(draft, &mut text);
    target(draft, &mut text);
    text.0
}

fn stage(stage: &Stage, text: &mut Text) {
    text.line(&format!("  connector: {}", scalar(&stage.connector)));
    text.line(&format!("  connection: {}", scalar(&stage.connection)));
    let title = match stage.title.is_empty() {
        true => String::new(),
        false => format!(" # {}", comment(&stage.title)),
    };
    text.line(&format!(
        "  collection: {}{title}",
        scalar(&stage.collection)
    ));
}

fn group(grouped: &Grouped, text: &mut Text) {
    let by = grouped.by.iter().map(|(field, takes)| match takes {
        None => scalar(field),
        Some(takes) => format!("{{ field: {}, as: {takes} }}", scalar(field)),
    });
    text.line("\ngroup: # groupCalculate");
    text.line(&format!("  by: [{}]", by.collect::<Vec<_>>().join(", ")));
    let count = grouped
        .count
        .map_or(String::new(), |count| format!(", count: {count}"));
    text.line(&format!("  close: {{ at_end: true{count} }}"));
    text.line("  collect:");
    for (fold, fields) in &grouped.collect {
        text.line(&format!("    {fold}: {}", words(fields)));
    }
    let mut list = vec![format!("name: {}", scalar(&grouped.list))];
    list.extend(
        grouped
            .from
            .iter()
            .map(|from| format!("from: {}", scalar(from))),
    );
    if !grouped.list_by.is_empty() {
        list.push(format!("by: {}", words(&grouped.list_by)));
        let folds = grouped.list_folds.iter();
        list.extend(folds.map(|(fold, fields)| format!("{fold}: {}", words(fields))));
    }
    text.line(&format!("    list: {{ {} }}", list.join(", ")));
}

fn transform(draft: &Draft, text: &mut Text) {
    text.line("\ntransform:\n  - connector: map");
    if !draft.tables.is_empty() {
        let tables = names(draft).into_iter();
        let tables: Vec<String> = tables.map(|(name, _)| quoted(&name)).collect();
        let tables = tables.join(", ");
        text.line(&format!(
            "    tables: [{tables}] # 由其他方案填写 other pipelines fill them"
        ));
    }
    text.line("    settings:");
    if !draft.lists.is_empty() {
        text.line("      lists: # 明细来源");
        for (name, list) in &draft.lists {
            text.line(&format!(
                "        {}: {}",
                scalar(name),
                flow(&list_json(list))
            ));
        }
    }
    if let Some(each) = &draft.each {
        text.line(&format!("      each: {} # beatFlat", scalar(each)));
    }
    looked_up(draft, text);
    if !draft.condition.is_empty() {
        text.line("      condition: # 前置条件: any of these lines, all of a line");
        for group in &draft.condition {
            let group: Value = group.iter().map(compare_json).collect();
            text.line(&format!("        - {}", flow(&group)));
        }
    }
    text.line("      rules:");
    for rule in &draft.rules {
        let line = flow(&rule_json(rule));
        match rule.live {
            true => text.line(&format!("        - {line}")),
            false => text.line(&format!(
                "        # - {} # {}",
                comment(&line),
                comment(&rule.line.why)
            )),
        }
    }
}

fn looked_up(draft: &Draft, text: &mut Text) {
    if draft.tables.is_empty() {
        return;
    }
    text.line("      tables: # 值对照表");
    for (name, columns) in names(draft) {
        text.line(
            "        # Another scheme filled it: a pipeline with this table as its target, and these columns:",
        );
        let columns = columns
            .iter()
            .map(|column| format!("{}: …", scalar(column)));
        let columns = columns.collect::<Vec<_>>().join(", ");
        text.line(&format!("        # {{ {columns} }}"));
        text.line(&format!(
            "        {}: {{ from: {}, missing: later }}",
            quoted(&name),
            quoted(&name)
        ));
    }
}

fn target(draft: &Draft, text: &mut Text) {
    text.line("\ntarget:");
    stage(&draft.target, text);
    if let Some(key) = &draft.key {
        text.line(&format!("  key: {}", scalar(key)));
    }
    text.line("\non_change: hold # a changed document waits for a person 变更待人工处理");
    text.line("on_rejected: continue");
    match draft.guarantee {
        Guarantee::None => {
            text.line("on_unknown: hold # the target promises nothing 目标无防重保证")
        }
        _ => text.line("on_unknown: hold"),
    }
    if let Some(rows) = draft.batch_records {
        text.line(&format!("limits: {{ batch_records: {rows} }}"));
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

/// Letters, digits, `.`, `_`, `-`, at most 64 of them.
fn scope(name: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    let scope: String = name
        .chars()
        .map(|char| if plain(char) { char } else { '-' })
        .take(64)
        .collect();
    let scope = scope.trim_start_matches(['.', '_', '-']);
    match scope.is_empty() {
        true => String::from("imported"),
        false => scope.to_owned(),
    }
}

/// One line that a comment may be.
fn comment(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

fn words(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| scalar(word)).collect();
    format!("[{}]", words.join(", "))
}

/// Bare where YAML reads it as this text, in quotes elsewhere.
fn scalar(text: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
    let begins = text.chars().next().is_some_and(char::is_alphabetic) || text.starts_with('_');
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    match begins && !word && text.chars().all(plain) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// JSON on one line as people write YAML.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| format!("{}: {}", scalar(key), flow(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
