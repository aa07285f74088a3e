//! Drawing a workflow as a Mermaid flowchart.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use crate::document::{Node, Workflow};
use crate::structure;

#[cfg(test)]
mod tests;

/// Draws a workflow. Control is drawn with lines, values with dots; a port is named where it is not the usual one.
pub fn render(workflow: &Workflow) -> String {
    let mut chart = Chart::default();
    chart.line("flowchart TD");
    let entries: Vec<&str> = structure::entries(workflow)
        .into_iter()
        .map(|node| node.id.as_str())
        .collect();
    let choices = choices(workflow);
    for node in &workflow.nodes {
        chart.node(
            node,
            entries.contains(&node.id.as_str()),
            choices.contains(node.id.as_str()),
        );
    }
    for connection in &workflow.connections {
        let source = chart.end(&connection.source_node);
        let target = chart.end(&connection.target_node);
        let arrow = if connection.is_control() {
            let usual = connection.source_port == "exec_out" && connection.target_port == "exec_in";
            let label = match (usual, connection.is_loop_end()) {
                (true, _) => String::new(),
                (false, true) => format!("|{}|", quoted(&connection.target_port)),
                (false, false) => format!("|{}|", quoted(&connection.source_port)),
            };
            format!("-->{label}")
        } else {
            let ports = format!("{} → {}", connection.source_port, connection.target_port);
            format!("-.->|{}|", quoted(&ports))
        };
        chart.line(&format!("    {source} {arrow} {target}"));
    }
    for (class, style) in [
        ("disabled", "stroke-dasharray: 4 4, opacity: 0.6"),
        ("missing", "stroke: #c00, color: #c00"),
    ] {
        if chart.text.contains(&format!(":::{class}\n")) {
            chart.line(&format!("    classDef {class} {style}"));
        }
    }
    chart.text
}

/// The nodes that control leaves by several ports.
fn choices(workflow: &Workflow) -> BTreeSet<&str> {
    let mut ports: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for connection in workflow.connections.iter().filter(|one| one.is_control()) {
        ports
            .entry(&connection.source_node)
            .or_default()
            .insert(&connection.source_port);
    }
    ports
        .into_iter()
        .filter(|(_, ports)| ports.len() > 1)
        .map(|(node, _)| node)
        .collect()
}

/// The text so far, and the names that nodes have in it: ids may be words of the language.
#[derive(Default)]
struct Chart {
    text: String,
    names: HashMap<String, String>,
}

impl Chart {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn node(&mut self, node: &Node, is_entry: bool, is_choice: bool) {
        let title = node.name.as_deref().unwrap_or(&node.id);
        let label = if node.node_type.is_empty() || node.node_type == title {
            quoted(title)
        } else {
            quoted(&format!("{title}\n{}", node.node_type))
        };
        let (open, close) = match (is_entry, is_choice) {
            (true, _) => ("([", "])"),
            (false, true) => ("{{", "}}"),
            (false, false) => ("[", "]"),
        };
        let class = if node.disabled { ":::disabled" } else { "" };
        let name = self.name(&node.id);
        self.line(&format!("    {name}{open}{label}{close}{class}"));
    }

    /// The name of a node at the end of a connection. One that does not exist is drawn as missing.
    fn end(&mut self, id: &str) -> String {
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let name = self.name(id);
        let label = quoted(&format!("{id}\nmissing"));
        self.line(&format!("    {name}[{label}]:::missing"));
        name
    }

    fn name(&mut self, id: &str) -> String {
        let name = format!("n{}", self.names.len());
        self.names.insert(id.to_owned(), name.clone());
        name
    }
}

/// A text in quotes. Mermaid has no backslashes: what it would read as markup is written as entities.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '\n' => quoted.push_str("<br/>"),
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | '[' | ']' | '{' | '}' | '|' | ';' => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "#{};", u32::from(character));
            }
            control if control.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
