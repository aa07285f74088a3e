//! Makes a folder of documents to measure with.
//!
//! ```console
//! $ cargo run --release -p rag-ingest --example corpus -- FOLDER --real 2000      documents of the packages cargo has fetched
//! $ cargo run --release -p rag-ingest --example corpus -- FOLDER --real 1000 --text
//! $ cargo run --release -p rag-ingest --example corpus -- FOLDER --small 10000    short texts, each another one
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{ArgGroup, Parser};
use durable_tests::corpus;

/// Small files in a folder.
const A_FOLDER: u64 = 500;

#[derive(Parser)]
#[command(group = ArgGroup::new("kind").required(true))]
struct Options {
    /// Where to.
    folder: PathBuf,
    /// How many documents (Markdown, text, HTML, PDF; up to 24 KiB) of the packages that cargo keeps on this machine.
    #[arg(long, group = "kind")]
    real: Option<usize>,
    /// Of them only Markdown and text, which every program reads.
    #[arg(long, requires = "real")]
    text: bool,
    /// How many short texts.
    #[arg(long, group = "kind")]
    small: Option<u64>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    fs::create_dir_all(&options.folder)?;
    if let Some(count) = options.real {
        if options.text {
            corpus::copy_of_kinds(&options.folder, count, &["md", "markdown", "txt"]);
        } else {
            corpus::copy(&options.folder, count);
        }
    }
    for number in 0..options.small.unwrap_or_default() {
        small(&options.folder, number)?;
    }
    let (files, bytes) = size_of(&options.folder)?;
    println!("{files} files, {:.2} MB", bytes as f64 / 1e6);
    Ok(())
}

fn small(folder: &Path, number: u64) -> Result<()> {
    let folder = folder.join(format!("{:05}", number / A_FOLDER));
    if number.is_multiple_of(A_FOLDER) {
        fs::create_dir_all(&folder)?;
    }
    let text = format!(
        "# Note {number}\n\nThis is note number {number}. It says that {} follows {number}, and that nothing else is in it.\n",
        number + 1
    );
    fs::write(folder.join(format!("note-{number:07}.md")), text)?;
    Ok(())
}

fn size_of(folder: &Path) -> Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_dir() {
            let (below, size) = size_of(&entry.path())?;
            files += below;
            bytes += size;
        } else {
            files += 1;
            bytes += meta.len();
        }
    }
    Ok((files, bytes))
}
