//! Compiling, in a process of its own: the compiler is an attack surface, and
//! a small binary can keep it busy for a minute.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wasmtime::Engine;

use crate::Error;
use crate::engine::compile_config;

const CPU_SECONDS: u64 = 60;
const ADDRESS_SPACE: u64 = 4 << 30;

/// Who compiles.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// A program that calls [`compile_child`] when it is started with these
    /// arguments: the host's own binary.
    Child {
        program: PathBuf,
        arguments: Vec<String>,
    },
    /// This process, with the engine that runs the code. For tests of
    /// trusted guests.
    Here,
}

impl Compiler {
    /// Native code of a checked component.
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        connector: &str,
        component: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let failed = |reason: String| Error::Compile {
            connector: connector.to_owned(),
            reason,
        };
        match self {
            Compiler::Here => precompile(engine, component).map_err(failed),
            Compiler::Child { program, arguments } => {
                in_child(program, arguments, component).map_err(failed)
            }
        }
    }
}

fn precompile(engine: &Engine, component: &[u8]) -> Result<Vec<u8>, String> {
    engine
        .precompile_component(component)
        .map_err(|error| format!("{error:#}"))
}

fn in_child(program: &Path, arguments: &[String], component: &[u8]) -> Result<Vec<u8>, String> {
    let text = |error: std::io::Error| format!("the compile process failed: {error}");
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(text)?;
    // The child reads all of its input before it writes anything.
    if let Some(mut input) = child.stdin.take() {
        input.write_all(component).map_err(text)?;
    }
    let output = child.wait_with_output().map_err(text)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().chars().take(2_000).collect::<String>();
    Err(format!(
        "the compile process ended with {} (limits: {CPU_SECONDS} s of processor time, {} GiB of memory) {said}",
        output.status,
        ADDRESS_SPACE >> 30,
    ))
}

/// The child's whole life: limits on itself, a component from standard input,
/// native code to standard output.
pub fn compile_child() -> Result<(), String> {
    for (resource, limit) in [
        (Resource::Cpu, CPU_SECONDS),
        (Resource::As, ADDRESS_SPACE),
        (Resource::Core, 0),
    ] {
        // Where the machine allows less already, that stays.
        let allowed = getrlimit(resource).maximum;
        let limit = Some(allowed.map_or(limit, |allowed| allowed.min(limit)));
        let limit = Rlimit {
            current: limit,
            maximum: limit,
        };
        setrlimit(resource, limit).map_err(|error| format!("cannot limit itself: {error}"))?;
    }
    // What runs is more urgent than what is to run. It works without.
    rustix::process::nice(10).ok();
    let mut component = Vec::new();
    std::io::stdin()
        .read_to_end(&mut component)
        .map_err(|error| error.to_string())?;
    let engine = Engine::new(&compile_config()).map_err(|error| format!("{error:#}"))?;
    let code = precompile(&engine, &component)?;
    std::io::stdout()
        .write_all(&code)
        .map_err(|error| error.to_string())
}
