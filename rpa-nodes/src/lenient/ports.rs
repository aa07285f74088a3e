//! Connections and placeholders that name what nobody has.

use serde_json::Value;

use super::Mender;
use super::aliases;
use crate::catalogue::{NodeType, catalogue};
use crate::diagnostic::Code;
use crate::document::Connection;
use crate::pointer::Pointer;
use crate::template::placeholders;
use crate::value::{Path, Segment};

/// What becomes of one end of a connection.
enum End {
    /// Nothing is wrong with it.
    Fine,
    /// It is meant otherwise.
    Meant(String),
    /// Nobody knows what is meant.
    Lost,
}

impl Mender<'_> {
    /// Connections are led where they are meant to lead, or removed.
    pub(super) fn connections(&mut self) {
        let list = Pointer::root().child("connections");
        let mut kept = Vec::new();
        let connections = std::mem::take(&mut self.loaded.workflow.connections);
        let count = connections.len();
        let mut connections_now = Vec::new();
        for (place, mut connection) in connections.into_iter().enumerate() {
            if self.connection(&mut connection, &list.child(place)) {
                kept.push(place);
                connections_now.push(connection);
            }
        }
        if connections_now.len() < count {
            self.loaded.origins.keep(&list, &kept);
        }
        self.loaded.workflow.connections = connections_now;
    }

    /// Repairs a connection. Tells whether it stays.
    fn connection(&mut self, connection: &mut Connection, at: &Pointer) -> bool {
        for key in ["source_node", "target_node"] {
            let id = match key {
                "source_node" => &mut connection.source_node,
                _ => &mut connection.target_node,
            };
            let nodes = &self.loaded.workflow.nodes;
            if nodes.contains(id) {
                continue;
            }
            let message = format!("there is no node `{id}`");
            let is_meant = |node: &&crate::document::Node| {
                node.id.eq_ignore_ascii_case(id) || node.name.as_deref() == Some(id)
            };
            let meant = nodes.iter().find(is_meant).map(|node| node.id.clone());
            let done = match &meant {
                Some(meant) => format!("it was read as `{meant}`"),
                None => "the connection was removed".to_owned(),
            };
            let is_lost = meant.is_none();
            if let Some(meant) = meant {
                *id = meant;
            }
            self.say(Code::OrphanedConnection, &at.child(key), message, done);
            if is_lost {
                return false;
            }
        }
        if connection.source_node == connection.target_node && !connection.is_loop_end() {
            let message = format!("node `{}` is connected to itself", connection.source_node);
            let done = "the connection was removed".to_owned();
            self.say(Code::SelfConnection, at, message, done);
            return false;
        }
        let source = self.node_type(&connection.source_node);
        let target = self.node_type(&connection.target_node);
        let is_control = connection.is_control();
        let out = match source {
            Some(source) if is_control => exit(source, &connection.source_port),
            Some(source) => output(source, &connection.source_port),
            None => End::Fine,
        };
        let into = match target {
            Some(target) if !is_control => input(target, &connection.target_port),
            _ => End::Fine,
        };
        let ends = [
            (
                "source_port",
                out,
                &mut connection.source_port,
                &connection.source_node,
                source,
            ),
            (
                "target_port",
                into,
                &mut connection.target_port,
                &connection.target_node,
                target,
            ),
        ];
        for (key, end, port, node, node_type) in ends {
            let name = node_type.map_or("", |node_type| node_type.name);
            let message = format!("{name} has no port `{port}` (node `{node}`)");
            match end {
                End::Fine => {}
                End::Meant(meant) => {
                    let done = format!("it was read as `{meant}`");
                    *port = meant;
                    self.say(Code::UnknownPort, &at.child(key), message, done);
                }
                End::Lost => {
                    let done = "the connection was removed".to_owned();
                    self.say(Code::UnknownPort, &at.child(key), message, done);
                    return false;
                }
            }
        }
        true
    }

    fn node_type(&self, id: &str) -> Option<&'static NodeType> {
        let node = self.loaded.workflow.nodes.get(id)?;
        catalogue().get(&node.node_type).filter(|_| !node.disabled)
    }

    /// Placeholders name the outputs that are meant.
    pub(super) fn references(&mut self) {
        let ids: Vec<String> = self
            .loaded
            .workflow
            .nodes
            .iter()
            .map(|node| node.id.clone())
            .collect();
        for id in ids {
            let Some(node) = self.loaded.workflow.nodes.get(&id) else {
                continue;
            };
            let at = Pointer::root().child("nodes").child(&id).child("config");
            let mut config = node.config.clone();
            let mut said = Vec::new();
            for (key, value) in &mut config {
                let mut found = Vec::new();
                self.rewrite(value, &mut found);
                said.extend(found.into_iter().map(|found| (at.child(key), found)));
            }
            if said.is_empty() {
                continue;
            }
            if let Some(node) = self.loaded.workflow.nodes.get_mut(&id) {
                node.config = config;
            }
            for (at, (message, done)) in said {
                self.say(Code::UnknownReference, &at, message, done);
            }
        }
    }

    fn rewrite(&self, value: &mut Value, said: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => {
                let mut changes = Vec::new();
                for placeholder in placeholders(text) {
                    if placeholder.is_doubtful {
                        continue;
                    }
                    let Some((other, meant)) = self.output_meant(placeholder.inner) else {
                        continue;
                    };
                    let (inner, span) = (placeholder.inner, placeholder.span);
                    let Some(whole) = text.get(span.clone()) else {
                        continue;
                    };
                    let root = inner.find('.').map_or(inner.len(), |dot| dot + 1);
                    let (before, rest) = inner.split_at(root);
                    let renamed = format!("{before}{}", rest.replacen(&other, meant, 1));
                    let whole = whole.replacen(inner, &renamed, 1);
                    said.push((
                        format!("`{inner}` names no output"),
                        format!("it was read as `{renamed}`"),
                    ));
                    changes.push((span, whole));
                }
                for (span, whole) in changes.into_iter().rev() {
                    text.replace_range(span, &whole);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.rewrite(item, said)),
            Value::Object(map) => map.values_mut().for_each(|item| self.rewrite(item, said)),
            _ => {}
        }
    }

    /// The output that a placeholder names and no node has, and the one that is meant.
    fn output_meant(&self, inner: &str) -> Option<(String, &'static str)> {
        let path = Path::parse(inner)?;
        let is_variable = self
            .loaded
            .workflow
            .variables
            .iter()
            .any(|variable| variable.name == path.root);
        let node_type = self.node_type(&path.root).filter(|_| !is_variable)?;
        match path.rest.first()? {
            Segment::Key(name) => match output(node_type, name) {
                End::Meant(_) => Some((name.clone(), aliases::output(node_type, name)?)),
                _ => None,
            },
            Segment::Index(_) => None,
        }
    }
}

fn exit(node_type: &NodeType, port: &str) -> End {
    match node_type.has_exit(port) {
        true => End::Fine,
        false => meant(aliases::exit(node_type, port)),
    }
}

fn output(node_type: &NodeType, port: &str) -> End {
    match node_type.find_output(port).is_some() || node_type.is_open {
        true => End::Fine,
        false => meant(aliases::output(node_type, port)),
    }
}

fn input(node_type: &NodeType, port: &str) -> End {
    match node_type.find_input(port).is_some() || node_type.is_open {
        true => End::Fine,
        false => meant(aliases::input(node_type, port)),
    }
}

fn meant(name: Option<&str>) -> End {
    name.map_or(End::Lost, |name| End::Meant(name.to_owned()))
}
