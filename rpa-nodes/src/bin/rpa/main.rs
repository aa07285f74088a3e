//! The `rpa` command: runs CasareRPA workflow files, and tells what is in them.

mod again;
mod command;
mod host;
mod items;
mod look;
mod report;
mod run;
mod secret;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use self::command::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(shown) => {
            // Help is no failure. For all else clap would exit with 2, which means that a workflow failed.
            let failed = shown.use_stderr();
            if shown.print().is_err() || failed {
                return ExitCode::FAILURE;
            }
            return ExitCode::SUCCESS;
        }
    };
    let mut output = std::io::stdout().lock();
    match command::run(&arguments, &mut output) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
