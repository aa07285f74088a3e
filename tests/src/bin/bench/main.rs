//! Measures the runtime, and the database without it, with one line of JSON a result.

mod compare;
mod floor;
mod rows;
mod run;
mod work;

use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use run::Run;

/// Measures how fast workflows run, and how fast the database is without the runtime.
///
/// The database is used as it is: nothing is dropped, ids are new each time. For figures that
/// compare, give each run a database of its own.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    arguments: Option<Arguments>,
}

/// What is not one work measured once.
#[derive(Debug, Subcommand)]
enum Other {
    Compare(compare::Comparison),
}

#[derive(Debug, Args)]
struct Arguments {
    /// What to measure
    work: Work,
    /// The database: `sqlite://FILE` (made when missing) or `postgres://USER@HOST/DATABASE`
    #[arg(long)]
    db: String,
    /// How many workflows, steps or commits [default: 20000; 2000 for steps and commits]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    n: Option<u32>,
    /// How many workflows are on their way at once
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    in_flight: u32,
}

const EXAMPLES: &str = "\
Examples:
  bench start --db sqlite://bench.db
  bench start --db postgres://postgres@127.0.0.1/bench --n 50000 --in-flight 512
  bench steps --db sqlite://bench.db && bench commits --db sqlite://bench.db
  bench floor --db postgres://postgres@127.0.0.1/bench | jq .rate

A result is one line on standard output:
  {\"work\":\"start\",\"n\":20000,\"in_flight\":256,\"seconds\":1.9,\"rate\":10526,\"store\":\"sqlite\",...}
Notes go to standard error.";

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Work {
    /// N workflows of one no-op step, started and awaited here
    Start,
    /// One workflow of N sequential no-op steps
    Steps,
    /// One workflow of N sequential no-op pure steps
    PureSteps,
    /// N workflows of one no-op step through one queue, of which 64 run at once
    Queue,
    /// A workflow of N recorded steps, taken up again: until its next step begins
    Recovery,
    /// The rows that `start` leaves, by plain SQL in batches of 256: the floor of `start`
    Floor,
    /// The moves of `start` (a start, a step, a completion) by plain SQL in batches of 256
    Moves,
    /// N commits of one step's row by plain SQL: the floor of `steps`
    Commits,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Steps => "steps",
            Self::PureSteps => "pure-steps",
            Self::Queue => "queue",
            Self::Recovery => "recovery",
            Self::Floor => "floor",
            Self::Moves => "moves",
            Self::Commits => "commits",
        }
    }

    fn default_n(self) -> u32 {
        match self {
            Self::Steps | Self::PureSteps | Self::Commits => 2_000,
            Self::Recovery => 10_000,
            Self::Start | Self::Queue | Self::Floor | Self::Moves => 20_000,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    let done = match (command.other, command.arguments) {
        (Some(Other::Compare(comparison)), _) => compare::compare(comparison).await,
        (None, Some(arguments)) => measure(arguments).await,
        (None, None) => Command::command()
            .error(
                ErrorKind::MissingRequiredArgument,
                "what is to be measured?",
            )
            .exit(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: Arguments) -> Result<()> {
    let work = arguments.work;
    let run = Run::prepare(
        work.name(),
        arguments.db,
        arguments.n.unwrap_or(work.default_n()),
        arguments.in_flight,
    )
    .await?;
    match work {
        Work::Start => work::start(&run).await,
        Work::Steps => work::steps(&run).await,
        Work::PureSteps => work::pure_steps(&run).await,
        Work::Queue => work::queue(&run).await,
        Work::Recovery => work::recovery(&run).await,
        Work::Floor => floor::rows_of_start(&run).await,
        Work::Moves => floor::moves_of_start(&run).await,
        Work::Commits => floor::commits(&run).await,
    }
}
