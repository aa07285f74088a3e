//! One parser process, seen from outside.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::worker::{COMMAND, Request};
use crate::loader::{Limits, LoadError, Loaded};

/// How much of what a process said on its standard error is kept.
const LAST_WORDS: usize = 4 << 10;

/// Why a process gave no answer.
#[derive(Debug)]
pub(super) enum Fault {
    TimedOut,
    OutOfMemory,
    Died { why: String },
}

impl Fault {
    pub(super) fn of(self, path: &Path, limits: &Limits) -> LoadError {
        let path = path.display().to_string();
        match self {
            Self::TimedOut => LoadError::TimedOut {
                path,
                seconds: limits.max_parse_time.as_secs_f64().ceil() as u64,
            },
            Self::OutOfMemory => LoadError::OutOfMemory {
                path,
                limit: limits.max_parse_memory,
            },
            Self::Died { why } => LoadError::Crashed { path, why },
        }
    }
}

/// A parser process. It ends when this is dropped; when this program ends in any way, it finds its input closed and ends,
/// too.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last_words: JoinHandle<Vec<u8>>,
    served: u32,
}

impl Process {
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C on the terminal is for this program, which lets the files at hand finish.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("the process has no pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
            last_words: tokio::spawn(last_words(errors)),
            served: 0,
        })
    }

    /// How many files it has read.
    pub(super) fn served(&self) -> u32 {
        self.served
    }

    /// Has it read a file. After a fault it must not be used again.
    pub(super) async fn parse(
        &mut self,
        path: &Path,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Result<Loaded, LoadError>, Fault> {
        self.served += 1;
        let answer = tokio::time::timeout(limits.max_parse_time, self.ask(path, bytes, limits));
        match answer.await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(error)) => Err(self.autopsy(&error).await),
            Err(_) => {
                // What it answers to the signal changes nothing about the finding.
                let _killed = self.child.kill().await;
                Err(Fault::TimedOut)
            }
        }
    }

    async fn ask(
        &mut self,
        path: &Path,
        bytes: &[u8],
        limits: &Limits,
    ) -> io::Result<Result<Loaded, LoadError>> {
        let request = Request::encode(path, bytes.len(), limits)?;
        self.input.write_all(&request).await?;
        self.input.write_all(bytes).await?;
        self.input.flush().await?;
        let length = self.output.read_u64_le().await?;
        let mut answer = Vec::new();
        (&mut self.output)
            .take(length)
            .read_to_end(&mut answer)
            .await?;
        if answer.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let outcome = tokio::task::spawn_blocking(move || serde_json::from_slice(&answer)).await;
        Ok(outcome??)
    }

    /// Finds out what a process died of that did not answer.
    async fn autopsy(&mut self, error: &io::Error) -> Fault {
        // One that lives and talks nonsense is ended, too.
        let _killed = self.child.start_kill();
        let status = match self.child.wait().await {
            Ok(status) => status,
            Err(error) => {
                return Fault::Died {
                    why: error.to_string(),
                };
            }
        };
        let words = (&mut self.last_words).await.unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        if words.contains("memory allocation of") {
            return Fault::OutOfMemory;
        }
        if words.contains("has overflowed its stack") {
            return Fault::Died {
                why: "it nests too deeply for the parser's stack".to_owned(),
            };
        }
        Fault::Died {
            why: cause(status, words.trim(), error),
        }
    }
}

fn cause(status: ExitStatus, words: &str, error: &io::Error) -> String {
    let end = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, Some(code)) => format!("it exited with code {code}"),
        (None, None) => format!("it gave no answer ({error})"),
    };
    match words.lines().last() {
        Some(line) => format!("{end}, and said: {line}"),
        None => end,
    }
}

async fn last_words(mut errors: ChildStderr) -> Vec<u8> {
    let mut words = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match errors.read(&mut buffer).await {
            Ok(0) | Err(_) => return words,
            Ok(length) => {
                words.extend_from_slice(buffer.get(..length).unwrap_or_default());
                let excess = words.len().saturating_sub(LAST_WORDS);
                words.drain(..excess);
            }
        }
    }
}
