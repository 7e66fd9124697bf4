//! What each field of a form is: base data, number, flag, call option. Built in
//! for `SAL_OUTSTOCK`, extended by the settings of the pipeline. It knows names
//! only; `normalise` applies it.

use crate::settings::Pipeline;

/// The form whose names are built in: 销售出库单.
const OUTSTOCK: &str = "SAL_OUTSTOCK";

/// Where in a document a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Head,
    /// The one-to-one sub-head, such as `SubHeadEntity`.
    Sub,
    /// A row of the entry, such as `FEntity`.
    Row,
}

/// How a field's value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As it came.
    Plain,
    /// As it came, left out when empty.
    Filled,
    /// Between these two texts unless it is an object already; left out when empty.
    Base {
        open: String,
        close: String,
    },
    Number,
    Flag,
    /// The number that identifies the document.
    Key,
    /// Ids that only the connector sets.
    Own,
    Option(CallOption),
    SubHead,
    Entity,
    /// A dotted name: this field of the sub-head.
    InSub(Box<Field>),
    /// A dotted name that points below the entry from outside it.
    Misplaced,
}

/// A field as it is sent: `name` has its quotes and colon, `lead` is the name
/// and what base data is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub name: String,
    pub lead: String,
    pub label: String,
    pub shape: Shape,
}

/// Options of the call that the flat table carries as if they were fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallOption {
    FormId,
    Operation,
    AutoSubmitAndAudit,
    VerifyBaseData,
    SubSystemId,
}

impl CallOption {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("FormId", Self::FormId),
        ("Operation", Self::Operation),
        ("IsAutoSubmitAndAudit", Self::AutoSubmitAndAudit),
        ("IsVerifyBaseDataField", Self::VerifyBaseData),
        ("SubSystemId", Self::SubSystemId),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, option)| *option)
    }
}

/// The names of one form and what the settings add to them.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub id: String,
    /// The field that holds the document's number.
    pub key: String,
    /// The field that holds the system's own id.
    pub id_field: String,
    pub entity: String,
    pub sub_head: &'static str,
    /// The base data that tells a row from its neighbours, where known.
    pub material: Option<&'static str>,
    settings: Pipeline,
}

impl Form {
    pub(crate) fn new(id: &str, settings: &Pipeline) -> Self {
        let base_data = id.starts_with("BD_");
        let key = if base_data { "FNumber" } else { "FBillNo" };
        Self {
            id: id.to_owned(),
            key: settings.key.clone().unwrap_or_else(|| key.to_owned()),
            id_field: settings
                .id_field
                .clone()
                .unwrap_or_else(|| "FID".to_owned()),
            entity: settings
                .entity
                .clone()
                .unwrap_or_else(|| "FEntity".to_owned()),
            sub_head: "SubHeadEntity",
            material: (id == OUTSTOCK).then_some("FMaterialID"),
            settings: settings.clone(),
        }
    }

    /// Whether the system is known to refuse a second document with the number.
    pub(crate) fn refuses_duplicates(&self) -> bool {
        self.id == OUTSTOCK
    }

    /// What a field of this name in this scope is. Names match whatever their
    /// case; they are sent in the spelling of the vendor's template.
    pub(crate) fn field(&self, scope: Scope, name: &str) -> Field {
        if let Some((prefix, last)) = name.rsplit_once('.') {
            return self.dotted(scope, prefix, last, name);
        }
        if let Some(option) = CallOption::named(name) {
            return field(name, Shape::Option(option));
        }
        let name = self.settings.rename.get(name).map_or(name, String::as_str);
        match scope {
            Scope::Head | Scope::Sub if name == self.entity => field(name, Shape::Entity),
            Scope::Head if name == self.sub_head => field(name, Shape::SubHead),
            Scope::Head if name == self.key => field(name, Shape::Key),
            Scope::Head if name.eq_ignore_ascii_case(&self.id_field) => field(name, Shape::Own),
            Scope::Row if name.eq_ignore_ascii_case("FENTRYID") => field(name, Shape::Own),
            _ => self.valued(scope, name),
        }
    }

    /// Built-in shape, overridden by the settings.
    fn valued(&self, scope: Scope, name: &str) -> Field {
        let came_as = name;
        let known = (self.id == OUTSTOCK)
            .then(|| outstock(scope, name))
            .flatten();
        let known = known.unwrap_or_else(|| field(name, Shape::Plain));
        let Pipeline {
            wrap, flex: flexes, ..
        } = &self.settings;
        let wrapped = wrap.get(&known.label).or_else(|| wrap.get(came_as));
        let flexed = flexes.get(&known.label).or_else(|| flexes.get(came_as));
        match (flexed, wrapped) {
            (Some(member), _) => field(&known.label, flex(member)),
            (None, Some(member)) if member.is_empty() => field(&known.label, Shape::Plain),
            (None, Some(member)) => field(&known.label, base(member)),
            (None, None) => known,
        }
    }

    /// The flat table's names: `SubHeadEntity.FEntity.FMaterialID` and the like.
    fn dotted(&self, scope: Scope, prefix: &str, last: &str, name: &str) -> Field {
        let inner = prefix.strip_prefix(self.sub_head).and_then(|rest| {
            if rest.is_empty() {
                Some(rest)
            } else {
                rest.strip_prefix('.')
            }
        });
        let below_entity = inner.unwrap_or(prefix) == self.entity;
        let in_sub = inner.is_some_and(str::is_empty);
        if (below_entity || in_sub) && CallOption::named(last).is_some() {
            return self.field(Scope::Row, last);
        }
        match scope {
            Scope::Row if below_entity => self.field(Scope::Row, last),
            Scope::Head | Scope::Sub if below_entity => field(name, Shape::Misplaced),
            Scope::Head if in_sub && last == self.entity => self.field(Scope::Head, last),
            Scope::Head if in_sub => {
                let inner = self.field(Scope::Sub, last);
                field(name, Shape::InSub(Box::new(inner)))
            }
            Scope::Sub if in_sub => self.field(Scope::Sub, last),
            _ => self.valued(scope, name),
        }
    }
}

fn field(name: &str, shape: Shape) -> Field {
    // The text of a `Value` escapes what a name may hold.
    let quoted = serde_json::Value::from(name).to_string() + ":";
    let lead = match &shape {
        Shape::Base { open, .. } => quoted.clone() + open,
        _ => quoted.clone(),
    };
    Field {
        name: quoted,
        lead,
        label: name.to_owned(),
        shape,
    }
}

fn base(member: &str) -> Shape {
    let member = serde_json::Value::from(member);
    Shape::Base {
        open: format!("{{{member}:"),
        close: "}".to_owned(),
    }
}

fn flex(member: &str) -> Shape {
    let member = serde_json::Value::from(member);
    Shape::Base {
        open: format!("{{{member}:{{\"FNumber\":"),
        close: "}}".to_owned(),
    }
}

fn outstock(scope: Scope, name: &str) -> Option<Field> {
    let table = match scope {
        Scope::Head => OUTSTOCK_HEAD,
        Scope::Sub => OUTSTOCK_SUB,
        Scope::Row => OUTSTOCK_ROW,
    };
    table.iter().find_map(|(shape, names)| {
        let found = names
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))?;
        Some(field(found, shape()))
    })
}

type Group = (fn() -> Shape, &'static [&'static str]);

// The vendor's Save template of SAL_OUTSTOCK: spelling and wrapping as there;
// `FMustQty` and the amounts of a row are what users of the form add to it.
const OUTSTOCK_HEAD: &[Group] = &[
    (|| base("FNUMBER"), &["FBillTypeID"]),
    (|| base("FNAME"), &["FReceiverContactID"]),
    (|| Shape::Filled, &["FDate"]),
    (|| Shape::Flag, &["FIsTotalServiceOrCost"]),
    (|| Shape::Plain, &["FOwnerTypeIdHead"]),
    (
        || base("FNumber"),
        &[
            "FSaleOrgId",
            "FStockOrgId",
            "FCustomerID",
            "FSaleDeptID",
            "FOwnerIdHead",
            "FHeadLocationId",
            "FCarrierID",
            "FCorrespondOrgId",
            "FSalesGroupID",
            "FSalesManID",
            "FDeliveryDeptID",
            "FStockerGroupID",
            "FStockerID",
            "FReceiverID",
            "FSettleID",
            "FPayerID",
        ],
    ),
];

const OUTSTOCK_SUB: &[Group] = &[
    (|| Shape::Number, &["FExchangeRate"]),
    (|| Shape::Flag, &["FIsIncludedTax", "FIsPriceExcludeTax"]),
    (
        || base("FNumber"),
        &[
            "FSettleCurrID",
            "FSettleOrgID",
            "FSettleTypeID",
            "FReceiptConditionID",
            "FPriceListId",
            "FDiscountListId",
            "FLocalCurrID",
            "FExchangeTypeID",
        ],
    ),
];

const OUTSTOCK_ROW: &[Group] = &[
    (|| flex("FAUXPROPID__FF100001"), &["FAuxPropId"]),
    (|| Shape::Filled, &["FProduceDate", "FExpiryDate"]),
    (|| Shape::Flag, &["FIsFree"]),
    (|| Shape::Plain, &["FOwnerTypeID"]),
    (
        || base("FNumber"),
        &[
            "FMaterialID",
            "FUnitID",
            "FLot",
            "FStockID",
            "FStockStatusID",
            "FOwnerID",
            "FCustMatID",
            "FParentMatId",
            "FBomID",
            "FExtAuxUnitId",
            "FSalUnitID",
            "FTaxCombination",
        ],
    ),
    (
        || Shape::Number,
        &[
            "FMustQty",
            "FRealQty",
            "FPrice",
            "FTaxPrice",
            "FEntryTaxRate",
            "FEntryTaxAmount",
            "FAmount",
            "FAllAmount",
            "FInventoryQty",
            "FDisPriceQty",
            "FAuxUnitQty",
            "FExtAuxUnitQty",
            "FDiscountRate",
            "FPriceDiscount",
            "FActQty",
            "FSALUNITQTY",
            "FSALBASEQTY",
            "FPRICEBASEQTY",
            "FRepairQty",
        ],
    ),
];
