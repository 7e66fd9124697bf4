//! What must come of a pipeline with a group stage, worked out from the source's orders alone: every order in
//! one bill, or waiting for a person where its group was sent before it came or before it changed.

use crate::model::{Finding, Sort, Waiting, orders};
use crate::random::Random;
use duijie_e2e::{Manifest, arrived_bill, difference, expected};
use duijie_sim::{Document, Simulators};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The group stage of one case.
#[derive(Clone, Debug)]
pub(crate) struct Grouping {
    /// Groups are those of a day and a warehouse, else of a day.
    by_warehouse: bool,
    close: String,
    /// Records that come late make a next part, else they are held.
    late_goes_on: bool,
}

const GROUP: &str = "\
group:
  by: [BY]
  close: { CLOSE }
  late: LATE
  collect:
    first: [FIRST]
    sum: [post_amount]
    list: { name: details_list, from: details_list }
transform:
";

impl Grouping {
    pub(crate) fn some(random: &mut Random) -> Self {
        let count = format!("count: {}", random.between(3, 9));
        let (by_warehouse, rule) = match random.below(3) {
            0 => (true, "at_end: true".to_owned()),
            // The source gives its orders by their days, nearly.
            1 => (false, "on_key_change: true".to_owned()),
            _ => (true, format!("after: {}ms", random.between(20, 400))),
        };
        Self {
            by_warehouse,
            close: format!("{rule}, {count}"),
            late_goes_on: random.one_in(2),
        }
    }

    /// Each row names its line of the order, in the field of the lot.
    pub(crate) fn applied(&self, manifest: &Manifest) -> Manifest {
        let day = "{ field: consign_time, as: day }";
        let (by, first, number) = if self.by_warehouse {
            (
                format!("warehouse_no, {day}"),
                "shop_no",
                "{{warehouse_no}}-{{consign_time}}-{{group_part}}",
            )
        } else {
            (
                day.to_owned(),
                "shop_no, warehouse_no",
                "{{consign_time}}-{{group_part}}",
            )
        };
        let late = if self.late_goes_on { "next" } else { "hold" };
        let group = GROUP
            .replace("BY", &by)
            .replace("CLOSE", &self.close)
            .replace("LATE", late)
            .replace("FIRST", first);
        let value = |value: &str| format!("value: \"{value}\"");
        manifest
            .with("transform:\n", &group)
            .with(&value("{{order_no}}"), &value(number))
            .with(&value("{{stockout_no}}"), &value("{{post_amount}}"))
            .with(
                &value("{{details_list.src_tid}}"),
                &value("{{group_members}}"),
            )
            .with(&value("20250822"), &value("{{batch_details.rec_id}}"))
    }

    /// Everything that is left open is closed by runs of this.
    pub(crate) fn closed_at_end(&self, manifest: &Manifest) -> Manifest {
        if self.close.contains("at_end") {
            return manifest.clone();
        }
        manifest.with("  close: {", "  close: { at_end: true,")
    }

    /// Whether a record may wait because its group was sent.
    fn holds_late(&self) -> bool {
        !self.late_goes_on
    }

    fn group_of(&self, order: &Value) -> String {
        let day = &text(&order["consign_time"])[..10];
        if self.by_warehouse {
            format!("{}-{day}", text(&order["warehouse_no"]))
        } else {
            day.to_owned()
        }
    }

    /// Numbers of the first bill of each group.
    pub(crate) fn first_numbers(&self, simulators: &Simulators) -> Vec<String> {
        let orders = orders(simulators).into_values();
        let groups: BTreeSet<String> = orders.map(|order| self.group_of(&order)).collect();
        groups.iter().map(|group| format!("{group}-1")).collect()
    }
}

/// The plain text of a text or number.
fn text(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}

/// The orders in one bill or dead letter, each with its version there, from 0.
type Members = BTreeMap<String, usize>;

/// The source's side.
struct Orders<'case> {
    grouping: &'case Grouping,
    /// All versions of an order by its number, the newest last.
    versions: BTreeMap<String, Vec<Value>>,
    /// The number of the order that has this line.
    lines: BTreeMap<String, String>,
}

impl<'case> Orders<'case> {
    fn new(grouping: &'case Grouping, simulators: &Simulators) -> Self {
        let mut versions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let newest = orders(simulators);
        for order in simulators.superseded_orders() {
            versions
                .entry(text(&order["order_no"]))
                .or_default()
                .push(order);
        }
        versions.retain(|number, _| newest.contains_key(number));
        let mut lines = BTreeMap::new();
        for (number, order) in newest {
            for line in order["details_list"].as_array().unwrap() {
                lines.insert(text(&line["rec_id"]), number.clone());
            }
            versions.entry(number).or_default().push(order);
        }
        Self {
            grouping,
            versions,
            lines,
        }
    }

    /// The bill that these versions of orders make, with the head that one of them gave.
    fn bill(&self, document: &Document, stands: &Value, members: &Members) -> Value {
        let mut rows = Vec::new();
        let mut ten_thousandths = 0;
        let mut bill = Value::Null;
        for (number, version) in members {
            let order = &self.versions[number][*version];
            ten_thousandths += amount(&text(&order["post_amount"]));
            let mut order = order.clone();
            order["shop_no"] = stands["FSaleOrgId"]["FNumber"].clone();
            order["warehouse_no"] = stands["FStockOrgId"]["FNumber"].clone();
            bill = expected(&order);
            let made = bill["FEntity"].as_array().unwrap().iter();
            for (row, line) in made.zip(order["details_list"].as_array().unwrap()) {
                let mut row = row.clone();
                row["FLot"] = json!({ "FNumber": text(&line["rec_id"]) });
                rows.push(row);
            }
        }
        rows.sort_by_key(lot);
        bill["FEntity"] = rows.into();
        bill["FBillNo"] = document.bill_no.clone().into();
        let day = text(&bill["FDate"])[..10].to_owned();
        bill["FDate"] = day.into();
        bill["F_ora_Text_ysdh"] = members.len().to_string().into();
        let sum = format!(
            "{}.{:04}",
            ten_thousandths / 10_000,
            ten_thousandths % 10_000
        );
        bill["F_ora_Text_ckdh"] = sum.into();
        bill
    }

    /// The version of each order whose lines are these, by the pieces of its lines.
    fn members(&self, lines: &BTreeMap<String, Vec<(String, String)>>) -> Result<Members, String> {
        let mut members = Members::new();
        for (number, lines) in lines {
            let is = |version: &Value| {
                let of = version["details_list"].as_array().unwrap().iter();
                let of = of.map(|line| (text(&line["rec_id"]), text(&line["goods_count"])));
                let mut of: Vec<_> = of.collect();
                of.sort();
                of == *lines
            };
            let found = self.versions[number].iter().rposition(is);
            let found =
                found.ok_or_else(|| format!("{number} is there as it never was: {lines:?}"))?;
            members.insert(number.clone(), found);
        }
        Ok(members)
    }

    /// Lines with their pieces by the order that has them.
    fn by_order(
        &self,
        lines: impl Iterator<Item = (String, String)>,
    ) -> Result<BTreeMap<String, Vec<(String, String)>>, String> {
        let mut orders: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for line in lines {
            let number = self.lines.get(&line.0);
            let number = number.ok_or_else(|| format!("no order has the line {}", line.0))?;
            orders.entry(number.clone()).or_default().push(line);
        }
        orders.values_mut().for_each(|lines| lines.sort());
        Ok(orders)
    }

    /// The members of a bill that is as it should be.
    fn arrived(&self, document: &Document) -> Result<Members, String> {
        let mut stands = arrived_bill(document).0;
        stands["FEntity"].as_array_mut().unwrap().sort_by_key(lot);
        let rows = stands["FEntity"].as_array().unwrap().iter();
        let lines = rows.map(|row| (lot(row), text(&row["FRealQty"]).replace("number ", "")));
        let members = self.members(&self.by_order(lines)?)?;
        let wanted = self.bill(document, &stands, &members);
        if let Some(what) = difference(&stands, &wanted) {
            return Err(what);
        }
        let versions = members.iter();
        let versions: Vec<_> = versions
            .map(|(number, at)| &self.versions[number][*at])
            .collect();
        let has = |name: &str, value: &Value| versions.iter().any(|one| one[name] == *value);
        let head = [("shop_no", "FSaleOrgId"), ("warehouse_no", "FStockOrgId")];
        for (name, field) in head {
            if !has(name, &stands[field]["FNumber"]) {
                return Err(format!("no member has the {name} of {}", document.bill_no));
            }
        }
        let group = document.bill_no.rsplit_once('-').unwrap().0;
        match versions
            .iter()
            .find(|one| self.grouping.group_of(one) != group)
        {
            Some(one) => Err(format!("{} is in {}", one["order_no"], document.bill_no)),
            None => Ok(members),
        }
    }

    /// The members of a group that waits for a person.
    fn waiting(&self, record: &str) -> Result<Members, String> {
        let record: Value = serde_json::from_str(record).map_err(|error| error.to_string())?;
        let lines = record["details_list"].as_array().unwrap().iter();
        let lines = lines.map(|line| (text(&line["rec_id"]), text(&line["goods_count"])));
        self.members(&self.by_order(lines)?)
    }
}

fn lot(row: &Value) -> String {
    text(&row["FLot"]["FNumber"])
}

fn amount(text: &str) -> u64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<4}").parse().unwrap()
}

/// Every order in one bill in its newest version, or waiting where it rightly does.
pub(crate) fn compare(
    grouping: &Grouping,
    simulators: &Simulators,
    refused: &BTreeSet<String>,
    is_restored: bool,
    waiting: &Waiting,
) -> Vec<Finding> {
    let orders = Orders::new(grouping, simulators);
    let mut found = Vec::new();
    let mut placed: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut sent = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for document in simulators.documents() {
        let number = &document.bill_no;
        if !numbers.insert(number.clone()) {
            let what = format!("{number} stands there more than once");
            found.push(Finding::new(Sort::Doubled, what));
        }
        if refused.contains(number) {
            let what = format!("{number} arrived though refused");
            found.push(Finding::new(Sort::Wrong, what));
        }
        if document.saves != 1 {
            let what = format!("{number} was written again");
            found.push(Finding::new(Sort::Wrong, what));
        }
        place(orders.arrived(&document), &mut placed, &mut found);
        sent.extend(number.rsplit_once('-').map(|(group, _)| group.to_owned()));
    }
    for letter in waiting.refused.values() {
        if !refused.contains(&letter.target_key) {
            let what = format!("{} is a dead letter: {}", letter.target_key, letter.why);
            found.push(Finding::new(Sort::Waits, what));
        }
        place(orders.waiting(&letter.record), &mut placed, &mut found);
        let group = letter.target_key.rsplit_once('-');
        sent.extend(group.map(|(group, _)| group.to_owned()));
    }
    let unsure = held(
        &orders,
        waiting,
        is_restored.then_some(&numbers),
        &mut found,
    );
    for (number, versions) in &orders.versions {
        let newest = &versions[versions.len() - 1];
        let hold = waiting.holds.get(&text(&newest["stockout_id"]));
        let late = grouping.holds_late() && sent.contains(&grouping.group_of(newest));
        let places = placed.get(number).map_or(&[][..], Vec::as_slice);
        if unsure.contains_key(number) && places.len() < 2 {
            continue;
        }
        found.extend(verdict(number, places, versions.len() - 1, hold, late));
    }
    found
}

/// Members of groups that are held: of these a person finds out what the target has of them. That is so where
/// state was restored and the target has a bill of this number, of which it has `numbers` then.
fn held(
    orders: &Orders<'_>,
    waiting: &Waiting,
    numbers: Option<&BTreeSet<String>>,
    found: &mut Vec<Finding>,
) -> Members {
    let mut unsure = Members::new();
    for held in waiting.held.values() {
        if !numbers.is_some_and(|numbers| numbers.contains(&held.target_key)) {
            let what = format!("{} is held: {}", held.target_key, held.why);
            found.push(Finding::new(Sort::Waits, what));
        }
        match orders.waiting(&held.record) {
            Ok(members) => unsure.extend(members),
            Err(what) => found.push(Finding::new(Sort::Wrong, what)),
        }
    }
    unsure
}

fn place(
    members: Result<Members, String>,
    placed: &mut BTreeMap<String, Vec<usize>>,
    found: &mut Vec<Finding>,
) {
    match members {
        Ok(members) => {
            for (number, version) in members {
                placed.entry(number).or_default().push(version);
            }
        }
        Err(what) => found.push(Finding::new(Sort::Wrong, what)),
    }
}

/// `places` are the versions in which an order is in bills and dead letters, `late` whether it may have come
/// after its group was sent.
fn verdict(
    number: &str,
    places: &[usize],
    newest: usize,
    hold: Option<&String>,
    late: bool,
) -> Option<Finding> {
    let (sort, what) = match (places, hold) {
        ([], Some(why)) if !late => (Sort::Waits, format!("is held: {why}")),
        ([], Some(_)) => return None,
        ([], None) => (Sort::Lost, "is in no bill".to_owned()),
        ([version], None) if *version == newest => return None,
        ([version], Some(_)) if *version < newest => return None,
        ([_], Some(why)) => (Sort::Waits, format!("arrived and is held: {why}")),
        ([version], None) => {
            let what = format!("is there as version {version} of {newest} and is not held");
            (Sort::Wrong, what)
        }
        (several, _) => (Sort::Doubled, format!("is in {} bills", several.len())),
    };
    Some(Finding::new(sort, format!("{number} {what}")))
}
