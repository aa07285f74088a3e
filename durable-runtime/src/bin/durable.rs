//! What can be asked of a database that holds workflows, by a program that has none.

use std::process::ExitCode;

use clap::Parser;
use durable_runtime::cli::{DatabaseCommand, refused};

/// Looks at a database that holds workflows.
#[derive(Debug, Parser)]
#[command(
    name = "durable",
    version,
    after_help = "\
Examples:
  durable machines --database postgres://me@db/shop
  durable graph checkout --database sqlite://shop.db
  durable graph --of order-7 --database sqlite://shop.db

Whether the code of a program fits its recorded runs, the program itself can tell: see the feature `cli`
of durable-runtime."
)]
struct Arguments {
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME.
    #[arg(long, value_name = "URL", global = true)]
    database: Option<String>,
    #[command(subcommand)]
    command: DatabaseCommand,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error),
    };
    match arguments.database {
        Some(url) => arguments.command.run(url).await,
        None => {
            eprintln!(
                "which database? add --database sqlite://FILE or --database postgres://USER@HOST/NAME"
            );
            ExitCode::FAILURE
        }
    }
}
