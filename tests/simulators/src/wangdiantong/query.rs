//! A query's parameters, checked for form, range and the collection's limits.

use super::collection::{Collection, Limits};
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
    /// 企业版, whose pages are counted from 0 and may be left out.
    pub(crate) fn parse(collection: &'static Collection, form: &Form) -> Result<Self, Refusal> {
        let page_size = form.get("page_size").unwrap_or("40");
        let page_no = form.get("page_no").unwrap_or("0");
        Self::of(
            collection,
            &collection.enterprise,
            form,
            (page_no, page_size),
            false,
        )
    }

    /// 旗舰版, which gives nothing without a page and takes nothing that it does not know.
    pub(crate) fn flagship(
        collection: &'static Collection,
        form: &Form,
        page: (Option<&str>, Option<&str>),
    ) -> Result<Self, Refusal> {
        let Some(flagship) = &collection.flagship else {
            return Err(business(2541, "接口不存在"));
        };
        let (Some(page_no), Some(page_size)) = page else {
            return Err(business(100, "此方法仅支持分页查询"));
        };
        let limits = &flagship.limits;
        let known = |name: &str| {
            let (from, to) = limits.bounds;
            let mut known = limits.documents.iter().chain(&limits.filters);
            name == from || name == to || name == "status" || known.any(|known| *known == name)
        };
        if let Some(stranger) = form.names().find(|name| !known(name)) {
            return Err(business(2541, format!("未知参数{stranger}")));
        }
        Self::of(collection, limits, form, (page_no, page_size), true)
    }

    fn of(
        collection: &'static Collection,
        limits: &'static Limits,
        form: &Form,
        (page_no, page_size): (&str, &str),
        is_flagship: bool,
    ) -> Result<Self, Refusal> {
        let page_no =
            natural(page_no).ok_or_else(|| business(2541, "page_no参数无效，必须为非负整数"))?;
        let most = limits.page_max;
        let page_size = natural(page_size)
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| business(2220, format!("page_size必须为正整数且不大于{most}")))?;
        let states = states(collection, form)?;
        let filters = filters(limits, form)?;
        let named = limits.documents.iter().any(|key| form.get(key).is_some());
        let window = if named { None } else { window(limits, form)? };
        let by_consign = collection.by_consign
            && match is_flagship {
                true => flagship_consign(form)?,
                false => enterprise_consign(form, &states)?,
            };
        Ok(Self {
            page_no,
            page_size,
            window: window.map(|(start, end)| Window {
                by_consign,
                start,
                end,
            }),
            states,
            filters,
        })
    }
}

/// A window is in consign time unless a state below 95 or `is_by_modified` says otherwise.
fn enterprise_consign(form: &Form, states: &[u16]) -> Result<bool, Refusal> {
    match form.get("is_by_modified") {
        None | Some("0") => Ok(!states.iter().any(|state| *state < 95)),
        Some("1") => Ok(false),
        Some(_) => Err(business(2541, "is_by_modified参数无效")),
    }
}

/// `status_type` 0, and 3 without states, are in consign time.
fn flagship_consign(form: &Form) -> Result<bool, Refusal> {
    match form.get("status_type") {
        Some("0") => Ok(true),
        Some("3") => Ok(form.get("status").is_none()),
        Some("1" | "2") => Ok(false),
        Some(_) => Err(business(2541, "status_type参数无效")),
        None => Err(business(2900, "缺少参数status_type")),
    }
}

/// A parameter of digits only.
fn natural(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn states(collection: &Collection, form: &Form) -> Result<Vec<u16>, Refusal> {
    let Some(text) = form.get("status") else {
        return Ok(Vec::new());
    };
    text.split(',')
        .map(|part| match part.parse::<u16>() {
            Ok(state) if collection.has_state(state) => Ok(state),
            _ => Err(business(2541, format!("status参数无效：{part}"))),
        })
        .collect()
}

fn filters(
    limits: &'static Limits,
    form: &Form,
) -> Result<Vec<(&'static str, Vec<String>)>, Refusal> {
    let mut filters = Vec::new();
    for key in limits.documents.iter().chain(&limits.filters).copied() {
        let Some(text) = form.get(key) else {
            continue;
        };
        let (name, values): (&str, Vec<String>) = match key {
            "shop_nos" => ("shop_no", text.split(',').map(str::to_owned).collect()),
            "spec_nos" => ("spec_no", text.split(',').map(str::to_owned).collect()),
            "expect_warehouse_no" => ("warehouse_no", vec![text.to_owned()]),
            "status_type" => continue,
            _ => (key, vec![text.to_owned()]),
        };
        if values.len() > 20 {
            return Err(business(2541, "shop_nos最多支持20个店铺编号"));
        }
        filters.push((name, values));
    }
    Ok(filters)
}

fn window(limits: &Limits, form: &Form) -> Result<Option<(i64, i64)>, Refusal> {
    let Some(longest) = limits.window else {
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
    let (start, end) = (time(limits.bounds.0)?, time(limits.bounds.1)?);
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
    Ok(Some((start, end)))
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
