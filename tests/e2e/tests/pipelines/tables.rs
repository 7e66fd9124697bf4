//! The value tables of the examples once more, as the expectation has them.

/// Customer in Kingdee of a shop.
pub(crate) fn shop_customer(shop: &str) -> &'static str {
    match shop {
        "FENXIAO004" => "C-FX004",
        "TB001" => "C-TM001",
        "JD002" => "C-JD002",
        "WX003" => "C-WX003",
        other => panic!("the shop {other}"),
    }
}

/// Organisation in Kingdee of a shop.
pub(crate) fn shop_org(shop: &str) -> &'static str {
    if shop == "WX003" { "101" } else { "100" }
}

/// Warehouse in Kingdee of a warehouse.
pub(crate) fn stock(warehouse: &str) -> &'static str {
    match warehouse {
        "WH001" => "CK01",
        "WH002" => "CK02",
        "CK03" => "CK09",
        other => panic!("the warehouse {other}"),
    }
}

/// Organisation in Kingdee of a warehouse.
pub(crate) fn warehouse_org(warehouse: &str) -> &'static str {
    if warehouse == "WH002" { "102" } else { "100" }
}

/// Customers that both Kingdee and Waiqin365 know, and by which numbers.
pub(crate) const CUSTOMERS: [(&str, &str); 8] = [
    ("KH0001", "CUS00001"),
    ("KH0002", "CUS00002"),
    ("KH0003", "CUS00003"),
    ("KH0004", "CUS00004"),
    ("KH0005", "CUS00005"),
    ("KH0006", "CUS00006"),
    ("KH0007", "CUS00007"),
    ("KH0008", "CUS00008"),
];

/// Warehouse, specification and quota of what is limited.
pub(crate) const QUOTAS: [(&str, &str, &str); 6] = [
    ("WH001", "SKU-0001", "5932650281301050831"),
    ("WH001", "SKU-0002", "5932650281301050832"),
    ("WH001", "SKU-0003", "5932650281301050833"),
    ("WH002", "SKU-0001", "5932650281301050834"),
    ("WH002", "SKU-0004", "5932650281301050835"),
    ("CK03", "SKU-0005", "5932650281301050836"),
];
