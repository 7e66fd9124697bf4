//! Settings as typed values. A secret's value never comes here: its setting
//! reads `{"$secret": "<name>"}`, and requests and recipes refer to that name.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Fault, Problem, Settings};

/// A setting that holds a secret: only its name can be known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Secret {
    #[serde(rename = "$secret")]
    pub name: String,
}

impl Settings {
    /// The connection's settings, or one problem that says where they fail.
    pub fn connection<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        parse("/connection", &self.connection)
    }

    /// The settings of this use in a pipeline.
    pub fn pipeline<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        parse("/pipeline", &self.pipeline)
    }
}

fn parse<T: DeserializeOwned>(at: &str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::invalid(Problem::new(at, error.to_string())))
}
