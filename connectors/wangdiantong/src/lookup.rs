//! Finds pushed documents again, by the matching query. Reads only.

use duijie_sdk::json::{Field, Page};
use duijie_sdk::lookup::{Document, Finding, State};
use duijie_sdk::{Fault, Network, time};

use crate::access::{self, Access, Argument, Call, Value};
use crate::answer::{self, Contents};
use crate::collection::{Collection, Side};
use crate::push::Lookup;
use crate::settings::Target;

/// A query that shows the documents of a push.
struct Glass<'a, N> {
    network: &'a N,
    access: &'a Access,
    collection: Collection,
    side: Side,
    lookup: Lookup,
}

/// One finding a key, in order.
pub(crate) fn find<N: Network>(
    network: &N,
    target: &Target,
    keys: &[String],
) -> Result<Vec<Finding>, Fault> {
    let name = target.push.name;
    let dialect = target.access.dialect;
    let found = target.side.lookup.and_then(|lookup| {
        let collection = Collection::by_name(lookup.collection)?;
        let side = collection.side(dialect)?.clone();
        Some((lookup, collection, side))
    });
    let Some((lookup, collection, side)) = found else {
        let dialect = dialect.name();
        let reason =
            format!("no query of dialect `{dialect}` finds what `{name}` pushed by its number");
        return Ok(vec![Finding::CannotTell(reason); keys.len()]);
    };
    let glass = Glass {
        network,
        access: &target.access,
        collection,
        side,
        lookup,
    };
    match lookup.parameter {
        Some(parameter) => glass.by_number(parameter, keys),
        None => glass.among_the_youngest(keys),
    }
}

/// A number that a document shows, where it shows one, and its id.
struct Seen {
    number: Option<String>,
    id: String,
}

impl<N: Network> Glass<'_, N> {
    /// Absence counts only after a control read: the same query, by time.
    fn by_number(&self, parameter: &'static str, keys: &[String]) -> Result<Vec<Finding>, Fault> {
        let mut findings = Vec::with_capacity(keys.len());
        for key in keys {
            let argument = Argument {
                name: parameter,
                value: Value::Text(key.clone()),
            };
            let contents = self.read(vec![argument], 0, self.side.max_page_size)?;
            findings.push(finding(key, &self.seen(contents.page.as_ref())));
        }
        if findings.contains(&Finding::Absent) {
            self.read(self.window(), 0, 1)?;
        }
        Ok(findings)
    }

    /// Looks through all that changed within the longest window up to now.
    fn among_the_youngest(&self, keys: &[String]) -> Result<Vec<Finding>, Fault> {
        let size = self.side.max_page_size;
        let window = self.window();
        let mut seen = Vec::new();
        for number in 0.. {
            let contents = self.read(window.clone(), number, size)?;
            let found = contents.page.as_ref().map_or(0, Page::len);
            seen.extend(self.seen(contents.page.as_ref()));
            if found < size as usize {
                break;
            }
        }
        let shown = seen.iter().any(|seen| seen.number.is_some());
        if !shown {
            let (field, name) = (self.lookup.field, self.collection.name);
            let reason = format!(
                "`{name}` shows no document with `{field}` within {}",
                self.length()
            );
            return Ok(vec![Finding::CannotTell(reason); keys.len()]);
        }
        Ok(keys.iter().map(|key| finding(key, &seen)).collect())
    }

    fn length(&self) -> String {
        time::format_duration(self.side.max_window_s.unwrap_or_default())
    }

    /// The longest window that ends now.
    fn window(&self) -> Vec<Argument> {
        let Some(longest_s) = self.side.max_window_s else {
            return Vec::new();
        };
        let now_s = i64::try_from(self.network.now_ms() / 1000).unwrap_or_default();
        let (from, to) = self.side.bounds;
        let bounds = [(from, now_s - longest_s + 1), (to, now_s)];
        let argument = |(name, at_s)| Argument {
            name,
            value: Value::Text(time::format(at_s)),
        };
        bounds.map(argument).into()
    }

    fn read(&self, arguments: Vec<Argument>, number: u64, size: u32) -> Result<Contents, Fault> {
        let call = Call {
            method: self.collection.method(self.access.dialect, &self.side),
            arguments,
            page: Some(access::Page { number, size }),
        };
        let request = self.access.request(self.network, &call)?.read();
        let response = self.network.send(request)?;
        answer::read(self.access.dialect, self.side.list, number, response)
    }

    fn seen(&self, page: Option<&Page>) -> Vec<Seen> {
        let (number, id) = (Field::new(self.lookup.field), Field::new(self.lookup.id));
        let Some(page) = page else {
            return Vec::new();
        };
        page.records()
            .map(|record| {
                let text = |field| {
                    let text = answer::text(record.field(field));
                    (!text.is_empty()).then_some(text)
                };
                Seen {
                    number: text(&number),
                    id: text(&id).unwrap_or_default(),
                }
            })
            .collect()
    }
}

fn finding(key: &str, seen: &[Seen]) -> Finding {
    let mut found = seen
        .iter()
        .filter(|seen| seen.number.as_deref() == Some(key))
        .map(|seen| Document {
            id: seen.id.clone(),
            state: State::Open,
            fingerprint: None,
        });
    match (found.next(), found.next()) {
        (None, _) => Finding::Absent,
        (Some(document), None) => Finding::Found(document),
        (Some(first), Some(second)) => {
            Finding::FoundTwice([first, second].into_iter().chain(found).collect())
        }
    }
}
