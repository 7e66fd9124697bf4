//! The contract `@0.1`: bindings, the host's side of the imports, and the
//! traits of `contract` over the exports.

/// One call into the guest, within its budgets and deadline.
macro_rules! call {
    ($running:expr, |$store:ident| $call:expr) => {{
        let (deadline, cpu, meter) = $running.begin()?;
        let $store = &mut $running.store;
        let answer = tokio::time::timeout(deadline, meter.turns($call, cpu)).await;
        $running.end(answer)
    }};
}

mod acknowledge;
mod convert;
mod discovery;
mod host;
mod setup;
mod source;
mod steps;
mod target;
mod transform;

use wasmtime::component::{HasSelf, Linker};

use crate::guest::Guest;

pub(crate) use acknowledge::{AcknowledgeIndices, open_acknowledge};
pub(crate) use discovery::{DiscoveryIndices, fields};
pub(crate) use setup::{check, describe};
pub(crate) use source::{SourceIndices, open_source, outline};
pub(crate) use steps::{StepsIndices, open_steps};
pub(crate) use target::{LookupIndices, TargetIndices, find, open_target};
pub(crate) use transform::{TransformIndices, open_transform};

pub(crate) type SetupIndices = bindings::exports::duijie::setup::setup::GuestIndices;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package duijie:adapter;

            world every-role {
                include duijie:host/network@0.1.0;
                import duijie:host/tables@0.1.0;
                export duijie:setup/setup@0.1.0;
                export duijie:source/source@0.1.0;
                export duijie:transform/transform@0.1.0;
                export duijie:target/target@0.1.0;
                export duijie:target/lookup@0.1.0;
                export duijie:steps/steps@0.1.0;
                export duijie:discovery/discovery@0.1.0;
                export duijie:acknowledge/acknowledge@0.1.0;
            }
        ",
        world: "duijie:adapter/every-role",
        imports: {
            "duijie:host/http@0.1.0.send": async | trappable,
            "duijie:host/http@0.1.0.send-many": async | trappable,
            "duijie:host/session@0.1.0.held": async | trappable,
            "duijie:host/session@0.1.0.forget": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        // What goes into a guest is lowered from where it lies.
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// Links what a role with a network may import.
pub(crate) fn link_network(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use bindings::duijie::host::{clock, http, random, session, sign};
    link_quiet(linker)?;
    clock::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    http::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    sign::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    session::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    random::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

/// Links what only a transform may import.
pub(crate) fn link_tables(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use bindings::duijie::host::tables;
    tables::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

/// Links what every role may import.
pub(crate) fn link_quiet(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use bindings::duijie::host::log;
    log::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}
