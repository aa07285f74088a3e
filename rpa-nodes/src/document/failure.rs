//! Why a text is no workflow.

/// Why nothing could be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text is not JSON.
    #[error(
        "the file is not JSON: {source}; correct it there, or save the workflow again in the editor"
    )]
    NotJson {
        /// What the reader says, with line and column.
        source: serde_json::Error,
    },
    /// The text is JSON, but not an object.
    #[error("the file holds {found}, and a workflow is an object; is it the file that you meant?")]
    NotAnObject {
        /// What it is instead.
        found: &'static str,
    },
    /// The object has none of the keys that a workflow stands under.
    #[error(
        "the file is an object, but no workflow: it has {}, and neither `nodes` nor a `workflow`, \
         `workflow_definition`, `base_workflow` or `graph` that could hold some; is it the file that you meant?",
        listed(.keys)
    )]
    NotAWorkflow {
        /// The keys that it has.
        keys: Vec<String>,
    },
}

impl LoadError {
    /// A word for machines, like those of [`Code`](crate::diagnostic::Code).
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "NOT_JSON",
            Self::NotAnObject { .. } => "NOT_AN_OBJECT",
            Self::NotAWorkflow { .. } => "NOT_A_WORKFLOW",
        }
    }
}

/// Names the first keys, so that one sees which file it is.
fn listed(keys: &[String]) -> String {
    const SHOWN: usize = 6;
    if keys.is_empty() {
        return "no keys".to_owned();
    }
    let names: Vec<String> = keys
        .iter()
        .take(SHOWN)
        .map(|key| format!("`{key}`"))
        .collect();
    let more = keys.len().saturating_sub(SHOWN);
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{tail}", names.join(", "))
}
