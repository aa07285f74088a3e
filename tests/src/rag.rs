//! `rag-ingest` under test: its runs, its log of steps, and what it leaves in the database.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;

use crate::program;
use crate::store::Store;

/// One ingestion: a folder, a database, and the log of everything that began.
pub struct Ingestion<'t> {
    pub program: PathBuf,
    pub folder: &'t Path,
    pub store: &'t Store,
    pub log: PathBuf,
    /// How many files are worked on at once, if it matters.
    pub workers: Option<u32>,
}

impl<'t> Ingestion<'t> {
    pub fn new(folder: &'t Path, store: &'t Store, log: PathBuf) -> Self {
        Self {
            program: program::path("rag-ingest"),
            folder,
            store,
            log,
            workers: None,
        }
    }

    /// Makes the folder with some files (name and text) in it, and ingests it.
    ///
    /// # Panics
    ///
    /// When the folder is there already, or the program prints no summary.
    pub fn of_files(
        folder: &'t Path,
        files: &[(&str, &str)],
        store: &'t Store,
        log: PathBuf,
    ) -> Self {
        std::fs::create_dir(folder).expect("a new folder is made");
        for (name, text) in files {
            std::fs::write(folder.join(name), text).expect("a file is written");
        }
        let ingestion = Self::new(folder, store, log);
        ingestion.run();
        ingestion
    }

    /// The command, not yet started.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("ingest")
            .arg(self.folder)
            .args(["--json", "--db", self.store.url()]);
        command.arg("--log").arg(&self.log).stdin(Stdio::null());
        if let Some(workers) = self.workers {
            command.args(["--workers", &workers.to_string()]);
        }
        command
    }

    pub fn start(&self) -> Child {
        self.command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("rag-ingest starts")
    }

    /// Runs it to its end and gives its exit code and its summary.
    ///
    /// # Panics
    ///
    /// When it prints no summary.
    pub fn run(&self) -> (i32, Json) {
        summary(&self.command().output().expect("rag-ingest starts"))
    }

    pub fn search(&self, question: &str) -> Vec<Json> {
        let output = Command::new(&self.program)
            .args([
                "search",
                question,
                "--json",
                "-k",
                "10",
                "--db",
                self.store.url(),
            ])
            .output()
            .expect("rag-ingest starts");
        assert!(
            output.status.success(),
            "search failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("search prints a JSON list")
    }

    /// The steps that began, in order: workflow id, position and name.
    ///
    /// # Panics
    ///
    /// When the log has another form than expected.
    pub fn begun(&self) -> Vec<(String, i64, String)> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        // The last line of a killed process may be cut off.
        let lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let begins = lines.filter_map(|line| {
            let line: Json = serde_json::from_str(line).expect("a line of the log is JSON");
            let fields = line.get("fields")?;
            if fields.get("message")? != "step begins" {
                return None;
            }
            let workflow = fields.get("workflow_id")?.as_str()?.to_owned();
            let step = fields.get("step")?.as_str()?.to_owned();
            Some((workflow, fields.get("position")?.as_i64()?, step))
        });
        begins.collect()
    }

    /// How many texts the model was given, in all lives.
    ///
    /// # Panics
    ///
    /// When the log has another form than expected.
    pub fn embedded(&self) -> u64 {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let counts = lines.filter_map(|line| {
            let line: Json = serde_json::from_str(line).expect("a line of the log is JSON");
            let fields = line.get("fields")?;
            (fields.get("message")? == "texts are embedded")
                .then(|| fields.get("texts")?.as_u64())?
        });
        counts.sum()
    }

    /// Runs another command on the same database; gives its exit code and what it printed as JSON.
    ///
    /// # Panics
    ///
    /// When it prints no JSON.
    pub fn command_of(&self, arguments: &[&str]) -> (i32, Json) {
        let output = Command::new(&self.program)
            .args(arguments)
            .args(["--json", "--db", self.store.url()])
            .stdin(Stdio::null())
            .output()
            .expect("rag-ingest starts");
        summary(&output)
    }

    /// Checks that the collection is whole.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn verify(&self) {
        let (code, verdicts) = self.command_of(&["verify"]);
        assert_eq!(code, 0, "{verdicts}");
    }

    /// The checkpoints that are committed: workflow id and position.
    pub async fn committed(&self) -> BTreeSet<(String, i64)> {
        let table = if self.store.is_postgres() {
            "dbos.operation_outputs"
        } else {
            "operation_outputs"
        };
        let sql = format!("SELECT workflow_uuid, function_id FROM {table}");
        let rows = self.store.rows(&sql, &[]).await;
        let pair = |row: &Json| Some((row.get(0)?.as_str()?.to_owned(), row.get(1)?.as_i64()?));
        rows.iter()
            .map(|row| pair(row).expect("a checkpoint has an id and a position"))
            .collect()
    }

    /// Everything that was ingested, in the order of paths and places, without numbers and names that differ between
    /// two runs.
    pub async fn collection(&self) -> Vec<Json> {
        let hex = if self.store.is_postgres() {
            "encode(v.vector, 'hex')"
        } else {
            "lower(hex(v.vector))"
        };
        let sql = format!(
            "SELECT d.path, d.content_hash, d.chunks, c.ordinal, c.start_byte, c.end_byte, c.heading, c.text, {hex}
             FROM rag_documents d LEFT JOIN rag_chunks c ON c.document_id = d.id
             LEFT JOIN rag_vectors v ON v.id = c.vector_id WHERE d.content_hash <> ''"
        );
        let mut rows = self.store.rows(&sql, &[]).await;
        rows.sort_by_cached_key(|row| {
            (
                row.get(0).map(Json::to_string),
                row.get(3).and_then(Json::as_i64),
            )
        });
        rows
    }
}

/// The exit code and the printed summary of a finished run.
///
/// # Panics
///
/// When it printed no summary.
pub fn summary(output: &Output) -> (i32, Json) {
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "no summary ({error}): {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    (output.status.code().unwrap_or(-1), summary)
}
