//! The pushes that the server knows, out of `pushes.tsv`: what a call holds, what is required of a document, and
//! what becomes of it. Documents are kept with the digits of their numbers.

use super::{Refusal, business};
use crate::form::Form;
use crate::node::Node;
use crate::orders::catalogue::{SHOPS, WAREHOUSES};
use std::sync::LazyLock;

/// One push of one edition.
#[derive(Debug)]
pub(crate) struct Push {
    /// Name of the php page.
    pub(crate) name: &'static str,
    dialects: &'static str,
    /// Of 旗舰版.
    method: &'static str,
    /// Arguments in their order.
    pub(crate) arguments: Vec<&'static str>,
    main: &'static str,
    /// The argument that holds the documents' lines.
    lines: Option<&'static str>,
    most: usize,
    pub(crate) key: &'static str,
    /// A second push of a key changes the document; otherwise it is refused.
    pub(crate) upsert: bool,
    pub(crate) required: Vec<&'static str>,
    /// The list of lines inside a document.
    list: &'static str,
    /// The collection that shows it, its number's field, and a prefix where the server gives the number.
    pub(crate) shown: (&'static str, &'static str, &'static str),
    /// A document that is taken.
    pub(crate) sample: &'static str,
}

pub(crate) static PUSHES: LazyLock<Vec<Push>> = LazyLock::new(|| {
    let blocks = include_str!("pushes.tsv").split("\n#").skip(1);
    blocks.flat_map(editions).collect()
});

fn editions(block: &'static str) -> Vec<Push> {
    let mut lines = block.lines();
    let name = lines.next().unwrap_or_default();
    let sample = |mark| block.lines().find_map(|line| line.strip_prefix(mark));
    let read = |line: &'static str| {
        let mark = if line.starts_with('F') { "T\t" } else { "S\t" };
        Push::parse(name, line, sample(mark).unwrap_or_default())
    };
    lines.filter_map(read).collect()
}

impl Push {
    fn parse(name: &'static str, line: &'static str, sample: &'static str) -> Option<Self> {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [
            edition,
            dialects,
            method,
            arguments,
            most,
            key,
            second,
            required,
            list,
            show @ ..,
        ] = cells.as_slice()
        else {
            return None;
        };
        let (["E" | "F"], [collection, number, prefix]) = ([*edition], show) else {
            return None;
        };
        let marked = |mark: char| arguments.split(',').find_map(|one| one.strip_suffix(mark));
        Some(Self {
            name,
            dialects,
            method,
            arguments: arguments
                .split(',')
                .map(|one| one.trim_end_matches(['*', '+']))
                .collect(),
            main: marked('*')?,
            lines: marked('+'),
            most: most.parse().ok()?,
            key,
            upsert: *second == "upsert",
            required: required.split(',').collect(),
            list,
            shown: (collection, number, prefix),
            sample,
        })
    }

    pub(crate) fn offers(&self, dialect: char) -> bool {
        self.dialects.contains(dialect)
    }

    /// The documents of a call, with their lines.
    pub(crate) fn documents(&self, form: &Form) -> Result<Vec<Node>, Refusal> {
        let argument = |name: &str| {
            let text = form
                .get(name)
                .ok_or_else(|| business(2900, format!("缺少参数{name}")))?;
            Node::parse(text).map_err(|_| business(2541, format!("参数{name}格式错误")))
        };
        if let Some(stranger) = form.names().find(|name| self.is_strange(name)) {
            return Err(business(2541, format!("未知参数{stranger}")));
        }
        let mut documents = match (argument(self.main)?, self.most) {
            (Node::List(items), 2..) => items,
            (node @ Node::Map(_), 1) => vec![node],
            _ => return Err(business(2541, format!("参数{}格式错误", self.main))),
        };
        if documents.is_empty() || documents.len() > self.most {
            return Err(business(2541, format!("每次最多推送{}条", self.most)));
        }
        if documents.iter().any(|one| !matches!(one, Node::Map(_))) {
            return Err(business(2541, format!("参数{}格式错误", self.main)));
        }
        if let Some(name) = self.lines {
            let lines = argument(name)?;
            let several = documents.len() > 1 || self.most > 1;
            for document in &mut documents {
                let own = |line: &&Node| !several || line.get(self.key) == document.get(self.key);
                let own: Vec<Node> = lines.items().iter().filter(own).cloned().collect();
                document.set(self.list, Node::List(own));
            }
        }
        self.shop(form)?;
        Ok(documents)
    }

    fn shop(&self, form: &Form) -> Result<(), Refusal> {
        if !self.arguments.contains(&"shop_no") {
            return Ok(());
        }
        match form.get("shop_no") {
            None => Err(business(2900, "缺少参数shop_no")),
            Some(shop) if SHOPS.iter().any(|(number, _)| *number == shop) => Ok(()),
            Some(_) => Err(business(2310, "店铺不存在或已停用")),
        }
    }

    /// Beside the arguments there is what every call has.
    fn is_strange(&self, name: &str) -> bool {
        const COMMON: [&str; 14] = [
            "sid",
            "appkey",
            "timestamp",
            "sign",
            "method",
            "app_key",
            "target_app_key",
            "format",
            "v",
            "sign_method",
            "wdt_appkey",
            "wdt_salt",
            "datetime",
            "wdt_sign",
        ];
        let known = self.arguments.contains(&name) || COMMON.contains(&name);
        !known && name != "wdt3_customer_id"
    }

    /// What is wrong with a document by itself.
    pub(crate) fn fault(&self, document: &Node) -> Option<String> {
        let blank = |node: Option<&Node>| match node {
            None => true,
            Some(Node::List(items)) => items.is_empty(),
            Some(node) => node.is_blank(),
        };
        for path in &self.required {
            let missing = match path.split_once('.') {
                None => blank(document.get(path)),
                Some((list, field)) => document
                    .get(list)
                    .is_some_and(|list| list.items().iter().any(|line| blank(line.get(field)))),
            };
            if missing {
                return Some(format!("{path}不能为空"));
            }
        }
        for name in [
            "warehouse_no",
            "from_warehouse_no",
            "to_warehouse_no",
            "expect_warehouse_no",
        ] {
            let given = document
                .get(name)
                .and_then(Node::scalar)
                .filter(|text| !text.is_empty());
            if given.is_some_and(|given| !WAREHOUSES.iter().any(|(number, _)| *number == given)) {
                return Some("仓库不存在".to_owned());
            }
        }
        let key = document
            .get(self.key)
            .and_then(Node::scalar)
            .unwrap_or_default();
        (key.chars().count() > 40).then(|| format!("{}超过40个字符", self.key))
    }
}

/// A push by its name in dialect A, as a dialect has it.
pub(crate) fn offered(name: &str, dialect: char) -> Option<&'static Push> {
    PUSHES
        .iter()
        .find(|push| push.name == name && push.offers(dialect))
}

/// By a method of dialect C, or by its lower case in D.
pub(crate) fn by_method(method: &str) -> Option<&'static Push> {
    let is = |push: &&Push| push.method == method || push.method.to_ascii_lowercase() == method;
    PUSHES.iter().filter(|push| push.method != "-").find(is)
}

/// What became of a call.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) new: usize,
    pub(crate) changed: usize,
    /// Of the only document, where the server gave it one.
    pub(crate) number: Option<(&'static str, String)>,
    /// Key and reason.
    pub(crate) errors: Vec<(String, String)>,
    pub(crate) key: &'static str,
}

impl Written {
    fn listed(&self, key: &str) -> Node {
        let error = |(number, error): &(String, String)| {
            Node::Map(vec![
                (key.to_owned(), Node::text(number.as_str())),
                ("error".to_owned(), Node::text(error.as_str())),
            ])
        };
        Node::List(self.errors.iter().map(error).collect())
    }

    /// The members beside `code`: 企业版 tells a purchase order's number as the message.
    pub(crate) fn enterprise(&self) -> Vec<(String, Node)> {
        let count = |count: usize| Node::Number(count.to_string());
        let message = match &self.number {
            Some(("purchase_no", number)) => number.as_str(),
            _ => "",
        };
        let mut members = vec![
            ("message".to_owned(), Node::text(message)),
            ("new_count".to_owned(), count(self.new)),
            ("chg_count".to_owned(), count(self.changed)),
            ("errors".to_owned(), self.listed(self.key)),
        ];
        if let Some((name, number)) = &self.number {
            // A stock-in tells its number under one name, whatever its kind.
            let name = if *name == "order_no" {
                "stockin_no"
            } else {
                name
            };
            members.push((name.to_owned(), Node::text(number.as_str())));
        }
        members
    }

    /// `data` of 旗舰版: a number and a status of its own, or counts.
    pub(crate) fn flagship(&self) -> Node {
        let count = |count: usize| Node::Number(count.to_string());
        match &self.number {
            Some(("order_no", number)) => Node::text(number.as_str()),
            Some((_, number)) => Node::map([
                ("status", count(0)),
                ("message", Node::text(number.as_str())),
            ]),
            None => Node::map([
                ("new_count", count(self.new)),
                ("chg_count", count(self.changed)),
                ("error_list", self.listed("no")),
            ]),
        }
    }
}
