//! Workflows that other workflows run: where they are, what they are given, and what they give.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::browser::BrowserState;
use crate::document::{self, Interface, Loaded, Workflow};
use crate::fault::Fault;
use crate::headless;
use crate::lenient;
use crate::record::{Next, Record, VisitStatus};
use crate::run::{Fired, Report, Request, StartError};
use crate::template::{self, Names};
use crate::value::{Object, text};
use crate::visit::{Visit, put_together};

#[cfg(test)]
mod tests;

/// How deep workflows may run one another.
const DEEPEST: u32 = 10;
/// Properties that say which workflow is meant, and how it is run.
const OWN: [&str; 9] = [
    "subflow_path",
    "subflow_id",
    "subworkflow_id",
    "workflow_path",
    "execution_mode",
    "wait_for_result",
    "wait_for_completion",
    "timeout_seconds",
    "poll_interval",
];

/// A child that is to be run, as it is recorded before it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    inputs: Object,
    warnings: Vec<String>,
    /// What is run; none if that cannot be.
    pub(crate) request: Option<Request>,
    fault: Option<Fault>,
    /// Whether the node waits for its end.
    pub(crate) waits: bool,
    gives: Vec<Gives>,
}

/// An output, and where its value is inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Gives {
    name: String,
    /// A template of the inner node's output.
    value: Value,
}

/// What became of a child.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ended.
    Ended(Box<Report>),
    /// It began, and nobody waits.
    Begun,
    /// It could not be run.
    Refused(String),
}

/// Puts a call together: reads the file and what the child is given.
pub(crate) fn prepare(visit: Visit<'_>, caller: &Request) -> Call {
    let mut call = Call {
        inputs: Object::new(),
        warnings: Vec::new(),
        request: None,
        fault: None,
        waits: true,
        gives: Vec::new(),
    };
    let (inputs, gathered) = put_together(visit, &mut call.warnings);
    let made = gathered.and_then(|()| make(visit, &inputs, caller, &mut call));
    call.inputs = inputs;
    call.fault = made.err();
    if let Ok(mask) = visit.mask() {
        call.inputs.values_mut().for_each(|value| mask.close(value));
        if let Some(request) = &mut call.request {
            request
                .variables
                .values_mut()
                .for_each(|value| mask.close(value));
            mask.close(&mut request.document);
        }
    }
    call
}

impl Request {
    /// A request that a person makes. A subflow can be run alone: its inputs and parameters are given as variables.
    ///
    /// # Errors
    /// As [`new`](Self::new); also if a required input of a subflow is not given.
    pub fn alone(workflow: &Workflow, given: &Object, folder: &Path) -> Result<Self, StartError> {
        let Some(interface) = &workflow.interface else {
            return Self::new(workflow, given, folder);
        };
        let inputs = interface.inputs.iter().flatten();
        let inputs = inputs.map(|port| (&port.name, port.required, &port.default_value));
        let parameters = interface.parameters.iter().flatten();
        let parameters = parameters.map(|one| (&one.name, one.required, &one.default_value));
        let missing = inputs.chain(parameters).find(|(name, required, default)| {
            *required && default.is_null() && given.get(*name).is_none_or(Value::is_null)
        });
        if let Some((name, ..)) = missing {
            return Err(StartError::MissingVariable { name: name.clone() });
        }
        let (mut workflow, mut given) = (workflow.clone(), given.clone());
        connect(&mut workflow, &mut given).map_err(|fault| StartError::Document {
            reason: fault.message,
        })?;
        Self::new(&workflow, &given, folder)
    }
}

fn make(visit: Visit<'_>, inputs: &Object, caller: &Request, call: &mut Call) -> Result<(), Fault> {
    if caller.depth >= DEEPEST {
        return Err(Fault::of(
            "RecursionError",
            format!("workflows run one another {DEEPEST} deep; let one of them end"),
        ));
    }
    let said = |name: &str| inputs.get(name).map(text).unwrap_or_default();
    let is_off = |name: &str| {
        inputs
            .get(name)
            .is_some_and(|value| !crate::value::truth(value))
    };
    call.waits = said("execution_mode") != "async"
        && !is_off("wait_for_result")
        && !is_off("wait_for_completion");
    let path = find(visit, &said)?;
    let rules = visit.walk.plan().rules;
    let loaded = read(&path, (caller.lenient, rules.answers), &mut call.warnings)?;
    let mut workflow = loaded.workflow;
    let mut given: Object = inputs.clone();
    given.retain(|name, _| !OWN.contains(&name.as_str()));
    call.gives = connect(&mut workflow, &mut given)?;
    let mut request = Request::new(&workflow, &given, Path::new(&*visit.walk.folder()))
        .map_err(|error| Fault::value(error.to_string()))?;
    let called = workflow
        .nodes
        .iter()
        .find(|node| node.node_type == "WorkflowCallTriggerNode" && !node.disabled);
    if let Some(trigger) = called {
        let node = visit.walk.plan().node(visit.turn.place);
        let outputs = Object::from_iter([
            ("params".to_owned(), Value::Object(given)),
            ("caller_workflow_id".to_owned(), visit.run.into()),
            (
                "caller_node_id".to_owned(),
                node.map(|node| node.id.clone()).into(),
            ),
            (
                "call_id".to_owned(),
                visit
                    .walk
                    .visit_name(visit.turn)
                    .replacen("node:", &format!("{}/", visit.run), 1)
                    .into(),
            ),
        ]);
        request = request.by(Fired {
            node: trigger.id.clone(),
            outputs,
        });
    }
    request.depth = caller.depth + 1;
    request.lenient = caller.lenient;
    request.browsers = visit.walk.browsers().to_vec();
    request.ftp = visit.walk.scope(visit.turn.strand).ftp().cloned();
    request
        .seal(&visit.host.vault)
        .map_err(|error| Fault::of("SecretError", error.to_string()))?;
    call.request = Some(request);
    Ok(())
}

/// The file that is meant.
fn find(visit: Visit<'_>, said: &dyn Fn(&str) -> String) -> Result<PathBuf, Fault> {
    let folder = visit.walk.folder();
    for name in ["subflow_path", "workflow_path"] {
        let path = said(name);
        if !path.trim().is_empty() {
            return visit.host.file(&folder, &path);
        }
    }
    let id = [said("subflow_id"), said("subworkflow_id")].concat();
    let id = id.trim();
    if id.is_empty() {
        return Err(Fault::value(
            "no workflow is named; set `subflow_path`, or `subflow_id`",
        ));
    }
    let places = ["workflows/subflows/", "subflows/", "workflows/", ""];
    for place in places {
        for end in [".json", ""] {
            let path = visit.host.file(&folder, &format!("{place}{id}{end}"))?;
            if path.is_file() {
                return Ok(path);
            }
        }
    }
    Err(Fault::of(
        "FileNotFoundError",
        format!(
            "there is no workflow `{id}`: neither workflows/subflows/{id}.json nor subflows/, workflows/ or here; set its path"
        ),
    ))
}

/// Reads a workflow for a caller that is lenient or not, and whose dialogs answer themselves or not.
fn read(
    path: &Path,
    (is_lenient, answers): (bool, bool),
    warnings: &mut Vec<String>,
) -> Result<Loaded, Fault> {
    let read = std::fs::read_to_string(path).map_err(|error| Fault::file("read", path, &error))?;
    let mut loaded = document::load(&read)
        .map_err(|error| Fault::value(format!("{}: {error}", path.display())))?;
    if answers {
        headless::answer(&mut loaded);
    }
    let found = match is_lenient {
        true => lenient::mend(&mut loaded),
        false => crate::check::check(&loaded),
    };
    warnings.extend(lenient::repairs(loaded.diagnostics.iter().chain(&found)));
    let first = loaded
        .diagnostics
        .iter()
        .chain(&found)
        .find(|said| said.is_error());
    match first {
        None => Ok(loaded),
        Some(error) => Err(Fault::value(format!(
            "{} has errors, the first at {}: {}; `rpa check` lists all",
            path.display(),
            error.pointer,
            error.message
        ))),
    }
}

/// Lets the values from outside arrive at the nodes inside. Gives where the outputs come from.
fn connect(workflow: &mut Workflow, given: &mut Object) -> Result<Vec<Gives>, Fault> {
    let interface = workflow.interface.clone().unwrap_or_default();
    parameters(workflow, &interface, given)?;
    for port in interface.inputs.iter().flatten() {
        let missing = given.get(&port.name).is_none_or(Value::is_null);
        if missing && port.required && port.default_value.is_null() {
            return Err(Fault::value(format!(
                "the subflow needs `{}`; connect its port, or set it in the config",
                port.name
            )));
        }
        if missing {
            given.insert(port.name.clone(), port.default_value.clone());
        }
        if let (Some(node), Some(inner)) = (&port.internal_node_id, &port.internal_port_name) {
            workflow.set(node, inner, reference(&port.name));
        }
    }
    let mut gives = Vec::new();
    for port in interface.outputs.iter().flatten() {
        let value = match (&port.internal_node_id, &port.internal_port_name) {
            (Some(node), Some(inner)) => format!("{{{{{node}.{inner}}}}}").into(),
            _ => reference(&port.name),
        };
        gives.push(Gives {
            name: port.name.clone(),
            value,
        });
    }
    // Nodes that stand for a port: no control comes to them, only values pass through.
    let name_of = |node: &document::Node, other: &str| {
        node.config.get("port_name").map_or(other.to_owned(), text)
    };
    let ports: Vec<(String, String, bool)> = workflow
        .nodes
        .iter()
        .filter_map(|node| match node.node_type.as_str() {
            "SubflowInputNode" => Some((node.id.clone(), name_of(node, "input"), true)),
            "SubflowOutputNode" => Some((node.id.clone(), name_of(node, "output"), false)),
            _ => None,
        })
        .collect();
    for (id, name, takes) in ports {
        let ways: Vec<(String, String)> = workflow
            .connections
            .iter()
            .filter(|way| {
                !way.is_control()
                    && if takes {
                        way.source_node == id
                    } else {
                        way.target_node == id
                    }
            })
            .map(|way| match takes {
                true => (way.target_node.clone(), way.target_port.clone()),
                false => (way.source_node.clone(), way.source_port.clone()),
            })
            .collect();
        if takes {
            for (node, port) in ways {
                workflow.set(&node, &port, reference(&name));
            }
            workflow
                .connections
                .retain(|way| way.is_control() || way.source_node != id);
            continue;
        }
        let value = match ways.last() {
            Some((node, port)) => format!("{{{{{node}.{port}}}}}").into(),
            None => {
                let written = workflow
                    .nodes
                    .get(&id)
                    .and_then(|node| node.config.get("value"));
                written.cloned().unwrap_or_else(|| reference(&name))
            }
        };
        gives.push(Gives { name, value });
    }
    Ok(gives)
}

/// Sets the properties of inner nodes that the subflow lets others set.
fn parameters(
    workflow: &mut Workflow,
    interface: &Interface,
    given: &mut Object,
) -> Result<(), Fault> {
    for parameter in interface.parameters.iter().flatten() {
        let value = given
            .remove(&parameter.name)
            .filter(|value| !value.is_null());
        let value = value.or_else(|| {
            (!parameter.default_value.is_null()).then(|| parameter.default_value.clone())
        });
        let Some(value) = value else {
            if parameter.required {
                return Err(Fault::value(format!(
                    "the subflow needs `{}`; set it in the config",
                    parameter.name
                )));
            }
            continue;
        };
        // In a subflow inside, the property is a parameter of that one.
        let chained = parameter.chain.as_ref().and_then(|chain| chain.last());
        let property = chained.or(parameter.internal_property_name.as_ref());
        if let (Some(node), Some(property)) = (&parameter.internal_node_id, property) {
            workflow.set(node, property, value);
        }
    }
    Ok(())
}

fn reference(name: &str) -> Value {
    format!("{{{{{name}}}}}").into()
}

/// What is recorded of the visit, once the child ended or began.
pub(crate) fn conclude(visit: Visit<'_>, call: &Call, id: &str, outcome: &Outcome) -> Record {
    let mut record = Record {
        inputs: call.inputs.clone(),
        warnings: call.warnings.clone(),
        exit: Some("exec_out".to_owned()),
        ..Record::default()
    };
    let mut browsers = None;
    let mut give = |name: &str, value: Value| record.outputs.insert(name.to_owned(), value);
    let failed = match (&call.fault, outcome) {
        (Some(fault), _) => Some(fault.clone()),
        (None, Outcome::Refused(reason)) => Some(Fault::new(reason.clone())),
        (None, Outcome::Begun) => {
            give("job_id", id.into());
            give("success", true.into());
            None
        }
        (None, Outcome::Ended(report)) => {
            let mut states = report.browsers.clone();
            for state in visit.walk.browsers() {
                if !states.iter().any(|known| known.id == state.id) {
                    states.push(BrowserState {
                        closed: true,
                        ..state.clone()
                    });
                }
            }
            if !states.is_empty() {
                browsers = Some(Next::Browsers(states));
            }
            let mut known = report.variables.clone();
            known.extend(report.outputs.clone());
            let known = Names::of(Value::Object(known));
            for gives in &call.gives {
                let mut missing = Vec::new();
                let value = template::resolve(&gives.value, &known, &mut missing).into_owned();
                give(
                    &gives.name,
                    if missing.is_empty() {
                        value
                    } else {
                        Value::Null
                    },
                );
            }
            give("job_id", id.into());
            give("success", report.success.into());
            if call.gives.is_empty() {
                let outputs: Object = report.outputs.clone().into_iter().collect();
                give("outputs", Value::Object(outputs));
            }
            let reason = || {
                report
                    .error
                    .clone()
                    .unwrap_or_else(|| "it failed".to_owned())
            };
            (!report.success).then(|| {
                Fault::of(
                    "SubworkflowError",
                    format!("{}: {}", report.workflow_name, reason()),
                )
            })
        }
    };
    record.next = browsers;
    let Some(mut fault) = failed else {
        return record;
    };
    record.outputs.insert("success".to_owned(), false.into());
    record
        .outputs
        .insert("error".to_owned(), fault.message.clone().into());
    if visit.walk.plan().has_way(visit.turn.place, "error") {
        record.warnings.push(fault.to_string());
        record.exit = Some("error".to_owned());
        return record;
    }
    if let Some(node) = visit.walk.plan().node(visit.turn.place) {
        fault.node.clone_from(&node.id);
    }
    record.exit = None;
    record.status = VisitStatus::Failed;
    record.error = Some(fault);
    record
}
