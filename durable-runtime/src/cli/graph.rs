use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::{Said, Subject};
use crate::machine::{DeployedMachine, Machine, MachineFilter};

/// Which workflows to show.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  ... graph checkout                            the workflow as this program has it
  ... graph checkout --application-version 1    as that version had it
  ... graph --of order-7                        the code that the run order-7 was made by

A program without workflows shows what was deployed last.")]
pub struct Graph {
    /// The workflow; all of them unless given.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The workflow of this run, as it was when the run made its last record.
    #[arg(long, value_name = "RUN_ID", conflicts_with_all = ["name", "application_version"])]
    of: Option<String>,
    /// As this application version had it.
    #[arg(long, value_name = "VERSION")]
    application_version: Option<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a workflow is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// As flowcharts in Mermaid's language, which GitHub and many editors draw.
    #[default]
    Mermaid,
    /// In the language of Graphviz.
    Dot,
    /// A JSON array of machines.
    Json,
}

impl Graph {
    pub(super) async fn run(self, subject: &Subject) -> anyhow::Result<Said> {
        let machines = self.machines(subject).await?;
        if machines.is_empty() {
            match &self.name {
                Some(name) => {
                    bail!("there is no workflow `{name}` here; `machines` lists what was deployed")
                }
                None => bail!("there are no workflows here"),
            }
        }
        let text = match self.format {
            Format::Mermaid => drawn(&machines, Machine::to_mermaid),
            Format::Dot => drawn(&machines, Machine::to_dot),
            Format::Json => serde_json::to_string_pretty(&machines)?,
        };
        Ok(Said::well(text))
    }

    async fn machines(&self, subject: &Subject) -> anyhow::Result<Vec<Machine>> {
        if let Some(id) = &self.of {
            let machine = subject.client().await?.machine(id).await?;
            let machine = machine.with_context(|| {
                format!("no machine is kept for a run `{id}`: there is none, or no program of this library made it")
            })?;
            return Ok(vec![machine]);
        }
        let is_wanted =
            |machine: &Machine| self.name.as_ref().is_none_or(|name| machine.name == *name);
        if self.application_version.is_none() && !subject.machines.is_empty() {
            let own = subject.machines.iter();
            return Ok(own.filter(|machine| is_wanted(machine)).cloned().collect());
        }
        let mut filter = MachineFilter::new();
        if let Some(version) = &self.application_version {
            filter = filter.version(version);
        }
        if let Some(name) = &self.name {
            filter = filter.name(name);
        }
        let deployed = subject.client().await?.machines(filter).await?;
        Ok(newest(deployed))
    }
}

fn drawn(machines: &[Machine], draw: fn(&Machine) -> String) -> String {
    machines.iter().map(draw).collect::<Vec<_>>().join("\n")
}

/// Of each workflow the machine that was deployed last.
fn newest(deployed: Vec<DeployedMachine>) -> Vec<Machine> {
    let mut machines: Vec<Machine> = Vec::new();
    for DeployedMachine { machine, .. } in deployed {
        machines.retain(|other| (&other.class, &other.name) != (&machine.class, &machine.name));
        machines.push(machine);
    }
    machines.sort_unstable_by(|a, b| (&a.class, &a.name).cmp(&(&b.class, &b.name)));
    machines
}
