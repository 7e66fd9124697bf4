//! The Kingdee K/3 Cloud connector: exports and nothing else.

mod bill;
mod client;
mod form;
mod lookup;
mod normalise;
mod outcome;
mod packet;
mod reply;
mod scan;
#[cfg(test)]
mod script;
mod settings;
mod setup;
mod target;
mod update;

use duijie_sdk::lookup::Finding;
use duijie_sdk::target::{Batch, Outcome};
use duijie_sdk::{Description, Fault, Host, Lookup, Problem, Role, Settings, Setup, Target};

use client::Client;
use form::Form;
use settings::{Connection, Pipeline};

/// One component, as setup, target and lookup.
#[derive(Debug)]
pub struct Kingdee;

duijie_sdk::export!(Kingdee: setup, target, lookup);

impl Setup for Kingdee {
    fn describe() -> Description {
        setup::describe()
    }

    fn check(_role: Role, settings: &Settings, collection: &str) -> Vec<Problem> {
        setup::check(settings, collection)
    }
}

/// A form's writer over the host's network.
#[derive(Debug)]
pub struct Writer(target::Writer<Host>);

impl Target for Kingdee {
    type Writer = Writer;

    fn open(settings: &Settings, collection: &str) -> Result<Writer, Fault> {
        let (client, form, pipeline) = opened(settings, collection)?;
        Ok(Writer(target::Writer::new(client, form, pipeline.options)))
    }
}

impl duijie_sdk::Writer for Writer {
    fn write(&mut self, batch: Batch) -> Result<Vec<Outcome>, Fault> {
        self.0.write(&batch)
    }
}

impl Lookup for Kingdee {
    fn find(
        settings: &Settings,
        collection: &str,
        target_keys: Vec<String>,
    ) -> Result<Vec<Finding>, Fault> {
        let (client, form, _) = opened(settings, collection)?;
        let keys: Vec<&str> = target_keys.iter().map(String::as_str).collect();
        lookup::find(&client, &form, &keys)
    }
}

fn opened(settings: &Settings, collection: &str) -> Result<(Client<Host>, Form, Pipeline), Fault> {
    let problems = setup::check(settings, collection);
    if !problems.is_empty() {
        return Err(Fault::InvalidSettings(problems));
    }
    let connection: Connection = settings.connection()?;
    let pipeline: Pipeline = settings.pipeline()?;
    let form = Form::new(collection, &pipeline);
    Ok((
        Client::new(Host, connection, pipeline.data_as_text),
        form,
        pipeline,
    ))
}
