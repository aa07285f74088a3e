//! What the program needs for many small files: time, memory, statements; and once more when nothing has changed.
//!
//! ```console
//! $ cargo build --release -p rag-ingest
//! $ cargo run --release -p rag-ingest --example corpus -- /tmp/small --small 10000
//! $ cargo run --release -p rag-ingest --example growth -- /tmp/small
//! $ DATABASE_URL=postgres://me@db/postgres cargo run --release -p rag-ingest --example growth -- /tmp/small --postgres
//! ```
//!
//! Memory is the most that the process had in it (`VmHWM`). Statements are those that PostgreSQL ran meanwhile, by
//! `pg_stat_statements`, which the server must have loaded.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use durable_tests::store::Store;
use sqlx::{Connection as _, PgConnection};

#[derive(Parser)]
struct Options {
    /// The files.
    folder: PathBuf,
    /// Into PostgreSQL, on the server that DATABASE_URL names.
    #[arg(long)]
    postgres: bool,
    /// How many files are worked on at once.
    #[arg(long, default_value_t = 4)]
    workers: u32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let store = if options.postgres {
        Store::postgres().await
    } else {
        Store::sqlite()
    };
    for name in ["first run", "nothing changed", "nothing changed"] {
        let before = statements(&store).await?;
        let (seconds, peak, summary) = run(&options, &store)?;
        let after = statements(&store).await?;
        let count = |what: &str| {
            summary
                .get(what)
                .and_then(serde_json::Value::as_u64)
                .unwrap_or_default()
        };
        let files = count("discovered");
        print!(
            "{name}: {files} files, {} ingested, {} unchanged; {seconds:.2} s, {:.0} files/s, {peak:.0} MB",
            count("ingested"),
            count("unchanged"),
            files as f64 / seconds
        );
        match before.zip(after) {
            Some((before, after)) => println!(", {} statements", after - before),
            None => println!(),
        }
    }
    Ok(())
}

/// Runs the program to its end; gives seconds, the most memory it had in MB, and its summary.
fn run(options: &Options, store: &Store) -> Result<(f64, f64, serde_json::Value)> {
    let example = std::env::current_exe()?;
    let folder = example
        .ancestors()
        .nth(2)
        .context("examples lie below the programs")?;
    let begun = Instant::now();
    let mut child = Command::new(folder.join("rag-ingest"))
        .arg("ingest")
        .arg(&options.folder)
        .args([
            "--json",
            "--progress",
            "off",
            "--workers",
            &options.workers.to_string(),
            "--db",
            store.url(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("build the program first: cargo build --release -p rag-ingest")?;
    let mut peak = 0.0;
    while child.try_wait()?.is_none() {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        peak = kibibytes.map_or(peak, |kibibytes| kibibytes * 1024.0 / 1e6);
        std::thread::sleep(Duration::from_millis(20));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "the program failed: {}",
        output.status
    );
    Ok((seconds, peak, serde_json::from_slice(&output.stdout)?))
}

/// How many statements the database has run, if the server counts them.
async fn statements(store: &Store) -> Result<Option<i64>> {
    if !store.is_postgres() {
        return Ok(None);
    }
    let mut connection = PgConnection::connect(store.url()).await?;
    let made = sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        .execute(&mut connection)
        .await;
    if made.is_err() {
        return Ok(None);
    }
    let counted = sqlx::query_scalar(
        "SELECT COALESCE(SUM(calls), 0)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname = current_database()",
    )
    .fetch_one(&mut connection)
    .await;
    Ok(counted.ok())
}
