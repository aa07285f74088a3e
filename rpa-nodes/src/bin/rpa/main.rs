//! The `rpa` command: what is in a CasareRPA workflow file.

mod command;
mod report;

use std::process::ExitCode;

use clap::Parser;

use self::command::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = std::io::stdout().lock();
    match command::run(&arguments, &mut output) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
