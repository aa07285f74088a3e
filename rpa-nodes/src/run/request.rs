use std::collections::BTreeSet;
use std::path::Path;

use durable_runtime::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::StartError;
use super::report::{find, request_of};
use crate::browser::{self, BrowserState};
use crate::catalogue::Kind;
use crate::document::{self, Loaded, Workflow};
use crate::ftp::FtpPlace;
use crate::plan::Plan;
use crate::secrets::{self, SecretError, Vault};
use crate::value::Object;
use crate::visit::Mask;

/// What is run: the same for the whole life of a run, whatever happens to the file or the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The workflow in the normal form.
    pub document: Value,
    /// Its variables with the values that it begins with.
    pub variables: Object,
    /// The folder that relative paths begin at.
    pub folder: String,
    /// How many workflows run it, one inside the other.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) depth: u32,
    /// Whether workflows that it runs may have errors that can be lived with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) lenient: bool,
    /// What started it, if that was a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fired: Option<Fired>,
    /// What was repaired so that it can be run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) repairs: Vec<String>,
    /// The browsers that whoever runs it has open: it works in them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) browsers: Vec<BrowserState>,
    /// The FTP server that whoever runs it is connected to: it works on it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ftp: Option<FtpPlace>,
}

/// A trigger that fired, and what it gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    /// The id of its node.
    pub node: String,
    /// Its outputs.
    pub outputs: Object,
}

fn is_zero(depth: &u32) -> bool {
    *depth == 0
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
            let data_type = variable.data_type.as_deref();
            let value = match given {
                Some(given) => {
                    fit(given.clone(), data_type).map_err(|reason| StartError::Variable {
                        name: variable.name.clone(),
                        reason,
                    })?
                }
                // The editor calls everything a string, and no type was ever enforced on what a file says.
                None => match data_type.map(kind) {
                    None | Some(Kind::Text) => variable.default_value.clone(),
                    Some(_) => {
                        let default = variable.default_value.clone();
                        fit(default.clone(), data_type).unwrap_or(default)
                    }
                },
            };
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
            depth: 0,
            lenient: false,
            fired: None,
            repairs: Vec::new(),
            browsers: Vec::new(),
            ftp: None,
        })
    }

    /// A request that a trigger makes. What it gives can be referred to by its node, and by the names of its ports as
    /// variables, as can what is in its `payload` or `form_data` by variables that are declared. A variable that is declared with a type
    /// which a value does not fit keeps its default.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn fired(workflow: &Workflow, fired: Fired, folder: &Path) -> Result<Self, StartError> {
        let mut given = fired.outputs.clone();
        let payload = ["payload", "form_data"]
            .iter()
            .find_map(|port| fired.outputs.get(*port)?.as_object());
        for variable in &workflow.variables {
            let inside = payload.and_then(|payload| payload.get(&variable.name));
            let value = given.get(&variable.name).or(inside).cloned();
            let fits = |value: &Value| fit(value.clone(), variable.data_type.as_deref()).is_ok();
            match value.filter(fits) {
                Some(value) => drop(given.insert(variable.name.clone(), value)),
                None => drop(given.shift_remove(&variable.name)),
            }
        }
        let mut request = Self::new(workflow, &given, folder)?;
        request.fired = Some(fired);
        Ok(request)
    }

    /// The same request, made by a trigger that gives nothing that is declared as a variable.
    pub(crate) fn by(mut self, fired: Fired) -> Self {
        for (name, value) in &fired.outputs {
            self.variables
                .entry(name.clone())
                .or_insert_with(|| value.clone());
        }
        self.fired = Some(fired);
        self
    }

    /// The trigger that made it.
    pub fn trigger(&self) -> Option<&Fired> {
        self.fired.as_ref()
    }

    /// Says that errors were repaired, and how, as [`lenient::mend`](crate::lenient::mend) tells. The warnings of the run
    /// begin with these, and errors of the workflows that it runs are repaired too.
    #[must_use]
    pub fn lenient(mut self, repairs: Vec<String>) -> Self {
        self.lenient = true;
        self.repairs = repairs;
        self
    }

    /// Seals the values of variables that are declared `sensitive`, so that none of them stands in the database.
    ///
    /// # Errors
    /// There is no key to seal with.
    pub fn seal(&mut self, vault: &Vault) -> Result<(), SecretError> {
        let Some(Value::Object(declared)) = self.document.get_mut("variables") else {
            return Ok(());
        };
        for (name, variable) in declared {
            if variable
                .get("sensitive")
                .is_none_or(|sensitive| sensitive != true)
            {
                continue;
            }
            if let Some(value) = self.variables.get_mut(name) {
                vault.seal(value)?;
            }
            if let Some(default) = variable.get_mut("default_value") {
                *default = Value::Null;
            }
        }
        Ok(())
    }

    /// Whether both are the same, whatever key and moment they were sealed with.
    ///
    /// # Errors
    /// A value was sealed with another key.
    pub(crate) fn is(&self, other: &Self, vault: &Vault) -> Result<bool, SecretError> {
        let opened = |request: &Self| {
            let mut variables = Value::Object(request.variables.clone());
            Mask::new([], &request.variables, vault)?.open(&mut variables);
            Ok(variables)
        };
        Ok(self.document == other.document && opened(self)? == opened(other)?)
    }

    /// The secrets that the workflow names.
    pub(crate) fn secrets(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        secrets::names(&self.document, &mut names);
        secrets::names(&Value::Object(self.variables.clone()), &mut names);
        names
    }

    /// Why it cannot be run here, if it works in a browser and there is none.
    ///
    /// # Errors
    /// The workflow cannot be read.
    pub(crate) fn lacks_browser(&self) -> Result<Option<String>, StartError> {
        if browser::missing(None).is_none() {
            return Ok(None);
        }
        let plan = Plan::new(&self.load()?.workflow);
        let is_needed = plan
            .nodes()
            .iter()
            .any(|node| !node.disabled && node.node_type.is_some_and(|known| known.in_browser));
        Ok(is_needed
            .then(|| browser::missing(plan.browser()))
            .flatten())
    }

    /// The workflow, read again.
    pub(crate) fn load(&self) -> Result<Loaded, StartError> {
        document::load(&self.document.to_string()).map_err(|error| StartError::Document {
            reason: error.to_string(),
        })
    }
}

/// The variables that a run began with; those that are sealed stay so.
///
/// # Errors
/// There is no such run, or the database cannot be read.
pub async fn variables(client: &Client, id: &str) -> Result<Object, StartError> {
    let row = find(client, id).await?;
    Ok(request_of(&row)
        .map(|request| request.variables)
        .unwrap_or_default())
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

/// What the declared type of a variable means. Types that are not known here mean anything.
fn kind(data_type: &str) -> Kind {
    match data_type.to_ascii_lowercase().as_str() {
        "string" | "text" | "str" => Kind::Text,
        "integer" | "int" | "int32" => Kind::Integer,
        "float" | "number" => Kind::Float,
        "boolean" | "bool" => Kind::Boolean,
        "list" | "array" => Kind::List,
        "dict" | "object" | "dictionary" => Kind::Dict,
        _ => Kind::Any,
    }
}

/// A value as the declared type of its variable has it.
fn fit(value: Value, data_type: Option<&str>) -> Result<Value, String> {
    let kind = data_type.map_or(Kind::Any, kind);
    // An empty field of the editor is nothing, unless it is a text.
    if value.is_null() || (value == "" && !kind.takes_empty()) {
        return Ok(Value::Null);
    }
    // What is sealed was fit when it was given.
    if value
        .as_str()
        .is_some_and(|text| secrets::sealed(text).is_some())
    {
        return Ok(value);
    }
    kind.coerce(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn begun(variables: Value, given: Value) -> Result<Object, StartError> {
        let document = json!({
            "metadata": {"name": "t"}, "connections": [], "variables": variables,
            "nodes": {"a": {"node_id": "a", "node_type": "StartNode", "config": {}}},
        });
        let loaded = document::load(&document.to_string()).unwrap();
        let given = given.as_object().cloned().unwrap_or_default();
        Request::new(&loaded.workflow, &given, Path::new("/")).map(|request| request.variables)
    }

    #[test]
    fn variables_begin_with_what_is_given_or_what_the_file_says() {
        let declared = json!({
            "count": {"type": "Integer", "default_value": "3"}, "free": {"type": "Integer", "default_value": ""},
            "any": {"type": "String", "default_value": 5}, "rows": {"type": "List", "default_value": [1]},
        });
        let begun = begun(declared, json!({"rows": "[2]", "extra": true})).unwrap();
        assert_eq!(
            Value::Object(begun),
            json!({"count": 3, "free": null, "any": 5, "rows": [2], "extra": true})
        );
    }

    #[test]
    fn what_is_given_has_to_fit() {
        let declared = json!({"count": {"type": "Integer", "default_value": 1}});
        let error = begun(declared, json!({"count": "many"})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the variable `count`: an integer is expected, not 'many'"
        );
        let declared = json!({"url": {"default_value": null, "required": true}});
        let error = begun(declared, json!({})).unwrap_err();
        assert!(error.to_string().contains("--var url=VALUE"), "{error}");
    }

    #[test]
    fn a_given_value_is_json_or_a_text() {
        assert_eq!(parse_variable("n=5"), Ok(("n".to_owned(), json!(5))));
        assert_eq!(
            parse_variable("t= a=b"),
            Ok(("t".to_owned(), json!(" a=b")))
        );
        assert!(
            parse_variable("n")
                .unwrap_err()
                .contains("write name=value")
        );
    }
}
