use serde_json::Value;

use crate::catalogue::{Action, NodeType};
use crate::fault::Fault;
use crate::plan::PlanNode;
use crate::record::{LogLine, Record};
use crate::template::Scope as _;
use crate::value::{Object, text};
use crate::walk::Scope;

/// What a node that computes is given: its inputs, which fit what the catalogue says, and the variables.
#[derive(Debug)]
pub struct Call<'v> {
    node: &'v PlanNode,
    scope: &'v Scope,
    record: &'v mut Record,
}

impl<'v> Call<'v> {
    pub(super) fn new(node: &'v PlanNode, scope: &'v Scope, record: &'v mut Record) -> Self {
        Self {
            node,
            scope,
            record,
        }
    }

    /// The type of the node.
    pub(crate) fn node_type(&self) -> Option<&'static NodeType> {
        self.node.node_type
    }

    /// The id of the node.
    pub fn node_id(&self) -> &str {
        &self.node.id
    }

    /// An input, if it has a value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.record.inputs.get(name)
    }

    /// An input; nothing is null.
    pub fn value(&self, name: &str) -> Value {
        self.get(name).cloned().unwrap_or_default()
    }

    /// An input as a text; nothing is empty.
    pub fn text(&self, name: &str) -> String {
        self.get(name).map(text).unwrap_or_default()
    }

    /// An input as an integer.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(crate::value::read_integer)
    }

    /// An input as a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(crate::value::read_number)
    }

    /// Whether an input is there and true.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(crate::value::truth)
    }

    /// An input as a list; nothing is empty.
    pub fn list(&self, name: &str) -> Vec<Value> {
        match self.get(name) {
            Some(Value::Array(items)) => items.clone(),
            _ => Vec::new(),
        }
    }

    /// An input as a dict; nothing is empty.
    pub fn dict(&self, name: &str) -> Object {
        match self.get(name) {
            Some(Value::Object(map)) => map.clone(),
            _ => Object::new(),
        }
    }

    /// Does what another node does, with this one's inputs and outputs under other names: (here, there).
    pub(crate) fn act_as(
        &mut self,
        other: &NodeType,
        inputs: &[(&str, &str)],
        outputs: &[(&str, &str)],
    ) -> Result<(), Fault> {
        let Action::Compute(body) = other.action else {
            return Err(Fault::value(format!(
                "{} cannot be part of another node",
                other.name
            )));
        };
        let own = std::mem::take(&mut self.record.inputs);
        let mut taken = Object::new();
        for input in &other.inputs {
            let names = inputs
                .iter()
                .filter(|(_, there)| *there == input.name)
                .map(|(here, _)| *here);
            let given = names.chain([input.name]).find_map(|name| own.get(name));
            let value = match given {
                Some(value) => input.kind.coerce(value.clone()),
                None if input.default.is_null() => continue,
                None => Ok(input.default.clone()),
            };
            match value {
                Ok(value) => drop(taken.insert(input.name.to_owned(), value)),
                Err(reason) => {
                    self.record.inputs = own;
                    return Err(Fault::value(format!("`{}`: {reason}", input.name)));
                }
            }
        }
        self.record.inputs = taken;
        let done = body(self);
        self.record.inputs = own;
        for (here, there) in outputs {
            if let Some(value) = self.record.outputs.remove(*there) {
                self.record.outputs.insert((*here).to_owned(), value);
            }
        }
        done
    }

    /// Gives an output.
    pub fn give(&mut self, name: &str, value: impl Into<Value>) {
        self.record.outputs.insert(name.to_owned(), value.into());
    }

    /// Lets control leave by a port.
    pub fn leave_by(&mut self, exit: &str) {
        self.record.exit = Some(exit.to_owned());
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.scope.lookup(name)
    }

    /// What names stand for.
    pub fn scope(&self) -> &Scope {
        self.scope
    }

    /// All variables.
    pub fn variables(&self) -> &Object {
        self.scope.variables()
    }

    /// Sets a variable.
    ///
    /// # Errors
    /// The name is empty.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), Fault> {
        let name = name.trim();
        if name.is_empty() {
            return Err(Fault::value("the name of the variable is empty"));
        }
        self.record.set.insert(name.to_owned(), value);
        Ok(())
    }

    /// Logs a line.
    pub fn log(&mut self, level: &str, text: String) {
        self.record.logs.push(LogLine {
            level: level.to_owned(),
            text,
        });
    }

    /// Tells that something is not as the author may think.
    pub fn warn(&mut self, warning: String) {
        self.record.warnings.push(warning);
    }
}
