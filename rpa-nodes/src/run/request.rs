use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::StartError;
use crate::catalogue::Kind;
use crate::document::{self, Loaded, Workflow};
use crate::value::Object;

/// What is run: the same for the whole life of a run, whatever happens to the file or the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The workflow in the normal form.
    pub document: Value,
    /// Its variables with the values that it begins with.
    pub variables: Object,
    /// The folder that relative paths begin at.
    pub folder: String,
}

impl Request {
    /// A request to run a workflow in a folder, with values for some of its variables.
    ///
    /// # Errors
    /// A variable that needs a value has none, or a value does not fit the declared type.
    pub fn new(workflow: &Workflow, given: &Object, folder: &Path) -> Result<Self, StartError> {
        let mut variables = Object::new();
        for variable in &workflow.variables {
            let given = given.get(&variable.name);
            if variable.required && variable.default_value.is_null() && given.is_none() {
                return Err(StartError::MissingVariable {
                    name: variable.name.clone(),
                });
            }
            let value = given.unwrap_or(&variable.default_value).clone();
            let value = fit(value, variable.data_type.as_deref()).map_err(|reason| {
                StartError::Variable {
                    name: variable.name.clone(),
                    reason,
                }
            })?;
            variables.insert(variable.name.clone(), value);
        }
        for (name, value) in given {
            if !variables.contains_key(name) {
                variables.insert(name.clone(), value.clone());
            }
        }
        let document = serde_json::to_value(workflow).map_err(|error| StartError::Document {
            reason: error.to_string(),
        })?;
        let folder = folder.to_str().ok_or_else(|| StartError::Document {
            reason: format!(
                "the path of the folder {} is not valid UTF-8",
                folder.display()
            ),
        })?;
        Ok(Self {
            document,
            variables,
            folder: folder.to_owned(),
        })
    }

    /// The workflow, read again.
    pub(crate) fn load(&self) -> Result<Loaded, StartError> {
        document::load(&self.document.to_string()).map_err(|error| StartError::Document {
            reason: error.to_string(),
        })
    }
}

/// Reads `name=value`. The value is JSON if it can be read as such, else a text.
///
/// # Errors
/// There is no `=`, or no name before it.
pub fn parse_variable(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` has no `=`; write name=value"))?;
    let name = name.trim();
    if name.is_empty() {
        return Err(format!("`{text}` has no name before `=`; write name=value"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((name.to_owned(), value))
}

/// A value as the declared type of its variable has it. Types that are not known here are left alone.
fn fit(value: Value, data_type: Option<&str>) -> Result<Value, String> {
    let kind = match data_type.unwrap_or_default().to_ascii_lowercase().as_str() {
        "string" | "text" | "str" => Kind::Text,
        "integer" | "int" | "int32" => Kind::Integer,
        "float" | "number" => Kind::Float,
        "boolean" | "bool" => Kind::Boolean,
        "list" | "array" => Kind::List,
        "dict" | "object" | "dictionary" => Kind::Dict,
        _ => Kind::Any,
    };
    // Nothing was given: what an empty field of the editor says of anything but a text.
    if value.is_null() || (value == "" && kind != Kind::Text) {
        return Ok(value);
    }
    kind.coerce(value)
}
