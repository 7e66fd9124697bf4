//! The HTTP interface tried by schemathesis with what the service itself says of it: whatever is sent, it keeps to
//! its description, never fails, and shows a tenant's token nothing of another tenant.

use duijie_e2e::{Project, Service, orders};
use std::path::Path;
use std::process::Command;

/// Of each kind of request to each route.
const EXAMPLES: &str = "15";

fn project(seed: u64) -> Project {
    Project::new(orders(30, seed))
        .changed(|manifest| manifest.with("schedule: every 5m", "schedule: every 1h"))
}

#[test]
fn whatever_is_asked_the_interface_keeps_to_its_description_and_to_the_tenant() {
    let (north, south) = (project(501), project(502));
    let mut service = Service::of(&[("north", &north), ("south", &south)]);
    service.start();
    service.until_ran("north", 1, "finished");
    service.until_ran("south", 1, "finished");
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = home.join("../../target/python-api/bin/schemathesis");
    assert!(
        program.exists(),
        "`{}` is missing; run `cargo xtask test`, which makes it",
        program.display()
    );
    // It leaves a cache where it is started.
    let folder = tempfile::tempdir().unwrap();
    let clients = home.join("clients");
    let paths = service.get("/openapi.json")["paths"].clone();
    for (path, methods) in paths.as_object().unwrap() {
        for (method, what) in methods.as_object().unwrap() {
            let filled = path.replace("{tenant}", "north");
            let filled = filled
                .replace("{pipeline}", "stockouts")
                .replace("{number}", "1");
            let status = service.call(&method.to_uppercase(), &filled, "", "").status;
            let expected = if what["security"].is_array() {
                200
            } else {
                401
            };
            assert_eq!(status, expected, "{method} {path}");
        }
    }
    for (own, other, role, of) in [
        ("north", "south", "admin", &south),
        ("south", "north", "operator", &north),
    ] {
        let token = service.new_token(own, role);
        let mut hidden = of.shipped();
        hidden.truncate(20);
        let ended = Command::new(&program)
            .arg("--config-file")
            .arg(clients.join("schemathesis.toml"))
            .arg("run")
            .arg(format!("{}/openapi.json", service.url()))
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--max-examples", EXAMPLES, "--seed", "1"])
            .args(["--no-color", "--generation-database", "none"])
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .envs([("OWN", own), ("OTHER", other), ("NO_PROXY", "127.0.0.1")])
            .env("HIDDEN", hidden.join(","))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONPATH", &clients)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        let error = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{own}:\n{said}\n{error}");
    }
    service.get("/healthz");
}
