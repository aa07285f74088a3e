//! How well questions are answered: vectors, words, and both, on the documents of the packages that this workspace is
//! built from.
//!
//! ```console
//! $ cargo run --release -p rag-ingest --example retrieval
//! $ cargo run --release -p rag-ingest --example retrieval -- --model FOLDER     the sentence model too
//! $ cargo run --release -p rag-ingest --example retrieval -- --missed           which questions find no answer
//! ```

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use durable_tests::questions::{self, Score};
use durable_tests::scratch::Scratch;
use rag_ingest::collection::Collection;
use rag_ingest::discover::Rules;
use rag_ingest::loader::Limits;
use rag_ingest::pipeline::EmbedderChoice;
use rag_ingest::progress::Progress;
use rag_ingest::run::{IngestOptions, ingest};
use rag_ingest::search::{Mode, Query, Searcher};
use rag_ingest::workflow::MaxDelete;

#[derive(Parser)]
struct Options {
    /// The folder of the sentence model, else that in RAG_INGEST_MINILM.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Name the questions whose answer is not among the first ten hits.
    #[arg(long)]
    missed: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let scratch = Scratch::new();
    let folder = scratch.file("documents");
    questions::copy_documents(&folder);
    let mut models = vec![("builtin", EmbedderChoice::Builtin)];
    let named = std::env::var_os("RAG_INGEST_MINILM").map(PathBuf::from);
    let minilm = options.model.or(named);
    models.extend(minilm.map(|model| ("minilm", EmbedderChoice::MiniLm(model))));
    for (name, embedder) in models {
        let db = format!("sqlite://{}", scratch.file(name).display());
        let begun = Instant::now();
        let summary = ingest(IngestOptions {
            roots: vec![folder.clone()],
            db: db.clone(),
            collection: "default".to_owned(),
            embedder: embedder.clone(),
            budget_micros: None,
            rules: Rules::default(),
            workers: 2,
            limits: Limits::default(),
            isolate: false,
            max_delete: MaxDelete::default(),
            progress: Progress::hidden(),
        })
        .await?;
        println!(
            "{name}: {} documents, {} chunks, ingested in {:.1} s",
            summary.ingested,
            summary.chunks,
            begun.elapsed().as_secs_f64()
        );
        let searcher = Searcher::new(Collection::open(&db).await?, embedder.open()?);
        for mode in [Mode::Vector, Mode::Keyword, Mode::Hybrid] {
            let mut ranks = Vec::new();
            for question in questions::all() {
                let query = Query {
                    mode,
                    limit: 10,
                    ..Query::new(question.question)
                };
                let hits = searcher.search("default", &query).await?;
                let answer = hits
                    .iter()
                    .position(|hit| question.is_answered_by(&hit.path, &hit.text));
                if options.missed && answer.is_none() {
                    println!("    {mode:?} misses: {}", question.question);
                }
                ranks.push(answer.map(|index| index + 1));
            }
            println!("  {mode:?}: {}", Score::of(&ranks));
        }
    }
    Ok(())
}
