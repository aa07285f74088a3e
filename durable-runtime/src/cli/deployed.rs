use std::fmt::Write;

use clap::Args;
use jiff::Timestamp;

use super::{Said, Subject};
use crate::machine::{DeployedMachine, MachineFilter};

/// Which deployed workflows to list.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  ... machines                              everything that was ever launched, the oldest first
  ... machines checkout                     the versions of one workflow
  ... machines --application-version 1 --json")]
pub struct Machines {
    /// The workflow; all of them unless given.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only this application version.
    #[arg(long, value_name = "VERSION")]
    application_version: Option<String>,
    /// Print one JSON document, with the machines themselves.
    #[arg(long)]
    json: bool,
}

impl Machines {
    pub(super) async fn run(self, subject: &Subject) -> anyhow::Result<Said> {
        let mut filter = MachineFilter::new();
        if let Some(version) = &self.application_version {
            filter = filter.version(version);
        }
        if let Some(name) = &self.name {
            filter = filter.name(name);
        }
        let deployed = subject.client().await?.machines(filter).await?;
        Ok(Said::well(match self.json {
            true => serde_json::to_string(&deployed)?,
            false => table(&deployed)?,
        }))
    }
}

fn table(deployed: &[DeployedMachine]) -> anyhow::Result<String> {
    if deployed.is_empty() {
        return Ok("Nothing of the kind was ever launched here.".to_owned());
    }
    let mut rows =
        vec![["launched", "version", "workflow", "code", "written at"].map(str::to_owned)];
    for DeployedMachine {
        application_version,
        recorded_at_ms,
        machine,
    } in deployed
    {
        let class = machine.class.as_ref();
        rows.push([
            Timestamp::from_millisecond(*recorded_at_ms)?.to_string(),
            application_version.clone(),
            class.map_or_else(
                || machine.name.clone(),
                |class| format!("{class}/{}", machine.name),
            ),
            machine.code.clone(),
            format!("{}:{}", machine.file, machine.line),
        ]);
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..5).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:width$}  ")?;
        }
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(text)
}
