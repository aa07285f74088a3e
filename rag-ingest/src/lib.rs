//! Durable document ingestion.
//!
//! The pure parts turn folders into files ([`mod@discover`]), files into text ([`loader`]), text into chunks
//! ([`mod@chunk`]) and chunks into vectors ([`embed`]). None of them knows a database or a workflow; each is a
//! function of its input and of the versions in [`mod@fingerprint`]. [`workflow`] strings them together durably,
//! [`collection`] keeps the result, [`mod@search`] finds in it, [`service`] answers other programs, [`command`] is the command line.
//!
//! ```
//! use rag_ingest::{
//!     chunk::{ChunkOptions, chunk},
//!     document::Document,
//!     embed::{Embedder, StaticEmbedder},
//!     tokenizer::Tokenizer,
//! };
//!
//! let document = Document::plain("A step runs once.\n\nIts result is kept.");
//! let chunks = chunk(&document, &ChunkOptions::default(), Tokenizer::builtin());
//! let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text(&document)).collect();
//! let vectors = StaticEmbedder::builtin().embed(&texts)?;
//! assert_eq!(vectors.len(), chunks.len());
//! # Ok::<(), rag_ingest::embed::EmbedError>(())
//! ```

pub mod chunk;
pub mod collection;
pub mod command;
mod desk;
pub mod discover;
#[cfg(feature = "minilm")]
pub mod distill;
pub mod document;
pub mod embed;
pub mod fingerprint;
pub mod loader;
pub mod normalise;
pub mod pipeline;
pub mod profile;
pub mod progress;
pub mod run;
pub mod search;
pub mod service;
pub mod status;
pub mod tokenizer;
pub mod workflow;

/// The examples of the documents are programs, too.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../docs/embedders.md")]
    struct Embedders;
}
