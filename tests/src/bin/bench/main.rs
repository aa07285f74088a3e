//! Measures the runtime, and the database without it, with one line of JSON a result.

mod compare;
mod fill;
mod floor;
mod growth;
mod idle;
mod latency;
mod meter;
mod overhead;
mod processes;
mod queue;
mod recovery;
mod rows;
mod run;
mod sample;
mod sleepers;
mod start;
mod statements;
mod steps;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures how fast workflows run, and how fast the database is without the runtime.
///
/// The database is used as it is: nothing is dropped, ids are new each time. For figures that
/// compare, give each run a database of its own.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    work: Work,
}

const EXAMPLES: &str = "\
Examples:
  bench start --db sqlite://bench.db
  bench start --db postgres://postgres@127.0.0.1/bench --n 50000 --in-flight 512
  bench steps --db sqlite://bench.db --turns 6
  bench floor --db postgres://postgres@127.0.0.1/bench | jq .rate
  bench help latency

A result is one line on standard output:
  {\"work\":\"start\",\"n\":20000,\"seconds\":1.9,\"rate\":10526,\"store\":\"sqlite\",...}
Of the process: cpu_seconds (user and system) while it was measured, rss_mb after it, peak_mb within
it; null where the system does not tell. Notes go to standard error.";

/// What can be measured.
#[derive(Debug, Subcommand)]
enum Work {
    /// N workflows of one no-op step, started and awaited here
    Start(start::Arguments),
    /// One workflow of N sequential no-op steps; with --turns against as many commits
    Steps(steps::Arguments),
    /// One workflow of N sequential no-op pure steps
    PureSteps(steps::PureArguments),
    /// N workflows of one no-op step through one queue, of which 64 run at once
    Queue(queue::Arguments),
    /// From putting a workflow on an idle queue until its first step begins
    Latency(latency::Arguments),
    /// A workflow of N recorded steps, taken up by a new process: until its next step begins
    Recovery(recovery::Arguments),
    /// N workflows asleep until one moment: memory, load, and how long they take to awake
    Sleepers(sleepers::Arguments),
    /// A runtime with a queue, a schedule and nothing to do: statements and processor time
    Idle(idle::Arguments),
    /// N steps of 10 ms of real work, against the same code without durability
    Overhead(overhead::Arguments),
    /// The rows that `start` leaves, by plain SQL in batches of 256: the floor of `start`
    Floor(floor::Arguments),
    /// The moves of `start` (a start, a step, a completion) by plain SQL in batches of 256
    Moves(floor::Arguments),
    /// The moves of `queue` (put on the queue, taken off it, a step, a completion) by plain SQL in batches of 256
    QueueMoves(floor::Arguments),
    /// N commits of one step's row by plain SQL: the floor of `steps`
    Commits(floor::CommitArguments),
    /// Puts finished workflows into the tables, to measure with full ones
    Fill(fill::Arguments),
    /// A table of how the cost grows: 1, 10, 100, 1000 times the work; 1, 2, 4 processes
    Growth(growth::Arguments),
    /// The same works by other libraries, in turns, as a table
    Compare(compare::Comparison),
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Arguments::parse().work).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(work: Work) -> Result<()> {
    match work {
        Work::Start(arguments) => start::measure(arguments).await,
        Work::Steps(arguments) => steps::measure(arguments).await,
        Work::PureSteps(arguments) => steps::measure_pure(arguments).await,
        Work::Queue(arguments) => queue::measure(arguments).await,
        Work::Latency(arguments) => latency::measure(arguments).await,
        Work::Recovery(arguments) => recovery::measure(arguments).await,
        Work::Sleepers(arguments) => sleepers::measure(arguments).await,
        Work::Idle(arguments) => idle::measure(arguments).await,
        Work::Overhead(arguments) => overhead::measure(arguments).await,
        Work::Floor(arguments) => floor::measure_rows(arguments).await,
        Work::Moves(arguments) => floor::measure_moves(arguments).await,
        Work::QueueMoves(arguments) => floor::measure_queue_moves(arguments).await,
        Work::Commits(arguments) => floor::measure_commits(arguments).await,
        Work::Fill(arguments) => fill::measure(arguments).await,
        Work::Growth(arguments) => growth::measure(arguments).await,
        Work::Compare(comparison) => compare::compare(comparison).await,
    }
}
