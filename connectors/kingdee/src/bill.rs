//! Documents as they stand in the system, found by number through
//! `ExecuteBillQuery`. Reads only.

use duijie_sdk::lookup::State;
use duijie_sdk::{Fault, Network};

use crate::client::Client;
use crate::form::Form;
use crate::reply::{Class, Rows, Status};
use crate::tree::quote;

/// Numbers asked for in one query.
const KEYS: usize = 200;
/// Rows of one page: what both old and new servers allow.
const LIMIT: usize = 2000;
/// Pages of one query; more than that are not what was asked for.
const PAGES: usize = 64;

/// One document that carries a number that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    pub id: String,
    pub number: String,
    /// The form's field of state, mostly `FDocumentStatus`, as the system says it.
    pub status: String,
    /// In the order of the lines, where rows were asked for.
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub id: String,
    pub material: Option<String>,
}

/// What a query cannot tell.
#[derive(Debug)]
pub(crate) enum Blind {
    Fault(Fault),
    /// The system refused the query for what it asks.
    Refused(String),
}

impl From<Blind> for Fault {
    fn from(blind: Blind) -> Self {
        match blind {
            Blind::Fault(fault) => fault,
            Blind::Refused(reason) => Fault::broken(reason),
        }
    }
}

impl Bill {
    /// The system's word for why it may not be changed.
    pub(crate) fn locked(&self) -> Option<&'static str> {
        match self.status.as_str() {
            "B" => Some("审核中"),
            "C" => Some("已审核"),
            _ => None,
        }
    }

    pub(crate) fn state(&self) -> State {
        match (self.locked(), self.status.as_str()) {
            (Some(word), _) => State::Locked(word.to_owned()),
            (None, "A" | "D" | "Z") => State::Open,
            (None, other) => State::Other(format!("FDocumentStatus `{other}`")),
        }
    }
}

/// Every document that carries one of these numbers.
pub(crate) fn find<N: Network>(
    client: &Client<N>,
    form: &Form,
    keys: &[&str],
    with_rows: bool,
) -> Result<Vec<Bill>, Blind> {
    let with_rows = with_rows && form.has_rows();
    let mut fields = vec![
        form.id_field.clone(),
        form.key.clone(),
        form.state_field.to_owned(),
    ];
    if with_rows {
        fields.push(format!("{}_FEntryID", form.entity));
        fields.extend(form.material.map(|material| format!("{material}.FNumber")));
    }
    let order = if with_rows {
        format!("{},{}_FSeq", form.id_field, form.entity)
    } else {
        form.id_field.clone()
    };
    let mut bills = Vec::new();
    for chunk in keys.chunks(KEYS) {
        let quoted: Vec<String> = chunk.iter().map(|key| literal(key)).collect();
        let filter = format!("{} in ({})", form.key, quoted.join(","));
        for page in 0.. {
            if page == PAGES {
                let reason = format!("more than {} rows for {} numbers", PAGES * LIMIT, KEYS);
                return Err(Blind::Fault(Fault::broken(reason)));
            }
            let rows = query(
                client,
                form,
                &fields.join(","),
                &filter,
                &order,
                page * LIMIT,
                LIMIT,
            )?;
            let last = rows.len() < LIMIT;
            for row in rows {
                gather(&mut bills, row, chunk, with_rows)?;
            }
            if last {
                break;
            }
        }
    }
    Ok(bills)
}

/// Whether the form shows any document at all to this user.
pub(crate) fn shows_any<N: Network>(client: &Client<N>, form: &Form) -> Result<bool, Blind> {
    let rows = query(client, form, &form.id_field, "", "", 0, 1)?;
    Ok(!rows.is_empty())
}

/// Whether the system itself says that there is no such document, which it does
/// only to a user who may see them.
pub(crate) fn is_unknown<N: Network>(
    client: &Client<N>,
    form: &Form,
    key: &str,
) -> Result<bool, Blind> {
    let data = format!(
        "{{\"CreateOrgId\":0,\"Number\":{},\"Id\":\"\"}}",
        quote(key)
    );
    match client.read::<Status>("View", Some(&form.id), data) {
        Ok(status) => Ok(status.names_nothing()),
        // What cannot be understood tells nothing.
        Err(Fault::Broken(_)) => Ok(false),
        Err(fault) => Err(Blind::Fault(fault)),
    }
}

fn query<N: Network>(
    client: &Client<N>,
    form: &Form,
    fields: &str,
    filter: &str,
    order: &str,
    start: usize,
    limit: usize,
) -> Result<Vec<Vec<Option<String>>>, Blind> {
    let data = Query {
        form: &form.id,
        fields,
        filter,
        order,
        start,
        limit,
    };
    match client
        .read("ExecuteBillQuery", None, data.text())
        .map_err(Blind::Fault)?
    {
        Rows::Found(rows) => Ok(rows),
        Rows::Failed(status) => Err(blind(&status)),
    }
}

/// What `ExecuteBillQuery` and `BillQuery` are asked.
pub(crate) struct Query<'q> {
    pub form: &'q str,
    pub fields: &'q str,
    pub filter: &'q str,
    pub order: &'q str,
    pub start: usize,
    pub limit: usize,
}

impl Query<'_> {
    /// `TopRowCount` is the row to end at, not a page's size; 0 is none.
    pub(crate) fn text(&self) -> String {
        format!(
            "{{\"FormId\":{},\"FieldKeys\":{},\"FilterString\":{},\"OrderString\":{},\"TopRowCount\":0,\"StartRow\":{},\"Limit\":{},\"SubSystemId\":\"\"}}",
            quote(self.form),
            quote(self.fields),
            quote(self.filter),
            quote(self.order),
            self.start,
            self.limit
        )
    }
}

/// A text in a filter.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(crate) fn blind(status: &Status) -> Blind {
    let message = status.message();
    match status.class() {
        Class::SessionLost | Class::Forbidden | Class::Barred => {
            Blind::Fault(Fault::unauthorized(message))
        }
        Class::Limited => Blind::Fault(Fault::rate_limited(message, None)),
        Class::Doubtful | Class::Busy => Blind::Fault(Fault::unavailable(message, None)),
        Class::Malformed | Class::Refused => Blind::Refused(message),
    }
}

/// Header fields are repeated on each of a document's rows.
fn gather(
    bills: &mut Vec<Bill>,
    row: Vec<Option<String>>,
    asked: &[&str],
    with_rows: bool,
) -> Result<(), Blind> {
    let mut cells = row.into_iter();
    let (Some(Some(id)), Some(Some(number)), Some(status)) =
        (cells.next(), cells.next(), cells.next())
    else {
        return Err(Blind::Fault(Fault::broken(
            "a query row without id, number and status",
        )));
    };
    if !asked.iter().any(|key| same_number(key, &number)) {
        let reason = format!("asked for certain numbers, was told of `{number}` as well");
        return Err(Blind::Fault(Fault::broken(reason)));
    }
    if bills.last().is_none_or(|bill| bill.id != id) && !bills.iter().any(|bill| bill.id == id) {
        let status = status.unwrap_or_default();
        bills.push(Bill {
            id: id.clone(),
            number,
            status,
            rows: Vec::new(),
        });
    }
    if with_rows
        && let Some(Some(row)) = cells.next()
        && let Some(bill) = bills.iter_mut().rev().find(|bill| bill.id == id)
    {
        bill.rows.push(Row {
            id: row,
            material: cells.next().flatten(),
        });
    }
    Ok(())
}

/// The usual collation of the system's database ignores case and trailing blanks.
pub(crate) fn same_number(one: &str, other: &str) -> bool {
    one.trim_end_matches(' ')
        .eq_ignore_ascii_case(other.trim_end_matches(' '))
}
