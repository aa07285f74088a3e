//! What durability costs: the pipeline in workflows, and the same code in the same transactions without them, by turns,
//! each time into an empty database.
//!
//! ```console
//! $ cargo run --release -p rag-ingest --example corpus -- /tmp/documents --real 2000
//! $ cargo run --release -p rag-ingest --example overhead -- /tmp/documents
//! $ DATABASE_URL=postgres://me@db/postgres cargo run --release -p rag-ingest --example overhead -- /tmp/documents --postgres
//! $ cargo run --release -p rag-ingest --example overhead -- /tmp/documents --embedder hash      without a model's time
//! ```
//!
//! Processor time is user and system time of this process, which other programs hardly move; with `--postgres` the server's
//! is not in it. A turn is measured from before the database is opened until it is closed, so the launch of the runtime is in it.
//! The last line is JSON, as the peers in `tests/peers` print it: the medians of the durable turns.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use durable_tests::store::Store;
use rag_ingest::collection::Collection;
use rag_ingest::discover::Rules;
use rag_ingest::loader::Limits;
use rag_ingest::pipeline::{EmbedderChoice, Pipeline};
use rag_ingest::progress::Progress;
use rag_ingest::run::{IngestOptions, ingest};
use rag_ingest::workflow::{MaxDelete, RunRequest, ingest_plainly};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

#[derive(Parser)]
struct Options {
    /// The documents.
    folder: PathBuf,
    /// Into PostgreSQL, on the server that DATABASE_URL names.
    #[arg(long)]
    postgres: bool,
    /// How often each is measured.
    #[arg(long, default_value_t = 5)]
    turns: u32,
    /// How many files are worked on at once.
    #[arg(long, default_value_t = 4)]
    workers: u32,
    /// The model.
    #[arg(long, value_enum, default_value = "builtin")]
    embedder: Model,
    /// Only in workflows.
    #[arg(long)]
    durable_only: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Model {
    /// The table that is part of the program.
    Builtin,
    /// Hashes, which take no time.
    Hash,
    /// The sentence model in the folder that RAG_INGEST_MINILM names.
    Minilm,
}

impl Model {
    fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Hash => "hash",
            Self::Minilm => "minilm",
        }
    }

    fn choice(self) -> EmbedderChoice {
        match self {
            Self::Builtin => EmbedderChoice::Builtin,
            Self::Hash => EmbedderChoice::Hash,
            Self::Minilm => EmbedderChoice::MiniLm(
                std::env::var_os("RAG_INGEST_MINILM")
                    .unwrap_or_default()
                    .into(),
            ),
        }
    }
}

/// What a turn did, to see that both do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    ingested: usize,
    failed: usize,
    chunks: usize,
    embedded: usize,
}

async fn store(options: &Options) -> Store {
    if options.postgres {
        Store::postgres().await
    } else {
        Store::sqlite()
    }
}

async fn durable(options: &Options, url: &str) -> Result<Done> {
    let summary = ingest(IngestOptions {
        roots: vec![options.folder.clone()],
        db: url.to_owned(),
        collection: "default".to_owned(),
        embedder: options.embedder.choice(),
        budget_micros: None,
        rules: Rules::default(),
        workers: options.workers,
        limits: Limits::default(),
        isolate: false,
        max_delete: MaxDelete::default(),
        progress: Progress::hidden(),
    })
    .await?;
    Ok(Done {
        ingested: summary.ingested,
        failed: summary.failed.len(),
        chunks: summary.chunks,
        embedded: summary.embedded,
    })
}

async fn plain(options: &Options, url: &str) -> Result<Done> {
    if !options.postgres {
        // As the runtime has it.
        SqliteConnectOptions::from_str(url)?
            .journal_mode(SqliteJournalMode::Wal)
            .connect()
            .await?;
    }
    let collection = Collection::open(url).await?;
    let embedder = options.embedder.choice().open()?;
    let pipeline = Pipeline::open(collection.clone(), embedder, Limits::default()).await?;
    let request = RunRequest {
        collection: "default".to_owned(),
        roots: vec![
            std::fs::canonicalize(&options.folder)?
                .display()
                .to_string(),
        ],
        fingerprint: pipeline.fingerprint.clone(),
        max_delete: MaxDelete::default(),
        rules: Rules::default(),
    };
    let workers = usize::try_from(options.workers)?;
    let report = ingest_plainly(&pipeline, "plain", &request, workers).await?;
    collection.close().await;
    Ok(Done {
        ingested: report.ingested,
        failed: report.failed,
        chunks: report.chunks,
        embedded: report.embedded,
    })
}

/// What a turn took, in seconds: by the clock, and of the processors.
type Took = [f64; 2];

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() {
            bytes_in(&entry.path())?
        } else {
            meta.len()
        };
    }
    Ok(bytes)
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let megabytes = bytes_in(&options.folder)? as f64 / 1e6;
    let (mut with, mut without, mut ratios) =
        <([Vec<f64>; 2], [Vec<f64>; 2], [Vec<f64>; 2])>::default();
    let mut done = None;
    for turn in 0..options.turns {
        let (mut took, mut did) = ([Took::default(); 2], [None; 2]);
        // The second one may find files in memory that the first one had to read: they take turns at being the first.
        for place in [turn % 2, (turn + 1) % 2] {
            if options.durable_only && place == 1 {
                continue;
            }
            let store = store(&options).await;
            let (begun, processor) = (Instant::now(), processor_seconds());
            let outcome = if place == 0 {
                durable(&options, store.url()).await?
            } else {
                plain(&options, store.url()).await?
            };
            let index = usize::try_from(place)?;
            if let (Some(took), Some(did)) = (took.get_mut(index), did.get_mut(index)) {
                *took = [
                    begun.elapsed().as_secs_f64(),
                    processor_seconds() - processor,
                ];
                *did = Some(outcome);
            }
        }
        let [durable, plain] = took;
        println!(
            "turn {turn}: durable {:.2} s ({:.2} s of a processor), plain {:.2} s ({:.2} s of a processor)",
            durable[0], durable[1], plain[0], plain[1]
        );
        if let [Some(one), Some(other)] = did {
            // Two files with a text in common that are worked on at once may both embed it.
            let same = |done: Done| (done.ingested, done.failed, done.chunks);
            ensure!(
                same(one) == same(other),
                "they did not do the same: {one:?}, {other:?}"
            );
        }
        done = did.into_iter().flatten().next();
        for (all, took) in [(&mut with, durable), (&mut without, plain)] {
            for (all, took) in all.iter_mut().zip(took) {
                all.push(took);
            }
        }
        for (all, (durable, plain)) in ratios.iter_mut().zip(durable.into_iter().zip(plain)) {
            all.push(durable / plain);
        }
    }
    let done = done.unwrap_or(Done {
        ingested: 0,
        failed: 0,
        chunks: 0,
        embedded: 0,
    });
    let files = done.ingested as f64;
    let rate = |name: &str, took: &mut [Vec<f64>; 2]| {
        let [seconds, processor] = took.each_mut().map(|values| median(values));
        println!(
            "{name}: {seconds:.2} s, {:.0} files/s, {:.2} MB/s, {:.2} ms of a processor a file",
            files / seconds,
            megabytes / seconds,
            processor / files * 1000.0
        );
        seconds
    };
    println!(
        "{} files, {megabytes:.2} MB, {} failed, {} chunks, {} embedded; medians of {} turns",
        done.ingested, done.failed, done.chunks, done.embedded, options.turns
    );
    let seconds = rate("durable", &mut with);
    if !options.durable_only {
        rate("plain", &mut without);
        let [clock, processor] = ratios.each_mut().map(|values| median(values));
        println!(
            "durable takes {clock:.3} times plain by the clock, {processor:.3} times of the processors"
        );
    }
    let line = json!({
        "library": "rag-ingest",
        "embedder": options.embedder.name(),
        "files": done.ingested,
        "chunks": done.chunks,
        "megabytes": megabytes,
        "seconds": seconds,
        "files_per_second": files / seconds,
        "chunks_per_second": done.chunks as f64 / seconds,
        "megabytes_per_second": megabytes / seconds,
    });
    println!("{line}");
    Ok(())
}
