//! Several processes of `rag-ingest` on one database.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use durable_tests::rag::Ingestion;
use durable_tests::scratch::Scratch;

/// Every worker writes a file of its own.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// How long workers may take to come to their end.
const PATIENCE: Duration = Duration::from_secs(100);

/// Where a worker with this log writes what it has to say of errors.
fn complaints(log: &Path) -> PathBuf {
    log.with_extension("stderr")
}

/// Workers of one database. Those that still run are killed with it.
pub struct Fleet<'t> {
    program: PathBuf,
    db: String,
    arguments: Vec<String>,
    scratch: &'t Scratch,
    pub workers: Vec<Worker<'t>>,
}

/// A worker and what it wrote.
pub struct Worker<'t> {
    pub child: Child,
    pub log: Ingestion<'t>,
}

impl<'t> Fleet<'t> {
    pub fn new(ingestion: &Ingestion<'t>, scratch: &'t Scratch, arguments: &[&str]) -> Self {
        Self {
            program: ingestion.program.clone(),
            db: ingestion.store.url().to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            scratch,
            workers: Vec::new(),
        }
    }

    /// Starts one more worker.
    pub fn start(&mut self, ingestion: &Ingestion<'t>) {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = self.scratch.file(&format!("worker-{number}.log"));
        let child = Command::new(&self.program)
            .args(["worker", "--json", "--db", &self.db, "--log"])
            .arg(&log)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(complaints(&log)).unwrap())
            .spawn()
            .unwrap();
        let log = Ingestion::new(ingestion.folder, ingestion.store, log);
        self.workers.push(Worker { child, log });
    }

    pub fn is_running(&mut self, index: usize) -> bool {
        self.workers[index].child.try_wait().unwrap().is_none()
    }

    /// Kills a worker, unless it has ended; says whether it was killed.
    pub fn kill(&mut self, index: usize) -> bool {
        let is_running = self.is_running(index);
        let child = &mut self.workers[index].child;
        if is_running {
            child.kill().unwrap();
        }
        child.wait().unwrap();
        is_running
    }

    /// Asks all to end, and waits until they have.
    pub fn stop(&mut self) {
        for worker in &self.workers {
            let id = worker.child.id().to_string();
            Command::new("kill").args(["-TERM", &id]).status().unwrap();
        }
        self.wait();
    }

    /// Waits until all have ended, well unless they were killed.
    pub fn wait(&mut self) {
        let begun = Instant::now();
        for worker in &mut self.workers {
            let status = loop {
                if let Some(status) = worker.child.try_wait().unwrap() {
                    break status;
                }
                assert!(begun.elapsed() < PATIENCE, "a worker does not end");
                std::thread::sleep(Duration::from_millis(10));
            };
            let complaint = std::fs::read_to_string(complaints(&worker.log.log)).unwrap();
            assert!(
                matches!(status.code(), None | Some(0)),
                "{status}: {complaint}"
            );
        }
    }

    /// How many texts all of them embedded.
    pub fn embedded(&self) -> u64 {
        self.workers
            .iter()
            .map(|worker| worker.log.embedded())
            .sum()
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            // It may have ended already; then there is nothing to do.
            if worker.child.kill().is_ok() {
                let _status = worker.child.wait();
            }
        }
    }
}
