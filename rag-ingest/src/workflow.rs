//! The durable workflows: one for a run, one for each page of its files, one for each file.
//!
//! `ingest_collection`: open → discover, a step for each page → a child for each page → sweep → index.
//! `ingest_page`: what the page has to do → a child on the queue for each file → their outcomes.
//! `ingest_file`: load → chunk → embed, a step for each batch → save, in one transaction.
//! `retry_collection`: what failed and is due → a fork of each file's workflow from the step that failed → index.
//!
//! The state of a run is in the document table, a row for each file; no checkpoint grows with the tree.

pub(crate) mod clock;
mod collection;
mod failure;
mod file;
mod index;
mod page;
mod report;
mod retry;

use durable_runtime::Queue;

pub use self::collection::{MaxDelete, RunRequest, ingest_collection, ingest_plainly};
pub use self::failure::IngestError;
pub use self::file::{FileOutcome, FileRequest, ingest_file};
pub use self::page::{PageReport, PageRequest, ingest_page};
pub use self::report::RunReport;
pub use self::retry::{RetryRequest, retry_collection};

/// The queue of files. How many are worked on at once is set when the runtime is opened.
pub const FILES: Queue = Queue::new("rag_ingest_files");

/// The queue of runs that are begun in one process and done in another, one at a time for each collection.
pub const RUNS: Queue = Queue::new("rag_ingest_runs").partition_concurrency(1);

/// Changes when runs of an older program can no longer go on in this one. They are left alone then; what they did not
/// finish is found again, since a run looks at the collection and not at earlier runs.
pub const VERSION: &str = "rag-ingest-5";

/// What workflows are bound to: this program with one pipeline. Of several workers on a database each takes only what
/// it does as the run was begun.
pub(crate) fn version_of(fingerprint: &str) -> String {
    format!("{VERSION}.{}", fingerprint.get(..16).unwrap_or(fingerprint))
}

/// The workflow that does one piece of work: a version of a document, by one pipeline, in one attempt. Within a run
/// the same work is done once; another run never takes an old workflow's word for it.
pub(crate) fn work_id(
    run: &str,
    (source, path): (i64, &str),
    hash: &str,
    fingerprint: &str,
    attempt: i64,
) -> String {
    let work = format!("{source}\0{path}\0{hash}\0{fingerprint}\0{attempt}");
    let digest = blake3::hash(work.as_bytes()).to_hex();
    format!("{run}.{}", digest.get(..16).unwrap_or(&digest))
}

/// Runs what computes or reads files beside the tasks that wait. A panic in it, as a parser of a broken file may have,
/// is an error of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, IngestError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| IngestError::Failed {
            message: format!(
                "the program stumbled over this file ({error}); leave it out, and report it"
            ),
        })
}

#[cfg(test)]
mod tests {
    use super::work_id;

    #[test]
    fn a_file_that_goes_back_to_an_older_version_is_other_work() {
        let work = |hash, attempt| work_id("run", (1, "a.txt"), hash, "f", attempt);
        assert_eq!(work("a", 1), work("a", 1));
        assert_ne!(work("a", 1), work("b", 2));
        assert_ne!(work("a", 1), work("a", 3));
        assert_ne!(work("a", 1), work_id("run", (1, "b.txt"), "a", "f", 1));
        assert_ne!(work("a", 1), work_id("next", (1, "a.txt"), "a", "f", 1));
    }
}
