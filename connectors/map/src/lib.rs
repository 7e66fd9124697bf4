//! The mapping transform: a table of rules turns each record of a source into
//! the document that a target takes. This file ties it to the contract; the
//! rules themselves are in the modules.

mod compile;
mod condition;
mod decimal;
mod expression;
mod layout;
mod mapper;
mod moment;
mod names;
mod output;
mod parser;
mod plan;
mod read;
mod render;
mod scan;
mod settings;
mod table;
mod text;
mod value;
mod view;
mod write;

#[cfg(test)]
mod tests;

pub use mapper::Mapping;

use duijie_sdk::{
    Description, Entry, Fault, Mapper, Problem, Role, Settings, Setup, Title, Transform, transform,
};

struct Map;

impl Setup for Map {
    fn describe() -> Description {
        let title = Title::new("Mapping", "字段映射");
        Description {
            pipeline: vec![(Role::Transform, include_str!("../schema.json").to_owned())],
            ..Description::new("map", env!("CARGO_PKG_VERSION"), title)
        }
    }

    fn check(_role: Role, settings: &Settings, _collection: &str) -> Vec<Problem> {
        Mapping::check(&settings.pipeline)
    }
}

impl Transform for Map {
    type Mapper = Mapping;

    fn open(settings: &str) -> Result<Mapping, Fault> {
        Mapping::open(settings).map_err(Fault::InvalidSettings)
    }
}

impl Mapper for Mapping {
    fn apply(&mut self, data: Vec<u8>, entries: Vec<Entry>) -> Result<transform::Output, Fault> {
        Mapping::apply(self, &data, entries.len()).map_err(Fault::Broken)
    }
}

duijie_sdk::export!(Map: setup, transform);
