//! How long a search takes in a collection of so many chunks, made of words and vectors by chance.
//!
//! ```console
//! $ cargo run --release -p rag-ingest --example latency -- --chunks 100000
//! $ cargo run --release -p rag-ingest --example latency -- --chunks 100000 --db postgres://me@db/bench
//! ```
//!
//! The words are as frequent as in texts (the n-th most frequent is one in n), the vectors have 256 numbers as those
//! of the built-in model. The database must be empty, or one that an earlier call has filled; a SQLite file is made in a
//! temporary folder unless given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use durable_tests::scratch::Scratch;
use rag_ingest::collection::Collection;
use rag_ingest::embed::{EmbedError, Embedder};
use rag_ingest::search::{Filter, Mode, Query, Searcher};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

const DIMENSION: usize = 256;
/// Chunks of one document.
const A_DOCUMENT: u64 = 50;
/// Words in a chunk, and different words in all.
const A_CHUNK: u64 = 120;
const WORDS: u64 = 50_000;

#[derive(Parser)]
struct Options {
    /// How many chunks.
    #[arg(long, default_value_t = 100_000)]
    chunks: u64,
    /// How many questions, for each figure.
    #[arg(long, default_value_t = 200)]
    questions: u64,
    /// The database.
    #[arg(long)]
    db: Option<String>,
}

/// Numbers by chance, the same each time.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let mixed = (self.0 >> 33) ^ self.0;
        mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 16
    }

    fn unit(&mut self) -> f64 {
        (self.next() % (1 << 40)) as f64 / (1_u64 << 40) as f64
    }

    /// A word: the n-th most frequent one in n.
    fn word(&mut self) -> String {
        let rank = (WORDS as f64).powf(self.unit()) as u64;
        format!("w{rank:x}")
    }

    fn text(&mut self, words: u64) -> String {
        let words: Vec<_> = (0..words).map(|_| self.word()).collect();
        words.join(" ")
    }

    /// A vector of length one. Texts come in topics, so vectors have neighbours.
    fn vector(&mut self, topic: u64) -> Vec<f32> {
        let mut center = Chance(topic.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut vector: Vec<f32> = (0..DIMENSION)
            .map(|_| (center.unit() - 0.5 + 0.8 * (self.unit() - 0.5)) as f32)
            .collect();
        rag_ingest::embed::normalise(&mut vector);
        vector
    }
}

/// A model that gives each question another vector.
struct ByChance;

impl Embedder for ByChance {
    fn id(&self) -> &str {
        "chance"
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let seed = |text: &&str| {
            text.bytes()
                .fold(7_u64, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte))
        };
        Ok(texts
            .iter()
            .map(|text| Chance(seed(text)).vector(seed(text) % 500))
            .collect())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let scratch = Scratch::new();
    let db = options.db.clone().unwrap_or_else(|| scratch.sqlite_url());
    let collection = Collection::open(&db).await?;
    let begun = Instant::now();
    if collection.stats("default").await?.chunks == 0 {
        fill(&db, options.chunks).await?;
        let took = begun.elapsed();
        println!("{} chunks written in {took:.1?}", options.chunks);
    }
    let searcher = Searcher::new(collection.clone(), Arc::new(ByChance));
    let begun = Instant::now();
    let index = collection.index_vectors(searcher.model(), 10_000).await?;
    println!("vectors are {index}; that took {:.1?}", begun.elapsed());

    let begun = Instant::now();
    searcher.search("default", &Query::new("w1")).await?;
    println!("the first search of a process: {:.1?}", begun.elapsed());
    for (name, mode, filter) in [
        ("vector", Mode::Vector, Filter::default()),
        ("keyword", Mode::Keyword, Filter::default()),
        ("hybrid", Mode::Hybrid, Filter::default()),
        (
            "hybrid, one document in a hundred",
            Mode::Hybrid,
            Filter {
                paths: vec!["*7.txt".to_owned()],
                from_ns: Some(90),
                ..Filter::default()
            },
        ),
    ] {
        let mut chance = Chance(42);
        let mut times = Vec::new();
        for _ in 0..options.questions {
            // As people ask: some words that stand everywhere, some that do not.
            let query = Query {
                mode,
                filter: filter.clone(),
                ..Query::new(chance.text(6))
            };
            let begun = Instant::now();
            let hits = searcher.search("default", &query).await?;
            times.push(begun.elapsed());
            if hits.is_empty() && mode != Mode::Keyword && filter == Filter::default() {
                bail!("`{}` found nothing", query.question);
            }
        }
        times.sort();
        let at = |share: f64| -> Duration {
            let index = (times.len() as f64 * share) as usize;
            times
                .get(index.min(times.len() - 1))
                .copied()
                .unwrap_or_default()
        };
        println!("{name}: p50 {:.1?}, p99 {:.1?}", at(0.5), at(0.99));
    }
    Ok(())
}

type Chunk = (i64, i64, i64, String, Vec<u8>);

/// Chunks with the numbers of their document and their place in it.
fn chunks(count: u64) -> impl Iterator<Item = Chunk> {
    let mut chance = Chance(1);
    (0..count).map(move |number| {
        let document = number / A_DOCUMENT;
        let vector = chance.vector(document % 500);
        let bytes = vector
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let text = chance.text(A_CHUNK);
        (
            number as i64 + 1,
            document as i64 + 1,
            (number % A_DOCUMENT) as i64,
            text,
            bytes,
        )
    })
}

const DOCUMENTS: &str = "
    INSERT INTO rag_documents (id, collection, source_id, path, content_hash, file_hash, model, kind, chunks, size,
        mtime_ns, seen_run, seen_ms, status)
    SELECT n, 'default', 1, n || '.txt', 'hash', 'hash', 'chance/256', 'text', 50, 1, n % 100, '', 0, 'saved' FROM ";

async fn fill(db: &str, count: u64) -> Result<()> {
    let documents = count.div_ceil(A_DOCUMENT);
    let first =
        "INSERT INTO rag_sources (id, collection, name, location) VALUES (1, 'default', 'r', '/r');
         INSERT INTO rag_models (id, name, dimension) VALUES (1, 'chance/256', 256);";
    if db.starts_with("sqlite") {
        let mut connection = SqliteConnection::connect(db).await?;
        let numbers = format!(
            "(WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < {documents}) SELECT n FROM c)"
        );
        let sql = format!("BEGIN; {first} {DOCUMENTS}{numbers};");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        for (id, document, ordinal, text, vector) in chunks(count) {
            sqlx::query("INSERT INTO rag_vectors (id, model_id, text_key, vector) VALUES ($1, 1, CAST($1 AS TEXT), $2)")
                .bind(id)
                .bind(vector)
                .execute(&mut connection)
                .await?;
            sqlx::query(
                "INSERT INTO rag_chunks (id, document_id, ordinal, start_byte, end_byte, tokens, heading, text, vector_id)
                 VALUES ($1, $2, $3, 0, 0, 1, '[]', $4, $1)",
            )
            .bind(id)
            .bind(document)
            .bind(ordinal)
            .bind(text)
            .execute(&mut connection)
            .await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
        return Ok(());
    }
    let mut connection = PgConnection::connect(db)
        .await
        .context("the database must exist, and be empty")?;
    let sql = format!("{first} {DOCUMENTS}generate_series(1, {documents}) n;");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    let mut all = chunks(count);
    loop {
        let part: Vec<Chunk> = all.by_ref().take(1000).collect();
        if part.is_empty() {
            break;
        }
        let ids: Vec<i64> = part.iter().map(|chunk| chunk.0).collect();
        let documents: Vec<i64> = part.iter().map(|chunk| chunk.1).collect();
        let ordinals: Vec<i64> = part.iter().map(|chunk| chunk.2).collect();
        let texts: Vec<&str> = part.iter().map(|chunk| chunk.3.as_str()).collect();
        let vectors: Vec<&[u8]> = part.iter().map(|chunk| chunk.4.as_slice()).collect();
        sqlx::query(
            "INSERT INTO rag_vectors (id, model_id, text_key, vector)
             SELECT id, 1, id::text, vector FROM unnest($1::int8[], $2::bytea[]) t(id, vector)",
        )
        .bind(&ids)
        .bind(&vectors)
        .execute(&mut connection)
        .await?;
        sqlx::query(
            "INSERT INTO rag_chunks (id, document_id, ordinal, start_byte, end_byte, tokens, heading, text, vector_id)
             SELECT id, document, ordinal, 0, 0, 1, '[]', text, id
             FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[]) t(id, document, ordinal, text)",
        )
        .bind(&ids)
        .bind(documents)
        .bind(ordinals)
        .bind(texts)
        .execute(&mut connection)
        .await?;
    }
    sqlx::raw_sql("DROP TABLE IF EXISTS rag_embeddings; ANALYZE")
        .execute(&mut connection)
        .await?;
    // The next one that opens the database gives the vectors to the extension, if there is one.
    Collection::open(db).await?.close().await;
    Ok(())
}
