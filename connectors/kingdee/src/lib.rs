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
mod steps;
mod target;
mod update;

use duijie_sdk::lookup::Finding;
use duijie_sdk::steps::{Entry, Outcome as Taken, Progress};
use duijie_sdk::target::{Batch, Outcome};
use duijie_sdk::{
    Description, Fault, Host, Lookup, Network, Problem, Role, Settings, Setup, Steps, Target,
};

use client::Client;
use form::Form;
use settings::{Connection, Pipeline};

/// One component, as setup, target, lookup and steps.
#[derive(Debug)]
pub struct Kingdee;

duijie_sdk::export!(Kingdee: setup, target, lookup, steps);

impl Setup for Kingdee {
    fn describe() -> Description {
        setup::describe()
    }

    fn check(_role: Role, settings: &Settings, collection: &str) -> Vec<Problem> {
        setup::check(settings, collection)
    }
}

/// A form's writer: over the host's network in a component, over any other
/// where the same code is run natively.
#[derive(Debug)]
pub struct Writer<N>(target::Writer<N>);

impl<N: Network> Writer<N> {
    /// Fails with every problem of the settings. No network.
    pub fn over(network: N, settings: &Settings, collection: &str) -> Result<Self, Fault> {
        let (client, form, pipeline) = opened(network, settings, collection)?;
        Ok(Self(target::Writer::new(client, form, pipeline.options)))
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
        let (client, form, _) = opened(Host, settings, collection)?;
        steps::progress(&client, &form, &entries)
    }

    fn perform(
        settings: &Settings,
        collection: &str,
        step: &str,
        entries: Vec<Entry>,
    ) -> Result<Vec<Taken>, Fault> {
        let (client, form, pipeline) = opened(Host, settings, collection)?;
        steps::perform(&client, &form, &pipeline.options, step, &entries)
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
        let (client, form, _) = opened(network, settings, collection)?;
        let keys: Vec<&str> = target_keys.iter().map(String::as_str).collect();
        lookup::find(&client, &form, &keys)
    }
}

fn opened<N: Network>(
    network: N,
    settings: &Settings,
    collection: &str,
) -> Result<(Client<N>, Form, Pipeline), Fault> {
    let problems = setup::check(settings, collection);
    if !problems.is_empty() {
        return Err(Fault::InvalidSettings(problems));
    }
    let connection: Connection = settings.connection()?;
    let pipeline: Pipeline = settings.pipeline()?;
    let form = Form::new(collection, &pipeline);
    Ok((
        Client::new(network, connection, pipeline.data_as_text),
        form,
        pipeline,
    ))
}
