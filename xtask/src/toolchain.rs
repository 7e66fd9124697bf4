//! Finds out how this machine can build guests for wasm32-unknown-unknown:
//! an installed target first, then `rustup target add`, then Debian's
//! `rustc-web` with the standard library built from its source. And whether it
//! has what the host is built with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// What the host needs that neither Rust nor a library of it brings: its
/// allocator is built by `make`.
pub(crate) fn host() -> Result<()> {
    if shell::exists("make") {
        return Ok(());
    }
    if can_install() {
        return install(&["make"]);
    }
    bail!(
        "`make` was not found, by which the host's allocator is built\n\n\
         hint: install it (Debian: `apt-get install make`, Fedora: `dnf install make`, \
         macOS: `xcode-select --install`) and start again"
    )
}

/// How guests are compiled here.
pub(crate) enum Guest {
    /// The active toolchain has the target's standard library.
    Installed,
    /// Debian's compiler builds the standard library too.
    Debian { linker: PathBuf },
}

impl Guest {
    /// The first way that works, installing what can be installed.
    pub(crate) fn find() -> Result<Self> {
        if has_target()? {
            return Ok(Self::Installed);
        }
        if shell::exists("rustup") {
            eprintln!("guests: adding {TARGET} by rustup");
            let added = Command::new("rustup")
                .args(["target", "add", TARGET])
                .output();
            if added.is_ok_and(|output| output.status.success()) && has_target()? {
                return Ok(Self::Installed);
            }
        }
        if !debian_ready() && can_install() {
            install(&["rustc-web", "rust-web-src"])?;
        }
        if debian_ready() {
            return Ok(Self::Debian { linker: linker()? });
        }
        bail!(
            "no compiler for {TARGET} was found\n\n\
             hint: run `rustup target add {TARGET}`, or on Debian \
             `apt-get install rustc-web rust-web-src`, and start again"
        )
    }

    /// A `cargo build` for guests, its own target folder included.
    pub(crate) fn cargo_build(&self, root: &Path) -> Command {
        let mut command = Command::new("cargo");
        command
            .current_dir(root)
            .args(["build", "--profile", "guest", "--target", TARGET])
            .arg("--target-dir")
            .arg(root.join("target/guests"))
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                "-Ctarget-feature=+simd128",
            )
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        if let Self::Debian { linker } = self {
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }
}

fn sysroot() -> Result<PathBuf> {
    let output = shell::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(output.trim()))
}

fn has_target() -> Result<bool> {
    Ok(sysroot()?
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib")
        .is_dir())
}

fn debian_ready() -> bool {
    Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_SOURCE).exists()
}

fn install(packages: &[&str]) -> Result<()> {
    eprintln!("installing Debian's {}", packages.join(" and "));
    shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
    shell::run(
        Command::new("apt-get")
            .args(["install", "-y", "-qq"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn can_install() -> bool {
    shell::exists("apt-get")
        && shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// The linker that comes with the active toolchain, which Debian's compiler
/// does not bring.
fn linker() -> Result<PathBuf> {
    let libraries = sysroot()?.join("lib/rustlib");
    let hosts = std::fs::read_dir(&libraries)
        .with_context(|| format!("cannot list {}", libraries.display()))?;
    for host in hosts {
        let candidate = host?.path().join("bin/rust-lld");
        if candidate.exists() {
            return Ok(candidate);
        }
    }
    bail!(
        "the active Rust toolchain has no rust-lld under {}\n\n\
         hint: install Rust by rustup, which brings it",
        libraries.display()
    )
}
