//! Why a run cannot begin, or go on.

use crate::collection::CollectionError;
use crate::discover::DiscoverError;
use crate::embed::EmbedError;
use crate::workflow::IngestError;

/// Why nothing could be ingested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A root cannot be used.
    #[error("cannot ingest {root}: {why}; check the path, and that its disk is mounted")]
    Root {
        /// The root, as it was given.
        root: String,
        /// What the operating system said.
        why: String,
    },
    /// The rules name no files.
    #[error(transparent)]
    Rules(#[from] DiscoverError),
    /// The collection cannot be used.
    #[error(transparent)]
    Collection(#[from] CollectionError),
    /// The model cannot be used.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The durable runtime cannot be started, or stopped.
    #[error(transparent)]
    Durable(#[from] durable_runtime::Error),
    /// The run itself failed.
    #[error(transparent)]
    Run(#[from] IngestError),
    /// A budget was given without a price.
    #[error(
        "--budget is of no use without a price: give what a million tokens cost with --embedder-price, or leave it out"
    )]
    Budget,
    /// There is no such run.
    #[error("there is no run {run}; `rag-ingest status` tells the newest one")]
    Unknown {
        /// Its id, as it was given.
        run: String,
    },
    /// The run cannot go on, or be ended.
    #[error("the run {run} has ended ({status}); begin a new one with `rag-ingest ingest PATH`")]
    Ended {
        /// Its id.
        run: String,
        /// The state of its workflow.
        status: String,
    },
    /// The run was begun with another model, other chunks or another version of the program.
    #[error(
        "the run {run} was begun with other settings (embedder, profile or version of this program); say the same, or \
         begin a new run with `rag-ingest ingest PATH`"
    )]
    OtherSettings {
        /// Its id.
        run: String,
    },
    /// The program was asked to end.
    #[error(
        "interrupted; what is saved stays, and the same command goes on where this one stopped"
    )]
    Interrupted,
}
