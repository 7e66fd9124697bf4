//! The document's tree: which rule stands under which, and which list each
//! array walks.

use std::collections::BTreeMap;

use super::Compiler;
use crate::layout::{HEAD, Layout};
use crate::plan::{Fragment, Op};
use crate::settings::{Form, Rule, pointer};
use crate::text::nearest;

/// Children of each rule by number; the document's own stand under none.
type Children = BTreeMap<Option<usize>, Vec<usize>>;

impl Compiler {
    pub(super) fn rules(&mut self, rules: &[Rule]) -> Vec<Op> {
        if rules.len() > 10_000 {
            self.problems
                .add("/rules", String::from("more than 10000 rules"), None);
            return Vec::new();
        }
        let children = self.tree(rules);
        // Lists are named by arrays anywhere before a field is looked up.
        for (number, rule) in rules.iter().enumerate() {
            let walks = rule.form == Form::Array && !rule.value.trim().is_empty();
            if walks && children.contains_key(&Some(number)) {
                self.name_list(rule);
            }
        }
        self.members(None, rules, &children, &mut Vec::new())
    }

    fn tree(&mut self, rules: &[Rule]) -> Children {
        let mut places: BTreeMap<&[String], usize> = BTreeMap::new();
        for (number, rule) in rules.iter().enumerate() {
            if let Some(first) = places.get(rule.path.as_slice()) {
                let first = rules.get(*first).map_or("", |rule| rule.at.as_str());
                let message = format!("two rules for the field `{}`", rule.field());
                let hint = format!("the first one is {first}; keep one of them");
                self.problems
                    .add(&pointer(&rule.at, "field"), message, Some(hint));
            } else {
                places.insert(&rule.path, number);
            }
        }
        let mut children = Children::new();
        for (number, rule) in rules.iter().enumerate() {
            if places.get(rule.path.as_slice()) != Some(&number) {
                continue;
            }
            let above = rule.path.split_last().map_or(&[][..], |(_, above)| above);
            let parent = places.get(above).copied();
            if above.is_empty() {
                children.entry(None).or_default().push(number);
                continue;
            }
            let holder = parent.and_then(|parent| rules.get(parent));
            match holder {
                Some(holder) if holder.form.holds_children() => {
                    children.entry(parent).or_default().push(number);
                }
                Some(holder) => {
                    let message = format!(
                        "`{}` stands under `{}`, which is no object",
                        rule.field(),
                        holder.field()
                    );
                    let hint = format!("make the `type` of `{}` object or array", holder.field());
                    self.problems
                        .add(&pointer(&rule.at, "field"), message, Some(hint));
                }
                None => {
                    let wanted = above.join(".");
                    let known: Vec<String> = rules
                        .iter()
                        .filter(|rule| rule.form.holds_children())
                        .map(Rule::field)
                        .collect();
                    let hint = match nearest(&wanted, known.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("add a rule `{wanted}` of type object or array"),
                    };
                    let message = format!("no rule opens `{wanted}`");
                    self.problems
                        .add(&pointer(&rule.at, "field"), message, Some(hint));
                }
            }
        }
        children
    }

    fn name_list(&mut self, rule: &Rule) {
        let name = rule.value.trim();
        let bare = name
            .chars()
            .all(|char| char.is_alphanumeric() || "_-.".contains(char));
        if !bare || self.scope.add(name).is_none() {
            let message = format!("found `{name}`, expected the name of a list");
            let hint = "write the bare name, without braces, such as `details_list`";
            self.problems
                .add(&pointer(&rule.at, "value"), message, Some(hint.to_owned()));
        }
    }

    fn members(
        &mut self,
        parent: Option<usize>,
        rules: &[Rule],
        children: &Children,
        walked: &mut Vec<u16>,
    ) -> Vec<Op> {
        let mut ops = Vec::new();
        for number in children.get(&parent).into_iter().flatten() {
            let Some(rule) = rules.get(*number) else {
                continue;
            };
            let own = children.contains_key(&Some(*number));
            let op = match rule.form {
                Form::Object if own => self.object(*number, rules, children, walked),
                Form::Array if own => self.array(*number, rules, children, walked),
                _ => self.leaf(*number as u16, rule),
            };
            match (op, ops.last_mut()) {
                // Neighbours that never change are one piece: their bytes
                // were laid down one after the other.
                (Some(Op::Constant(next)), Some(Op::Constant(before)))
                    if before.start + before.len == next.start =>
                {
                    before.len += next.len;
                }
                (op, _) => ops.extend(op),
            }
        }
        ops
    }

    fn object(
        &mut self,
        number: usize,
        rules: &[Rule],
        children: &Children,
        walked: &mut Vec<u16>,
    ) -> Option<Op> {
        let rule = rules.get(number)?;
        if !rule.value.is_empty() || rule.parser.is_some() {
            let message = format!(
                "`{}` has children and a value or parser of its own",
                rule.field()
            );
            let hint = String::from("leave its `value` and `parser` empty");
            self.problems
                .add(&pointer(&rule.at, "value"), message, Some(hint));
        }
        let key = self.key(rule, b"{");
        let members = self.members(Some(number), rules, children, walked);
        Some(Op::Object {
            key,
            members,
            end: b"}",
            rule: number as u16,
        })
    }

    fn array(
        &mut self,
        number: usize,
        rules: &[Rule],
        children: &Children,
        walked: &mut Vec<u16>,
    ) -> Option<Op> {
        let rule = rules.get(number)?;
        if rule.parser.is_some() {
            let message = format!("`{}` has children and a parser of its own", rule.field());
            self.problems
                .add(&pointer(&rule.at, "parser"), message, None);
        }
        if rule.value.trim().is_empty() {
            let key = self.key(rule, b"[{");
            let members = self.members(Some(number), rules, children, walked);
            return Some(Op::Object {
                key,
                members,
                end: b"}]",
                rule: number as u16,
            });
        }
        // A name that is no list was complained of already.
        let list = self.scope.list(rule.value.trim()).unwrap_or(HEAD);
        if walked.contains(&list) {
            let message = format!("`{}` is walked by an array around this one", rule.value);
            let hint = String::from("use a list that stands inside its rows");
            self.problems
                .add(&pointer(&rule.at, "value"), message, Some(hint));
        }
        let key: Fragment = self.key(rule, b"[");
        walked.push(list);
        let members = self.members(Some(number), rules, children, walked);
        walked.pop();
        Some(Op::Rows {
            key,
            list,
            members,
            rule: number as u16,
        })
    }
}

/// The path of each list in the source, by list number.
pub(super) fn list_names(layout: &Layout) -> Vec<String> {
    let mut names = vec![String::new(); layout.tables.len()];
    for (number, table) in layout.tables.iter().enumerate() {
        let before = names.get(number).cloned().unwrap_or_default();
        for key in &table.keys {
            if let Some(name) = names.get_mut(usize::from(key.list)) {
                let dot = if before.is_empty() { "" } else { "." };
                *name = format!("{before}{dot}{}", key.name);
            }
        }
    }
    names
}
