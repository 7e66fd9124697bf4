//! The `data` of one request: Models side by side between the call's options,
//! and which entry of the batch stands at which index. One packet holds only
//! documents whose options agree.

use serde_json::{Map, Value};

use crate::normalise::Carried;
use crate::settings::Options;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Update,
}

/// Documents of one request, in the order in which the answer counts them.
#[derive(Debug)]
pub(crate) struct Packet {
    kind: Kind,
    carried: [String; 3],
    /// The options and the Models so far; closed by `into_data`.
    data: Vec<u8>,
    /// Index of each document's entry in the batch.
    pub entries: Vec<u32>,
    /// The call submits and audits what it saved.
    pub audits: bool,
}

/// Puts a Model where its options agree with those before it.
pub(crate) fn add(
    packets: &mut Vec<Packet>,
    kind: Kind,
    carried: Carried<'_>,
    options: &Options,
    capacity: usize,
    model: &[u8],
    entry: u32,
) {
    let agrees = |packet: &Packet| packet.kind == kind && packet.carried == texts(carried);
    let place = packets.iter().position(agrees).unwrap_or_else(|| {
        packets.push(Packet::new(kind, carried, options, capacity));
        packets.len() - 1
    });
    if let Some(packet) = packets.get_mut(place) {
        if !packet.entries.is_empty() {
            packet.data.push(b',');
        }
        packet.data.extend_from_slice(model);
        packet.entries.push(entry);
    }
}

fn texts(carried: Carried<'_>) -> [&str; 3] {
    [
        carried.auto_submit_and_audit,
        carried.verify_base_data,
        carried.sub_system_id,
    ]
}

impl Packet {
    fn new(kind: Kind, carried: Carried<'_>, options: &Options, capacity: usize) -> Self {
        let members = members(kind, carried, options);
        let audits = members
            .get("IsAutoSubmitAndAudit")
            .and_then(Value::as_str)
            .is_some_and(|flag| !flag.eq_ignore_ascii_case("false"));
        let mut text = Value::Object(members).to_string();
        text.pop();
        let mut data = Vec::with_capacity(capacity + text.len() + 16);
        data.extend_from_slice(text.as_bytes());
        data.extend_from_slice(b",\"Model\":[");
        Self {
            kind,
            carried: texts(carried).map(str::to_owned),
            data,
            entries: Vec::new(),
            audits,
        }
    }

    pub(crate) fn into_data(self) -> (Vec<u8>, Vec<u32>) {
        let mut data = self.data;
        data.extend_from_slice(b"]}");
        (data, self.entries)
    }
}

/// The options of a call; those of the documents go before those of the
/// settings. Flags are texts, as in the vendor's own templates.
fn members(kind: Kind, carried: Carried<'_>, options: &Options) -> Map<String, Value> {
    let mut members = Map::new();
    let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut put = |name: &str, text: Option<String>| {
        if let Some(text) = text {
            members.insert(name.to_owned(), Value::from(text));
        }
    };
    let or = |value: Option<bool>, default: bool| Some(value.unwrap_or(default).to_string());
    // Rows that are not sent are gone from the source; new documents have none.
    put("IsDeleteEntry", or(None, true));
    let system = said(carried.sub_system_id).or_else(|| options.sub_system_id.clone());
    put("SubSystemId", Some(system.unwrap_or_default()));
    let verify = said(carried.verify_base_data);
    put(
        "IsVerifyBaseDataField",
        verify.or_else(|| or(options.is_verify_base_data_field, false)),
    );
    put("IsEntryBatchFill", or(options.is_entry_batch_fill, true));
    put("ValidateFlag", or(options.validate_flag, true));
    put("NumberSearch", or(options.number_search, true));
    put(
        "InterationFlags",
        Some(options.interation_flags.clone().unwrap_or_default()),
    );
    let audit = said(carried.auto_submit_and_audit);
    put(
        "IsAutoSubmitAndAudit",
        audit.or_else(|| flag(options.is_auto_submit_and_audit)),
    );
    put("IsAutoAdjustField", flag(options.is_auto_adjust_field));
    put("IgnoreInterationFlag", flag(options.ignore_interation_flag));
    put("IsControlPrecision", flag(options.is_control_precision));
    put("ValidateRepeatJson", flag(options.validate_repeat_json));
    put(
        "BatchCount",
        options.batch_count.map(|threads| threads.to_string()),
    );
    let returned = options.need_return_fields.clone();
    // A new document has no fields to leave alone.
    let updated = match kind {
        Kind::Update => options.need_up_date_fields.clone(),
        Kind::Create => Vec::new(),
    };
    members.insert("NeedUpDateFields".to_owned(), Value::from(updated));
    members.insert(
        "NeedReturnFields".to_owned(),
        Value::from(returned.unwrap_or_default()),
    );
    members
}
