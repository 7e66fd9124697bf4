//! How the pipeline gets its stages: it asks a `Launch`, which the sandbox
//! implements and the command line hands over.

use std::sync::Arc;

use async_trait::async_trait;
use duijie_record::{Collection, Position};

use crate::{
    Acknowledge, Bounds, Description, Fault, Fields, Lookup, Problem, Role, Source, Steps, Tables,
    Target, Transform,
};

/// One use of a connector in a pipeline, resolved: everything that an
/// instance may see or reach follows from this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Name of the component, a key of the host's connector folder.
    pub connector: String,
    pub role: Role,
    /// Name of the connection; `None` for a transform.
    pub connection: Option<String>,
    /// The connection's settings as JSON text. A secret stands as
    /// `{"$secret": "<setting>"}`.
    pub connection_settings: String,
    /// The settings in the pipeline, as JSON text.
    pub pipeline_settings: String,
    pub collection: Collection,
    /// Secret settings of the connection: setting name to secret name.
    pub secrets: Vec<(String, String)>,
    /// Origins that its requests may go to, such as `https://host:443`.
    pub allow: Vec<String>,
    /// Value tables that a transform may read.
    pub tables: Vec<String>,
    /// The file where a missing grant would be written, for messages.
    pub grant_place: String,
    /// Requests that may leave within a minute over its connection, by whoever
    /// uses it; 0 is no limit.
    pub calls_per_minute: u32,
}

/// Whether writes leave the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Writes go out within `Target::write`.
    Effect,
    /// The first write is kept for the person to see and ends the call with
    /// [`crate::FaultKind::NotSent`]; reads and sessions go out.
    Preview,
}

/// A request that a preview kept from leaving, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Starts instances. Cheap to call: an instance costs microseconds.
#[async_trait]
pub trait Launch: Send + Sync {
    /// What the component says of itself; no network, no secrets.
    async fn describe(&self, connector: &str) -> Result<Description, Fault>;

    /// What the documents of a collection hold; no network, no secrets.
    /// `None` where the component exports no discovery; a fault of the kind
    /// [`crate::FaultKind::Other`] where it knows nothing of the collection.
    async fn fields(
        &self,
        _connector: &str,
        _role: Role,
        _collection: &Collection,
    ) -> Result<Option<Fields>, Fault> {
        Ok(None)
    }

    /// What is wrong with these settings beyond their schema; no network.
    async fn check(&self, usage: &Use) -> Result<Vec<Problem>, Fault>;

    /// What a run from `position` would read, a line a slice; no network.
    async fn outline(&self, usage: &Use, position: Option<&Position>)
    -> Result<Vec<String>, Fault>;

    async fn source(
        &self,
        usage: &Use,
        position: Option<&Position>,
    ) -> Result<Box<dyn Source>, Fault>;

    /// `tables` are those that [`Use::tables`] names, as all instances of a run
    /// see them.
    async fn transform(
        &self,
        usage: &Use,
        tables: &Arc<dyn Tables>,
    ) -> Result<Box<dyn Transform>, Fault>;

    async fn target(&self, usage: &Use) -> Result<Box<dyn Target>, Fault>;

    /// `None` where the component exports no look-up.
    async fn lookup(&self, usage: &Use) -> Result<Option<Box<dyn Lookup>>, Fault>;

    /// `None` where the component exports no steps.
    async fn steps(&self, _usage: &Use) -> Result<Option<Box<dyn Steps>>, Fault> {
        Ok(None)
    }

    /// `None` where the component exports no acknowledging.
    async fn acknowledge(&self, _usage: &Use) -> Result<Option<Box<dyn Acknowledge>>, Fault> {
        Ok(None)
    }

    /// The same for one run, whose instances may use so much together. `None`
    /// where nothing is counted.
    fn bounded(&self, _bounds: Bounds) -> Option<Arc<dyn Launch>> {
        None
    }

    /// The writes that previews kept, oldest first, and forgets them.
    fn take_previews(&self) -> Vec<Preview>;
}
