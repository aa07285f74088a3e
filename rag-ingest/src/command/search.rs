//! Finding passages.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::Shared;
use crate::collection::Collection;
use crate::search::{Hit, Mode, Request, Searcher};

/// What `search` takes.
#[derive(Debug, Args)]
pub(super) struct Search {
    /// The question.
    #[arg(value_name = "QUESTION")]
    question: String,
    /// How many passages.
    #[arg(short = 'k', long, value_name = "N", default_value_t = 5)]
    limit: usize,
    /// What it goes by: the meaning, the words, or both.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Only files with such a path: `*.md`, `docs/**/*.rs`, or a folder. More than once: any of them.
    #[arg(long, value_name = "PATTERN")]
    path: Vec<String>,
    /// Only documents made from this: text, markdown, html, pdf, word, slides, sheets, code, ... More than once: any.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Vec<String>,
    /// Only files that were changed on this day (UTC) or later: 2026-01-31, or 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only files that were changed on this day or before.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Only what stands on these pages, slides, sheets, chapters or cells: 7, or 3-9.
    #[arg(long, value_name = "PAGES")]
    pages: Option<String>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// Prints the passages that answer a question.
pub(super) async fn search(options: &Search) -> Result<ExitCode> {
    let request = Request {
        question: options.question.clone(),
        collection: None,
        mode: options.mode,
        limit: Some(options.limit),
        path: options.path.clone(),
        kind: options.kind.clone(),
        since: options.since.clone(),
        until: options.until.clone(),
        pages: options.pages.clone(),
    };
    let query = request.query()?;
    let embedder = options.shared.embedding.choice()?;
    let collection = Collection::open_existing(&options.shared.db).await?;
    let embedder = embedder.open_for::<anyhow::Error>(&collection).await?;
    let searcher = Searcher::new(collection, embedder);
    let found = searcher.search(&options.shared.collection, &query).await;
    searcher.collection().close().await;
    let hits = found?;
    let stdout = std::io::stdout();
    // Marked words are bold where somebody looks.
    let marks = if stdout.is_terminal() {
        ("\u{1b}[1m", "\u{1b}[0m")
    } else {
        ("**", "**")
    };
    let mut out = stdout.lock();
    if options.shared.json {
        writeln!(out, "{}", serde_json::to_string(&hits)?)?;
    } else {
        print(&mut out, &hits, marks)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(out: &mut impl Write, hits: &[Hit], (open, close): (&str, &str)) -> std::io::Result<()> {
    if hits.is_empty() {
        return writeln!(out, "Nothing found.");
    }
    for (number, hit) in (1..).zip(hits) {
        writeln!(out, "{number}. {} ({:.4})", hit.citation, hit.score)?;
        writeln!(out, "   {}\n", hit.snippet.marked(open, close))?;
    }
    Ok(())
}
