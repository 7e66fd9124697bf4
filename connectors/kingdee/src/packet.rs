//! The `data` of one request: Models side by side between the call's options,
//! and which entry of the batch stands at which index. One packet holds only
//! documents whose options agree.

use crate::normalise::Carried;
use crate::settings::Options;
use crate::tree::{quote, quote_all};

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
    many: bool,
    /// The call submits and audits what it saved.
    pub audits: bool,
}

/// What a packet takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Expected of all its Models.
    pub bytes: usize,
    /// A list of Models, or a single one.
    pub many: bool,
}

/// Puts a Model where its options agree with those before it.
pub(crate) fn add(
    packets: &mut Vec<Packet>,
    kind: Kind,
    carried: Carried<'_>,
    options: &Options,
    room: Room,
    model: &[u8],
    entry: u32,
) {
    let agrees =
        |packet: &Packet| room.many && packet.kind == kind && packet.carried == texts(carried);
    let place = packets.iter().position(agrees).unwrap_or_else(|| {
        packets.push(Packet::new(kind, carried, options, room));
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
    fn new(kind: Kind, carried: Carried<'_>, options: &Options, room: Room) -> Self {
        let (text, audits) = members(kind, carried, options);
        let mut data = Vec::with_capacity(room.bytes + text.len() + 16);
        data.extend_from_slice(text.as_bytes());
        data.extend_from_slice(b",\"Model\":");
        if room.many {
            data.push(b'[');
        }
        Self {
            kind,
            carried: texts(carried).map(str::to_owned),
            data,
            entries: Vec::new(),
            many: room.many,
            audits,
        }
    }

    pub(crate) fn into_data(self) -> (Vec<u8>, Vec<u32>) {
        let mut data = self.data;
        if self.many {
            data.push(b']');
        }
        data.push(b'}');
        (data, self.entries)
    }
}

/// The options of a call as an object without its end, and whether it submits
/// and audits; options of the documents go before those of the settings. Flags
/// are texts, as in the vendor's own templates.
fn members(kind: Kind, carried: Carried<'_>, options: &Options) -> (String, bool) {
    let mut text = String::from("{");
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.push_str(&format!("{}:{},", quote(name), quote(value)));
        }
    };
    let said = |text: &'static str, carried: &str| match carried {
        "" => options.get(text).map(str::to_owned),
        carried => Some(carried.to_owned()),
    };
    // Rows that are not sent are gone from the source; new documents have none.
    put("IsDeleteEntry", Some("true"));
    let system = said("SubSystemId", carried.sub_system_id);
    put("SubSystemId", Some(system.as_deref().unwrap_or_default()));
    let verify = said("IsVerifyBaseDataField", carried.verify_base_data);
    put(
        "IsVerifyBaseDataField",
        Some(verify.as_deref().unwrap_or("false")),
    );
    for name in ["IsEntryBatchFill", "ValidateFlag", "NumberSearch"] {
        put(name, options.get(name).or(Some("true")));
    }
    put(
        "InterationFlags",
        options.get("InterationFlags").or(Some("")),
    );
    let audit = said("IsAutoSubmitAndAudit", carried.auto_submit_and_audit);
    put("IsAutoSubmitAndAudit", audit.as_deref());
    for name in [
        "IsAutoAdjustField",
        "IgnoreInterationFlag",
        "IsControlPrecision",
        "ValidateRepeatJson",
        "BatchCount",
    ] {
        put(name, options.get(name));
    }
    // A new document has no fields to leave alone.
    let updated: &[String] = match kind {
        Kind::Update => &options.need_up_date_fields,
        Kind::Create => &[],
    };
    let list = |names: &[String]| quote_all(names.iter().map(String::as_str));
    text.push_str(&format!(
        "\"NeedUpDateFields\":{},\"NeedReturnFields\":{}",
        list(updated),
        list(&options.need_return_fields)
    ));
    let audits = audit.is_some_and(|flag| !flag.eq_ignore_ascii_case("false"));
    (text, audits)
}
