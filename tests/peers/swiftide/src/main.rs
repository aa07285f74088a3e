//! Ingests a folder of Markdown and text files with Swiftide: load, split, embed; what comes of it stays in memory.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use async_trait::async_trait;
use clap::Parser;
use swiftide::chat_completion::errors::LanguageModelError;
use swiftide::indexing::loaders::FileLoader;
use swiftide::indexing::persist::MemoryStorage;
use swiftide::indexing::transformers::{ChunkMarkdown, Embed};
use swiftide::indexing::{EmbeddedField, Pipeline};
use swiftide::traits::EmbeddingModel;
use swiftide::Embeddings;

const KINDS: [&str; 3] = ["md", "markdown", "txt"];
/// As many characters as a chunk of rag-ingest has at most: 200 word pieces of about four. Swiftide counts characters.
const CHUNK: usize = 800;
/// Chunks that are embedded at once, as rag-ingest has it.
const BATCH: usize = 128;

/// Ingests a folder and prints how fast that was.
#[derive(Debug, Parser)]
struct Options {
    /// The documents.
    folder: PathBuf,
    /// How many chunks or batches are worked on at once; as many as there are processors unless given.
    #[arg(long)]
    workers: Option<usize>,
}

/// Hashes, which take no time.
#[derive(Debug, Clone)]
struct Hash;

#[async_trait]
impl EmbeddingModel for Hash {
    async fn embed(&self, input: Vec<String>) -> Result<Embeddings, LanguageModelError> {
        let vector = |text: String| {
            let mut bytes = [0; 64];
            blake3::Hasher::new()
                .update(text.as_bytes())
                .finalize_xof()
                .fill(&mut bytes);
            bytes.iter().map(|byte| f32::from(*byte) / 128.0 - 1.0).collect()
        };
        Ok(input.into_iter().map(vector).collect())
    }
}

/// How many files of these kinds a folder has, and their bytes.
fn size_of(folder: &Path) -> Result<(usize, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() {
            let (below, size) = size_of(&path)?;
            files += below;
            bytes += size;
        } else if kind.is_some_and(|kind| KINDS.contains(&kind)) {
            files += 1;
            bytes += std::fs::metadata(&path)?.len();
        }
    }
    Ok((files, bytes))
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let (files, bytes) = size_of(&options.folder)?;
    let begun = Instant::now();
    let storage = MemoryStorage::default();
    let mut pipeline = Pipeline::from_loader(FileLoader::new(&options.folder).with_extensions(&KINDS));
    if let Some(workers) = options.workers {
        pipeline = pipeline.with_concurrency(workers);
    }
    pipeline
        .then_chunk(ChunkMarkdown::from_max_characters(CHUNK))
        .then_in_batch(Embed::new(Hash).with_batch_size(BATCH))
        .then_store_with(storage.clone())
        .run()
        .await?;
    let seconds = begun.elapsed().as_secs_f64();
    let nodes = storage.get_all_values().await;
    let is_whole = nodes.iter().all(|node| {
        let vectors = node.vectors.as_ref();
        vectors.is_some_and(|vectors| vectors.contains_key(&EmbeddedField::Combined))
    });
    ensure!(is_whole, "a chunk has no vector");
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{files} files, {megabytes:.2} MB, {} chunks in {seconds:.2} s: {:.0} files/s, {:.2} MB/s",
        nodes.len(),
        files as f64 / seconds,
        megabytes / seconds
    );
    Ok(())
}
