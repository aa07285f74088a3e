//! How well questions are answered: vectors, words, and both, on the documents of the packages that this workspace is
//! built from.
//!
//! ```console
//! $ cargo run --release -p rag-ingest --example retrieval
//! $ cargo run --release -p rag-ingest --example retrieval -- --model FOLDER     the sentence model too
//! $ cargo run --release -p rag-ingest --example retrieval -- --missed           which questions find no answer
//! $ cargo run --release -p rag-ingest --example retrieval -- --fusions          other ways to fuse the two rankings
//! ```
//!
//! `--fusions` scores each half of the questions by itself, every second one in each, so that what is chosen by one half
//! can be told by the other.

use std::collections::HashMap;
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
    /// Score reciprocal rank fusion with other constants, depths and weights.
    #[arg(long)]
    fusions: bool,
}

/// How two rankings are fused: a hit at rank r of the vectors counts weight / (constant + r), one of the words
/// 1 / (constant + r), and what lies deeper does not count.
#[derive(Clone, Copy)]
struct Fusion {
    constant: f64,
    weight: f64,
    depth: usize,
}

/// The chunks of each ranking for a question, and which of them answer it.
struct Rankings {
    vector: Vec<i64>,
    keyword: Vec<i64>,
    answers: Vec<i64>,
}

impl Rankings {
    fn rank(&self, fusion: Fusion) -> Option<usize> {
        let mut scores: HashMap<i64, f64> = HashMap::new();
        for (ranking, weight) in [(&self.vector, fusion.weight), (&self.keyword, 1.0)] {
            for (index, chunk) in ranking.iter().take(fusion.depth).enumerate() {
                *scores.entry(*chunk).or_default() +=
                    weight / (fusion.constant + (index + 1) as f64);
            }
        }
        let mut fused: Vec<_> = scores.into_iter().collect();
        fused.sort_by(|(a, first), (b, second)| second.total_cmp(first).then(a.cmp(b)));
        let found = fused
            .iter()
            .take(10)
            .position(|(chunk, _)| self.answers.contains(chunk));
        found.map(|index| index + 1)
    }
}

/// Both rankings of each question, as deep as they are fused.
async fn rankings(searcher: &Searcher) -> Result<Vec<Rankings>> {
    let mut all = Vec::new();
    for question in questions::all() {
        let mut of_question = Rankings {
            vector: Vec::new(),
            keyword: Vec::new(),
            answers: Vec::new(),
        };
        for mode in [Mode::Vector, Mode::Keyword] {
            let query = Query {
                mode,
                limit: 200,
                ..Query::new(question.question)
            };
            for hit in searcher.search("default", &query).await? {
                let ranking = match mode {
                    Mode::Vector => &mut of_question.vector,
                    _ => &mut of_question.keyword,
                };
                ranking.push(hit.chunk);
                if question.is_answered_by(&hit.path, &hit.text) {
                    of_question.answers.push(hit.chunk);
                }
            }
        }
        all.push(of_question);
    }
    Ok(all)
}

async fn try_fusions(searcher: &Searcher) -> Result<()> {
    let all = rankings(searcher).await?;
    for depth in [20, 50, 100, 200] {
        for constant in [2.0, 5.0, 10.0, 20.0, 60.0] {
            for weight in [0.3, 0.5, 0.7, 1.0, 1.4, 2.0] {
                let fusion = Fusion {
                    constant,
                    weight,
                    depth,
                };
                let half = |odd: usize| {
                    let ranks = all
                        .iter()
                        .skip(odd)
                        .step_by(2)
                        .map(|rankings| rankings.rank(fusion));
                    Score::of(&ranks.collect::<Vec<_>>())
                };
                println!(
                    "    depth {depth}, constant {constant}, weight {weight}: {} | {}",
                    half(0),
                    half(1)
                );
            }
        }
    }
    Ok(())
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
        if options.fusions {
            try_fusions(&searcher).await?;
        }
    }
    Ok(())
}
