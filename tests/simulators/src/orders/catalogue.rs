//! The fixed master data: shops, warehouses and goods. Kingdee knows the same numbers as customers,
//! organisations, stocks and materials.

/// Goods specifications `SKU-0001` …
pub(crate) const SPECS: u64 = 200;

/// Number and name of each shop.
pub(crate) const SHOPS: [(&str, &str); 4] = [
    ("FENXIAO004", "分销商城\"旗舰\"店"),
    ("TB001", "天猫官方旗舰店"),
    ("JD002", "京东自营&专卖"),
    ("WX003", "微信小程序+社群"),
];

/// Number and name of each warehouse.
pub(crate) const WAREHOUSES: [(&str, &str); 3] = [
    ("WH001", "主仓（华东）"),
    ("WH002", "华南二号仓"),
    ("CK03", "退货&次品仓"),
];

pub(crate) fn shop(at: usize) -> (&'static str, &'static str) {
    SHOPS.get(at).copied().unwrap_or(("", ""))
}

pub(crate) fn warehouse(at: usize) -> (&'static str, &'static str) {
    WAREHOUSES.get(at).copied().unwrap_or(("", ""))
}

pub(crate) fn spec_no(spec: usize) -> String {
    format!("SKU-{:04}", spec + 1)
}

pub(crate) fn goods_no(spec: usize) -> String {
    format!("G-{:03}", spec / 4 + 1)
}

pub(crate) fn goods_name(spec: usize) -> String {
    const NAMES: [&str; 6] = [
        "纯棉T恤",
        "不锈钢保温杯 500ml",
        "\"小熊\"儿童牙刷",
        "坚果礼盒A&B",
        "洗衣液2kg+500g",
        "无线鼠标/静音",
    ];
    format!(
        "{}{}",
        NAMES.get(spec / 4 % NAMES.len()).copied().unwrap_or(""),
        spec / 4 + 1
    )
}

pub(crate) fn spec_name(spec: usize) -> &'static str {
    ["红色;M", "蓝色;L", "默认", "黑色;均码"]
        .get(spec % 4)
        .copied()
        .unwrap_or("")
}

pub(crate) fn barcode(spec: usize) -> String {
    format!("69{:011}", 12_345_000 + spec)
}
