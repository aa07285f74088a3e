use serde_json::{Value, json};

use super::choices;
use crate::catalogue::{Action, Kind, NodeType, catalogue};
use crate::fault::Fault;
use crate::value::Object;
use crate::visit::Work;

/// What agents call node types, beside their own names.
const SHORT: [(&str, &str); 15] = [
    ("read_file", "ReadFileNode"),
    ("write_file", "WriteFileNode"),
    ("append_file", "AppendFileNode"),
    ("list_directory", "ListDirectoryNode"),
    ("list_files", "ListFilesNode"),
    ("file_exists", "FileExistsNode"),
    ("read_csv", "ReadCSVNode"),
    ("read_json", "ReadJSONFileNode"),
    ("read_pdf", "ReadPDFTextNode"),
    ("http_request", "HttpRequestNode"),
    ("calculate", "EvalExpressionNode"),
    ("set_variable", "SetVariableNode"),
    ("log", "LogNode"),
    ("vector_search", "VectorSearchNode"),
    ("run_command", "RunCommandNode"),
];

/// The tools of an agent: node types that it may use.
pub(super) struct Tools {
    /// Their names, and what they are.
    known: Vec<(String, &'static NodeType)>,
    described: Vec<Value>,
}

impl Tools {
    /// The tools that a node names in `available_tools`; none if it names none.
    ///
    /// # Errors
    /// One of them is no node type that another node can use.
    pub(super) fn of(work: &Work) -> Result<Self, Fault> {
        let names = match work.get("available_tools") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(said)) if said.trim().is_empty() => Vec::new(),
            Some(Value::Array(names)) if names.is_empty() => Vec::new(),
            Some(_) => choices(work, "available_tools")?,
        };
        let mut known = Vec::new();
        for name in names {
            let short = SHORT.iter().find(|(short, _)| *short == name);
            let meant = short.map_or(name.as_str(), |(_, meant)| meant);
            let node_type = catalogue()
                .get(meant)
                .filter(|node_type| can_be_used(node_type));
            let Some(node_type) = node_type else {
                return Err(Fault::value(format!(
                    "`{name}` is no tool; `available_tools` names node types that need nothing of the run but their inputs, or \
                     {}",
                    SHORT.map(|(short, _)| short).join(", ")
                )));
            };
            known.push((name, node_type));
        }
        let described = known
            .iter()
            .map(|(name, node_type)| described(name, node_type))
            .collect();
        Ok(Self { known, described })
    }

    /// What a model is told of them.
    pub(super) fn described(&self) -> &[Value] {
        &self.described
    }

    /// Whether one of them changes what others see.
    pub(super) fn change_the_world(&self) -> bool {
        self.known
            .iter()
            .any(|(_, node_type)| !node_type.effect.is_unseen())
    }

    /// Uses one.
    ///
    /// # Errors
    /// There is none of this name, or it failed.
    pub(super) fn call(
        &self,
        work: &mut Work,
        name: &str,
        key: &str,
        arguments: &Object,
    ) -> Result<Object, Fault> {
        let Some((_, node_type)) = self.known.iter().find(|(known, _)| known == name) else {
            return Err(Fault::value(format!("there is no tool `{name}`")));
        };
        work.use_type(node_type, key, arguments)
    }
}

/// Whether a type needs nothing of the run but its inputs.
fn can_be_used(node_type: &NodeType) -> bool {
    let apart = ["FTP", "browser", "control flow", "errors"].contains(&node_type.family);
    let acts = matches!(node_type.action, Action::Compute(_) | Action::Work { .. });
    acts && !apart
        && !node_type.in_browser
        && node_type.recalls.is_none()
        && node_type.answer.is_none()
        && node_type.name != "AIAgentNode"
}

/// A tool as a model is told of it.
fn described(name: &str, node_type: &NodeType) -> Value {
    let mut properties = Object::new();
    let mut required = Vec::new();
    for input in &node_type.inputs {
        // Keys and accounts are none of a model's business, and `on_uncertain` is the agent's own.
        if ["api_key", "credential_name", "base_url", "on_uncertain"].contains(&input.name) {
            continue;
        }
        let kind = match input.kind {
            Kind::Text | Kind::Expression => json!({"type": "string"}),
            Kind::Integer => json!({"type": "integer"}),
            Kind::Float => json!({"type": "number"}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Choice(choices) => json!({"type": "string", "enum": choices}),
            Kind::List => json!({"type": "array", "items": {}}),
            Kind::Dict => json!({"type": "object"}),
            Kind::Any => json!({}),
        };
        let mut property = match kind {
            Value::Object(property) => property,
            _ => Object::new(),
        };
        if !input.default.is_null() {
            property.insert("default".to_owned(), input.default.clone());
        }
        properties.insert(input.name.to_owned(), property.into());
        if input.required {
            required.push(input.name);
        }
    }
    json!({"type": "function", "function": {
        "name": name,
        "description": node_type.summary,
        "parameters": {"type": "object", "properties": properties, "required": required},
    }})
}
