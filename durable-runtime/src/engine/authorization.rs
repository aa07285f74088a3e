//! Who may run which workflow.

use super::Registered;
use crate::error::{Error, Result};

/// The role, of those the caller has, that allows the workflow; none where none is required. `roles` is a JSON array.
pub(super) fn authorize(
    workflow: &Registered,
    user: Option<&str>,
    roles: Option<&str>,
) -> Result<Option<String>> {
    if workflow.roles.is_empty() {
        return Ok(None);
    }
    let has: Vec<String> = roles
        .and_then(|roles| serde_json::from_str(roles).ok())
        .unwrap_or_default();
    let role = has
        .iter()
        .find(|role| workflow.roles.contains(&role.as_str()));
    role.cloned().map(Some).ok_or_else(|| Error::NotAuthorized {
        workflow: workflow.name.to_owned(),
        required: list(workflow.roles),
        user: user.map_or_else(
            || "an unnamed caller".to_owned(),
            |user| format!("`{user}`"),
        ),
        roles: if has.is_empty() {
            "none".to_owned()
        } else {
            list(&has)
        },
    })
}

fn list(roles: &[impl AsRef<str>]) -> String {
    let quoted = roles.iter().map(|role| format!("`{}`", role.as_ref()));
    quoted.collect::<Vec<_>>().join(", ")
}
