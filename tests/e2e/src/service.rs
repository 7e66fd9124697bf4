//! A running service: its folder with tenants in it, the real binary on it, and calls over its HTTP interface.

use crate::command::{LONG, Running};
use crate::project::{Project, binary, connectors};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// It ends, and its folder goes, when it is dropped.
pub struct Service {
    home: TempDir,
    running: Option<Running>,
    address: String,
    /// A token that may do all there is.
    token: String,
}

/// A status and what came with it; text that is no JSON as a string.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Service {
    /// Of tenants that have what these projects have; nothing runs yet.
    pub fn of(tenants: &[(&str, &Project)]) -> Self {
        let mut service = Self {
            home: tempfile::tempdir().unwrap(),
            running: None,
            address: String::new(),
            token: String::new(),
        };
        for (name, project) in tenants {
            service.command(&["tenants", "add", name]);
            copy(
                &project.path("data/compiled"),
                &service.path("data/compiled"),
            );
            service.give(name, project);
        }
        service.token = service.new_token("*", "admin");
        service
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Puts what the project has now into the tenant's folder, and grants it.
    #[track_caller]
    pub fn give(&self, tenant: &str, project: &Project) {
        let folder = self.path("tenants").join(tenant);
        for part in ["pipelines", "connections"] {
            copy(&project.path(part), &folder.join(part));
        }
        std::fs::copy(project.path("secrets.env"), folder.join("secrets.env")).unwrap();
        self.command(&["grant", "--tenant", tenant]);
    }

    #[track_caller]
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// With these environment variables.
    #[track_caller]
    pub fn start_with(&mut self, environment: &[(&str, &str)]) {
        let mut command = binary("duijie");
        command.envs(environment.iter().copied());
        command.args(["serve", "--listen", "127.0.0.1:0", "--project"]);
        command.arg(self.home.path());
        command.arg("--connectors").arg(connectors());
        let mut running = Running::start(&mut command);
        let line = running.wait_for_line("listening on http://");
        self.address = line.rsplit('/').next().unwrap().to_owned();
        self.running = Some(running);
        self.until("/readyz", |body| body == "ready\n");
    }

    /// Does not start; gives what it said.
    #[track_caller]
    pub fn refused(&self) -> String {
        let mut command = binary("duijie");
        command.args(["serve", "--listen", "127.0.0.1:0", "--project"]);
        command.arg(self.home.path());
        Running::start(&mut command).end().expect(3).stderr
    }

    /// By the signal that asks it to; gives what it had to say.
    #[track_caller]
    pub fn terminate(&mut self) -> String {
        let running = self.running.take().unwrap();
        running.terminate();
        running.end().expect(143).stderr
    }

    pub fn kill(&mut self) {
        let running = self.running.take().unwrap();
        running.kill();
        running.end();
    }

    /// Any command in the service's folder that ends well.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Value {
        self.told(arguments, "")
    }

    /// The same with this on its standard input.
    #[track_caller]
    pub fn told(&self, arguments: &[&str], input: &str) -> Value {
        let mut command = binary("duijie");
        command.args(arguments).arg("--json");
        command.arg("--project").arg(self.home.path());
        command.arg("--connectors").arg(connectors());
        Running::told(&mut command, input).end().expect(0).data()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Bytes that the process holds in memory now.
    pub fn memory(&self) -> usize {
        self.running.as_ref().unwrap().memory()
    }

    /// Waits until it holds no more than so many bytes.
    #[track_caller]
    pub fn until_memory(&self, most: usize) {
        let begun = Instant::now();
        while self.memory() > most {
            let held = self.memory();
            assert!(begun.elapsed() < LONG, "{held} bytes are still held");
            std::thread::yield_now();
        }
    }

    pub fn new_token(&self, tenant: &str, role: &str) -> String {
        let made = self.command(&["tokens", "add", tenant, "--role", role]);
        made["token"].as_str().unwrap().to_owned()
    }

    /// With the token of whoever runs the service.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.call("GET", path, &self.token, "").expect(200)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &str) -> Value {
        self.call("POST", path, &self.token, body).expect(200)
    }

    pub fn call(&self, method: &str, path: &str, token: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: duijie\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: serde_json::from_str(body).unwrap_or_else(|_| Value::from(body)),
        }
    }

    /// Every method and path of the interface's own description, of this tenant's `stockouts`.
    pub fn routes(&self, tenant: &str, number: &str) -> Vec<(String, String)> {
        let document = self.get("/openapi.json");
        let mut all = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let path = path
                .replace("{tenant}", tenant)
                .replace("{pipeline}", "stockouts")
                .replace("{number}", number);
            let methods = methods.as_object().unwrap().keys();
            all.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
        }
        all
    }

    /// Asks again and again until the answer is as wished, and gives it.
    #[track_caller]
    pub fn until(&self, path: &str, wished: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.call("GET", path, &self.token, "").body;
            if wished(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < LONG, "{path} is still {answer}");
        }
    }

    /// The runs of `stockouts`, once the latest of `count` has ended so.
    #[track_caller]
    pub fn until_ran(&self, tenant: &str, count: usize, state: &str) -> Value {
        let path = format!("/v1/tenants/{tenant}/pipelines/stockouts/runs");
        self.until(&path, |runs| {
            runs.as_array().is_some_and(|runs| runs.len() == count) && runs[0]["state"] == state
        })
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
