//! What is refused before it is compiled, the compile process, and the cache
//! of compiled code.

use std::fs;
use std::path::{Path, PathBuf};

use duijie_component::{Compiler, Launcher, Options, inspect};
use duijie_contract::{Description, Fault, Launch as _};
use tempfile::TempDir;

use crate::sandbox::{built, fixtures, options};

/// A component in text form, as its binary.
fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).unwrap()
}

/// What such a component claims to be: interfaces of these names, empty.
fn border(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let imports = imports
        .iter()
        .map(|name| format!("(import \"{name}\" (instance))"));
    let exports = exports
        .iter()
        .map(|name| format!("(export \"{name}\" (instance $empty))"));
    let parts: Vec<String> = imports
        .chain(["(instance $empty)".to_owned()])
        .chain(exports)
        .collect();
    component(&parts.join("\n"))
}

/// A component around a core function with this body.
fn function(body: &str) -> Vec<u8> {
    component(&format!("(core module (func {body}))"))
}

/// A compiler that is never reached: whatever gets to it says so.
fn no_compiler() -> Compiler {
    Compiler::Child {
        program: PathBuf::from("/there/is/no/compiler"),
        arguments: Vec::new(),
    }
}

async fn describe(connectors: &Path, cache: &Path, compiler: Compiler) -> Result<(), String> {
    let launcher = Launcher::new(Options {
        cache: cache.to_owned(),
        compiler,
        ..options(connectors.to_owned())
    })
    .unwrap();
    let said: Result<Description, Fault> = launcher.describe("sinner").await;
    said.map(|_| ()).map_err(|fault| fault.to_string())
}

/// Loads the binary under the name `sinner`; gives what the fault says.
async fn refused(binary: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sinner.wasm"), binary).unwrap();
    let refused = describe(folder.path(), folder.path(), no_compiler()).await;
    let refused = refused.unwrap_err();
    assert!(!refused.contains("compile process"), "compiled: {refused}");
    refused
}

async fn check_refused(binary: &[u8], part: &str) {
    let refused = refused(binary).await;
    assert!(refused.starts_with("sinner: "), "{refused}");
    assert!(refused.contains(part), "{refused:?} should say {part:?}");
}

const SETUP: &str = "duijie:setup/setup@0.1.0";

#[tokio::test]
async fn an_import_that_no_connector_gets_is_refused_by_name() {
    let binary = border(
        &["wasi:cli/environment@0.2.0", "duijie:host/log@0.1.0"],
        &[SETUP, "duijie:source/source@0.1.0"],
    );
    let part = "imports what no connector gets: wasi:cli/environment@0.2.0";
    let said = refused(&binary).await;
    assert!(said.ends_with(part), "{said}");
    let unknown = border(&["duijie:host/files@0.1.0"], &[SETUP]);
    check_refused(&unknown, "duijie:host/files@0.1.0").await;
    let newer = border(&["duijie:host/log@0.2.0"], &[SETUP]);
    check_refused(&newer, "duijie:host/log@0.2.0").await;
}

#[tokio::test]
async fn a_transform_that_imports_a_network_is_refused_by_name() {
    let transform = [SETUP, "duijie:transform/transform@0.1.0"];
    for import in [
        "duijie:host/http@0.1.0",
        "duijie:host/sign@0.1.0",
        "duijie:host/session@0.1.0",
    ] {
        let part = format!("imports what no connector gets: {import}");
        check_refused(&border(&[import], &transform), &part).await;
    }
}

#[tokio::test]
async fn value_tables_are_for_transforms_only() {
    let import = "duijie:host/tables@0.1.0";
    for role in ["duijie:source/source@0.1.0", "duijie:target/target@0.1.0"] {
        let part = format!("imports what no connector gets: {import}");
        check_refused(&border(&[import], &[SETUP, role]), &part).await;
    }
    let transform = border(&[import], &[SETUP, "duijie:transform/transform@0.1.0"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sinner.wasm"), transform).unwrap();
    let reached = describe(folder.path(), folder.path(), no_compiler()).await;
    let reached = reached.unwrap_err();
    assert!(reached.contains("compile process"), "{reached}");
}

#[tokio::test]
async fn an_interface_of_another_version_is_refused_with_the_versions_spoken() {
    for (exports, found) in [
        (
            vec![SETUP, "duijie:source/source@0.2.0"],
            "speaks `duijie:source/source@0.2.0`, this host speaks",
        ),
        (
            vec!["duijie:setup/setup@0.2.0"],
            "speaks `duijie:setup/setup@0.2.0`, this host speaks",
        ),
        (
            vec!["duijie:source/source@0.1.0"],
            "speaks no `duijie:setup/setup`, this host speaks",
        ),
    ] {
        check_refused(&border(&[], &exports), found).await;
    }
}

#[tokio::test]
async fn a_core_module_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    check_refused(&module, "it is a core module, not a component").await;
}

#[tokio::test]
async fn a_binary_that_is_cut_or_no_wasm_at_all_is_refused() {
    let whole = fs::read(fixtures().join("sinner.wasm")).unwrap();
    assert!(inspect("sinner", &whole).is_ok());
    for length in [0, 4, 9, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        check_refused(&whole[..length], "was refused: ").await;
    }
    check_refused(b"#!/bin/sh\n", "was refused: ").await;
}

#[test]
fn functions_that_would_keep_the_compiler_busy_are_refused() {
    let check = |binary: &[u8], part: &str| {
        let refused = inspect("sinner", binary).unwrap_err().to_string();
        assert!(refused.contains(part), "{refused:?} should say {part:?}");
    };
    let nest = |depth| function(&format!("{}{}", "(block ".repeat(depth), ")".repeat(depth)));
    let locals = |count| function(&format!("(local {})", "i64 ".repeat(count)));
    check(&nest(257), "nests deeper than 256 blocks");
    check(&locals(2_001), "has 2001 locals, at most 2000");
    assert!(inspect("sinner", &nest(256)).is_ok());
    assert!(inspect("sinner", &locals(2_000)).is_ok());
}

/// A folder with nothing but the compiled sinner.
async fn compiled() -> (TempDir, PathBuf) {
    let cache = tempfile::tempdir().unwrap();
    describe(&fixtures(), cache.path(), Compiler::Here)
        .await
        .unwrap();
    let mut files = fs::read_dir(cache.path()).unwrap();
    let place = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "one file and no parts of others");
    (cache, place)
}

#[tokio::test]
async fn compiled_code_is_kept_and_a_flipped_byte_in_it_is_noticed() {
    let (cache, place) = compiled().await;
    let connectors = fixtures();
    let load = |compiler| describe(&connectors, cache.path(), compiler);
    assert_eq!(load(no_compiler()).await, Ok(()), "nothing is compiled");

    let good = fs::read(&place).unwrap();
    for at in [0, 32, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&place, &bad).unwrap();
        let told = load(no_compiler()).await.unwrap_err();
        assert!(told.contains("the compile process failed"), "{told}");
        assert_eq!(load(Compiler::Here).await, Ok(()));
        assert_ne!(fs::read(&place).unwrap(), bad, "it was written anew");
        assert_eq!(load(no_compiler()).await, Ok(()), "and kept again");
    }
    fs::write(&place, &good[..16]).unwrap();
    assert_eq!(load(Compiler::Here).await, Ok(()));
}

/// The host's own binary as compiler, after a shell ran `before`.
fn child(before: &str) -> Compiler {
    let program = built("debug/duijie");
    let script = format!("{before} exec '{}' compile-component", program.display());
    Compiler::Child {
        program: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".to_owned(), script],
    }
}

#[tokio::test]
async fn a_compile_process_of_its_own_gives_code_that_runs() {
    let cache = tempfile::tempdir().unwrap();
    let done = describe(&fixtures(), cache.path(), child("")).await;
    assert_eq!(done, Ok(()));
    // Where the machine allows less than the process asks for itself.
    let cache = tempfile::tempdir().unwrap();
    let done = describe(&fixtures(), cache.path(), child("ulimit -t 30;")).await;
    assert_eq!(done, Ok(()));
}

#[tokio::test]
async fn a_compile_beyond_its_processor_time_ends_with_its_process() {
    // Within every static bound, and seconds of work all the same: whatever
    // was called before lives across every later call.
    let calls = "(call 0)".repeat(900);
    let sum = "i64.add ".repeat(899);
    let function = format!("(func (result i64) {calls} {sum})");
    let bomb = component(&format!(
        "(core module {}) (instance $empty) (export \"{SETUP}\" (instance $empty))",
        function.repeat(300)
    ));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sinner.wasm"), bomb).unwrap();
    let told = describe(folder.path(), folder.path(), child("ulimit -t 1;")).await;
    let told = told.unwrap_err();
    assert!(
        told.contains("did not compile: the compile process ended with signal"),
        "{told}"
    );
}
