//! The Waiqin365 (外勤365, 勤策) connector: exports and nothing else.

mod call;
mod document;
mod lookup;
mod operation;
mod outcome;
mod position;
mod reader;
#[cfg(test)]
mod script;
mod settings;
mod window;
mod writer;

use duijie_sdk::discovery::{Fields, Rule};
use duijie_sdk::lookup::Finding;
use duijie_sdk::target::{Batch, Outcome};
use duijie_sdk::{
    Description, Discovery, Fault, Host, Lookup, Problem, Role, Settings, Setup, Source,
    SourceBatch, Target, Title,
};

use call::Client;
use operation::{GIVEN, Query, SENT, Write};
use position::Position;
use settings::Task;
use window::Stamp;

struct Waiqin365;

duijie_sdk::export!(Waiqin365: setup, source, target, lookup, discovery);

impl Setup for Waiqin365 {
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
            collections: Query::all()
                .map(|query| query.described())
                .chain(Write::all().map(|write| write.described()))
                .collect(),
            recipes: call::recipes(),
            egress: vec!["{base_url}".to_owned()],
            ..Description::new(
                "waiqin365",
                env!("CARGO_PKG_VERSION"),
                Title::new("Waiqin365", "外勤365"),
            )
        }
    }

    fn check(role: Role, settings: &Settings, collection: &str) -> Vec<Problem> {
        let mut problems = settings::connection(settings).err().unwrap_or_default();
        match role {
            Role::Source => problems.extend(
                Task::resolve(settings, collection)
                    .err()
                    .unwrap_or_default(),
            ),
            _ => problems.extend(
                settings::target(settings, collection)
                    .err()
                    .unwrap_or_default(),
            ),
        }
        problems
    }
}

impl Source for Waiqin365 {
    type Reader = reader::Reader<Host>;

    fn outline(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Vec<String>, Fault> {
        let task = Task::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        let position = position.map(Position::from_bytes).transpose()?;
        let now_ms = duijie_sdk::Network::now_ms(&Host);
        Ok(outline(&task, position, now_ms))
    }

    fn open(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Self::Reader, Fault> {
        let connection = settings::connection(settings).map_err(Fault::InvalidSettings)?;
        let task = Task::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        let position = position.map(Position::from_bytes).transpose()?;
        Ok(reader::Reader::new(
            Client::new(Host, connection),
            task,
            position,
        ))
    }
}

impl duijie_sdk::Reader for reader::Reader<Host> {
    /// A batch is a page, whatever `limit`. Pages are not asked for at once:
    /// where the last one is, only reading tells.
    fn next(&mut self, _limit: u32, _ahead: u32) -> Result<Option<SourceBatch>, Fault> {
        reader::Reader::next(self)
    }
}

impl Target for Waiqin365 {
    type Writer = writer::Writer<Host>;

    fn open(settings: &Settings, collection: &str) -> Result<Self::Writer, Fault> {
        let (client, write) = target(settings, collection)?;
        Ok(writer::Writer::new(client, write))
    }
}

impl duijie_sdk::Writer for writer::Writer<Host> {
    fn write(&mut self, batch: Batch) -> Result<Vec<Outcome>, Fault> {
        writer::Writer::write(self, &batch)
    }
}

impl Lookup for Waiqin365 {
    fn find(
        settings: &Settings,
        collection: &str,
        target_keys: Vec<String>,
    ) -> Result<Vec<Finding>, Fault> {
        let (client, write) = target(settings, collection)?;
        lookup::find(&client, write, &target_keys)
    }
}

fn target(settings: &Settings, collection: &str) -> Result<(Client<Host>, Write), Fault> {
    let connection = settings::connection(settings).map_err(Fault::InvalidSettings)?;
    let write = settings::target(settings, collection).map_err(Fault::InvalidSettings)?;
    Ok((Client::new(Host, connection), write))
}

impl Discovery for Waiqin365 {
    fn fields_of(role: Role, collection: &str) -> Result<Fields, String> {
        let table = if role == Role::Source { GIVEN } else { SENT };
        let known = table
            .collection(collection)
            .filter(|_| Query::by_name(collection).is_some() == (role == Role::Source));
        let known = known.ok_or_else(|| format!("collection `{collection}` is not known"))?;
        let mut fields = known.discovery();
        let either = Write::by_name(collection).map(|write| write.either);
        if let Some((condition, names)) = either.and_then(|rule| rule.split_once(' ')) {
            let words = format!("where {condition}, one of {names} is required");
            fields.rules.push(Rule::Other(words));
        }
        Ok(fields)
    }
}

/// More lines than anyone reads; the rest is counted.
const MAX_OUTLINE: usize = 200;

fn outline(task: &Task, position: Option<Position>, now_ms: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut next_s, mut rested) = match position {
        None => (task.start_s.unwrap_or_default(), false),
        Some(Position::Between { next_s, rested, .. }) => (next_s, rested),
        Some(Position::Within(within)) => {
            let text = within.span.text(within.stamp);
            lines.push(format!("{text}, from page {}", within.page));
            if within.last {
                return lines;
            }
            (within.next_s, false)
        }
    };
    let mut more = 0_u64;
    while let Some((span, next, last)) = task.span(next_s, rested, now_ms) {
        if lines.len() < MAX_OUTLINE {
            lines.push(span.text(Stamp::Create));
            lines.extend(span.next_stamp(Stamp::Create).map(|stamp| span.text(stamp)));
        } else {
            more += 1;
        }
        if last {
            break;
        }
        (next_s, rested) = (next, false);
    }
    if more > 0 {
        lines.push(format!("and {more} more windows"));
    }
    lines
}

#[cfg(test)]
mod tests;
