use std::time::SystemTime;

use clap::Args;

use super::{FOUND, Said, time};
use crate::durable::Builder;
use crate::store::{Status, WorkflowFilter};
use crate::testing::verify_replay;

/// Which runs to look at.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  ... verify-replay                                   the newest 1000 runs
  ... verify-replay --status pending --status enqueued --limit 0
                                                      every run that goes on after the deployment
  ... verify-replay --workflow checkout --since 7d    the runs of a workflow, of the last 7 days
  ... verify-replay --id order-7 --json               one run, as a JSON document

Deploy when it says that no run is at odds with the code. Exit codes: 0 no run is, 2 some are, 1 it
could not be done.")]
pub struct VerifyReplay {
    /// Only runs of this workflow; may be repeated.
    #[arg(long, value_name = "NAME")]
    workflow: Vec<String>,
    /// Only runs in this state (pending, enqueued, delayed, success, error, cancelled,
    /// max_recovery_attempts_exceeded); may be repeated.
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Vec<Status>,
    /// Only the run of this id; may be repeated.
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// Only runs started since: 2026-11-22T10:00:00Z, 2026-11-22, or how long ago, 7d.
    #[arg(long, value_name = "TIME", value_parser = time::read)]
    since: Option<SystemTime>,
    /// At most so many runs, the newest; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u32,
    /// Print one JSON document, with every run.
    #[arg(long)]
    json: bool,
}

fn status(text: &str) -> Result<Status, String> {
    text.to_ascii_uppercase().replace('-', "_").parse()
}

impl VerifyReplay {
    pub(super) async fn run(self, runtime: Builder) -> anyhow::Result<Said> {
        let report = verify_replay(runtime, self.filter()).await?;
        let text = match self.json {
            true => serde_json::to_string(&report)?,
            false => report.to_string(),
        };
        let code = if report.is_clean() { 0 } else { FOUND };
        Ok(Said { text, code })
    }

    fn filter(&self) -> WorkflowFilter {
        let mut filter = WorkflowFilter::new().newest_first();
        for name in &self.workflow {
            filter = filter.name(name);
        }
        for status in &self.status {
            filter = filter.status(*status);
        }
        if !self.id.is_empty() {
            filter = filter.ids(&self.id);
        }
        if let Some(since) = self.since {
            filter = filter.created_after(since);
        }
        match self.limit {
            0 => filter,
            limit => filter.limit(limit),
        }
    }
}
