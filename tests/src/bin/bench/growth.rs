//! How the cost grows with the work, and with the processes: this program, again and again, as a table.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use tokio::process::Command;

use crate::run::whole;

/// Which works are measured, and how far.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The database: `sqlite://FILE` (made when missing) or `postgres://USER@HOST/DATABASE`
    #[arg(long)]
    db: String,
    /// Which works, with commas between
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Grown::ALL)]
    works: Vec<Grown>,
    /// How many times the smallest work at most: 1, 10, 100 or 1000
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    largest: u32,
    /// In how many processes the largest is measured too, with commas between; 1 for none
    #[arg(long, value_delimiter = ',', default_values_t = [2, 4])]
    processes: Vec<u32>,
}

const EXAMPLES: &str = "\
Examples:
  bench growth --db postgres://postgres@127.0.0.1/bench
  bench growth --db sqlite://bench.db --works start,steps --largest 100 --processes 1
  bench fill --db sqlite://bench.db && bench growth --db sqlite://bench.db

A table in Markdown, a line a run; each run is a process of its own, on the one database.";

/// A work that can be of any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Grown {
    Start,
    Steps,
    Queue,
    Recovery,
    /// Not unless asked for: it takes as long as it is watched
    Sleepers,
}

impl Grown {
    const ALL: [Self; 4] = [Self::Start, Self::Steps, Self::Queue, Self::Recovery];

    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Steps => "steps",
            Self::Queue => "queue",
            Self::Recovery => "recovery",
            Self::Sleepers => "sleepers",
        }
    }

    fn smallest(self) -> u32 {
        match self {
            Self::Start | Self::Queue => 20,
            Self::Steps | Self::Recovery => 10,
            Self::Sleepers => 100,
        }
    }

    fn can_be_divided(self) -> bool {
        matches!(self, Self::Start | Self::Steps | Self::Queue)
    }
}

pub(crate) async fn measure(arguments: Arguments) -> Result<()> {
    println!(
        "| work | n | processes | seconds | a second | ms each | CPU µs each | peak MB | rows before |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let factors = [1, 10, 100, 1_000];
    let factors: Vec<u32> = factors
        .into_iter()
        .filter(|factor| *factor <= arguments.largest)
        .collect();
    for work in arguments.works {
        let largest = factors.last().map_or(1, |factor| factor * work.smallest());
        for factor in &factors {
            line(work, &arguments.db, factor * work.smallest(), 1).await?;
        }
        for processes in &arguments.processes {
            if *processes > 1 && *processes <= largest && work.can_be_divided() {
                line(work, &arguments.db, largest, *processes).await?;
            }
        }
    }
    Ok(())
}

async fn line(work: Grown, db: &str, n: u32, processes: u32) -> Result<()> {
    let result = run(work, db, n, processes).await?;
    let number = |name: &str| {
        let value = result.get(name).and_then(Value::as_f64);
        value.with_context(|| format!("a result of {} without {name}", work.name()))
    };
    let (seconds, cpu) = (number("seconds")?, number("cpu_seconds")?);
    let peak = result.get("peak_mb").and_then(Value::as_f64);
    println!(
        "| {} | {n} | {processes} | {seconds:.3} | {} | {:.3} | {:.0} | {} | {} |",
        work.name(),
        whole(f64::from(n) / seconds),
        seconds * 1e3 / f64::from(n),
        cpu * 1e6 / f64::from(n),
        peak.map_or("–".to_owned(), |peak| format!("{peak:.1}")),
        number("rows_before")?,
    );
    Ok(())
}

async fn run(work: Grown, db: &str, n: u32, processes: u32) -> Result<Map<String, Value>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([work.name(), "--db", db, "--n", &n.to_string()]);
    if processes > 1 {
        command.args(["--processes", &processes.to_string()]);
    }
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    if !output.status.success() {
        bail!("{} of {n} ended with {}", work.name(), output.status);
    }
    let line = String::from_utf8(output.stdout)?;
    serde_json::from_str(&line).with_context(|| format!("no result: {line}"))
}
