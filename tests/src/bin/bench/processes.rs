//! One run in several processes on one database: this program starts itself, and adds up.

use std::process::Stdio;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use durable_runtime::Synchronous;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::meter::rounded;
use crate::run::Run;

/// What a process says when it can begin.
pub(crate) const READY: &str = "ready";

/// Into how many processes a run is divided.
#[derive(Debug, Clone, Args)]
pub(crate) struct Processes {
    /// Divide the work among this many processes on the one database
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) processes: u32,
}

/// Which process of which run; as text `RUN.NUMBER`.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) run: String,
    pub(crate) number: u32,
}

impl FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (run, number) = text.split_once('.').context("not RUN.NUMBER")?;
        Ok(Self {
            run: run.to_owned(),
            number: number.parse()?,
        })
    }
}

/// One process that was started.
struct Worker {
    process: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(run: &Run, number: u32, arguments: &[String]) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([run.work, "--db", &run.db])
            .args(["--part", &format!("{}.{number}", run.id)])
            .args((run.synchronous == Synchronous::Normal).then_some("--normal"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take().context("no standard input")?;
        let output = process.stdout.take().context("no standard output")?;
        Ok(Self {
            process,
            input,
            lines: BufReader::new(output).lines(),
        })
    }

    async fn line(&mut self) -> Result<String> {
        let line = self.lines.next_line().await?;
        line.context("a process of the run ended without a result")
    }
}

/// Runs this program once for each list of arguments, all from the same moment; tells how long it took until the last
/// was done, and their results.
pub(crate) async fn side_by_side(
    run: &Run,
    arguments: &[Vec<String>],
) -> Result<(Duration, Vec<Map<String, Value>>)> {
    let mut workers = Vec::new();
    for (number, arguments) in (0..).zip(arguments) {
        let worker = Worker::start(run, number, arguments);
        workers.push(worker.context("this program cannot be started again")?);
    }
    for worker in &mut workers {
        let line = worker.line().await?;
        if line != READY {
            bail!("a process of the run says {line} where it should be ready");
        }
    }
    let begin = Instant::now();
    for worker in &mut workers {
        worker.input.write_all(b"go\n").await?;
    }
    let mut results = Vec::new();
    for worker in &mut workers {
        let line = worker.line().await?;
        results.push(serde_json::from_str(&line).with_context(|| format!("no result: {line}"))?);
    }
    let elapsed = begin.elapsed();
    for mut worker in workers {
        let status = worker.process.wait().await?;
        if !status.success() {
            bail!("a process of the run ended with {status}");
        }
    }
    Ok((elapsed, results))
}

/// Divides a run among processes, and prints the one result. What is given is divided as n is.
pub(crate) async fn divide(run: &Run, processes: u32, given: &[(&str, u32)]) -> Result<()> {
    if run.n < processes {
        bail!("{} cannot be divided among {processes} processes", run.n);
    }
    let share = |all: u32, number: u32| all / processes + u32::from(number < all % processes);
    let arguments: Vec<Vec<String>> = (0..processes)
        .map(|number| {
            let mut arguments = vec!["--n".to_owned(), share(run.n, number).to_string()];
            for (name, all) in given {
                let share = share(*all, number).max(1);
                arguments.extend([(*name).to_owned(), share.to_string()]);
            }
            arguments
        })
        .collect();
    let (elapsed, results) = side_by_side(run, &arguments).await?;
    let mut costs = Map::new();
    for name in ["cpu_seconds", "rss_mb", "peak_mb"] {
        let each = results.iter().map(|result| result.get(name)?.as_f64());
        costs.insert(name.into(), json!(each.sum::<Option<f64>>().map(rounded)));
    }
    run.print(elapsed, costs, json!({"processes": processes}));
    Ok(())
}
