//! A program that does a work and prints its result as one line of JSON.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

/// How to call it: all of them take the same options.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) executable: PathBuf,
    /// What comes before the work.
    pub(super) first: Vec<String>,
    /// Of the library that it is made with.
    pub(super) version: String,
}

/// How much it has to do, and how long it may take altogether.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) n: u32,
    pub(super) in_flight: u32,
    pub(super) seconds: u32,
}

/// What is read of a result; other fields are the program's own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Line {
    pub(super) work: String,
    pub(super) n: u32,
    pub(super) seconds: f64,
}

impl Line {
    /// The last line of an output that is a result.
    fn find(output: &str) -> Option<Self> {
        let mut lines = output.lines().rev();
        lines.find_map(|line| serde_json::from_str(line).ok())
    }

    /// Not the printed rate, which is rounded.
    pub(super) fn rate(&self) -> f64 {
        f64::from(self.n) / self.seconds
    }
}

impl Program {
    /// This program.
    pub(super) fn this() -> Result<Self> {
        let executable = std::env::current_exe().context("this program is nowhere to be found")?;
        Ok(Self {
            executable,
            first: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// Runs it. An inner error is why there is no result; an outer one ends the comparison.
    pub(super) async fn run(
        &self,
        work: &str,
        db: &str,
        limits: Limits,
        settings: &[&str],
    ) -> Result<Result<Line, String>> {
        let mut command = Command::new(&self.executable);
        command
            .args(&self.first)
            .arg(work)
            .args(["--db", db])
            .args(["--n", &limits.n.to_string()])
            .args(settings);
        if matches!(work, "start" | "queue") {
            command.args(["--in-flight", &limits.in_flight.to_string()]);
        }
        let limit = Duration::from_secs(limits.seconds.into());
        let Some(output) = finish(&mut command, limit).await? else {
            return Ok(Err(format!(
                "not done after {} s with n = {}",
                limits.seconds, limits.n
            )));
        };
        Ok(result(&output, work, limits.n))
    }
}

/// Waits for a command, and kills it when the time is over or the comparison is interrupted.
pub(super) async fn finish(command: &mut Command, limit: Duration) -> Result<Option<Output>> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let program = command.as_std().get_program().display().to_string();
    let running = async {
        let output = command.output().await;
        output.with_context(|| format!("{program} cannot be run"))
    };
    tokio::select! {
        output = running => output.map(Some),
        () = tokio::time::sleep(limit) => Ok(None),
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

fn result(output: &Output, work: &str, n: u32) -> Result<Line, String> {
    let printed = String::from_utf8_lossy(&output.stdout);
    match Line::find(&printed) {
        _ if !output.status.success() => Err(format!("{}: {}", output.status, last_words(output))),
        Some(line) if line.work != work || line.n != n => {
            Err(format!("asked for {work} with n = {n}, it did {line:?}"))
        }
        Some(line) if line.seconds > 0.0 => Ok(line),
        _ => Err(format!("no result: {}", last_words(output))),
    }
}

/// What a failed program said: the line that tells of the error, or else its last one.
pub(super) fn last_words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().find(|line| line.to_lowercase().starts_with("error"));
    let words = error.or_else(|| lines().next_back());
    words.unwrap_or("it said nothing").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        Output {
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.into(),
            stderr: stderr.into(),
        }
    }

    #[test]
    fn a_result_is_found_among_other_lines() {
        let printed = "launching\n{\"work\":\"start\",\"n\":1000,\"in_flight\":256,\"seconds\":0.5,\
                       \"rate\":2000,\"store\":\"sqlite\",\"polling_ms\":10}\nbye\n";
        let line = result(&output(0, printed, ""), "start", 1_000).expect("there is a result");
        assert_eq!((line.n, line.rate()), (1_000, 2_000.0));
    }

    #[test]
    fn a_result_of_another_work_is_none() {
        let printed = r#"{"work":"steps","n":10,"seconds":0.5}"#;
        let refused = result(&output(0, printed, ""), "start", 10).expect_err("the wrong work");
        assert!(
            refused.starts_with("asked for start with n = 10"),
            "{refused}"
        );
        result(&output(0, printed, ""), "steps", 20).expect_err("the wrong size");
    }

    #[test]
    fn a_failed_program_has_no_result_whatever_it_printed() {
        let printed = r#"{"work":"steps","n":10,"seconds":0.5}"#;
        let said = "noise\nError: no such queue\nmore noise\n";
        let reason = result(&output(1, printed, said), "steps", 10).expect_err("it failed");
        assert_eq!(reason, "exit status: 1: Error: no such queue");
    }

    #[test]
    fn who_prints_nothing_is_quoted() {
        let reason = result(&output(0, "", "one\ntwo\n\n"), "steps", 10).expect_err("no result");
        assert_eq!(reason, "no result: two");
        let reason = result(&output(0, "", ""), "steps", 10).expect_err("no result");
        assert_eq!(reason, "no result: it said nothing");
    }
}
