//! Programs that nodes start.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// What a program is told of the environment; all else stays here, secrets above all.
const TOLD: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/// How often it is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A program and its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    name: String,
    arguments: Vec<String>,
}

/// How a program ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Its exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new(name: &str, arguments: &[String]) -> Self {
        Self {
            name: name.to_owned(),
            arguments: arguments.to_vec(),
        }
    }

    /// Runs it in a folder until it ends, or for as long as it may take; then it is killed.
    pub(crate) fn run(&self, folder: &Path, input: &[u8], limit: Duration) -> Result<Ended, Fault> {
        let mut command = Command::new(&self.name);
        command
            .args(&self.arguments)
            .current_dir(folder)
            .env_clear()
            .envs(
                TOLD.iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            let class = match error.kind() {
                std::io::ErrorKind::NotFound => "FileNotFoundError",
                _ => "OSError",
            };
            Fault::of(
                class,
                format!(
                    "cannot start `{}`: {error}; check that it is installed",
                    self.name
                ),
            )
        })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        std::thread::scope(|scope| {
            // Each pipe has a thread: one that is full would stop the program.
            let out = scope.spawn(|| all(stdout));
            let err = scope.spawn(|| all(stderr));
            scope.spawn(|| {
                if let Some(mut stdin) = stdin {
                    // A program need not read what it is given.
                    let _ = stdin.write_all(input);
                }
            });
            let code = self.ended(&mut child, limit)?;
            Ok(Ended {
                code,
                stdout: out.join().unwrap_or_default(),
                stderr: err.join().unwrap_or_default(),
            })
        })
    }

    fn ended(&self, child: &mut Child, limit: Duration) -> Result<i32, Fault> {
        let begun = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status.code().unwrap_or(-1)),
                Ok(None) if begun.elapsed() < limit => std::thread::sleep(LOOK),
                Ok(None) => {
                    // It may have ended in this moment: then there is nothing to kill.
                    let _ = child.kill();
                    let _ = child.wait();
                    let message = format!(
                        "`{}` took longer than {limit:?} and was killed; raise `timeout`",
                        self.name
                    );
                    return Err(Fault::of("TimeoutError", message));
                }
                Err(error) => {
                    return Err(Fault::of(
                        "OSError",
                        format!("cannot wait for `{}`: {error}", self.name),
                    ));
                }
            }
        }
    }
}

fn all(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What came before a failure is better than nothing.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
