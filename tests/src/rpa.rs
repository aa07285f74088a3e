//! `rpa` under test: its runs, what it says, and the files that its workflows make.

mod server;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::program;
use crate::scratch::Scratch;
use crate::store::Store;

pub use self::server::{Answer, Server, ask};

/// A folder that workflows run in, and the database that keeps their runs.
pub struct Robot<'t> {
    program: PathBuf,
    store: &'t Store,
    scratch: Scratch,
    environment: Vec<(String, String)>,
}

/// What a command printed and how it ended.
pub struct Printed {
    pub code: i32,
    pub json: Json,
    pub stderr: String,
}

impl<'t> Robot<'t> {
    /// # Panics
    ///
    /// When the program was not built.
    pub fn new(store: &'t Store) -> Self {
        Self {
            program: program::path("rpa"),
            store,
            scratch: Scratch::new(),
            environment: Vec::new(),
        }
    }

    /// Its programs find this in their environment.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment
            .push((variable.to_owned(), value.to_owned()));
        self
    }

    /// A workflow file of the repository.
    pub fn workflow(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../rpa-nodes/tests/fixtures/runs")
            .join(name)
    }

    /// A file in the folder that workflows run in.
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.file(name)
    }

    /// A command, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.args(["--json", "--db", self.store.url()]);
        command
    }

    /// A command that has nothing to do with runs.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.scratch.file("."))
            // Sensitive values are sealed with a key of the test, not of whoever runs it.
            .env("RPA_KEY_FILE", self.scratch.file("key"))
            // What programs leave for a while is looked for there.
            .env("TMPDIR", self.scratch.file("."))
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn call(&self, arguments: &[&str]) -> Printed {
        let output = self.command(arguments).output().expect("rpa starts");
        Printed {
            code: output.status.code().unwrap_or(-1),
            json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a workflow of the repository to its end.
    pub fn run(&self, workflow: &str, id: &str, more: &[&str]) -> Printed {
        let file = Self::workflow(workflow);
        let file = file.to_str().expect("paths of the repository are texts");
        let mut arguments = vec!["run", file, "--id", id];
        arguments.extend(more);
        self.call(&arguments)
    }

    /// Starts a workflow of the repository; its visits can be watched.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start(&self, workflow: &str, id: &str) -> Life {
        self.start_with(workflow, id, &[])
    }

    /// The same with more arguments.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start_with(&self, workflow: &str, id: &str, more: &[&str]) -> Life {
        let file = Self::workflow(workflow);
        let file = file.to_str().expect("paths of the repository are texts");
        let mut arguments = vec!["run", file, "--id", id, "--trace"];
        arguments.extend(more);
        let mut process = self
            .command(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("rpa starts");
        let stderr = process.stderr.take().expect("its standard error is piped");
        Life {
            process,
            lines: BufReader::new(stderr),
        }
    }

    /// Kills a run again and again, each time some visits later, at an instant that it cannot know. After each kill the test may
    /// look at what is there.
    ///
    /// # Panics
    ///
    /// When the run ends before that.
    pub fn kill_often(
        &self,
        workflow: &str,
        id: &str,
        more: &[&str],
        kills: usize,
        mut look: impl FnMut(),
    ) {
        for kill in 0..kills {
            let mut life = self.start_with(workflow, id, more);
            let seen = life.visits(1 + kill % 5);
            assert!(!seen.is_empty(), "the run ended after {kill} kills");
            // Between what was told and the next instant the process goes on.
            std::thread::sleep(Duration::from_micros(173 * (kill as u64 % 29)));
            life.kill();
            look();
        }
    }

    /// A workflow of the repository that ends behind a node; in the folder that workflows run in.
    ///
    /// # Panics
    ///
    /// When it cannot be read or written.
    pub fn up_to(&self, workflow: &str, node: &str) -> PathBuf {
        let text = std::fs::read_to_string(Self::workflow(workflow)).expect("it can be read");
        let mut document: Json = serde_json::from_str(&text).expect("it is JSON");
        let ways = document["connections"].as_array_mut();
        let ways = ways.expect("it has connections");
        ways.retain(|way| way["source_node"] != node);
        let path = self.file(&format!("up-to-{node}.json"));
        std::fs::write(&path, document.to_string()).expect("it can be written");
        path
    }

    /// Lets a run be as a crash leaves it that comes when a node did its work and nothing of that is recorded.
    pub async fn forget_end(&self, id: &str, node: &str) {
        let name = format!("node:{node}#1");
        let forgotten = self
            .store
            .execute(
                "DELETE FROM operation_outputs WHERE workflow_uuid = $1 AND function_name = $2",
                &[id, &name],
            )
            .await;
        assert_eq!(forgotten, 1, "{node} was visited once");
        self.store
            .execute(
                "UPDATE workflow_status SET status = 'PENDING', output = NULL, completed_at = NULL WHERE workflow_uuid = $1",
                &[id],
            )
            .await;
    }

    /// The files below a folder, by path.
    ///
    /// # Panics
    ///
    /// When one cannot be read.
    pub fn files(&self, folder: &str) -> BTreeMap<String, String> {
        let folder = self.file(folder);
        let Ok(entries) = std::fs::read_dir(&folder) else {
            return BTreeMap::new();
        };
        let files = entries.map(|entry| {
            let entry = entry.expect("the folder can be listed");
            let content = std::fs::read_to_string(entry.path()).expect("the file can be read");
            (entry.file_name().to_string_lossy().into_owned(), content)
        });
        files.collect()
    }

    /// The processes of browsers that work for runs in this folder.
    ///
    /// # Panics
    ///
    /// When processes cannot be listed.
    pub fn browsers(&self) -> Vec<u32> {
        let folder = self.scratch.file(".").display().to_string();
        let folder = folder.trim_end_matches('.').as_bytes().to_vec();
        let processes = std::fs::read_dir("/proc").expect("processes can be listed");
        let processes = processes.filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            // It may have ended meanwhile.
            let command = std::fs::read(entry.path().join("cmdline")).ok()?;
            let mut arguments = command.split(|byte| *byte == 0);
            let is_ours = |argument: &[u8]| {
                argument.starts_with(b"--user-data-dir=")
                    && argument.windows(folder.len()).any(|part| part == folder)
            };
            arguments.any(is_ours).then_some(id)
        });
        processes.collect()
    }

    /// Waits until no browser works for runs in this folder.
    ///
    /// # Panics
    ///
    /// When one goes on for a long time.
    pub fn wait_for_browsers(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.browsers().is_empty() {
            assert!(
                Instant::now() < end,
                "browsers {:?} outlived their run",
                self.browsers()
            );
            // Nobody tells of the end of a process that is not a child.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Removes what runs left in a folder.
    ///
    /// # Panics
    ///
    /// When it cannot be removed.
    pub fn clear(&self, folder: &str) {
        let folder = self.file(folder);
        if folder.exists() {
            std::fs::remove_dir_all(folder).expect("the folder can be removed");
        }
    }
}

/// A process that runs a workflow.
pub struct Life {
    process: Child,
    lines: BufReader<ChildStderr>,
}

impl Life {
    /// Waits until it has ended `count` more visits. Gives their names; fewer, if it ended before.
    ///
    /// # Panics
    ///
    /// When its standard error cannot be read.
    pub fn visits(&mut self, count: usize) -> Vec<String> {
        let mut visits = Vec::new();
        while visits.len() < count {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line);
            if read.expect("its standard error can be read") == 0 {
                break;
            }
            let name = line
                .strip_prefix("visit ")
                .and_then(|rest| rest.split(' ').next());
            visits.extend(name.map(str::to_owned));
        }
        visits
    }

    /// Tells it to end, with SIGTERM, and waits until it has ended.
    ///
    /// # Panics
    ///
    /// When it cannot be told.
    pub fn end(mut self) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("there is a program kill").success());
        self.process.wait().expect("it is gone");
    }

    /// Kills it with SIGKILL.
    ///
    /// # Panics
    ///
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it is gone");
    }
}
