//! A body of a write against the documents: what must be there, of which kind and how long.

use super::facts::{Operation, Rule};
use crate::node::Node;

/// What is wrong, in the vendor's language.
pub(super) fn check(operation: &Operation, body: &Node, strict: bool) -> Result<(), String> {
    if strict {
        known(operation, "", body)?;
    }
    for take in &operation.takes {
        let (parent, name) = take.path.rsplit_once('.').unwrap_or(("", take.path));
        for place in places(body, parent) {
            let value = place.get(name).filter(|value| !value.is_blank());
            match value {
                None if take.must => return Err(format!("{}不能为空", take.path)),
                None => {}
                Some(value) => kind(take.path, take.kind, value)?,
            }
        }
    }
    operation
        .rules
        .iter()
        .try_for_each(|rule| rule_holds(rule, body))
}

/// Every object that stands at a path; the body itself at the empty one.
fn places<'b>(body: &'b Node, path: &str) -> Vec<&'b Node> {
    let mut found = vec![body];
    for name in path.split('.').filter(|name| !name.is_empty()) {
        found = found
            .into_iter()
            .filter_map(|place| place.get(name))
            .flat_map(|list| match list {
                Node::List(items) => items.iter().collect::<Vec<_>>(),
                other => vec![other],
            })
            .collect();
    }
    found
}

fn known(operation: &Operation, parent: &str, body: &Node) -> Result<(), String> {
    for (name, value) in body.members() {
        let path = match parent {
            "" => name.clone(),
            parent => format!("{parent}.{name}"),
        };
        if !operation.takes.iter().any(|take| take.path == path) {
            return Err(format!("未知参数:{path}"));
        }
        for item in value.items() {
            known(operation, &path, item)?;
        }
    }
    Ok(())
}

fn kind(path: &str, kind: &str, value: &Node) -> Result<(), String> {
    if kind == "LIST" {
        let objects = value
            .items()
            .iter()
            .all(|item| matches!(item, Node::Map(_)));
        let is_list = matches!(value, Node::List(_)) && objects;
        return is_list
            .then_some(())
            .ok_or_else(|| format!("{path}应为列表"));
    }
    let Some(text) = value.scalar() else {
        return Err(format!("{path}类型错误"));
    };
    let day = |text: &str| {
        let shape = text
            .get(..10)
            .is_some_and(|day| day.matches('-').count() == 2);
        shape
            && text
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_digit())
    };
    let good = if Operation::is_decimal(kind) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty()
            && digits.matches('.').count() <= 1
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    } else {
        match kind {
            "INT" | "INT8" => text.parse::<i64>().is_ok(),
            "DATE" | "TIMESTAMP" => text.len() == 10 && day(text),
            "TIME" => day(text),
            _ => true,
        }
    };
    if !good {
        return Err(format!("{path}格式错误"));
    }
    match Operation::length(kind) {
        Some(most) if text.chars().count() > most => Err(format!("{path}超过{most}个字符")),
        _ => Ok(()),
    }
}

fn rule_holds(rule: &Rule, body: &Node) -> Result<(), String> {
    if let Some((name, wanted)) = rule.condition
        && body.get(name).and_then(Node::scalar) != Some(wanted)
    {
        return Ok(());
    }
    let Some(first) = rule.paths.first() else {
        return Ok(());
    };
    let parent = first.rsplit_once('.').map_or("", |(parent, _)| parent);
    for place in places(body, parent) {
        let given = |path: &&&str| {
            let name = path.rsplit('.').next().unwrap_or_default();
            place.get(name).is_some_and(|value| !value.is_blank())
        };
        let count = rule.paths.iter().filter(given).count();
        if count == 0 || (rule.all && count < rule.paths.len()) {
            return Err(format!("{}不能同时为空", rule.paths.join("、")));
        }
    }
    Ok(())
}
