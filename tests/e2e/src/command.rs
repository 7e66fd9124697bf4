//! One command of the binary: started, watched, signalled, and what it left on both outputs.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longer than any step of any test; reached only by a command that hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A command that goes on. It is killed when dropped.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    lines: Receiver<String>,
    stderr: String,
}

/// A command that ended.
#[derive(Debug)]
pub struct Ended {
    /// As a shell tells it: 128 and the signal's number where one killed it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::told(command, "")
    }

    /// The same with this on its standard input.
    pub(crate) fn told(command: &mut Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It fits into the pipe; who does not read it has ended by then.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        let mut out = child.stdout.take().unwrap();
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).unwrap();
            text
        });
        let lines = read_lines(child.stderr.take().unwrap());
        Self {
            child,
            stdout: Some(stdout),
            lines,
            stderr: String::new(),
        }
    }

    /// Waits for a line on stderr that holds `words`, and gives it.
    #[track_caller]
    pub fn wait_for_line(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LONG);
            let line = line.unwrap_or_else(|_| panic!("no line says `{words}`: {}", self.stderr));
            self.stderr.push_str(&line);
            self.stderr.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    /// What the kernel lets it use.
    pub fn limits(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap()
    }

    /// Bytes that it holds in memory now.
    pub fn memory(&self) -> usize {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4_096
    }

    /// As a failed assertion of a library would end it.
    pub fn abort(&self) {
        self.signal(Signal::ABORT);
    }

    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        loop {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => {
                    self.stderr.push_str(&line);
                    self.stderr.push('\n');
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => panic!("it says nothing more and does not end: {}", self.stderr),
            }
        }
        let status = self.child.wait().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        Ended {
            code: status.code().or(signal.map(|signal| 128 + signal)).unwrap(),
            stdout: self.stdout.take().unwrap().join().unwrap(),
            stderr: std::mem::take(&mut self.stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn read_lines(stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    lines
}

impl Ended {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stdout or stderr says each of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            let said = self.stdout.contains(word) || self.stderr.contains(word);
            assert!(
                said,
                "nothing says `{word}`: {}\n{}",
                self.stdout, self.stderr
            );
        }
        self
    }

    /// The one JSON object on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// `data` of the JSON object on stdout.
    #[track_caller]
    pub fn data(&self) -> Value {
        let mut envelope = self.json();
        assert_eq!(envelope["ok"], true, "{envelope}");
        envelope["data"].take()
    }
}
