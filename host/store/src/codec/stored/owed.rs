//! The stored form of an acknowledgement that a source is owed.

use duijie_record::{Rejection, Resolution, Retry, RunId, SourceKey};
use serde::{Deserialize, Serialize};

use crate::Owed;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OwedV1<'a> {
    source_key: &'a str,
    token: &'a str,
    #[serde(borrow)]
    resolution: ResolutionV1<'a>,
    run: &'a str,
    at_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
enum ResolutionV1<'a> {
    Applied(Option<&'a str>),
    Rejected {
        code: &'a str,
        message: &'a str,
        field: Option<&'a str>,
        later: bool,
    },
    Dropped(&'a str),
}

impl<'a> From<&'a Owed> for OwedV1<'a> {
    fn from(owed: &'a Owed) -> Self {
        Self {
            source_key: &owed.source_key.0,
            token: &owed.token,
            resolution: match &owed.resolution {
                Resolution::Applied(id) => ResolutionV1::Applied(id.as_deref()),
                Resolution::Rejected(rejection) => ResolutionV1::Rejected {
                    code: &rejection.code,
                    message: &rejection.message,
                    field: rejection.field.as_deref(),
                    later: rejection.retry == Retry::Later,
                },
                Resolution::Dropped(reason) => ResolutionV1::Dropped(reason),
            },
            run: &owed.run.0,
            at_ms: owed.at_ms,
        }
    }
}

impl From<OwedV1<'_>> for Owed {
    fn from(stored: OwedV1<'_>) -> Self {
        Self {
            source_key: SourceKey::from(stored.source_key),
            token: stored.token.to_owned(),
            resolution: match stored.resolution {
                ResolutionV1::Applied(id) => Resolution::Applied(id.map(str::to_owned)),
                ResolutionV1::Rejected {
                    code,
                    message,
                    field,
                    later,
                } => Resolution::Rejected(Rejection {
                    code: code.to_owned(),
                    message: message.to_owned(),
                    field: field.map(str::to_owned),
                    retry: if later { Retry::Later } else { Retry::Never },
                }),
                ResolutionV1::Dropped(reason) => Resolution::Dropped(reason.to_owned()),
            },
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}
