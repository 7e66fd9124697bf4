//! One child process and what it used, all of it.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    pub(crate) wall_s: f64,
    /// User and system time of all its threads.
    pub(crate) cpu_s: f64,
    pub(crate) peak_mb: f64,
    pub(crate) output: String,
}

/// Runs to the end; a failure is an error with what it said.
pub(crate) fn measured(command: &mut Command) -> Result<Usage> {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut output = String::new();
    child
        .stdout
        .take()
        .context("no output")?
        .read_to_string(&mut output)?;
    let mut said = String::new();
    child
        .stderr
        .take()
        .context("no output")?
        .read_to_string(&mut said)?;
    let (status, usage) = wait(child.id())?;
    let wall_s = started.elapsed().as_secs_f64();
    if status != 0 {
        bail!(
            "{:?} ended with status {status:#x}: {output}{said}",
            command.get_program()
        );
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Usage {
        wall_s,
        cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_mb: usage.ru_maxrss as f64 / 1024.0,
        output,
    })
}

/// The standard library waits for a child without telling what it used.
#[allow(unsafe_code)]
fn wait(child: u32) -> Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: both pointers are to live values of the right types; a rusage
    // is plain integers, for which zeros are valid.
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (
            libc::wait4(child.cast_signed(), &mut status, 0, &mut usage),
            usage,
        )
    };
    if waited < 0 {
        bail!(
            "cannot wait for a child: {}",
            std::io::Error::last_os_error()
        );
    }
    Ok((status, usage))
}
