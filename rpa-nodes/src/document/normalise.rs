//! Bringing a file of any shape into the normal form.
//!
//! The shapes differ in where things stand, hardly in what stands there. So one reader knows every spelling of a
//! field, and the shape only says where the workflow is and what around it belongs to it.

use serde_json::{Map, Value};

use super::connection::Connection;
use super::fields::{Fields, Notes, kind};
use super::interface::Interface;
use super::metadata::{Metadata, expect_version};
use super::node::{self, Node};
use super::nodes::Nodes;
use super::settings::Settings;
use super::shape::Shape;
use super::variables::Variables;
use super::wrapper::Wrapper;
use super::{Loaded, Workflow};
use crate::diagnostic::Code;
use crate::pointer::Pointer;

pub(super) fn normalise(
    mut top: Map<String, Value>,
    shape: Shape,
    duplicates: &[Pointer],
) -> Loaded {
    let mut notes = Notes::default();
    let mut at = Pointer::root();
    let mut around = None;
    if let Some(key) = shape.body_key()
        && let Some(Value::Object(body)) = top.shift_remove(key)
    {
        at = at.child(key);
        notes.say(
            Code::ShapeNormalised,
            &at,
            format!(
                "the file is {} (shape {}) around the workflow",
                shape.description(),
                shape.letter()
            ),
            "nothing to do; `rpa import` writes the workflow, and keeps the rest under `wrapper`",
        );
        notes.origins.record(Pointer::root(), at.clone());
        let kept = Pointer::root().child("wrapper").child("keys");
        notes.origins.record(kept, Pointer::root());
        around = Some(Wrapper { shape, keys: top });
        top = body;
    }
    tell_duplicates(duplicates, &at.child("nodes"), &mut notes);
    check_versions(&top, &at, around.as_ref(), shape, &mut notes);

    let mut body = Fields::new(top, at, &mut notes);
    let metadata = Metadata::gather(&mut body, around.as_ref());
    let mut nodes = read_nodes(&mut body);
    place_nodes(&mut body, &mut nodes);
    let connections = read_connections(&mut body, shape);
    let variables = read_variables(&mut body, around.as_ref());
    let settings = read_settings(&mut body, around.as_ref());
    let interface = Interface::take(&mut body, shape);
    let wrapper = read_wrapper(&mut body, around);
    let workflow = Workflow {
        metadata,
        nodes,
        connections,
        variables,
        settings,
        interface,
        extra: body.map,
        wrapper,
    };
    Loaded {
        workflow,
        shape,
        diagnostics: notes.diagnostics,
        origins: notes.origins,
    }
}

fn tell_duplicates(duplicates: &[Pointer], nodes: &Pointer, notes: &mut Notes) {
    for at in duplicates {
        if at.parent().as_ref() == Some(nodes) {
            notes.say(
                Code::DuplicateNodeId,
                at,
                "two nodes have this id; only the last one was read",
                "give one of them another id, and correct the connections",
            );
        } else {
            notes.say(
                Code::DuplicateKey,
                at,
                "the object has this key twice; the last one counts",
                "remove one of them",
            );
        }
    }
}

fn check_versions(
    body: &Map<String, Value>,
    at: &Pointer,
    around: Option<&Wrapper>,
    shape: Shape,
    notes: &mut Notes,
) {
    let (map, at) = match around {
        Some(wrapper) => (&wrapper.keys, Pointer::root()),
        None => (body, at.clone()),
    };
    let (key, known) = match shape {
        Shape::Scenario | Shape::Subflow => ("$schema_version", "1.0.0"),
        Shape::Snippet => ("schema_version", "1.0.0"),
        Shape::Starter => ("$schema_version", "2.0.0"),
        Shape::Template => ("$schema", "casare_rpa/workflow_template/1.0"),
        _ => return,
    };
    if let Some(found) = map.get(key).and_then(Value::as_str) {
        expect_version(found, known, &at.child(key), notes);
    }
}

fn read_nodes(body: &mut Fields<'_>) -> Nodes {
    let mut nodes = Nodes::default();
    let normal = Pointer::root().child("nodes");
    let at = body.at.child("nodes");
    match body.take("nodes") {
        Some(Value::Object(map)) => {
            for (id, value) in map {
                if let Some(map) = node_map(value, &at.child(&id), body.notes) {
                    let (normal, at) = (normal.child(&id), at.child(&id));
                    nodes.push(Node::read(&id, map, &normal, at, body.notes));
                }
            }
        }
        Some(Value::Array(list)) => {
            body.notes.say(
                Code::ShapeNormalised,
                &at,
                "the nodes stand in a list",
                "nothing to do; `rpa import` writes each node under its id",
            );
            for (place, value) in list.into_iter().enumerate() {
                read_listed_node(value, at.child(place), &normal, &mut nodes, body.notes);
            }
        }
        Some(other) => body.notes.say(
            Code::InvalidType,
            &at,
            format!("the nodes are {}, not an object", kind(&other)),
            "write an object of ids and nodes",
        ),
        None => {}
    }
    nodes
}

fn node_map(value: Value, at: &Pointer, notes: &mut Notes) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        other => {
            notes.say(
                Code::InvalidType,
                at,
                format!(
                    "a node is {}, not an object, and was left out",
                    kind(&other)
                ),
                "write an object with `node_id`, `node_type` and `config`, or remove it",
            );
            None
        }
    }
}

fn read_listed_node(
    value: Value,
    at: Pointer,
    normal: &Pointer,
    nodes: &mut Nodes,
    notes: &mut Notes,
) {
    let Some(map) = node_map(value, &at, notes) else {
        return;
    };
    let Some(id) = node::listed_id(&map) else {
        notes.say(
            Code::MissingRequiredField,
            &at,
            "a node in a list has no `node_id` and was left out",
            "give it the id that connections call it by",
        );
        return;
    };
    if nodes.contains(&id) {
        notes.say(
            Code::DuplicateNodeId,
            &at,
            format!("two nodes have the id `{id}`; only the first one was read"),
            "give one of them another id, and correct the connections",
        );
        return;
    }
    let normal = normal.child(&id);
    notes.origins.record(normal.clone(), at.clone());
    nodes.push(Node::read(&id, map, &normal, at, notes));
}

/// Snippets keep the positions of their nodes apart. Those that have a node to go to are moved there.
fn place_nodes(body: &mut Fields<'_>, nodes: &mut Nodes) {
    let Some(mut positions) = body.object("node_positions") else {
        return;
    };
    let mut moved = false;
    for node in nodes.iter_mut() {
        if node.position.is_none()
            && let Some(position) = positions.get(&node.id).and_then(node::pair)
        {
            positions.shift_remove(&node.id);
            node.position = Some(position);
            moved = true;
        }
    }
    if moved {
        body.notes.say(
            Code::PositionsMoved,
            &body.at.child("node_positions"),
            "the positions stand apart from the nodes",
            "nothing to do; `rpa import` writes each into its node",
        );
    }
    if !positions.is_empty() {
        body.map
            .insert("node_positions".to_owned(), Value::Object(positions));
    }
}

fn read_connections(body: &mut Fields<'_>, shape: Shape) -> Vec<Connection> {
    let mut connections = Vec::new();
    let at = body.at.child("connections");
    let list = match body.take("connections") {
        Some(Value::Array(list)) => list,
        None => return connections,
        Some(other) => {
            body.notes.say(
                Code::InvalidType,
                &at,
                format!("the connections are {}, not a list", kind(&other)),
                "write a list, `[]` if there are none",
            );
            return connections;
        }
    };
    for (place, value) in list.into_iter().enumerate() {
        let normal = Pointer::root()
            .child("connections")
            .child(connections.len());
        let at = at.child(place);
        if connections.len() != place {
            body.notes.origins.record(normal.clone(), at.clone());
        }
        match Connection::read(value, shape, &normal, at, body.notes) {
            Some(connection) => connections.push(connection),
            None => body.notes.origins.forget(&normal),
        }
    }
    connections
}

fn read_variables(body: &mut Fields<'_>, around: Option<&Wrapper>) -> Variables {
    let mut variables = Variables::default();
    let root = Pointer::root();
    let outer = |key: &str| around.and_then(|wrapper| wrapper.keys.get(key));
    if let Some(value) = outer("default_variables") {
        variables.read(value.clone(), &root.child("default_variables"), body.notes);
    }
    if let Some(value) = body.take("variables") {
        let at = body.at.child("variables");
        variables.read(value, &at, body.notes);
    }
    if let Some(parameters) = outer("parameters") {
        variables.add_parameters(parameters, &root.child("parameters"), body.notes);
    }
    if let Some(Value::Object(placeholders)) = outer("placeholders") {
        variables.add_placeholders(placeholders, &root.child("placeholders"), body.notes);
    }
    if let Some(Value::Object(values)) = outer("variable_values") {
        variables.override_with(values, &root.child("variable_values"), body.notes);
    }
    variables
}

fn read_settings(body: &mut Fields<'_>, around: Option<&Wrapper>) -> Settings {
    let map = body.section("settings");
    let at = body.at.child("settings");
    let mut settings = Settings::read(map, at, body.notes);
    if let Some(Value::Object(other)) = body.map.get("execution_settings") {
        let at = body.at.child("execution_settings");
        settings.complete(other, &at, body.notes);
    }
    for key in ["execution_settings", "default_settings"] {
        if let Some(Value::Object(other)) = around.and_then(|wrapper| wrapper.keys.get(key)) {
            settings.complete(other, &Pointer::root().child(key), body.notes);
        }
    }
    settings
}

/// A file that was normalised before has its wrapper inside.
fn read_wrapper(body: &mut Fields<'_>, around: Option<Wrapper>) -> Option<Wrapper> {
    let Some(inside) = body.map.get("wrapper") else {
        return around;
    };
    match around {
        None => {
            let wrapper = serde_json::from_value(inside.clone()).ok()?;
            body.map.shift_remove("wrapper");
            Some(wrapper)
        }
        Some(mut around) => {
            // There is one place for a wrapper: the inner one goes where the outer one is kept.
            if let Some(inside) = body.map.shift_remove("wrapper") {
                around.keys.entry("wrapper").or_insert(inside);
            }
            Some(around)
        }
    }
}

#[cfg(test)]
mod tests;
