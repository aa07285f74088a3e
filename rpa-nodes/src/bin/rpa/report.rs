//! What `rpa check` prints.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rpa_nodes::diagnostic::{Code, Diagnostic, Severity};
use rpa_nodes::document::{LoadError, Loaded};
use rpa_nodes::run::StartError;
use serde::Serialize;
use serde_json::{Value, json};

/// The answer of a check; serialized, it is the JSON contract.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Whether the workflow may start.
    pub(crate) ok: bool,
    /// What is said, in the order of the file's parts.
    diagnostics: Vec<Value>,
    #[serde(skip)]
    lines: Vec<String>,
    #[serde(skip)]
    counts: [usize; 3],
}

impl Report {
    /// The report on a file that was loaded, and `found` by checking it.
    pub(crate) fn new(loaded: &Loaded, found: Vec<Diagnostic>) -> Self {
        let mut all = loaded.diagnostics.clone();
        all.extend(found);
        all.sort_by_key(|diagnostic| diagnostic.severity);
        let count = |severity| all.iter().filter(|one| one.severity == severity).count();
        Self {
            ok: !all.iter().any(Diagnostic::is_error),
            counts: [
                count(Severity::Error),
                count(Severity::Warning),
                count(Severity::Info),
            ],
            lines: all.iter().map(ToString::to_string).collect(),
            diagnostics: all.iter().map(|one| json!(one)).collect(),
        }
    }

    /// The report on a file that could not be loaded.
    pub(crate) fn unread(error: &anyhow::Error) -> Self {
        let code = error
            .downcast_ref::<LoadError>()
            .map_or("UNREADABLE", LoadError::code);
        Self {
            ok: false,
            diagnostics: vec![json!({
                "severity": Severity::Error,
                "code": code,
                "pointer": "",
                "message": format!("{error:#}"),
                "fix": "name a workflow file that can be read",
            })],
            lines: Vec::new(),
            counts: [1, 0, 0],
        }
    }

    /// The report on a workflow that lacks a variable, or has one that does not fit.
    pub(crate) fn refused(error: &StartError) -> Self {
        Self {
            ok: false,
            diagnostics: vec![json!({
                "severity": Severity::Error,
                "code": Code::InvalidVariable,
                "pointer": "/variables",
                "message": error.to_string(),
                "fix": "give the variable a value that fits with --var name=value",
            })],
            lines: Vec::new(),
            counts: [1, 0, 0],
        }
    }

    pub(crate) fn write_json(&self, output: &mut impl Write) -> anyhow::Result<()> {
        serde_json::to_writer_pretty(&mut *output, self)?;
        writeln!(output)?;
        Ok(())
    }

    pub(crate) fn write_text(&self, loaded: &Loaded, output: &mut impl Write) -> io::Result<()> {
        let workflow = &loaded.workflow;
        writeln!(
            output,
            "{}: {} (shape {}), {}, {}, {}",
            workflow.metadata.name,
            loaded.shape.description(),
            loaded.shape.letter(),
            counted(workflow.nodes.len(), "node"),
            counted(workflow.connections.len(), "connection"),
            counted(workflow.variables.len(), "variable"),
        )?;
        let mut types: BTreeMap<&str, usize> = BTreeMap::new();
        for node in &workflow.nodes {
            *types.entry(&node.node_type).or_default() += 1;
        }
        let types: Vec<String> = types
            .into_iter()
            .map(|(name, count)| match (name, count) {
                ("", count) => format!("{count} × no type"),
                (name, 1) => name.to_owned(),
                (name, count) => format!("{count} × {name}"),
            })
            .collect();
        if !types.is_empty() {
            writeln!(output, "node types: {}", types.join(", "))?;
        }
        for line in &self.lines {
            writeln!(output, "{line}")?;
        }
        let [errors, warnings, infos] = self.counts;
        writeln!(
            output,
            "{}: {}, {}, {}.",
            if self.ok { "ok" } else { "refused" },
            counted(errors, "error"),
            counted(warnings, "warning"),
            counted(infos, "remark"),
        )
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
