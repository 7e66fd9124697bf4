//! The example pipelines by name: what fills their sources, what has to arrive, and what of it is looked at.

use super::{expected, fill};
use duijie_e2e::{Ended, Examples, digits, orders};
use duijie_sim::{Simulators, System};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// By number: the fields that matter of what is or has to be there.
pub(crate) type Documents = BTreeMap<String, Value>;

pub(crate) struct Pipeline {
    pub(crate) name: &'static str,
    pub(crate) fill: fn(&Simulators),
    pub(crate) expected: fn(&Simulators) -> Documents,
    pub(crate) target: Target,
    /// A document may be written again: that changes nothing.
    pub(crate) repeats: bool,
    /// Records of a page and of a batch.
    pub(crate) portions: (u32, u32),
}

pub(crate) enum Target {
    Kingdee(View),
    Wangdiantong(View),
    Waiqin365(View),
}

/// What is looked at in a document, by JSON pointers.
pub(crate) struct View {
    pub(crate) collection: &'static str,
    pub(crate) key: &'static str,
    pub(crate) head: &'static [&'static str],
    pub(crate) list: &'static str,
    pub(crate) row: &'static [&'static str],
}

impl View {
    fn of(&self, document: &Value) -> (String, Value) {
        let pick = |value: &Value, paths: &[&str]| {
            let picked = paths.iter().map(|path| value.pointer(path).cloned());
            let picked: Vec<Value> = picked.map(Option::unwrap_or_default).collect();
            picked
        };
        let rows = document.pointer(self.list).and_then(Value::as_array);
        let rows: Vec<_> = rows
            .into_iter()
            .flatten()
            .map(|row| pick(row, self.row))
            .collect();
        let key = document.pointer(self.key).and_then(Value::as_str);
        (
            key.unwrap().to_owned(),
            json!([pick(document, self.head), rows]),
        )
    }
}

impl Pipeline {
    /// The project with records to read.
    pub(crate) fn start(&self, seed: u64) -> Examples {
        let mut config = orders(ORDERS, seed);
        config.waiqin365.rows = 0;
        let examples = Examples::new(config);
        let (page, batch) = self.portions;
        examples.portion(self.name, page, batch);
        (self.fill)(&examples.simulators);
        for filler in self.tables() {
            assert!(applied(examples.run(filler)) > 0, "{filler} fills nothing");
        }
        examples
    }

    /// The pipelines that fill the value tables of this one.
    pub(crate) fn tables(&self) -> &'static [&'static str] {
        match self.name {
            "wdt-kingdee-returns" => &[FILLER],
            _ => &[],
        }
    }

    /// The write's name in fault rules and counts.
    pub(crate) fn operation(&self) -> String {
        match &self.target {
            Target::Kingdee(_) => "kingdee.BatchSave".to_owned(),
            Target::Wangdiantong(view) => format!("wangdiantong.{}", view.collection),
            Target::Waiqin365(view) => format!("waiqin365.{}", view.collection),
        }
    }

    /// What stands in the target, once for each time that it took effect.
    pub(crate) fn arrived(&self, simulators: &Simulators) -> Vec<(String, Value)> {
        let written = |system: &dyn System, view: &View| {
            let rows = system.written(view.collection).into_iter();
            rows.map(|row| view.of(&digits(&row.json))).collect()
        };
        match &self.target {
            Target::Kingdee(view) => {
                let documents = simulators.documents_of(view.collection).into_iter();
                let effects = documents.flat_map(|document| {
                    let seen = view.of(&digits(&document.json));
                    std::iter::repeat_n(seen, document.saves as usize)
                });
                effects.collect()
            }
            Target::Wangdiantong(view) => written(simulators.wangdiantong_system(), view),
            Target::Waiqin365(view) => written(simulators.waiqin365_system(), view),
        }
    }

    /// Every document is there with the fields that it has to have, once, and nothing else is; nothing waits for
    /// a person, and another run writes nothing. Unless `calm`, what may be written again may be there more often.
    #[track_caller]
    pub(crate) fn check(&self, examples: &Examples, calm: bool) {
        for (command, member) in [("holds", "holds"), ("dead-letters", "dead_letters")] {
            let listed = examples.command(&[command, "list", "--json"]).expect(0);
            assert_eq!(listed.data()[member], json!([]), "{}", self.name);
        }
        let expected = (self.expected)(&examples.simulators);
        assert!(expected.len() > 2, "{}: too little is expected", self.name);
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for (number, document) in self.arrived(&examples.simulators) {
            let wanted = expected.get(&number);
            let wanted = wanted.unwrap_or_else(|| panic!("{}: {number} is too many", self.name));
            assert_eq!(&document, wanted, "{}: {number}", self.name);
            *times.entry(number).or_default() += 1;
        }
        for number in expected.keys() {
            let times = times.get(number).copied().unwrap_or_default();
            let well = times == 1 || (self.repeats && !calm && times > 1);
            assert!(well, "{}: {number} came {times} times", self.name);
        }
        let writes = examples.count(&self.operation());
        assert_eq!(applied(examples.run(self.name)), 0, "{}", self.name);
        assert_eq!(examples.count(&self.operation()), writes, "{}", self.name);
    }
}

/// How many documents a run brought to its end.
#[track_caller]
pub(crate) fn applied(ended: Ended) -> u64 {
    ended.expect(0).data()["applied"].as_u64().unwrap()
}

/// Its target is a value table of the host's own.
pub(crate) const FILLER: &str = "wdt-shops";

const ORDERS: usize = 24;

/// Its place among all of them, and itself.
#[track_caller]
pub(crate) fn named(name: &str) -> (usize, &'static Pipeline) {
    let mut all = ALL.iter().enumerate();
    all.find(|(_, pipeline)| pipeline.name == name).unwrap()
}

pub(crate) static ALL: [Pipeline; 10] = [
    Pipeline {
        name: "kingdee-waiqin365-balances",
        fill: fill::customers,
        expected: expected::balances,
        target: Target::Waiqin365(View {
            collection: "receiveCustomerWithBalance",
            key: "/dealerCode",
            head: &["/balance"],
            list: "/none",
            row: &[],
        }),
        repeats: true,
        portions: (2, 2),
    },
    Pipeline {
        name: "kingdee-waiqin365-shipments",
        fill: fill::outbound_bills,
        expected: expected::shipments,
        target: Target::Waiqin365(View {
            collection: "addSent",
            key: "/sent_no",
            head: &["/sent_date", "/order_no", "/cm_code"],
            list: "/prods",
            row: &[
                "/product_code",
                "/order_count",
                "/sent_num",
                "/sent_input_unit_name",
                "/is_gift",
                "/posnr",
            ],
        }),
        repeats: false,
        portions: (5, 5),
    },
    Pipeline {
        name: "kingdee-wdt-materials",
        fill: fill::nothing,
        expected: expected::goods,
        target: Target::Wangdiantong(View {
            collection: "goods_push",
            key: "/goods_no",
            head: &["/goods_name", "/class_name", "/unit_name"],
            list: "/spec_list",
            row: &["/spec_no", "/barcode", "/weight"],
        }),
        repeats: true,
        portions: (40, 40),
    },
    Pipeline {
        name: "kingdee-wdt-purchase-orders",
        fill: fill::purchase_orders,
        expected: expected::purchase_orders,
        target: Target::Wangdiantong(View {
            collection: "purchase_order_push",
            key: "/outer_no",
            head: &["/provider_no", "/warehouse_no"],
            list: "/details_list",
            row: &["/spec_no", "/num", "/price"],
        }),
        repeats: false,
        portions: (5, 1),
    },
    Pipeline {
        name: "waiqin365-kingdee-orders",
        fill: fill::direct_orders,
        expected: expected::sales_orders,
        target: Target::Kingdee(View {
            collection: "SAL_SaleOrder",
            key: "/FBillNo",
            head: &["/FDate", "/FCustId/FNumber", "/FSaleDeptId/FNumber"],
            list: "/FSaleOrderEntry",
            row: &[
                "/FMaterialId/FNumber",
                "/FUnitID/FNumber",
                "/FQty",
                "/FTaxPrice",
                "/FIsFree",
                "/F_ora_Posnr",
            ],
        }),
        repeats: false,
        portions: (5, 5),
    },
    Pipeline {
        name: "waiqin365-kingdee-receipts",
        fill: fill::receipts,
        expected: expected::receipts,
        target: Target::Kingdee(View {
            collection: "AR_RECEIVEBILL",
            key: "/FBillNo",
            head: &["/FDATE", "/FCONTACTUNIT/FNumber", "/FPAYUNIT/FNumber"],
            list: "/FRECEIVEBILLENTRY",
            row: &["/FSETTLETYPEID/FNumber", "/FRECTOTALAMOUNTFOR"],
        }),
        repeats: false,
        portions: (5, 5),
    },
    Pipeline {
        name: "wdt-kingdee-purchase-receipts",
        fill: fill::purchase_stockins,
        expected: expected::purchase_receipts,
        target: Target::Kingdee(View {
            collection: "STK_InStock",
            key: "/FBillNo",
            head: &["/FDate", "/FSupplierId/FNumber", "/FStockOrgId/FNumber"],
            list: "/FInStockEntry",
            row: &[
                "/FMaterialId/FNumber",
                "/FRealQty",
                "/FTaxPrice",
                "/FStockId/FNumber",
            ],
        }),
        repeats: false,
        portions: (5, 5),
    },
    Pipeline {
        name: "wdt-kingdee-returns",
        fill: fill::return_stockins,
        expected: expected::returns,
        target: Target::Kingdee(View {
            collection: "SAL_RETURNSTOCK",
            key: "/FBillNo",
            head: &[
                "/FDate",
                "/FRetcustId/FNumber",
                "/FSaleOrgId/FNumber",
                "/FStockOrgId/FNumber",
            ],
            list: "/FEntity",
            row: &[
                "/FMaterialId/FNumber",
                "/FRealQty",
                "/FTaxPrice",
                "/FStockId/FNumber",
                "/FDeliveryDate",
            ],
        }),
        repeats: false,
        portions: (5, 5),
    },
    Pipeline {
        name: "wdt-kingdee-stockouts",
        fill: fill::nothing,
        expected: expected::outbound_bills,
        target: Target::Kingdee(View {
            collection: "SAL_OUTSTOCK",
            key: "/FBillNo",
            head: &[
                "/FDate",
                "/FCustomerID/FNumber",
                "/FSaleOrgId/FNumber",
                "/FStockOrgId/FNumber",
                "/SubHeadEntity/FSettleOrgID/FNumber",
                "/F_ora_Text_ckdh",
            ],
            list: "/FEntity",
            row: &[
                "/FMaterialID/FNumber",
                "/FRealQty",
                "/FTaxPrice",
                "/FIsFree",
                "/FStockID/FNumber",
            ],
        }),
        repeats: false,
        portions: (5, 5),
    },
    Pipeline {
        name: "wdt-waiqin365-stock",
        fill: fill::nothing,
        expected: expected::quotas,
        target: Target::Waiqin365(View {
            collection: "modifyCmQuota",
            key: "/quota_id",
            head: &[],
            list: "/products",
            row: &["/code", "/num"],
        }),
        repeats: true,
        portions: (20, 20),
    },
];
