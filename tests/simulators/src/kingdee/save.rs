//! Save and BatchSave: each bill of a packet stands alone, so a packet may succeed in part.
//!
//! Our inference, for want of a live sample: a packet with any refused bill has `IsSuccess` false while its
//! `SuccessEntitys` lists the others; `MsgCode` is that of the first finding; `FEntity` left out of an update
//! leaves the entries alone.

use super::check::Check;
use super::document::Bills;
use super::fields::OPTIONS;
use super::reply::{Failure, Success, failure, result, status};
use super::trouble::{Refusal, breaks, refusal};
use crate::config::KingdeeRules;
use crate::exchange::Effect;
use crate::node::Node;
use std::time::Duration;
use tokio::time::Instant;

/// One call to save.
pub(crate) struct Save<'a> {
    pub(crate) data: &'a Node,
    pub(crate) rules: &'a KingdeeRules,
    pub(crate) effect: Effect,
    pub(crate) refusals: &'a [Refusal],
    pub(crate) now_ms: i64,
    /// 暂存: nothing is required, and what is new is a draft.
    pub(crate) draft: bool,
}

impl Save<'_> {
    /// `Model` is one bill.
    pub(crate) fn one(&self, bills: &mut Bills) -> Result<Node, Failure> {
        let model = self
            .data
            .get("Model")
            .ok_or_else(|| failure(8, "参数错误：缺少Model"))?;
        if !matches!(model, Node::Map(_)) {
            return Err(failure(8, "参数错误：Save的Model必须是对象"));
        }
        let models = [model.clone()];
        self.run(bills, &models, true)
    }

    /// `Model` is a list of bills.
    pub(crate) fn batch(&self, bills: &mut Bills) -> Result<Node, Failure> {
        match self.data.get("Model") {
            Some(Node::List(models)) if models.len() > 1 && breaks(self.refusals, models) => {
                Err(failure(4, "执行异常：未将对象引用设置到对象的实例"))
            }
            Some(Node::List(models)) => self.run(bills, models, false),
            _ => Err(failure(8, "参数错误：BatchSave的Model必须是数组")),
        }
    }

    fn run(&self, bills: &mut Bills, models: &[Node], single: bool) -> Result<Node, Failure> {
        let unknown = self.data.members().iter().find(|(name, _)| {
            !OPTIONS
                .iter()
                .any(|option| option.eq_ignore_ascii_case(name))
        });
        if let Some((name, _)) = unknown.filter(|_| self.rules.strict_fields) {
            return Err(failure(8, format!("参数错误：未知的请求参数{name}")));
        }
        let applied = if self.effect.half {
            models.len() / 2
        } else {
            models.len()
        };
        let mut failures = Vec::new();
        let mut successes = Vec::new();
        for (at, model) in models.iter().take(applied).enumerate() {
            match self.bill(bills, model.clone(), at) {
                Ok(success) => successes.push(success),
                Err(found) => failures.extend(found),
            }
        }
        let success = failures.is_empty() && applied == models.len();
        let code = match failures.first() {
            Some(failure) => failure.code,
            None if success => 0,
            None => 6,
        };
        let mut more = Vec::new();
        if single && let Some(saved) = successes.first() {
            more.push(("Id".to_owned(), Node::integer(saved.id)));
            more.push(("Number".to_owned(), Node::text(&saved.number)));
        }
        let returned = successes
            .iter()
            .map(|saved| self.returned(bills, saved.id))
            .collect();
        more.push(("NeedReturnData".to_owned(), Node::List(returned)));
        Ok(result(status(success, code, &failures, &successes), more))
    }

    fn bill(&self, bills: &mut Bills, mut model: Node, at: usize) -> Result<Success, Vec<Failure>> {
        let form = bills.form;
        let fid = model.get(form.id).map_or(0, Node::id);
        let mut check = Check {
            form,
            strict: self.rules.strict_fields,
            verify_base_data: self.rules.verify_base_data
                || self.data.flag("IsVerifyBaseDataField", false),
            at,
            failures: Vec::new(),
        };
        let complete = fid == 0 && !self.draft && self.data.flag("ValidateFlag", true);
        check.model(&mut model, complete);
        let mut failures = check.failures;
        let number = model
            .get(form.number)
            .and_then(Node::scalar)
            .unwrap_or_default()
            .to_owned();
        failures.extend(refusal(self.refusals, &number, at));
        if self.rules.unique_numbers && bills.fid(&number).is_some_and(|other| other != fid) {
            failures.push(taken(form.number, &number, at));
        }
        failures.extend(conflicts(bills, fid, &model, at));
        if !failures.is_empty() {
            return Err(failures);
        }
        let fid = if fid == 0 {
            self.create(bills, number, model)
        } else {
            self.update(bills, fid, &number, &model)
        };
        let number = bills
            .by_fid(fid)
            .map(|bill| bill.number.clone())
            .unwrap_or_default();
        Ok(Success {
            id: fid,
            number,
            at,
        })
    }

    fn saved_status(&self) -> char {
        if self.data.flag("IsAutoSubmitAndAudit", false) {
            'C'
        } else if self.draft {
            'Z'
        } else {
            'A'
        }
    }

    fn create(&self, bills: &mut Bills, number: String, mut model: Node) -> i64 {
        let number = if number.is_empty() {
            bills.free_number()
        } else {
            number
        };
        give_ids(bills, &mut model);
        let visible = Instant::now() + Duration::from_millis(self.effect.hidden_ms);
        bills.create(number, self.saved_status(), model, visible, self.now_ms)
    }

    fn update(&self, bills: &mut Bills, fid: i64, number: &str, model: &Node) -> i64 {
        let only: Vec<&str> = self
            .data
            .get("NeedUpDateFields")
            .map(|list| list.items().iter().filter_map(Node::scalar).collect())
            .unwrap_or_default();
        let form = bills.form;
        let wanted = |name: &str| {
            only.is_empty() || only.iter().any(|field| field.eq_ignore_ascii_case(name))
        };
        let mut stored = bills
            .by_fid(fid)
            .map(|bill| bill.model.clone())
            .unwrap_or(Node::Null);
        for (name, value) in model.members() {
            if !form.entity.is_empty() && name.eq_ignore_ascii_case(form.entity) {
                let rows = self.rows(bills, &stored, value, &wanted);
                stored.set(form.entity, Node::List(rows));
            } else if !form.sub_head.is_empty() && name.eq_ignore_ascii_case(form.sub_head) {
                let mut finance = stored
                    .get(form.sub_head)
                    .cloned()
                    .unwrap_or(Node::Map(Vec::new()));
                merge(&mut finance, value, &wanted);
                stored.set(form.sub_head, finance);
            } else if wanted(name) && !name.eq_ignore_ascii_case(form.number) {
                stored.set(name, value.clone());
            }
        }
        stored.set(form.id, Node::integer(fid));
        if !number.is_empty() && wanted(form.number) {
            bills.rename(fid, number);
            stored.set(form.number, Node::text(number));
        }
        let status = self.saved_status();
        if let Some(bill) = bills.by_fid_mut(fid) {
            bill.model = stored;
            bill.saves += 1;
            bill.modified = self.now_ms.max(bill.modified + 1);
            if status == 'C' {
                bill.status = status;
            }
        }
        fid
    }

    /// The entries after an update: sent ones with an id change theirs, others are new; what was not sent
    /// stays or goes by `IsDeleteEntry`.
    fn rows(
        &self,
        bills: &mut Bills,
        stored: &Node,
        sent: &Node,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Vec<Node> {
        let old = stored
            .get(bills.form.entity)
            .map(|rows| rows.items().to_vec())
            .unwrap_or_default();
        let find = |rows: &[Node], id: i64| rows.iter().position(|row| entry_id(row) == id);
        let mut rows: Vec<Node> = if self.data.flag("IsDeleteEntry", true) {
            old.into_iter()
                .filter(|row| find(sent.items(), entry_id(row)).is_some())
                .collect()
        } else {
            old
        };
        for row in sent.items() {
            let id = entry_id(row);
            match find(&rows, id)
                .filter(|_| id != 0)
                .and_then(|at| rows.get_mut(at))
            {
                Some(slot) => merge(slot, row, wanted),
                None => rows.push(with_id(bills, row.clone())),
            }
        }
        rows
    }

    /// The fields that the call wants back, as one object.
    fn returned(&self, bills: &Bills, fid: i64) -> Node {
        let fields = self
            .data
            .get("NeedReturnFields")
            .map(Node::items)
            .unwrap_or_default();
        let Some(bill) = bills.by_fid(fid) else {
            return Node::Map(Vec::new());
        };
        let mut members = Vec::new();
        for name in fields.iter().filter_map(Node::scalar) {
            let entity = bills.form.entity;
            let inside = name
                .strip_prefix(entity)
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(field) = inside {
                let rows = bill.model.get(entity).map(Node::items).unwrap_or_default();
                let values = rows
                    .iter()
                    .map(|row| Node::map([(field, row.get(field).cloned().unwrap_or(Node::Null))]));
                members.push((entity.to_owned(), Node::List(values.collect())));
            } else {
                members.push((
                    name.to_owned(),
                    bill.model.get(name).cloned().unwrap_or(Node::Null),
                ));
            }
        }
        Node::Map(members)
    }
}

fn entry_id(row: &Node) -> i64 {
    row.get("FEntryID").map_or(0, Node::id)
}

fn with_id(bills: &mut Bills, mut row: Node) -> Node {
    row.set("FEntryID", Node::integer(bills.entry_id()));
    row
}

/// Gives an id to each row of a new document.
pub(crate) fn give_ids(bills: &mut Bills, model: &mut Node) {
    let entity = bills.form.entity;
    if entity.is_empty() {
        return;
    }
    let rows = model.get(entity).map(|rows| rows.items().to_vec());
    let rows = rows.unwrap_or_default();
    let rows = rows.into_iter().map(|row| with_id(bills, row)).collect();
    model.set(entity, Node::List(rows));
}

fn merge(into: &mut Node, from: &Node, wanted: &dyn Fn(&str) -> bool) {
    for (name, value) in from.members() {
        if wanted(name) && !name.eq_ignore_ascii_case("FEntryID") {
            into.set(name, value.clone());
        }
    }
}

fn taken(field: &str, number: &str, at: usize) -> Failure {
    Failure {
        field: Some(field.to_owned()),
        message: format!("单据编号为“{number}”的单据已经存在，违反字段唯一性要求"),
        at,
        code: 11,
    }
}

/// What the stored bills say against a model that changes one: it is gone or audited, or its rows are unknown.
fn conflicts(bills: &Bills, fid: i64, model: &Node, at: usize) -> Vec<Failure> {
    let refuse = |code, field: &str, message: String| Failure {
        field: Some(field.to_owned()),
        message,
        at,
        code,
    };
    let mut failures = Vec::new();
    if fid == 0 {
        return failures;
    }
    match bills.by_fid(fid) {
        None => failures.push(refuse(
            10,
            bills.form.id,
            format!("内码为{fid}的单据不存在"),
        )),
        Some(bill) if matches!(bill.status, 'B' | 'C') => {
            let state = if bill.status == 'C' {
                "已经审核"
            } else {
                "审核中"
            };
            failures.push(refuse(
                11,
                "FDocumentStatus",
                format!("单据“{}”{state}，不能修改", bill.number),
            ));
        }
        Some(_) => failures.extend(unknown_entries(bills, fid, model, at)),
    }
    failures
}

fn unknown_entries(bills: &Bills, fid: i64, model: &Node, at: usize) -> Vec<Failure> {
    let ids = |node: &Node| -> Vec<i64> {
        node.get(bills.form.entity)
            .map(|rows| rows.items().iter().map(entry_id).collect())
            .unwrap_or_default()
    };
    let held = bills
        .by_fid(fid)
        .map(|bill| ids(&bill.model))
        .unwrap_or_default();
    let unknown = ids(model)
        .into_iter()
        .filter(|id| *id != 0 && !held.contains(id));
    unknown
        .map(|id| Failure {
            field: Some("FEntryID".to_owned()),
            message: format!("分录内码{id}不存在"),
            at,
            code: 10,
        })
        .collect()
}
