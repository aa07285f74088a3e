//! Parsers in processes of their own.
//!
//! Parsers of office documents, books, archives, messages and PDFs are large and meet files that nobody tested them
//! with. In a process of its own a parser that crashes, hangs or eats memory hurts only its file. A process is kept for
//! many files, so that it costs a file next to nothing; text formats are read here, at once.

mod process;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::process::{Fault, Process};
use super::limits::Limits;
use super::{LoadError, Loaded, hash, parse, parse_harmless, read};

/// A process is replaced after so many files: what a parser leaks is given back then.
const FILES_PER_PROCESS: u32 = 250;
/// After a file of this size it is replaced at once: it may sit on much memory.
const LARGE_FILE: usize = 16 << 20;
/// How many processes may wait for work.
const MAX_IDLE: usize = 32;

/// Reads files, those of risky formats in processes of their own.
#[derive(Debug, Default)]
pub struct Parsers {
    program: Option<PathBuf>,
    idle: Mutex<Vec<Process>>,
}

impl Parsers {
    /// All formats are read in this process: panics are caught, but nothing stops a parser that hangs.
    #[must_use]
    pub fn in_this_process() -> Self {
        Self::default()
    }

    /// Risky formats are read in processes of this very program, which must be one whose `main` is
    /// [`crate::command::main`].
    #[must_use]
    pub fn of_this_program() -> Self {
        // This link leads to the program even when its file was replaced by a newer one.
        let link = PathBuf::from("/proc/self/exe");
        if link.exists() {
            return Self::of_program(link);
        }
        Self {
            program: std::env::current_exe().ok(),
            ..Self::default()
        }
    }

    /// Risky formats are read in processes of this program: `rag-ingest`, or another that answers as
    /// [`worker::serve`] does when it is started with the argument [`worker::COMMAND`].
    #[must_use]
    pub fn of_program(program: PathBuf) -> Self {
        Self {
            program: Some(program),
            ..Self::default()
        }
    }

    /// Reads a file; gives what is in it and the BLAKE3 hash of the file's bytes, in hexadecimal.
    ///
    /// Dropped before it is done, it ends the process that it uses.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] that names the file, the reason and the remedy.
    pub async fn load(&self, path: PathBuf, limits: Limits) -> Result<(Loaded, String), LoadError> {
        let isolated = self.program.is_some();
        let (path, bytes, hash, loaded) = blocking(&path.clone(), move || {
            let bytes = read(&path, &limits)?;
            let hash = hash(&bytes);
            let loaded = if isolated {
                parse_harmless(&path, &bytes, &limits)?
            } else {
                Some(parse(&path, &bytes, &limits)?)
            };
            Ok((path, bytes, hash, loaded))
        })
        .await?;
        let loaded = match (loaded, &self.program) {
            (None, Some(program)) => self.parse_apart(program, &path, bytes, &limits).await?,
            (Some(loaded), _) => loaded,
            (None, None) => blocking(&path.clone(), move || parse(&path, &bytes, &limits)).await?,
        };
        Ok((loaded, hash))
    }

    async fn parse_apart(
        &self,
        program: &Path,
        path: &Path,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<Loaded, LoadError> {
        if let Some(mut process) = self.take_idle() {
            match process.parse(path, &bytes, limits).await {
                Ok(outcome) => {
                    self.give_back(process, bytes.len());
                    return outcome;
                }
                Err(fault @ Fault::TimedOut) => return Err(fault.of(path, limits)),
                // It may have died of the files before this one: a fresh one decides.
                Err(_) => drop(process),
            }
        }
        let mut process =
            Process::start(program).map_err(|error| LoadError::io(program, &error))?;
        match process.parse(path, &bytes, limits).await {
            Ok(outcome) => {
                self.give_back(process, bytes.len());
                outcome
            }
            Err(fault) => Err(fault.of(path, limits)),
        }
    }

    fn take_idle(&self) -> Option<Process> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn give_back(&self, process: Process, size: usize) {
        if size >= LARGE_FILE || process.served() >= FILES_PER_PROCESS {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(process);
        }
    }
}

/// Runs what reads files beside the tasks that wait.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(LoadError::Crashed {
            path: path.display().to_string(),
            why: error.to_string(),
        })
    })
}

#[cfg(test)]
mod tests;
