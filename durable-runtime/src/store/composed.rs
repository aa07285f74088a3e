//! Statements that are put together when it is known what is asked for.

use serde_json::Value as Json;

use super::sql::Param;

/// A statement that is put together, with its parameters.
#[derive(Debug, Default)]
pub(super) struct Composed {
    pub(super) text: String,
    pub(super) params: Vec<Param>,
}

impl Composed {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a parameter; gives its place.
    pub(super) fn param(&mut self, value: impl Into<Param>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    pub(super) fn limit(&mut self, limit: Option<u32>, offset: Option<u32>) {
        match limit {
            Some(limit) => {
                let limit = self.param(i64::from(limit));
                self.push(&format!(" LIMIT {limit}"));
            }
            // SQLite knows no offset without a limit.
            None if offset.is_some() => self.push("{lite: LIMIT -1}"),
            None => {}
        }
        if let Some(offset) = offset {
            let offset = self.param(i64::from(offset));
            self.push(&format!(" OFFSET {offset}"));
        }
    }

    /// SQLite: the JSON text that `container` gives contains `wanted`, an object or array, as PostgreSQL's `@>` has it.
    pub(super) fn contains(&mut self, container: &str, wanted: &Json, depth: usize) {
        let member = format!("m{depth}");
        let (kind, members): (_, Vec<(Option<&String>, &Json)>) = match wanted {
            Json::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (Some(key), value));
                ("object", fields.collect())
            }
            Json::Array(elements) => {
                let elements = elements.iter().map(|element| (None, element));
                ("array", elements.collect())
            }
            _ => return,
        };
        self.push(&format!("json_type({container}) = '{kind}'"));
        for (key, value) in members {
            self.push(&format!(
                " AND EXISTS (SELECT 1 FROM json_each({container}) {member} WHERE "
            ));
            if let Some(key) = key {
                let key = self.param(key);
                self.push(&format!("{member}.key = {key} AND "));
            }
            match value {
                Json::Object(_) => self.nested(&member, "object", value, depth),
                Json::Array(_) => self.nested(&member, "array", value, depth),
                Json::String(text) => {
                    let text = self.param(text);
                    self.push(&format!(
                        "{member}.type = 'text' AND {member}.atom = {text}"
                    ));
                }
                Json::Number(number) => {
                    let number = match number.as_i64() {
                        Some(whole) => self.param(whole),
                        None => self.param(number.as_f64()),
                    };
                    self.push(&format!(
                        "{member}.type IN ('integer', 'real') AND {member}.atom = {number}"
                    ));
                }
                Json::Bool(_) | Json::Null => {
                    self.push(&format!("{member}.type = '{value}'"));
                }
            }
            self.push(")");
        }
    }

    /// The member is an object or array that contains `wanted`. The type is looked at first: the value of another type
    /// is no JSON text.
    fn nested(&mut self, member: &str, kind: &str, wanted: &Json, depth: usize) {
        let value = format!("CASE WHEN {member}.type = '{kind}' THEN {member}.value END");
        self.contains(&value, wanted, depth + 1);
    }
}
