//! What a run is asked for.

use std::path::PathBuf;

use crate::discover::Rules;
use crate::loader::Limits;
use crate::pipeline::EmbedderChoice;
use crate::progress::Progress;
use crate::workflow::MaxDelete;

/// What to ingest, and where to.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Folders and files.
    pub roots: Vec<PathBuf>,
    /// The database.
    pub db: String,
    /// The collection.
    pub collection: String,
    /// The model.
    pub embedder: EmbedderChoice,
    /// How many files are worked on at once.
    pub workers: u32,
    /// How many documents may be taken out since their files are gone.
    pub max_delete: MaxDelete,
    /// The most that embedding may cost, in millionths of the price's currency. What waits then is taken by the next
    /// run.
    pub budget_micros: Option<i64>,
    /// Which files of the folders are meant.
    pub rules: Rules,
    /// How much one file may ask for.
    pub limits: Limits,
    /// Whether risky formats are read in processes of their own. They are processes of this program, so its `main` must
    /// be [`crate::command::main`].
    pub isolate: bool,
    /// Where progress is shown.
    pub progress: Progress,
}

/// Which failed files to try again.
#[derive(Debug, Clone)]
pub struct RetryOptions {
    /// The database.
    pub db: String,
    /// The collection.
    pub collection: String,
    /// The model.
    pub embedder: EmbedderChoice,
    /// How many files are worked on at once.
    pub workers: u32,
    /// Also those whose time has not come.
    pub now: bool,
    /// Also those that failed too often, or that only another program can read.
    pub all: bool,
    /// The most that embedding may cost, in millionths of the price's currency. What waits then is taken by the next
    /// run.
    pub budget_micros: Option<i64>,
    /// How much one file may ask for.
    pub limits: Limits,
    /// Whether risky formats are read in processes of their own. They are processes of this program, so its `main` must
    /// be [`crate::command::main`].
    pub isolate: bool,
    /// Where progress is shown.
    pub progress: Progress,
}
