//! Builds every guest of the workspace and makes components of them:
//! connectors into `target/connectors`, test fixtures into `target/fixtures`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

use crate::{shell, toolchain};

/// Bytes that the component of a vendor's connector has at most.
const MOST: usize = 400_000;

/// The connectors that are held to it.
const VENDORS: [&str; 3] = ["kingdee", "waiqin365", "wangdiantong"];

/// One guest crate and where its component goes.
struct Guest {
    package: String,
    component: PathBuf,
}

/// Builds all of them; a component is rewritten only when it changed, so
/// that its digest and its time stay those of its content.
pub(crate) fn build() -> Result<()> {
    let root = shell::root();
    let mut guests = found(
        &root,
        "connectors",
        "duijie-connector-",
        "target/connectors",
    )?;
    guests.extend(found(
        &root,
        "tests/fixtures",
        "duijie-fixture-",
        "target/fixtures",
    )?);
    let mut cargo = toolchain::Guest::find()?.cargo_build(&root);
    for guest in &guests {
        cargo.args(["-p", &guest.package]);
    }
    shell::run(&mut cargo)?;
    for guest in &guests {
        componentize(&root, guest)?;
    }
    Ok(())
}

/// The guest crates in a folder: those whose package name has the prefix.
fn found(root: &Path, folder: &str, prefix: &str, out: &str) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for entry in std::fs::read_dir(root.join(folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let manifest = root.join(folder).join(&name).join("Cargo.toml");
        let package = format!("{prefix}{name}");
        let text = std::fs::read_to_string(&manifest).unwrap_or_default();
        if text.contains(&format!("name = \"{package}\"")) {
            let component = root.join(out).join(format!("{name}.wasm"));
            guests.push(Guest { package, component });
        }
    }
    guests.sort_by(|one, other| one.package.cmp(&other.package));
    Ok(guests)
}

fn componentize(root: &Path, guest: &Guest) -> Result<()> {
    let module = root
        .join("target/guests")
        .join(toolchain::TARGET)
        .join("guest")
        .join(format!("{}.wasm", guest.package.replace('-', "_")));
    let bytes =
        std::fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{} is no component", guest.package))?;
    let name = guest.component.file_stem().and_then(|name| name.to_str());
    ensure!(
        component.len() <= MOST || !name.is_some_and(|name| VENDORS.contains(&name)),
        "{} has {} bytes, and a vendor's connector at most {MOST}",
        guest.package,
        component.len()
    );
    if std::fs::read(&guest.component).is_ok_and(|old| old == component) {
        return Ok(());
    }
    if let Some(folder) = guest.component.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&guest.component, &component)?;
    let name = guest
        .component
        .strip_prefix(root)
        .unwrap_or(&guest.component);
    eprintln!("guests: {} ({} KB)", name.display(), component.len() / 1024);
    Ok(())
}
