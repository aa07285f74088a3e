//! The command line of a program with workflows: what a developer asks of them before deploying.
//!
//! A program whose command line is made with `clap` takes [`Command`] in as a group of subcommands of its own:
//!
//! ```no_run
//! use clap::Parser;
//! use durable_runtime::prelude::*;
//!
//! #[derive(Parser)]
//! enum Shop {
//!     /// Take orders.
//!     Serve,
//!     /// Look after the workflows.
//!     #[command(subcommand)]
//!     Durable(durable_runtime::cli::Command),
//! }
//!
//! # #[workflow] async fn checkout(_ctx: WorkflowContext) -> anyhow::Result<()> { Ok(()) }
//! fn runtime() -> durable_runtime::Builder {
//!     Durable::open("postgres://me@db/shop").register::<checkout>()
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<std::process::ExitCode> {
//! Ok(match Shop::parse() {
//!     Shop::Serve => {
//!         let _durable = runtime().launch().await?;
//!         std::process::ExitCode::SUCCESS
//!     }
//!     Shop::Durable(command) => command.run(runtime()).await,
//! })
//! # }
//! ```
//!
//! Any other hands its arguments to [`run`]. The program `durable`, built with the feature `cli`, has no workflows, and can do
//! what needs only the database.

mod deployed;
mod graph;
mod time;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::Client;
use crate::durable::Builder;
use crate::engine::Settings;
use crate::error::Result;
use crate::machine::Machine;

pub use deployed::Machines;
pub use graph::{Format, Graph};
pub use verify::VerifyReplay;

/// What can be asked of a program with workflows.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Tell which recorded runs the code of this program would not follow. Nothing runs, and nothing is written.
    VerifyReplay(VerifyReplay),
    /// Show workflows as the machines that they are: their durable calls, and the ways between them.
    Graph(Graph),
    /// List what is deployed: the workflows of every application version that was ever launched.
    Machines(Machines),
}

/// What can be asked of a database.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum DatabaseCommand {
    /// Show workflows as the machines that they are: their durable calls, and the ways between them.
    Graph(Graph),
    /// List what is deployed: the workflows of every application version that was ever launched.
    Machines(Machines),
}

/// Something was found that a deployment should not ignore.
const FOUND: u8 = 2;

/// The code of this program, if it has workflows, and the database.
struct Subject {
    url: String,
    machines: Vec<Machine>,
}

impl Subject {
    fn of(mut settings: Settings) -> Result<Self> {
        let machines = settings.registry()?.machines();
        let url = settings.url;
        Ok(Self { url, machines })
    }

    async fn client(&self) -> Result<Client> {
        Client::connect(&self.url).await
    }
}

/// What a command printed, and its exit code.
struct Said {
    text: String,
    code: u8,
}

impl Said {
    fn well(text: String) -> Self {
        Self { text, code: 0 }
    }
}

impl Command {
    /// Does it, with the workflows and the database of `runtime`, which is not launched. Prints what there is to say, and
    /// gives the exit code of the process: 0, all is well; 2, some runs are at odds with the code; 1, it could not be
    /// done, and standard error says why.
    pub async fn run(self, runtime: Builder) -> ExitCode {
        let said = match self {
            Self::VerifyReplay(verify) => verify.run(runtime).await,
            Self::Graph(graph) => match Subject::of(runtime.into_settings()) {
                Ok(subject) => graph.run(&subject).await,
                Err(error) => Err(error.into()),
            },
            Self::Machines(machines) => match Subject::of(runtime.into_settings()) {
                Ok(subject) => machines.run(&subject).await,
                Err(error) => Err(error.into()),
            },
        };
        tell(said)
    }
}

impl DatabaseCommand {
    /// Does it, on the database that the URL names, and gives the exit code of the process as [`Command::run`].
    pub async fn run(self, url: impl Into<String>) -> ExitCode {
        let subject = Subject {
            url: url.into(),
            machines: Vec::new(),
        };
        tell(match self {
            Self::Graph(graph) => graph.run(&subject).await,
            Self::Machines(machines) => machines.run(&subject).await,
        })
    }
}

fn tell(said: anyhow::Result<Said>) -> ExitCode {
    use std::io::Write;

    let told = said.and_then(|said| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", said.text.trim_end())?;
        Ok(said.code)
    });
    match told {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Parses the arguments of a process, its own name first, and [runs](Command::run) what they ask for, with the workflows
/// and the database of `runtime`.
///
/// ```no_run
/// # use durable_runtime::prelude::*;
/// # #[workflow] async fn checkout(_ctx: WorkflowContext) -> anyhow::Result<()> { Ok(()) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::process::ExitCode {
/// let runtime = Durable::open("sqlite://shop.db").register::<checkout>();
/// durable_runtime::cli::run(runtime, std::env::args_os()).await
/// # }
/// ```
pub async fn run<A: Into<OsString> + Clone>(
    runtime: Builder,
    arguments: impl IntoIterator<Item = A>,
) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.command.run(runtime).await,
        Err(error) => refused(&error),
    }
}

/// Prints what is wrong with arguments, or the help that they ask for. What could not run ends with 1: 2 has a meaning
/// of its own.
#[must_use]
pub fn refused(error: &clap::Error) -> ExitCode {
    let asked_for = !error.use_stderr();
    match error.print() {
        Ok(()) if asked_for => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
