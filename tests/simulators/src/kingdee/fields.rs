//! Kinds of fields, base data that exists, and the fields of 销售出库单 (SAL_OUTSTOCK) as the vendor's Save template names them, and what each takes.
//! Names are looked up without regard to case: the template itself mixes `FNumber` and `FNUMBER`, and no
//! public text says whether the server cares.

use crate::orders::catalogue::{SHOPS, SPECS, WAREHOUSES, spec_no};

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Date,
    Bool,
    /// Base data: an object with `FNumber`.
    Base(Domain),
    /// A flexible dimension: an object of base data.
    Flex,
    /// Ids and nested lists that are taken as they come.
    Any,
}

/// Which base data a number is looked up in; `Open` is never checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    BillType,
    Organization,
    Customer,
    Department,
    Currency,
    Material,
    Stock,
    Supplier,
    Open,
}

use Domain::{BillType, Currency, Customer, Department, Material, Open, Organization, Stock};
use Kind::{Any, Base, Bool, Date, Flex, Number, Text};

type Field = (&'static str, Kind);

/// Fields of the bill itself.
pub(crate) const HEADER: &[Field] = &[
    ("FID", Any),
    ("FBillTypeID", Base(BillType)),
    ("FBillNo", Text),
    ("FDate", Date),
    ("FSaleOrgId", Base(Organization)),
    ("FCustomerID", Base(Customer)),
    ("FSaleDeptID", Base(Department)),
    ("FHeadLocationId", Base(Open)),
    ("FCarrierID", Base(Open)),
    ("FCorrespondOrgId", Base(Open)),
    ("FCarriageNO", Text),
    ("FSalesGroupID", Base(Open)),
    ("FSalesManID", Base(Open)),
    ("FStockOrgId", Base(Organization)),
    ("FDeliveryDeptID", Base(Open)),
    ("FStockerGroupID", Base(Open)),
    ("FStockerID", Base(Open)),
    ("FNote", Text),
    ("FReceiverID", Base(Open)),
    ("FReceiveAddress", Text),
    ("FSettleID", Base(Open)),
    ("FReceiverContactID", Base(Open)),
    ("FPayerID", Base(Open)),
    ("FOwnerTypeIdHead", Text),
    ("FOwnerIdHead", Base(Organization)),
    ("FScanBox", Text),
    ("FCDateOffsetUnit", Text),
    ("FCDateOffsetValue", Number),
    ("FPlanRecAddress", Text),
    ("FIsTotalServiceOrCost", Bool),
    ("FDocumentStatus", Text),
    // Fields that a customer added to the form, as in the published configuration.
    ("FSHOPNUMBER", Text),
    ("FSALECHANNEL", Text),
    ("SubHeadEntity", Any),
    ("FEntity", Any),
    ("FOutStockTrace", Any),
];

/// Fields of `SubHeadEntity` (财务信息).
pub(crate) const FINANCE: &[Field] = &[
    ("FEntryId", Any),
    ("FSettleCurrID", Base(Currency)),
    ("FThirdBillNo", Text),
    ("FThirdBillId", Text),
    ("FThirdSrcType", Text),
    ("FSettleOrgID", Base(Organization)),
    ("FSettleTypeID", Base(Open)),
    ("FReceiptConditionID", Base(Open)),
    ("FPriceListId", Base(Open)),
    ("FDiscountListId", Base(Open)),
    ("FIsIncludedTax", Bool),
    ("FLocalCurrID", Base(Currency)),
    ("FExchangeTypeID", Base(Open)),
    ("FExchangeRate", Number),
    ("FIsPriceExcludeTax", Bool),
];

/// Fields of an element of `FEntity` (明细信息).
pub(crate) const ENTRY: &[Field] = &[
    ("FEntryID", Any),
    ("FSeq", Any),
    ("FRowType", Text),
    ("FCustMatID", Base(Open)),
    ("FMaterialID", Base(Material)),
    ("FAuxPropId", Flex),
    ("FUnitID", Base(Open)),
    ("FInventoryQty", Number),
    ("FParentMatId", Base(Open)),
    ("FMustQty", Number),
    ("FRealQty", Number),
    ("FDisPriceQty", Number),
    ("FPrice", Number),
    ("FTaxPrice", Number),
    ("FIsFree", Bool),
    ("FBomID", Base(Open)),
    ("FProduceDate", Date),
    ("FExpiryDate", Date),
    ("FOwnerTypeID", Text),
    ("FOwnerID", Base(Organization)),
    ("FLot", Base(Open)),
    ("FTaxCombination", Base(Open)),
    ("FEntryTaxRate", Number),
    ("FEntryTaxAmount", Number),
    ("FAmount", Number),
    ("FAllAmount", Number),
    ("FAuxUnitQty", Number),
    ("FExtAuxUnitId", Base(Open)),
    ("FExtAuxUnitQty", Number),
    ("FStockID", Base(Stock)),
    ("FStockLocID", Flex),
    ("FStockStatusID", Base(Open)),
    ("FQualifyType", Text),
    ("FMtoNo", Text),
    ("FEntrynote", Text),
    ("FDiscountRate", Number),
    ("FPriceDiscount", Number),
    ("FActQty", Number),
    ("FSalUnitID", Base(Open)),
    ("FSALUNITQTY", Number),
    ("FSALBASEQTY", Number),
    ("FPRICEBASEQTY", Number),
    ("FProjectNo", Text),
    ("FOUTCONTROL", Bool),
    ("FRepairQty", Number),
    ("FThirdEntryId", Text),
    ("FTaxDetailSubEntity", Any),
    ("FSerialSubEntity", Any),
];

/// Options of a call, siblings of `Model`.
pub(crate) const OPTIONS: &[&str] = &[
    "Model",
    "Creator",
    "NeedUpDateFields",
    "NeedReturnFields",
    "IsDeleteEntry",
    "SubSystemId",
    "IsVerifyBaseDataField",
    "IsEntryBatchFill",
    "ValidateFlag",
    "NumberSearch",
    "IsAutoAdjustField",
    "InterationFlags",
    "IgnoreInterationFlag",
    "IsControlPrecision",
    "ValidateRepeatJson",
    "BatchCount",
    "IsAutoSubmitAndAudit",
];

/// Whether a base data number exists: the simulator's Kingdee knows the goods, shops and warehouses of its
/// Wangdiantong under the same numbers, both shops and warehouses as organisations too, and few others.
pub(crate) fn exists(domain: Domain, number: &str) -> bool {
    let shop = || SHOPS.iter().any(|(no, _)| *no == number);
    let warehouse = || WAREHOUSES.iter().any(|(no, _)| *no == number);
    match domain {
        BillType => number.ends_with("_SYS") || number == "XSCKD001",
        Domain::Supplier => suppliers().any(|known| known == number),
        Organization => number == "100" || shop() || warehouse(),
        Customer => shop(),
        Department => number == "BM000175",
        Currency => number == "PRE001",
        Stock => warehouse(),
        Material => (0..usize::try_from(SPECS).unwrap_or(0)).any(|spec| spec_no(spec) == number),
        Open => true,
    }
}

/// Suppliers that the server knows.
pub(crate) fn suppliers() -> impl Iterator<Item = String> {
    (1..=12).map(|at| format!("SUP{at:03}"))
}

/// A number that exists of this base data, the same for the same `draw`.
pub(crate) fn some(domain: Domain, draw: usize) -> String {
    let pick = |all: Vec<String>| {
        let at = draw.checked_rem(all.len()).unwrap_or(0);
        all.get(at).cloned().unwrap_or_default()
    };
    let numbers = |table: &[(&str, &str)]| table.iter().map(|(no, _)| (*no).to_owned()).collect();
    match domain {
        BillType => "XSCKD01_SYS".to_owned(),
        Organization => "100".to_owned(),
        Customer => pick(numbers(&SHOPS)),
        Department => "BM000175".to_owned(),
        Currency => "PRE001".to_owned(),
        Stock => pick(numbers(&WAREHOUSES)),
        Domain::Supplier => pick(suppliers().collect()),
        Material => spec_no(draw % usize::try_from(SPECS).unwrap_or(1)),
        Open => format!("X{:02}", draw % 7),
    }
}
