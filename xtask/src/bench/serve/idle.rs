//! What a tenant costs of which nothing is due: memory beside that of a
//! service without any, and time until the service is ready.

use anyhow::Result;

use super::home::{Home, Manifest};
use super::server::Server;
use super::{Ground, Wish};
use crate::bench::field::Field;

pub(super) fn measure(ground: &Ground, wish: &Wish<'_>) -> Result<String> {
    let tenants = wish.count("tenants", 10_000);
    // Nobody calls it; connections want an address.
    let field = Field::start(&ground.root, 1, 0)?;
    let mut home = Home::fresh(ground)?;
    let token = home.token()?;
    let empty = Server::start(ground, &home, &token)?;
    let without = empty.held()?;
    let ready_empty = empty.ready;
    empty.terminate()?;

    let manifest = Manifest::of_example(ground)?.schedule("{ cron: \"0 3 1 1 *\" }")?;
    for number in 0..tenants {
        home.add(&format!("t{number}"), &field, &manifest)?;
    }
    let mut text = format!(
        "## {tenants} tenants with one idle pipeline each\n\n\
         | start | ready after | memory | of a tenant | peak |\n|---|---|---|---|---|\n\
         | without tenants | {:.2} s | {:.0} MB | | {:.0} MB |\n",
        ready_empty.as_secs_f64(),
        without.memory_mb,
        without.peak_mb,
    );
    for start in ["first", "second"] {
        let server = Server::start(ground, &home, &token)?;
        let held = server.held()?;
        let each = (held.memory_mb - without.memory_mb) * 1_024.0 / tenants.max(1) as f64;
        text.push_str(&format!(
            "| {start} | {:.2} s | {:.0} MB | {each:.1} KB | {:.0} MB |\n",
            server.ready.as_secs_f64(),
            held.memory_mb,
            held.peak_mb,
        ));
        server.terminate()?;
    }
    Ok(text)
}
