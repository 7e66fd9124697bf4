//! Looks at one model before it is saved: names, wrapping, forms of values, required fields, base data.
//! With strict fields off, what the real server ignores is taken out of the model instead of refused.

use super::fields::{Domain, Kind, OPTIONS, exists};
use super::forms::Form;
use super::reply::Failure;
use crate::clock::parse_china;
use crate::node::Node;

/// Names that belong beside `Model` or to another product's table.
const MISPLACED: &[&str] = &["FormId", "Operation"];

pub(crate) struct Check {
    pub(crate) form: &'static Form,
    pub(crate) strict: bool,
    pub(crate) verify_base_data: bool,
    pub(crate) at: usize,
    pub(crate) failures: Vec<Failure>,
}

impl Check {
    /// Checks a model and takes out what is not to be stored. Only `required` applies to new bills alone.
    pub(crate) fn model(&mut self, model: &mut Node, required: bool) {
        if !matches!(model, Node::Map(_)) {
            self.fail("Model", 8, "Model必须是对象".to_owned());
            return;
        }
        let form = self.form;
        self.members(model, "", "");
        if let Node::Map(members) = model {
            for (name, value) in members {
                if !form.sub_head.is_empty() && name.eq_ignore_ascii_case(form.sub_head) {
                    self.members(value, form.sub_head, &format!("{}.", form.sub_head));
                } else if !form.entity.is_empty() && name.eq_ignore_ascii_case(form.entity) {
                    self.entries(value, required);
                }
            }
        }
        if required {
            self.required(model);
        }
    }

    /// What a new document must have; rows are looked at where they stand.
    fn required(&mut self, model: &Node) {
        let form = self.form;
        let required = form.fields.iter().filter(|field| field.required);
        for field in required.filter(|field| field.within != form.entity || form.entity.is_empty())
        {
            let holder = match field.within {
                "" => Some(model),
                within => model.get(within),
            };
            let value = holder.and_then(|holder| holder.get(field.name));
            if field.name == form.entity {
                if value.is_none_or(|rows| rows.items().is_empty()) {
                    let title = field.title;
                    self.fail(form.entity, 11, format!("单据体“{title}”至少需要一行分录"));
                }
            } else if is_missing(value) {
                self.fail(field.name, 11, format!("字段“{}”是必填项", field.title));
            }
        }
    }

    fn entries(&mut self, entries: &mut Node, required: bool) {
        let form = self.form;
        let Node::List(rows) = entries else {
            self.fail(form.entity, 8, format!("{}必须是数组", form.entity));
            return;
        };
        for (row, entry) in rows.iter_mut().enumerate() {
            self.members(entry, form.entity, &format!("{}.", form.entity));
            // A row that changes an existing one may leave fields out.
            let fresh = required || entry.get("FEntryID").is_none_or(|id| id.id() == 0);
            for field in form.within(form.entity).filter(|field| field.required) {
                let value = entry.get(field.name);
                let (line, title) = (row + 1, field.title);
                if field.kind == Kind::Number {
                    let positive = value.and_then(Node::scalar).is_some_and(is_positive);
                    if (fresh || value.is_some()) && !positive {
                        let message = format!("第{line}行分录，{title}必须大于0");
                        self.fail(field.name, 11, message);
                    }
                } else if fresh && is_missing(value) {
                    let message = format!("第{line}行分录，字段“{title}”是必填项");
                    self.fail(field.name, 11, message);
                }
            }
        }
    }

    /// Checks the members of one level, keeping those that the server knows.
    fn members(&mut self, node: &mut Node, within: &'static str, prefix: &str) {
        let Node::Map(members) = node else {
            self.fail(prefix, 8, format!("{prefix}必须是对象"));
            return;
        };
        members.retain(|(name, value)| {
            let path = format!("{prefix}{name}");
            let found = match self.form.kind(within, name) {
                Some(kind) => self.value(kind, &path, value),
                None if is_option(name) => Some(format!("{path}是请求参数，不能放在Model内")),
                None if name.contains('.') => Some(format!("{path}是平铺名称，应为嵌套对象")),
                None => Some(format!("元数据中标识为{path}的字段不存在")),
            };
            match found {
                Some(message) if self.strict => {
                    self.fail(&path, 11, message);
                    true
                }
                Some(_) => false,
                None => true,
            }
        });
    }

    /// What is wrong with a value, if anything.
    fn value(&mut self, kind: Kind, path: &str, value: &Node) -> Option<String> {
        if *value == Node::Null {
            return None;
        }
        match kind {
            Kind::Any => None,
            Kind::Text => (!matches!(value, Node::Text(_) | Node::Number(_)))
                .then(|| format!("{path}必须是文本")),
            Kind::Number => (!value.scalar().is_some_and(is_decimal))
                .then(|| format!("{path}必须是数字，收到{value}")),
            Kind::Bool => {
                let text = value
                    .scalar()
                    .is_some_and(|text| matches!(text, "true" | "false"));
                (!text && !matches!(value, Node::Bool(_))).then(|| format!("{path}必须是布尔值"))
            }
            Kind::Date => (!value.scalar().is_some_and(is_date)).then(|| {
                format!("{path}必须是日期（yyyy-MM-dd或yyyy-MM-dd HH:mm:ss），收到{value}")
            }),
            Kind::Base(domain) => self.base(domain, path, value),
            Kind::Flex => {
                let wrapped = value
                    .members()
                    .iter()
                    .all(|(_, part)| number_of(part).is_some());
                (!matches!(value, Node::Map(_)) || !wrapped)
                    .then(|| format!("{path}是弹性域，必须为{{\"…__FF100001\":{{\"FNumber\":…}}}}"))
            }
        }
    }

    fn base(&mut self, domain: Domain, path: &str, value: &Node) -> Option<String> {
        let Some(number) = number_of(value) else {
            return Some(format!(
                "{path}是基础资料，必须为{{\"FNumber\":…}}，收到{value}"
            ));
        };
        if self.verify_base_data && !number.is_empty() && !exists(domain, number) {
            self.fail(path, 9, format!("字段{path}的编码值[\"{number}\"]不存在"));
        }
        None
    }

    fn fail(&mut self, field: &str, code: i32, message: String) {
        self.failures.push(Failure {
            field: Some(field.to_owned()),
            message,
            at: self.at,
            code,
        });
    }
}

fn is_option(name: &str) -> bool {
    OPTIONS
        .iter()
        .chain(MISPLACED)
        .any(|option| option.eq_ignore_ascii_case(name))
}

/// The number of wrapped base data: `FNumber` in any case, `FNAME` for contacts, or an internal `FId`.
fn number_of(value: &Node) -> Option<&str> {
    match value.members() {
        [(key, number)]
            if ["FNumber", "FNAME", "FId"]
                .iter()
                .any(|name| key.eq_ignore_ascii_case(name)) =>
        {
            number.scalar()
        }
        _ => None,
    }
}

fn is_missing(value: Option<&Node>) -> bool {
    match value {
        None => true,
        Some(value) => value.is_blank() || number_of(value).is_some_and(str::is_empty),
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

fn is_positive(text: &str) -> bool {
    is_decimal(text)
        && !text.starts_with('-')
        && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

fn is_date(text: &str) -> bool {
    parse_china(text).is_some() || parse_china(&format!("{text} 00:00:00")).is_some()
}
