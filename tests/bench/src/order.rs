//! The stock-out as far as the mapping reads it; the rest is skipped.

use std::borrow::Cow;

use serde::Deserialize;

use crate::Failure;

#[derive(Deserialize)]
pub(crate) struct Page<'a> {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(crate) total_count: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(crate) stockout_list: Vec<Order<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub(crate) order_no: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) stockout_no: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) consign_time: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) shop_no: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) warehouse_no: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) details_list: Vec<Line<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Line<'a> {
    #[serde(borrow)]
    pub(crate) src_tid: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) spec_no: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) goods_count: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) sell_price: Cow<'a, str>,
}

pub(crate) fn parse(answer: &[u8]) -> Result<Page<'_>, Failure> {
    let page: Page<'_> = serde_json::from_slice(answer)?;
    if page.code != 0 {
        return Err(format!("Wangdiantong answered {}: {}", page.code, page.message).into());
    }
    Ok(page)
}

pub(crate) fn total(answer: &[u8]) -> Result<usize, Failure> {
    Ok(parse(answer)?.total_count.parse()?)
}
