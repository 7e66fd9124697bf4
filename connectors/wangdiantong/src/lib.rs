//! Wangdiantong (旺店通) 企业版 and 旗舰版, called directly or through the 奇门
//! gateway. Records pass through byte for byte; nothing here knows what a field
//! means beyond its key.

mod access;
mod answer;
mod collection;
mod columns;
mod connection;
mod dialect;
mod document;
mod fields;
mod lookup;
mod nested;
mod position;
mod push;
mod queue;
mod reader;
mod refusal;
mod settings;
mod target;
mod texts;
mod window;
mod written;

use duijie_sdk::lookup::Finding;
use duijie_sdk::target::{Batch, Outcome};
use duijie_sdk::{
    Acknowledge, Description, Discovery, Fault, Host, Lookup, Network, Problem, Role, Settings,
    Setup, Source, SourceBatch, Title, acknowledge, discovery,
};

use collection::Collection;
use position::Position;
use push::Push;
use settings::{Query, Target};

struct Wangdiantong;

duijie_sdk::export!(Wangdiantong: setup, source, target, lookup, discovery, acknowledge);

impl Setup for Wangdiantong {
    fn describe() -> Description {
        Description {
            connection: include_str!("../settings/connection.schema.json").to_owned(),
            pipeline: vec![
                (
                    Role::Source,
                    include_str!("../settings/source.schema.json").to_owned(),
                ),
                (
                    Role::Target,
                    include_str!("../settings/target.schema.json").to_owned(),
                ),
            ],
            collections: Collection::all()
                .map(|one| one.described())
                .chain(Push::all().map(|one| one.described()))
                .collect(),
            recipes: dialect::recipes(),
            egress: vec!["{base_url}".to_owned()],
            calls_per_minute: 60,
            ..Description::new(
                "wangdiantong",
                env!("CARGO_PKG_VERSION"),
                Title::new("Wangdiantong", "旺店通"),
            )
        }
    }

    fn check(role: Role, settings: &Settings, collection: &str) -> Vec<Problem> {
        let problems = match role {
            Role::Target => Target::resolve(settings, collection).err(),
            _ => Query::resolve(settings, collection).err(),
        };
        problems.unwrap_or_default()
    }
}

impl Discovery for Wangdiantong {
    fn fields_of(_role: Role, collection: &str) -> Result<discovery::Fields, String> {
        fields::of(collection)
    }
}

impl duijie_sdk::Target for Wangdiantong {
    type Writer = target::Writer<Host>;

    fn open(settings: &Settings, collection: &str) -> Result<Self::Writer, Fault> {
        let target = Target::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        Ok(target::Writer::new(Host, target))
    }
}

impl duijie_sdk::Writer for target::Writer<Host> {
    fn write(&mut self, batch: Batch) -> Result<Vec<Outcome>, Fault> {
        target::Writer::write(self, &batch)
    }
}

impl Lookup for Wangdiantong {
    fn find(
        settings: &Settings,
        collection: &str,
        target_keys: Vec<String>,
    ) -> Result<Vec<Finding>, Fault> {
        let target = Target::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        lookup::find(&Host, &target, &target_keys)
    }
}

impl Acknowledge for Wangdiantong {
    fn acknowledge(
        settings: &Settings,
        collection: &str,
        entries: Vec<acknowledge::Entry>,
    ) -> Result<Vec<acknowledge::Answer>, Fault> {
        let query = Query::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        queue::acknowledge(&Host, &query, &entries)
    }
}

impl Source for Wangdiantong {
    type Reader = reader::Reader<Host>;

    fn outline(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Vec<String>, Fault> {
        let query = Query::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        let position = position.map(Position::from_bytes).transpose()?;
        Ok(outline(&query, position, Host.now_ms()))
    }

    fn open(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Self::Reader, Fault> {
        let query = Query::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        let position = position.map(Position::from_bytes).transpose()?;
        Ok(reader::Reader::new(Host, query, position))
    }
}

impl duijie_sdk::Reader for reader::Reader<Host> {
    /// A batch is a page, whatever `limit`: pages never hold more than the
    /// `max_records` that the collection declares.
    fn next(&mut self, _limit: u32, ahead: u32) -> Result<Option<SourceBatch>, Fault> {
        reader::Reader::next(self, ahead)
    }
}

/// More lines than anyone reads; the rest is counted.
const MAX_OUTLINE: usize = 200;

fn outline(query: &Query, position: Option<Position>, now_ms: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut next_s, mut rested) = match position {
        None => (query.start_s, false),
        Some(Position::Between { next_s, rested }) => (next_s, rested),
        Some(Position::Within(within)) => {
            let window = within.window;
            let told = query.told(window);
            lines.push(match within.forward {
                true => format!("{told}, page {} on", within.page),
                false => format!("{told}, page {} to 0", within.page),
            });
            if window.last {
                return lines;
            }
            (window.to_s + 1, false)
        }
    };
    let mut more = 0_u64;
    while let Some(window) = query.window(next_s, rested, now_ms) {
        if lines.len() < MAX_OUTLINE {
            lines.push(query.told(window));
        } else {
            more += 1;
        }
        if query.window_s.is_none() {
            break;
        }
        (next_s, rested) = (window.to_s + 1, false);
    }
    if more > 0 {
        lines.push(format!("and {more} more windows"));
    }
    lines
}

#[cfg(test)]
mod tests;
