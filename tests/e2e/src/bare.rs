//! Pipelines of a test's own words between collections of the plain system, with the mapping between them.

use crate::command::{Ended, Running};
use crate::project::{Compiled, binary, connectors};
use duijie_sim::Plain;
use std::path::PathBuf;
use tempfile::TempDir;

/// Everything goes when it is dropped.
pub struct Bare {
    pub plain: Plain,
    folder: TempDir,
}

impl Bare {
    /// With these pipelines, by file name.
    pub fn new(pipelines: &[(&str, &str)]) -> Self {
        let bare = Self {
            plain: Plain::start().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        for folder in ["connections", "pipelines", "connectors", "data"] {
            std::fs::create_dir_all(bare.path(folder)).unwrap();
        }
        let connection = format!(
            "connection: plain\nconnector: plain\nsettings:\n  base_url: {}\n  token: ${{secret:PLAIN_TOKEN}}\n",
            bare.plain.url()
        );
        std::fs::write(bare.path("connections/plain.yaml"), connection).unwrap();
        let secrets = bare.path("secrets.env");
        std::fs::write(&secrets, format!("PLAIN_TOKEN={}\n", bare.plain.token())).unwrap();
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&secrets, owner_only).unwrap();
        for (name, text) in pipelines {
            bare.write(name, text);
        }
        let built = connectors();
        let plain = built.parent().unwrap().join("fixtures/plain.wasm");
        for component in [built.join("map.wasm"), plain] {
            let place = bare.path("connectors").join(component.file_name().unwrap());
            std::os::unix::fs::symlink(&component, place).unwrap();
        }
        static COMPILED: Compiled = Compiled::new();
        COMPILED.lend(&bare.path("data/compiled"), || {
            bare.command(&["check"]);
        });
        bare
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path("pipelines").join(format!("{name}.yaml")), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Any command, to its end.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Ended {
        self.start("duijie", arguments, None).end()
    }

    /// `run <pipeline> --json`, to its end.
    #[track_caller]
    pub fn run(&self, pipeline: &str) -> Ended {
        self.command(&["run", pipeline, "--json"])
    }

    /// The same, killed when it comes to a named point for the nth time.
    #[track_caller]
    pub fn run_and_kill(&self, pipeline: &str, point: &str, nth: u32) -> Ended {
        let kill = format!("{point}:{nth}");
        self.start("duijie-chaos", &["run", pipeline, "--json"], Some(&kill))
            .end()
    }

    pub fn start(&self, program: &str, arguments: &[&str], kill: Option<&str>) -> Running {
        let mut command = binary(program);
        command.args(arguments);
        command.envs(kill.map(|kill| ("DUIJIE_CHAOS_KILL", kill)));
        command.env("DUIJIE_LOG", "warn");
        command.arg("--project").arg(self.folder.path());
        Running::start(&mut command)
    }
}
