//! The folder of a service that is measured: tenants made of the example's
//! pipeline, written as `duijie tenants add` would lay them out.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Ground;
use crate::bench::field::Field;
use crate::shell;

pub(super) struct Home {
    pub(super) root: PathBuf,
    program: PathBuf,
    /// What a person granted to pipelines of this form.
    lock: Option<Vec<u8>>,
}

/// Places in a tenant's folder, and texts.
pub(super) type Files = Vec<(&'static str, String)>;

/// The example's pipeline, changed by finding and replacing text in it.
#[derive(Clone)]
pub(super) struct Manifest(String);

impl Manifest {
    pub(super) fn of_example(ground: &Ground) -> Result<Self> {
        let example = ground
            .root
            .join("examples/quickstart/pipelines/stockouts.yaml");
        Ok(Self(std::fs::read_to_string(example)?))
    }

    pub(super) fn with(&self, from: &str, to: &str) -> Result<Self> {
        if self.0.matches(from).count() != 1 {
            bail!("the example's manifest does not have `{from}` once");
        }
        Ok(Self(self.0.replace(from, to)))
    }

    pub(super) fn schedule(&self, schedule: &str) -> Result<Self> {
        self.with("schedule: every 5m", &format!("schedule: {schedule}"))
    }

    /// The source's times.
    pub(super) fn reading(&self, settings: &str) -> Result<Self> {
        self.with("    start_time: 2025-10-01 00:00:00\n", settings)
    }

    pub(super) fn portions(&self, records: u32, ahead: u32, writers: u64) -> Result<Self> {
        self.with(
            "page_records: 100, read_ahead: 4, writers: 4, batch_records: 100",
            &format!(
                "page_records: {records}, read_ahead: {ahead}, writers: {writers}, \
                 batch_records: {records}"
            ),
        )?
        .with(
            "    status: \"95,105,110,113\"",
            &format!("    page_size: {records}\n    status: \"95,105,110,113\""),
        )
    }

    /// Numbers of its own, so that many pipelines write the same orders into
    /// one account.
    pub(super) fn numbered(&self, number: usize) -> Result<Self> {
        self.with(
            "value: \"{{order_no}}\", required: true",
            &format!("value: \"{{{{order_no}}}}-{number}\", required: true"),
        )
    }
}

impl Home {
    /// An empty one; what was compiled before stays.
    pub(super) fn fresh(ground: &Ground) -> Result<Self> {
        let root = ground.place.join("home");
        let compiled = ground.place.join("compiled");
        if root.join("data/compiled").is_dir() {
            remove(&compiled)?;
            std::fs::rename(root.join("data/compiled"), &compiled)?;
        }
        remove(&root)?;
        std::fs::create_dir_all(root.join("data"))?;
        if compiled.is_dir() {
            std::fs::rename(&compiled, root.join("data/compiled"))?;
        }
        std::fs::create_dir_all(root.join("tenants"))?;
        let connectors = root.join("connectors");
        std::fs::create_dir_all(&connectors)?;
        for folder in ["connectors", "fixtures"] {
            for entry in std::fs::read_dir(ground.root.join("target").join(folder))? {
                let place = entry?.path();
                if let Some(name) = place.file_name().filter(|_| is_component(&place)) {
                    symlink(&place, connectors.join(name))?;
                }
            }
        }
        Ok(Self {
            root,
            program: ground.program(),
            lock: None,
        })
    }

    pub(super) fn configure(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.root.join("serve.yaml"), text)?)
    }

    /// A tenant with this pipeline between the simulators.
    pub(super) fn add(&mut self, name: &str, field: &Field, manifest: &Manifest) -> Result<()> {
        let folder = self.folder(name)?;
        field.write_project(&folder)?;
        std::fs::write(folder.join("pipelines/stockouts.yaml"), &manifest.0)?;
        if self.lock.is_none() {
            self.grant(&folder)?;
            self.lock = Some(std::fs::read(folder.join("duijie.lock"))?);
        } else if let Some(lock) = &self.lock {
            std::fs::write(folder.join("duijie.lock"), lock)?;
        }
        Ok(())
    }

    /// Tenants with these files each, all with the lock of the first: what was
    /// granted says nothing of settings.
    pub(super) fn add_alike(&self, tenants: &[(String, Files)]) -> Result<()> {
        let mut lock = None;
        for (name, files) in tenants {
            let folder = self.folder(name)?;
            for (file, text) in files {
                let place = folder.join(file);
                std::fs::write(&place, text)?;
                std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o600))?;
            }
            let place = folder.join("duijie.lock");
            if let Some(lock) = &lock {
                std::fs::write(place, lock)?;
            } else {
                self.grant(&folder)?;
                lock = Some(std::fs::read(place)?);
            }
        }
        Ok(())
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join("tenants").join(name);
        for part in ["pipelines", "connections"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        std::fs::write(folder.join("tenant.yaml"), "enabled: true\n")?;
        Ok(folder)
    }

    fn grant(&self, folder: &Path) -> Result<()> {
        shell::output(
            Command::new(&self.program)
                .args(["grant", "--json", "--project"])
                .arg(folder)
                .arg("--connectors")
                .arg(self.root.join("connectors"))
                .arg("--data")
                .arg(self.root.join("data")),
        )
        .map(drop)
    }

    /// Of a token that may do everything.
    pub(super) fn token(&self) -> Result<String> {
        let told = shell::output(
            Command::new(&self.program)
                .args([
                    "tokens",
                    "add",
                    "*",
                    "--role",
                    "admin",
                    "--json",
                    "--project",
                ])
                .arg(&self.root),
        )?;
        let told: Value = serde_json::from_str(&told)?;
        let token = told.pointer("/data/token").and_then(Value::as_str);
        Ok(token.context("there is no token")?.to_owned())
    }
}

fn is_component(place: &Path) -> bool {
    place
        .extension()
        .is_some_and(|extension| extension == "wasm")
}

fn remove(folder: &Path) -> Result<()> {
    match folder.exists() {
        true => Ok(std::fs::remove_dir_all(folder)?),
        false => Ok(()),
    }
}
