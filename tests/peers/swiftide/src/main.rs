//! Ingests a folder of Markdown and text files with Swiftide's indexing pipeline: load, split, embed, store; what comes of
//! it stays in memory.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use blake2::{Blake2b512, Digest};
use clap::Parser;
use serde_json::json;
use swiftide_core::chat_completion::errors::LanguageModelError;
use swiftide_core::{EmbeddingModel, Embeddings};
use swiftide_indexing::Pipeline;
use swiftide_indexing::loaders::FileLoader;
use swiftide_indexing::persist::MemoryStorage;
use swiftide_indexing::transformers::{ChunkMarkdown, Embed};

const KINDS: [&str; 3] = ["md", "markdown", "txt"];
/// Its splitter counts characters: four are about one of the 200 word pieces of the others.
const CHUNK: usize = 800;

#[derive(Parser)]
struct Options {
    /// The files.
    folder: PathBuf,
    /// How many texts the model is asked for at once.
    #[arg(long, default_value_t = 128)]
    batch: usize,
}

/// The same hashes as in the LlamaIndex peer, which take no time.
#[derive(Debug, Clone)]
struct Hash;

#[async_trait::async_trait]
impl EmbeddingModel for Hash {
    async fn embed(&self, input: Vec<String>) -> Result<Embeddings, LanguageModelError> {
        let vector = |text: &String| {
            let digest = Blake2b512::digest(text.as_bytes());
            digest
                .iter()
                .map(|byte| f32::from(*byte) / 128.0 - 1.0)
                .collect()
        };
        Ok(input.iter().map(vector).collect())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let begun = Instant::now();
    let storage = MemoryStorage::default();
    Pipeline::from_loader(FileLoader::new(&options.folder).with_extensions(&KINDS))
        .then_chunk(ChunkMarkdown::from_max_characters(CHUNK))
        .then_in_batch(Embed::new(Hash).with_batch_size(options.batch))
        .then_store_with(storage.clone())
        .run()
        .await?;
    let seconds = begun.elapsed().as_secs_f64();

    let chunks = storage.get_all_values().await;
    ensure!(
        chunks
            .iter()
            .all(|chunk| chunk.vectors.as_ref().is_some_and(|all| all.len() == 1)),
        "a chunk has no vector"
    );
    let files: HashSet<_> = chunks.iter().map(|chunk| chunk.path.clone()).collect();
    let mut megabytes = 0.0;
    for file in &files {
        megabytes += std::fs::metadata(file)?.len() as f64 / 1e6;
    }
    let rate = |count: f64| count / seconds;
    println!(
        "{}",
        json!({
            "library": "swiftide",
            "embedder": "hash",
            "files": files.len(),
            "chunks": chunks.len(),
            "megabytes": megabytes,
            "seconds": seconds,
            "files_per_second": rate(files.len() as f64),
            "chunks_per_second": rate(chunks.len() as f64),
            "megabytes_per_second": rate(megabytes),
        })
    );
    Ok(())
}
