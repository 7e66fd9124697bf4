//! Compiled components by digest. A cached file is native code, so its own
//! digest is checked before it is loaded, and only this process's compiler
//! writes it.

use std::fs;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::Compiler;
use crate::{Error, inspect};

const SEAL: usize = 32;

pub(crate) struct Cache {
    folder: PathBuf,
    compiler: Compiler,
}

impl Cache {
    pub(crate) fn new(folder: PathBuf, compiler: Compiler) -> Self {
        Self { folder, compiler }
    }

    /// Loads a component, checking and compiling it at most once per engine
    /// and content. `digest` is that of `bytes`, in hex.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        connector: &str,
        digest: &str,
        bytes: &[u8],
    ) -> Result<Component, Error> {
        let compatibility = compatibility(engine);
        let place = self
            .folder
            .join(format!("{digest}-{compatibility:016x}.cwasm"));
        if let Some(component) = fs::read(&place).ok().and_then(|sealed| {
            let code = unseal(&sealed)?;
            deserialize(engine, code)
        }) {
            return Ok(component);
        }
        inspect::check(connector, bytes)?;
        let code = self.compiler.compile(engine, connector, bytes)?;
        let component = deserialize(engine, &code).ok_or_else(|| Error::Compile {
            connector: connector.to_owned(),
            reason: "the compiled code does not fit this engine".to_owned(),
        })?;
        self.keep(&place, &code)?;
        Ok(component)
    }

    /// Written aside and moved into place, so that no reader sees a part.
    fn keep(&self, place: &PathBuf, code: &[u8]) -> Result<(), Error> {
        let failed = |error: std::io::Error| Error::Cache {
            place: place.display().to_string(),
            reason: error.to_string(),
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        // Two launchers of one process may compile the same thing at once.
        let writer = (std::process::id(), std::thread::current().id());
        let aside = place.with_extension(format!("{}-{:?}.part", writer.0, writer.1));
        let mut sealed = Sha256::digest(code).to_vec();
        sealed.extend_from_slice(code);
        fs::write(&aside, &sealed).map_err(failed)?;
        fs::rename(&aside, place).map_err(failed)
    }
}

fn unseal(sealed: &[u8]) -> Option<&[u8]> {
    let (seal, code) = sealed.split_at_checked(SEAL)?;
    (Sha256::digest(code).as_slice() == seal).then_some(code)
}

/// Native code of another engine is refused by the engine itself.
#[allow(unsafe_code)]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: the bytes come from this host's own compiler, either just now
    // or out of a file whose digest was checked.
    unsafe { Component::deserialize(engine, code) }.ok()
}

fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
