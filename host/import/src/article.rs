//! The table of an article (field, label, type, value), as its page gives it
//! as plain text: every cell is a line, an empty cell is none. A section a
//! call; what stands around the tables is passed over.

use crate::scheme::{Row, Side, Way};

const TYPES: [&str; 8] = [
    "string", "int", "float", "bool", "datetime", "date", "object", "array",
];
const REQUEST: &str = "请求参数";
const RESPONSE: &str = "响应参数";
const CALL: &str = "接口明细";
/// The heads of a table's columns.
const HEADS: [&str; 4] = ["字段", "字段名称", "类型", "配置值"];
/// What may stand behind the last table.
const AFTER: [&str; 1] = ["数据对接价值"];

/// The calls in the order of the article: the first is read from, the second
/// written to.
pub(crate) fn read(text: &str) -> Vec<Side> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let mut sides: Vec<Side> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at).copied() {
        at += 1;
        if let Some(platform) = line.strip_suffix(CALL) {
            let way = match sides.len() {
                0 => Some(Way::Query),
                1 => Some(Way::Execute),
                _ => None,
            };
            sides.push(Side {
                way,
                platform: platform.trim().to_owned(),
                ..Side::default()
            });
            continue;
        }
        let Some(side) = sides.last_mut() else {
            continue;
        };
        if let Some(api) = named(line, "调用接口") {
            side.api = api;
        } else if let Some(title) = named(line, "接口名称") {
            side.title = title;
        } else if matches!(line, REQUEST | RESPONSE) && has_heads(&lines, at) {
            let (rows, end) = table(&lines, at + HEADS.len());
            match line {
                REQUEST => side.request = rows,
                _ => side.response = rows,
            }
            at = end;
        }
    }
    sides.retain(|side| !side.api.is_empty());
    sides
}

/// `• 调用接口:batchSave`, with a colon of either width.
fn named(line: &str, name: &str) -> Option<String> {
    let rest = line.trim_start_matches(['•', '-', '*', '·', ' ']);
    let rest = rest.strip_prefix(name)?.trim_start();
    let value = rest.strip_prefix([':', '\u{ff1a}'])?;
    Some(value.trim().to_owned())
}

fn has_heads(lines: &[&str], at: usize) -> bool {
    lines.get(at..at + HEADS.len()) == Some(&HEADS[..])
}

/// The rows that begin at `at`, and where they end.
fn table(lines: &[&str], mut at: usize) -> (Vec<Row>, usize) {
    let mut rows = Vec::new();
    while let Some(cells) = head(lines, at) {
        at += cells;
        let label = match cells {
            3 => lines.get(at - 2).copied().unwrap_or_default(),
            _ => "",
        };
        let path = lines.get(at - cells).copied().unwrap_or_default();
        let kind = lines.get(at - 1).copied().unwrap_or_default();
        let value = lines
            .get(at)
            .copied()
            .filter(|cell| is_value(lines, at, cell));
        at += usize::from(value.is_some());
        rows.push(Row {
            path: path.to_owned(),
            label: label.to_owned(),
            kind: kind.to_owned(),
            value: value.unwrap_or_default().to_owned(),
            ..Row::default()
        });
    }
    (rows, at)
}

/// How many cells up to its type a row has that begins here: three, or two
/// where the label is empty. None where no row begins.
fn head(lines: &[&str], at: usize) -> Option<usize> {
    let cell = |step: usize| lines.get(at + step).copied().unwrap_or_default();
    if !is_field(cell(0)) {
        return None;
    }
    if is_type(cell(2)) && !is_heading(cell(1)) {
        return Some(3);
    }
    is_type(cell(1)).then_some(2)
}

/// Whether the cell behind a type is the row's value: it is, unless a row or
/// another part begins there. A value that looks like a field is told by the
/// row that begins behind it.
fn is_value(lines: &[&str], at: usize, cell: &str) -> bool {
    if is_heading(cell) {
        return false;
    }
    match (head(lines, at), head(lines, at + 1)) {
        (Some(3), Some(3)) => !is_field(lines.get(at + 1).copied().unwrap_or_default()),
        (Some(_), _) => false,
        (None, _) => true,
    }
}

fn is_field(cell: &str) -> bool {
    let letters = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-');
    !cell.is_empty() && cell.chars().all(letters) && !is_type(cell)
}

fn is_type(cell: &str) -> bool {
    TYPES.contains(&cell)
}

fn is_heading(cell: &str) -> bool {
    let known = [REQUEST, RESPONSE].contains(&cell) || AFTER.contains(&cell);
    known || cell.ends_with(CALL)
}
