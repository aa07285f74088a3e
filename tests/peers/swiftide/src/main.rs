//! Ingests a folder of Markdown and text files as Swiftide's documentation shows: load, chunk, embed, store in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use async_trait::async_trait;
use clap::{Parser, ValueEnum};
use rag_ingest::embed::{Embedder, HashEmbedder, MiniLm, StaticEmbedder};
use swiftide_core::chat_completion::errors::LanguageModelError;
use swiftide_core::{EmbeddingModel, Embeddings};
use swiftide_indexing::Pipeline;
use swiftide_indexing::loaders::FileLoader;
use swiftide_indexing::persist::MemoryStorage;
use swiftide_indexing::transformers::{ChunkMarkdown, Embed};

#[derive(Parser)]
struct Options {
    /// The documents.
    folder: PathBuf,
    /// The model.
    #[arg(long, value_enum, default_value = "builtin")]
    embedder: Kind,
    /// How many files or batches are worked on at once; as it comes, if not given.
    #[arg(long)]
    workers: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// The table that is part of rag-ingest.
    Builtin,
    /// Hashes, which take no time.
    Hash,
    /// The sentence model in the folder that RAG_INGEST_MINILM names.
    Minilm,
}

/// A model of rag-ingest.
#[derive(Clone)]
struct Model(Arc<dyn Embedder>);

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Model").field(&self.0.id()).finish()
    }
}

#[async_trait]
impl EmbeddingModel for Model {
    async fn embed(&self, input: Vec<String>) -> Result<Embeddings, LanguageModelError> {
        let model = Arc::clone(&self.0);
        let made = tokio::task::spawn_blocking(move || {
            let texts: Vec<&str> = input.iter().map(String::as_str).collect();
            model.embed(&texts)
        });
        let made = made.await.map_err(LanguageModelError::permanent)?;
        made.map_err(LanguageModelError::permanent)
    }
}

fn model(kind: Kind) -> Result<Model> {
    Ok(Model(match kind {
        Kind::Builtin => Arc::new(StaticEmbedder::builtin().clone()),
        Kind::Hash => Arc::new(HashEmbedder::new(64)),
        Kind::Minilm => {
            let folder = std::env::var_os("RAG_INGEST_MINILM").unwrap_or_default();
            Arc::new(MiniLm::open(Path::new(&folder))?)
        }
    }))
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let begun = Instant::now();
    let storage = MemoryStorage::default();
    let loader = FileLoader::new(&options.folder).with_extensions(&["md", "markdown", "txt"]);
    let mut pipeline = Pipeline::from_loader(loader);
    if let Some(workers) = options.workers {
        pipeline = pipeline.with_concurrency(workers);
    }
    pipeline
        // Chunks of rag-ingest have at most 200 word pieces, which are some 800 characters.
        .then_chunk(ChunkMarkdown::from_chunk_range(100..800))
        .then_in_batch(Embed::new(model(options.embedder)?).with_batch_size(128))
        .then_store_with(storage.clone())
        .run()
        .await?;
    let seconds = begun.elapsed().as_secs_f64();
    let nodes = storage.get_all_values().await;
    let files: std::collections::BTreeSet<_> = nodes.iter().map(|node| &node.path).collect();
    let bytes: u64 = files
        .iter()
        .filter_map(|path| Some(std::fs::metadata(path).ok()?.len()))
        .sum();
    println!(
        "{} files, {:.2} MB, {} chunks in {seconds:.2} s: {:.0} files/s, {:.2} MB/s",
        files.len(),
        bytes as f64 / 1e6,
        nodes.len(),
        files.len() as f64 / seconds,
        bytes as f64 / 1e6 / seconds
    );
    Ok(())
}
