//! A query's parameters, checked for form, range and the collection's limits.

use super::collection::Collection;
use super::{Refusal, business};
use crate::clock::parse_china;
use crate::form::Form;
use std::fmt;

#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) page_no: usize,
    pub(crate) page_size: usize,
    /// Closed at both ends; none when a document is named or no times apply.
    pub(crate) window: Option<Window>,
    pub(crate) states: Vec<u16>,
    /// Parameter and the values of which one must apply.
    pub(crate) filters: Vec<(&'static str, Vec<String>)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) by_consign: bool,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Query {
    pub(crate) fn parse(collection: &'static Collection, form: &Form) -> Result<Self, Refusal> {
        let page_no = natural(form, "page_no", 0)?
            .ok_or_else(|| business(2541, "page_no参数无效，必须为非负整数"))?;
        let page_size = natural(form, "page_size", 40)?
            .filter(|size| (1..=collection.page_max).contains(size))
            .ok_or_else(|| {
                business(
                    2220,
                    format!("page_size必须为正整数且不大于{}", collection.page_max),
                )
            })?;
        let states = states(collection, form)?;
        let filters = filters(collection, form)?;
        let named = collection
            .documents
            .iter()
            .any(|key| form.get(key).is_some());
        let window = if named {
            None
        } else {
            window(collection, form, &states)?
        };
        Ok(Self {
            page_no,
            page_size,
            window,
            states,
            filters,
        })
    }
}

/// A parameter of digits only; `Ok(None)` when it is something else.
#[allow(clippy::unnecessary_wraps)]
fn natural(form: &Form, key: &str, default: usize) -> Result<Option<usize>, Refusal> {
    let Some(text) = form.get(key) else {
        return Ok(Some(default));
    };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    Ok(if digits { text.parse().ok() } else { None })
}

fn states(collection: &Collection, form: &Form) -> Result<Vec<u16>, Refusal> {
    let Some(text) = form.get("status") else {
        return Ok(Vec::new());
    };
    text.split(',')
        .map(|part| match part.parse::<u16>() {
            Ok(state) if collection.states.is_empty() || collection.states.contains(&state) => {
                Ok(state)
            }
            _ => Err(business(2541, format!("status参数无效：{part}"))),
        })
        .collect()
}

fn filters(
    collection: &'static Collection,
    form: &Form,
) -> Result<Vec<(&'static str, Vec<String>)>, Refusal> {
    let mut filters = Vec::new();
    for key in collection
        .documents
        .iter()
        .chain(collection.filters)
        .copied()
    {
        let Some(text) = form.get(key) else {
            continue;
        };
        let (name, values): (&str, Vec<String>) = match key {
            "shop_nos" => ("shop_no", text.split(',').map(str::to_owned).collect()),
            _ => (key, vec![text.to_owned()]),
        };
        if values.len() > 20 {
            return Err(business(2541, "shop_nos最多支持20个店铺编号"));
        }
        filters.push((name, values));
    }
    Ok(filters)
}

fn window(collection: &Collection, form: &Form, states: &[u16]) -> Result<Option<Window>, Refusal> {
    let Some(longest) = collection.window else {
        return Ok(None);
    };
    let time = |key: &str| match form.get(key) {
        None => Err(business(2160, format!("{key}不能为空"))),
        Some(text) => parse_china(text).ok_or_else(|| {
            business(
                2160,
                format!("{key}格式错误，正确格式为yyyy-MM-dd HH:mm:ss"),
            )
        }),
    };
    let (start, end) = (time("start_time")?, time("end_time")?);
    if start == end {
        return Err(business(2105, "开始时间不能等于结束时间"));
    }
    if start > end {
        return Err(business(2160, "开始时间不能大于结束时间"));
    }
    if end - start > longest {
        let span = if longest >= 86_400 {
            format!("{}天", longest / 86_400)
        } else {
            format!("{}分钟", longest / 60)
        };
        return Err(business(2104, format!("查询时间跨度不能超过{span}")));
    }
    let by_modified = match form.get("is_by_modified") {
        None | Some("0") => states.iter().any(|state| *state < 95),
        Some("1") => true,
        Some(_) => return Err(business(2541, "is_by_modified参数无效")),
    };
    Ok(Some(Window {
        by_consign: collection.by_consign && !by_modified,
        start,
        end,
    }))
}

impl fmt::Display for Query {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "page={} size={}", self.page_no, self.page_size)?;
        if let Some(window) = self.window {
            let axis = if window.by_consign {
                "consign"
            } else {
                "modified"
            };
            write!(out, " {axis}={}..={}", window.start, window.end)?;
        }
        for (key, values) in &self.filters {
            write!(out, " {key}={}", values.join(","))?;
        }
        Ok(())
    }
}
