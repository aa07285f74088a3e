//! The variables of a workflow, in the order of the file.

use std::slice;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::fields::{Fields, Notes, kind};
use super::variable::Variable;
use crate::diagnostic::Code;
use crate::pointer::Pointer;

/// The variables that a workflow declares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables {
    list: Vec<Variable>,
}

impl Variables {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The variable of this name.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.list.iter().find(|variable| variable.name == name)
    }

    /// The variables in the order of the file.
    pub fn iter(&self) -> slice::Iter<'_, Variable> {
        self.list.iter()
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Variable> {
        self.list.iter_mut().find(|variable| variable.name == name)
    }

    /// Reads `variables` or `default_variables`, in each of its spellings.
    pub(super) fn read(&mut self, value: Value, at: &Pointer, notes: &mut Notes) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let at = at.child(&name);
                    self.declare(Variable::read(name, value, at.clone(), notes), &at, notes);
                }
            }
            Value::Array(list) => {
                for (place, value) in list.into_iter().enumerate() {
                    let at = at.child(place);
                    if let Some(variable) = Variable::listed(value, at.clone(), notes) {
                        self.declare(variable, &at, notes);
                    }
                }
            }
            other => notes.say(
                Code::InvalidType,
                at,
                format!("the variables are {}, not an object", kind(&other)),
                "write an object of names and declarations, `{}` if there are none",
            ),
        }
    }

    fn declare(&mut self, variable: Variable, at: &Pointer, notes: &mut Notes) {
        let normal = Pointer::root().child("variables").child(&variable.name);
        notes.origins.record(normal, at.clone());
        if let Some(known) = self.get_mut(&variable.name) {
            notes.say(
                Code::DuplicateKey,
                at,
                format!(
                    "the variable `{}` is declared twice; the last declaration counts",
                    variable.name
                ),
                "remove one of the declarations",
            );
            *known = variable;
        } else {
            self.list.push(variable);
        }
    }

    /// Makes variables of the parameters of a template. Its text refers to both in the same way, so that a
    /// parameter only has to be a variable with a value.
    pub(super) fn add_parameters(&mut self, parameters: &Value, at: &Pointer, notes: &mut Notes) {
        let ignored = |at: &Pointer, value: &Value, wanted: &str, notes: &mut Notes| {
            let message = format!("the parameters of the template have {} here", kind(value));
            notes.say(Code::IgnoredValue, at, message, format!("write {wanted}"));
        };
        let Value::Array(list) = parameters else {
            ignored(at, parameters, "a list of objects", notes);
            return;
        };
        for (place, value) in list.iter().enumerate() {
            let at = at.child(place);
            let Value::Object(map) = value else {
                ignored(
                    &at,
                    value,
                    "an object with `name` and `default_value`",
                    notes,
                );
                continue;
            };
            let mut fields = Fields::new(map.clone(), at.clone(), notes);
            let Some(name) = fields.text("name") else {
                fields.say(
                    Code::MissingRequiredField,
                    "a parameter of the template has no `name`",
                    "give it the `name` that placeholders call it by",
                );
                continue;
            };
            let parameter = Variable {
                name,
                data_type: fields.text("param_type"),
                default_value: fields
                    .take("default_value")
                    .or_else(|| fields.take("default"))
                    .unwrap_or_default(),
                description: fields.text("description"),
                required: fields.flag("required").unwrap_or_default(),
                ..Variable::default()
            };
            self.add_parameter(parameter, &at, notes);
        }
    }

    /// Makes variables of the placeholders of a template, which are names with descriptions.
    pub(super) fn add_placeholders(
        &mut self,
        placeholders: &Map<String, Value>,
        at: &Pointer,
        notes: &mut Notes,
    ) {
        for (name, description) in placeholders {
            let placeholder = Variable {
                name: name.clone(),
                description: description.as_str().map(str::to_owned),
                required: true,
                ..Variable::default()
            };
            self.add_parameter(placeholder, &at.child(name), notes);
        }
    }

    fn add_parameter(&mut self, parameter: Variable, at: &Pointer, notes: &mut Notes) {
        notes.say(
            Code::VariableFromParameter,
            at,
            format!("the parameter `{}` was read as a variable", parameter.name),
            "give it a value when you run the workflow, unless its default value is right",
        );
        match self.get_mut(&parameter.name) {
            Some(known) => {
                // Filling in a template comes before the run, so that the parameter is what the run sees.
                if !parameter.default_value.is_null() {
                    known.default_value = parameter.default_value;
                }
                known.required |= parameter.required;
            }
            None => {
                let normal = Pointer::root().child("variables").child(&parameter.name);
                notes.origins.record(normal, at.clone());
                self.list.push(parameter);
            }
        }
    }

    /// Gives variables the values that a scenario has for them.
    pub(super) fn override_with(
        &mut self,
        values: &Map<String, Value>,
        at: &Pointer,
        notes: &mut Notes,
    ) {
        for (name, value) in values {
            let at = at.child(name);
            notes.say(
                Code::VariableOverridden,
                &at,
                format!(
                    "the scenario gives the variable `{name}` a value; it is the default value now"
                ),
                "nothing to do; `rpa import` writes it so",
            );
            match self.get_mut(name) {
                Some(known) => known.default_value = value.clone(),
                None => self.list.push(Variable::plain(name.clone(), value.clone())),
            }
            let normal = Pointer::root().child("variables").child(name);
            notes.origins.record(normal.child("default_value"), at);
        }
    }
}

impl<'v> IntoIterator for &'v Variables {
    type Item = &'v Variable;
    type IntoIter = slice::Iter<'v, Variable>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Variables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for variable in self {
            map.serialize_entry(&variable.name, variable)?;
        }
        map.end()
    }
}
