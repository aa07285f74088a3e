//! Durable document ingestion.
//!
//! The pure parts: what turns folders into files, files into text, text into chunks, and chunks into vectors.
//! None of them knows a database or a workflow; each is a function of its input and of the versions in
//! [`mod@fingerprint`].
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
pub mod discover;
#[cfg(feature = "minilm")]
pub mod distill;
pub mod document;
pub mod embed;
pub mod fingerprint;
pub mod loader;
pub mod normalise;
pub mod tokenizer;
