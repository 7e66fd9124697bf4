//! Finds documents again by their numbers, through the query that shows them.
//!
//! A filter that the system does not know would show other documents, and a
//! missing right may show none. So numbers are compared here, a full page
//! without the number tells nothing, and a number counts as absent only when
//! the same query shows some other document without the filter.

use std::collections::BTreeSet;

use duijie_sdk::json::{Field, Page};
use duijie_sdk::lookup::{Document, Finding, State};
use duijie_sdk::{Fault, Network};

use crate::call::{self, Client};
use crate::operation::{Finder, Write};
use crate::reader::text;

/// Pages of a query without a filter by number that are looked through.
const MOST_PAGES: u32 = 50;

/// One finding a key, in order.
pub(crate) fn find<N: Network>(
    client: &Client<N>,
    write: Write,
    keys: &[String],
) -> Result<Vec<Finding>, Fault> {
    let Some(finder) = write.finder() else {
        let name = write.operation.name;
        let reason = format!("no query finds what `{name}` wrote");
        return Ok(vec![Finding::CannotTell(reason); keys.len()]);
    };
    let search = Search { client, finder };
    let found = match finder.filter {
        Some(filter) => search.by_number(filter, keys),
        None => search.through_all(keys),
    };
    match found {
        // The system refuses the query itself: no right to it, say.
        Err(Fault::Other(reason)) => Ok(vec![Finding::CannotTell(reason); keys.len()]),
        found => found,
    }
}

struct Search<'c, N> {
    client: &'c Client<N>,
    finder: Finder,
}

/// A document that carries a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    id: String,
    deleted: bool,
}

impl<N: Network> Search<'_, N> {
    fn by_number(&self, filter: &str, keys: &[String]) -> Result<Vec<Finding>, Fault> {
        let size = self.finder.query.max_page_size;
        let mut others = None;
        let mut findings = Vec::with_capacity(keys.len());
        for key in keys {
            let page = self.page(1, size, Some((filter, key)))?;
            let shown = page.as_ref().map_or(0, Page::len);
            let mut found = BTreeSet::new();
            self.matching(page.as_ref(), key, &mut found);
            let absent = if !found.is_empty() {
                Ok(())
            } else if shown >= size as usize {
                Err(format!(
                    "`{filter}` was not looked at: a full page without `{key}`"
                ))
            } else {
                let any = match others {
                    Some(any) => any,
                    None => self.page(1, 1, None)?.is_some_and(|page| !page.is_empty()),
                };
                others = Some(any);
                self.believed(any)
            };
            findings.push(finding(found, absent));
        }
        Ok(findings)
    }

    /// Forward, and back: a document that slips over one way is met the other.
    fn through_all(&self, keys: &[String]) -> Result<Vec<Finding>, Fault> {
        let size = self.finder.query.max_page_size;
        let mut found = vec![BTreeSet::new(); keys.len()];
        let mut take = |page: Option<&Page>| {
            for (key, found) in keys.iter().zip(&mut found) {
                self.matching(page, key, found);
            }
        };
        let mut any = false;
        let mut last = None;
        for number in 1..=MOST_PAGES {
            let page = self.page(number, size, None)?;
            let shown = page.as_ref().map_or(0, Page::len);
            any |= shown > 0;
            take(page.as_ref());
            if shown < size as usize {
                last = Some(number);
                break;
            }
        }
        for number in (1..last.unwrap_or(1)).rev() {
            take(self.page(number, size, None)?.as_ref());
        }
        let absent = match last {
            Some(_) => self.believed(any),
            None => Err(format!(
                "it is not among the first {MOST_PAGES} pages, and there are more"
            )),
        };
        let findings = found.into_iter();
        Ok(findings
            .map(|found| finding(found, absent.clone()))
            .collect())
    }

    /// Whether a number that was not shown is absent, or why that cannot be told.
    fn believed(&self, any: bool) -> Result<(), String> {
        let name = self.finder.query.operation.name;
        any.then_some(()).ok_or_else(|| {
            format!("`{name}` shows no document at all: the account may lack the right to see them")
        })
    }

    fn page(
        &self,
        number: u32,
        size: u32,
        filter: Option<(&str, &String)>,
    ) -> Result<Option<Page>, Fault> {
        let query = &self.finder.query;
        let filters = filter.map(|(name, value)| (name, value.as_str()));
        let body = query.body(number, size, filters.into_iter());
        let request = self.client.request(query.operation.path, body)?.read();
        call::records(self.client.network.send(request)?)
    }

    fn matching(&self, page: Option<&Page>, key: &str, found: &mut BTreeSet<Found>) {
        let (number, id) = (
            Field::new(self.finder.number),
            Field::new(self.finder.query.key),
        );
        let status = Field::new("status");
        for record in page.iter().flat_map(|page| page.records()) {
            if text(record, &number).as_deref() == Some(key) {
                found.insert(Found {
                    id: text(record, &id).unwrap_or_default(),
                    deleted: text(record, &status).is_some_and(|status| status == "0"),
                });
            }
        }
    }
}

/// Deleted documents count only where none stands.
fn finding(found: BTreeSet<Found>, absent: Result<(), String>) -> Finding {
    let stands = found.iter().any(|found| !found.deleted);
    let mut documents: Vec<Document> = found
        .into_iter()
        .filter(|found| found.deleted != stands)
        .map(|found| Document {
            id: found.id,
            state: if found.deleted {
                State::Cancelled
            } else {
                State::Open
            },
            fingerprint: None,
        })
        .collect();
    match (documents.pop(), documents.is_empty()) {
        (Some(only), true) => Finding::Found(only),
        (Some(other), false) => {
            documents.push(other);
            Finding::FoundTwice(documents)
        }
        (None, _) => match absent {
            Ok(()) => Finding::Absent,
            Err(reason) => Finding::CannotTell(reason),
        },
    }
}

#[cfg(test)]
mod tests;
