//! Whole documents by `View`, one call each, in the vendor's own shape.

use duijie_sdk::http::Response;
use duijie_sdk::{Entry, Fault, Network};

use crate::bill::blind;
use crate::client::{Answer, Client};
use crate::form::Form;
use crate::reply::{self, Status};
use crate::rows::Records;
use crate::scan;
use crate::tree::quote;

/// A document's own text, or why there is none.
enum Viewed {
    Document(Vec<u8>),
    Failed(Status),
}

impl Answer for Viewed {
    fn read(response: Response) -> Result<Self, String> {
        let status = reply::status(&response)?;
        if !status.is_success() {
            return Ok(Self::Failed(status));
        }
        let body = &response.body;
        let document = || {
            let outer = scan::member(body, scan::blank(body, 0), "Result")??;
            let inner = scan::member(body, outer, "Result")??;
            let (end, kind) = scan::value(body, inner)?;
            (kind == scan::Kind::Object).then(|| body.get(inner..end))?
        };
        let document = document().ok_or_else(|| reply::not_understood("no document", body))?;
        let blank = |byte: &u8| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            }
        };
        Ok(Self::Document(document.iter().map(blank).collect()))
    }

    fn refusal(&self) -> Option<&Status> {
        match self {
            Self::Document(_) => None,
            Self::Failed(status) => Some(status),
        }
    }
}

/// The documents of these entries; those that are gone meanwhile are left out.
pub(crate) fn documents<N: Network>(
    client: &Client<N>,
    form: &Form,
    entries: Vec<Entry>,
) -> Result<Records, Fault> {
    let mut records = Records::default();
    for entry in entries {
        let data = format!(
            "{{\"CreateOrgId\":0,\"Number\":\"\",\"Id\":{}}}",
            quote(&entry.key)
        );
        match client.read("View", Some(&form.id), data)? {
            Viewed::Document(document) => {
                if !records.data.is_empty() {
                    records.data.push(b'\n');
                }
                records.data.extend_from_slice(&document);
                records.entries.push(entry);
            }
            Viewed::Failed(status) if status.names_nothing() => {}
            Viewed::Failed(status) => return Err(blind(&status).into()),
        }
    }
    Ok(records)
}
