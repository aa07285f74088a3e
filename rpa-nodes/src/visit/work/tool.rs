//! A node that is used by another node, within its visit.

use super::Work;
use crate::catalogue::{Action, NodeType};
use crate::fault::Fault;
use crate::plan::PlanNode;
use crate::record::Record;
use crate::value::Object;
use crate::visit::Call;
use crate::walk::Scope;

impl Work {
    /// Does what a node of a type does with these inputs, which are converted to what the type takes. Gives its outputs; the
    /// variables that it sets and what it logs are those of this visit. It knows no variables, and its keys are this visit's
    /// with `name` behind.
    ///
    /// # Errors
    /// The inputs do not fit, the type needs more of a run than its inputs, or it failed.
    pub(crate) fn use_type(
        &mut self,
        node_type: &NodeType,
        name: &str,
        given: &Object,
    ) -> Result<Object, Fault> {
        let inputs = fitted(node_type, given)?;
        let mut record = Record::default();
        match node_type.action {
            Action::Compute(body) => {
                let node = PlanNode {
                    id: name.to_owned(),
                    type_name: node_type.name.to_owned(),
                    ..PlanNode::default()
                };
                let scope = Scope::default();
                record.inputs = inputs;
                body(&mut Call::new(&node, &scope, &mut record))?;
            }
            Action::Work { intend, perform } => {
                let mut work = self.apart(name, inputs);
                if let Some(look) = intend {
                    work.found = look(&work)?;
                }
                let done = perform(&mut work);
                work.end(&mut record);
                done?;
            }
            Action::Control(_) | Action::Database(_) | Action::Child => {
                return Err(Fault::value(format!(
                    "{} needs more of a run than its inputs, so no other node can use it",
                    node_type.name
                )));
            }
        }
        self.record.set.extend(record.set);
        self.record.logs.extend(record.logs);
        self.record.warnings.extend(record.warnings);
        Ok(record.outputs)
    }

    /// The same place in the world with other inputs.
    fn apart(&self, name: &str, inputs: Object) -> Self {
        Self {
            inputs,
            folder: self.folder.clone(),
            host: self.host.clone(),
            key: format!("{}/{name}", self.key),
            found: serde_json::Value::Null,
            recalled: None,
            ways: Vec::new(),
            limit: self.limit,
            #[cfg(feature = "browser")]
            browsers: Vec::new(),
            #[cfg(feature = "ftp")]
            ftp: None,
            record: Record::default(),
        }
    }
}

/// Inputs as a type takes them.
fn fitted(node_type: &NodeType, given: &Object) -> Result<Object, Fault> {
    if let Some(name) = given
        .keys()
        .find(|name| node_type.find_input(name).is_none())
    {
        return Err(Fault::value(format!(
            "{} has no input `{name}`",
            node_type.name
        )));
    }
    let mut inputs = Object::new();
    for input in &node_type.inputs {
        let value = given
            .iter()
            .find(|(name, _)| node_type.key_name(name) == input.name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_null());
        let value = match value {
            Some(value) => input
                .kind
                .coerce(value.clone())
                .map_err(|why| Fault::value(format!("`{}`: {why}", input.name)))?,
            None if input.required => {
                return Err(Fault::value(format!("`{}` is missing", input.name)));
            }
            None => input.default.clone(),
        };
        if !value.is_null() {
            inputs.insert(input.name.to_owned(), value);
        }
    }
    Ok(inputs)
}
