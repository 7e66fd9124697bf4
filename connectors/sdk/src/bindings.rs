//! Rust bindings of the contract in `wit/`: host imports once, and each role
//! in a module of its own, so that a component exports just the roles it has.
//! Nothing is added here; the pleasant front is in the modules beside.
#![allow(unsafe_code)] // The generated code crosses the component boundary.
#![allow(clippy::all, clippy::restriction, clippy::pedantic)]
#![allow(unreachable_pub, unused_lifetimes, dead_code, unused_imports)]

/// What the host offers.
pub mod network {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-network;
            world sdk-network {
                include duijie:host/network@0.1.0;
                import duijie:host/tables@0.1.0;
                import duijie:types/types@0.1.0;
            }
        ",
        path: "../../wit",
        world: "sdk-network",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq, Eq],
    });
}

/// `duijie:setup`.
pub mod setup {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-setup;
            world sdk-setup { export duijie:setup/setup@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-setup",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_setup",
        default_bindings_module: "duijie_sdk::bindings::setup",
    });
}

/// `duijie:source`.
pub mod source {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-source;
            world sdk-source { export duijie:source/source@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-source",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_source",
        default_bindings_module: "duijie_sdk::bindings::source",
    });
}

/// `duijie:transform`.
pub mod transform {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-transform;
            world sdk-transform { export duijie:transform/transform@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-transform",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_transform",
        default_bindings_module: "duijie_sdk::bindings::transform",
    });
}

/// `duijie:target/target`.
pub mod target {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-target;
            world sdk-target { export duijie:target/target@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-target",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_target",
        default_bindings_module: "duijie_sdk::bindings::target",
    });
}

/// `duijie:target/lookup`.
pub mod lookup {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-lookup;
            world sdk-lookup { export duijie:target/lookup@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-lookup",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_lookup",
        default_bindings_module: "duijie_sdk::bindings::lookup",
    });
}

/// `duijie:steps`.
pub mod steps {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-steps;
            world sdk-steps { export duijie:steps/steps@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-steps",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_steps",
        default_bindings_module: "duijie_sdk::bindings::steps",
    });
}

/// `duijie:discovery`.
pub mod discovery {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-discovery;
            world sdk-discovery { export duijie:discovery/discovery@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-discovery",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_discovery",
        default_bindings_module: "duijie_sdk::bindings::discovery",
    });
}

/// `duijie:acknowledge`.
pub mod acknowledge {
    wit_bindgen::generate!({
        inline: "
            package duijie:sdk-acknowledge;
            world sdk-acknowledge { export duijie:acknowledge/acknowledge@0.1.0; }
        ",
        path: "../../wit",
        world: "sdk-acknowledge",
        with: { "duijie:types/types@0.1.0": crate::bindings::network::duijie::types::types },
        generate_all,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_acknowledge",
        default_bindings_module: "duijie_sdk::bindings::acknowledge",
    });
}
