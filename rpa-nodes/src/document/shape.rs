//! The shapes that workflow files have.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a file looks like. All shapes are read into the same [`Workflow`](super::Workflow).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// A: the normal form, `nodes` keyed by id.
    Workflow,
    /// A-old: the same with copies of the ports in each node.
    WorkflowWithPorts,
    /// B: `nodes` as a list, name and version at the top.
    FlatList,
    /// C: a scenario of a project around a workflow.
    Scenario,
    /// D: a template with parameters around a workflow definition.
    Template,
    /// E: a starter with default variables and settings around a base workflow.
    Starter,
    /// F: a subflow with inputs and outputs.
    Subflow,
    /// G: a piece of a workflow, to be inserted into others.
    Snippet,
    /// H: a graph as the orchestrator is sent it.
    Graph,
    /// I: a template with placeholders around a workflow.
    PlaceholderTemplate,
}

impl Shape {
    /// The letter that documentation has for it.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Workflow => "A",
            Self::WorkflowWithPorts => "A-old",
            Self::FlatList => "B",
            Self::Scenario => "C",
            Self::Template => "D",
            Self::Starter => "E",
            Self::Subflow => "F",
            Self::Snippet => "G",
            Self::Graph => "H",
            Self::PlaceholderTemplate => "I",
        }
    }

    /// What it is, in words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Workflow => "a workflow",
            Self::WorkflowWithPorts => "a workflow with copies of its ports",
            Self::FlatList => "a workflow with a list of nodes",
            Self::Scenario => "a scenario of a project",
            Self::Template => "a template with parameters",
            Self::Starter => "a starter project",
            Self::Subflow => "a subflow",
            Self::Snippet => "a snippet",
            Self::Graph => "a graph for the orchestrator",
            Self::PlaceholderTemplate => "a template with placeholders",
        }
    }

    /// The key that the workflow stands under, if it is not the whole file.
    pub(super) fn body_key(self) -> Option<&'static str> {
        match self {
            Self::Graph => Some("graph"),
            Self::Starter => Some("base_workflow"),
            Self::Template => Some("workflow_definition"),
            Self::Scenario | Self::PlaceholderTemplate => Some("workflow"),
            _ => None,
        }
    }

    /// Whether it is a part of other workflows and needs no start node of its own.
    pub fn is_part(self) -> bool {
        matches!(self, Self::Subflow | Self::Snippet)
    }

    /// Recognises a file by its keys. Wrappers come first: they may have a key `nodes` that means something else.
    pub(super) fn detect(top: &Map<String, Value>) -> Option<Self> {
        let holds = |key: &str| top.get(key).is_some_and(Value::is_object);
        if top
            .get("graph")
            .and_then(|graph| graph.get("nodes"))
            .is_some()
        {
            return Some(Self::Graph);
        }
        if holds("base_workflow") {
            return Some(Self::Starter);
        }
        if holds("workflow_definition") {
            return Some(Self::Template);
        }
        if holds("workflow") {
            let placeholders = top.contains_key("template_id") || top.contains_key("placeholders");
            return Some(if placeholders {
                Self::PlaceholderTemplate
            } else {
                Self::Scenario
            });
        }
        let nodes = top.get("nodes")?;
        if top.contains_key("snippet_id") {
            return Some(Self::Snippet);
        }
        if top.contains_key("$schema_version") && top.contains_key("inputs") {
            return Some(Self::Subflow);
        }
        match nodes {
            Value::Array(_) => Some(Self::FlatList),
            Value::Object(nodes) => {
                let ports = nodes.values().any(|node| {
                    node.get("input_ports").is_some() || node.get("output_ports").is_some()
                });
                Some(if ports {
                    Self::WorkflowWithPorts
                } else {
                    Self::Workflow
                })
            }
            _ => None,
        }
    }
}
