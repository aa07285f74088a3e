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
        // Whoever reads the output has enough of it, as in `rpa nodes | head`. 141 is what a shell makes of SIGPIPE.
        Err(error) if is_cut_off(&error) => ExitCode::from(141),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_cut_off(error: &anyhow::Error) -> bool {
    let kind = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error
        .chain()
        .any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(kind))
}
