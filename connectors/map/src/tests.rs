//! The mapping as a whole: records in, documents out.

mod document;
mod filled;
mod form;
mod lookup;
mod malformed;
mod problem;
mod property;
mod reference;

use duijie_sdk::transform::Verdict;

use crate::Mapping;

pub(crate) const SEED: &str = include_str!("../tests/seed.json");
pub(crate) const ORDER: &str = include_str!("../tests/order.json");

/// What becomes of one record: the document, or the verdict in words.
pub(crate) fn mapped(settings: &str, record: &str) -> String {
    let mut mapping = Mapping::open(settings).unwrap_or_else(|problems| panic!("{problems:#?}"));
    outcome(&mut mapping, record)
}

pub(crate) fn outcome(mapping: &mut Mapping, record: &str) -> String {
    let record = record.trim_end();
    let batch = mapping.apply(record.as_bytes(), 1).unwrap();
    assert_eq!(batch.verdicts.len(), 1);
    match &batch.verdicts[0] {
        Verdict::Keep => {
            assert_eq!(batch.lines.len(), 1);
            assert_eq!(
                (
                    batch.lines[0].sources.as_slice(),
                    batch.lines[0].part.as_str()
                ),
                (&[0][..], "")
            );
            let text = String::from_utf8(batch.data).unwrap();
            text.strip_suffix('\n').unwrap().to_owned()
        }
        Verdict::Drop(reason) => {
            assert!(batch.data.is_empty() && batch.lines.is_empty());
            format!("dropped: {reason}")
        }
        Verdict::Reject(rejection) => {
            assert!(batch.data.is_empty() && batch.lines.is_empty());
            format!("{}: {}", rejection.code, rejection.message)
        }
        Verdict::Other(other) => panic!("{other}"),
    }
}
