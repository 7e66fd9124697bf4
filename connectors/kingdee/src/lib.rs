//! The Kingdee K/3 Cloud connector: exports and nothing else.

mod act;
mod bill;
mod client;
mod columns;
mod discovery;
mod form;
mod lookup;
mod normalise;
mod operation;
mod outcome;
mod packet;
mod position;
mod query;
mod reader;
mod reply;
mod rows;
mod scan;
#[cfg(test)]
mod script;
mod settings;
mod setup;
mod steps;
mod table;
mod target;
mod tree;
mod update;
mod view;

use duijie_sdk::discovery::Fields;
use duijie_sdk::lookup::Finding;
use duijie_sdk::steps::{Entry, Outcome as Taken, Progress};
use duijie_sdk::target::{Batch, Outcome};
use duijie_sdk::{
    Description, Discovery, Fault, Host, Lookup, Network, Problem, Role, Settings, Setup, Source,
    SourceBatch, Steps, Target,
};

use client::Client;
use form::Form;
use operation::Operation;
use position::Position;
use query::Reading;
use settings::{Connection, Pipeline};

/// One component, as setup, source, target, lookup, steps and discovery.
#[derive(Debug)]
pub struct Kingdee;

duijie_sdk::export!(Kingdee: setup, source, target, lookup, steps, discovery);

impl Setup for Kingdee {
    fn describe() -> Description {
        setup::describe()
    }

    fn check(role: Role, settings: &Settings, collection: &str) -> Vec<Problem> {
        setup::check(role, settings, collection)
    }
}

/// A form's reader, over any network as [`Writer`].
pub struct Reader<N>(reader::Reader<N>);

impl<N: Network> Reader<N> {
    /// Fails with every problem of the settings. No network.
    pub fn over(
        network: N,
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Self, Fault> {
        let (reading, connection) =
            Reading::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        let position = position.map(Position::from_bytes).transpose()?;
        let client = Client::new(network, connection, reading.data_as_text);
        Ok(Self(reader::Reader::new(client, reading, position)))
    }
}

impl<N: Network + 'static> duijie_sdk::Reader for Reader<N> {
    /// A batch is a page, whatever `limit`. Pages follow from each other, so
    /// none is read ahead.
    fn next(&mut self, _limit: u32, _ahead: u32) -> Result<Option<SourceBatch>, Fault> {
        self.0.next()
    }
}

impl Source for Kingdee {
    type Reader = Reader<Host>;

    fn outline(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Vec<String>, Fault> {
        let (reading, _) =
            Reading::resolve(settings, collection).map_err(Fault::InvalidSettings)?;
        let position = position.map(Position::from_bytes).transpose()?;
        Ok(reading.outline(position, Host.now_ms()))
    }

    fn open(
        settings: &Settings,
        collection: &str,
        position: Option<&[u8]>,
    ) -> Result<Self::Reader, Fault> {
        Reader::over(Host, settings, collection, position)
    }
}

/// A form's writer: over the host's network in a component, over any other
/// where the same code is run natively.
pub struct Writer<N>(target::Writer<N>);

impl<N: Network> Writer<N> {
    /// Fails with every problem of the settings. No network.
    pub fn over(network: N, settings: &Settings, collection: &str) -> Result<Self, Fault> {
        let (client, form, operation, pipeline) = opened(network, settings, collection)?;
        let options = pipeline.options;
        let writer = target::Writer::new(client, form, options, operation);
        Ok(Self(writer))
    }
}

impl<N: Network + 'static> duijie_sdk::Writer for Writer<N> {
    fn write(&mut self, batch: Batch) -> Result<Vec<Outcome>, Fault> {
        self.0.write(&batch)
    }
}

impl Target for Kingdee {
    type Writer = Writer<Host>;

    fn open(settings: &Settings, collection: &str) -> Result<Writer<Host>, Fault> {
        Writer::over(Host, settings, collection)
    }
}

impl Lookup for Kingdee {
    fn find(
        settings: &Settings,
        collection: &str,
        target_keys: Vec<String>,
    ) -> Result<Vec<Finding>, Fault> {
        Kingdee::find_over(Host, settings, collection, &target_keys)
    }
}

impl Steps for Kingdee {
    fn progress(
        settings: &Settings,
        collection: &str,
        entries: Vec<Entry>,
    ) -> Result<Vec<Progress>, Fault> {
        let (client, form, ..) = opened(Host, settings, collection)?;
        steps::progress(&client, &form, &entries)
    }

    fn perform(
        settings: &Settings,
        collection: &str,
        step: &str,
        entries: Vec<Entry>,
    ) -> Result<Vec<Taken>, Fault> {
        let (client, form, _, pipeline) = opened(Host, settings, collection)?;
        let (step, options) = (steps::named(step)?, &pipeline.options);
        let indices = (0..).zip(&entries).map(|(index, _)| index).collect();
        steps::perform(&client, &form, options, &step, &entries, indices)
    }
}

impl Discovery for Kingdee {
    fn fields_of(role: Role, collection: &str) -> Result<Fields, String> {
        discovery::fields_of(role, collection)
    }
}

impl Kingdee {
    /// Lookup over any network.
    pub fn find_over<N: Network>(
        network: N,
        settings: &Settings,
        collection: &str,
        target_keys: &[String],
    ) -> Result<Vec<Finding>, Fault> {
        let (client, form, operation, pipeline) = opened(network, settings, collection)?;
        let keys: Vec<&str> = target_keys.iter().map(String::as_str).collect();
        if operation != Operation::Push {
            return lookup::find(&client, &form, &operation, &keys);
        }
        match lookup::pushed(&pipeline.options) {
            Some(target) => lookup::find(&client, &target, &operation, &keys),
            None => {
                let why = "options say no `TargetFormId`, so what was pushed cannot be found";
                Ok(vec![Finding::CannotTell(why.to_owned()); keys.len()])
            }
        }
    }
}

type Opened<N> = (Client<N>, Form, Operation, Pipeline);

fn opened<N: Network>(
    network: N,
    settings: &Settings,
    collection: &str,
) -> Result<Opened<N>, Fault> {
    let problems = setup::check(Role::Target, settings, collection);
    if !problems.is_empty() {
        return Err(Fault::InvalidSettings(problems));
    }
    let (connection, _) = Connection::read(&settings.connection);
    let (pipeline, _) = Pipeline::read(&settings.pipeline);
    let operation = Operation::of(&pipeline).map_err(Fault::invalid)?;
    let mut form = Form::new(collection, &pipeline);
    form.state_field = operation.state_field();
    let client = Client::new(network, connection, pipeline.data_as_text);
    Ok((client, form, operation, pipeline))
}
