//! A workflow whose code does not do what is recorded.

use std::panic::Location;

use super::dry::OpenCall;
use super::execution::Execution;
use crate::error::{CodeNow, Divergence, Error, ErrorRecord, RecordedCode};
use crate::machine::{Machine, SiteKind};

/// The mark of a patch does nothing by itself.
const PATCH: &str = "DBOS.patch-";

impl Execution {
    /// Another call is recorded at a position.
    pub(super) fn unexpected(
        &self,
        position: i32,
        recorded: String,
        called: &str,
        location: &Location<'_>,
    ) -> Error {
        let site = self.workflow.code.site(location);
        let now = CodeNow::Call {
            name: called.to_owned(),
            place: location.to_string(),
            site: site.map(|site| site.label.clone().into_owned()),
        };
        self.diverges(position, recorded, now)
    }

    /// The workflow has ended, and something is recorded behind its last call.
    ///
    /// Only when every call was answered from its record. With a call that is made anew the end is new as well: it may
    /// have been in flight when the run was interrupted, beside later calls that were recorded, and it may end the
    /// workflow sooner this time.
    pub(super) fn shortened(&self, result: &Result<String, ErrorRecord>) -> Option<Error> {
        let (position, recorded, calls) = {
            let state = self.state();
            if state.is_live {
                return None;
            }
            let beyond = state.history.range(state.position.saturating_add(1)..);
            let mut calls = beyond.filter(|(_, row)| !row.name.starts_with(PATCH));
            let (position, row) = calls.next()?;
            (*position, row.name.clone(), state.position)
        };
        let error = result.as_ref().err();
        if error.is_some_and(|error| error.name == "WorkflowPanicked") {
            return None;
        }
        let now = CodeNow::End {
            calls,
            error: error.map(|error| error.message.clone()),
            place: self.workflow.place(),
        };
        Some(self.diverges(position, recorded, now))
    }

    fn diverges(&self, position: i32, recorded: String, now: CodeNow) -> Error {
        let last_position = self.state().last_recorded;
        Error::UnexpectedStep(Box::new(Divergence {
            workflow_id: self.workflow_id.clone(),
            workflow: self.workflow.full_name(),
            position,
            recorded,
            last_position,
            recorded_by: None,
            now,
            version: self.engine.identity.application_version.clone(),
            code: self.workflow.code.hash.to_owned(),
        }))
    }

    /// Adds to an error which code made the record that the workflow departs from, if the database knows.
    pub(super) async fn explained(&self, error: Error) -> Error {
        let Error::UnexpectedStep(mut divergence) = error else {
            return error;
        };
        let (id, position) = (&self.workflow_id, divergence.position);
        match self.engine.store.machine_of(id, Some(position)).await {
            Ok(Some(by)) => {
                divergence.recorded_by = Some(RecordedCode {
                    place: place(&by.machine, &divergence.recorded),
                    version: by.application_version,
                    code: by.machine.code,
                });
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(workflow_id = id, %error, "cannot tell which code made a record");
            }
        }
        Error::UnexpectedStep(divergence)
    }

    /// A call that would begin now.
    pub(crate) fn open_call(&self, position: i32, name: &str, location: &Location<'_>) -> OpenCall {
        let site = self.workflow.code.site(location);
        OpenCall {
            position,
            name: name.to_owned(),
            place: location.to_string(),
            site: site.map(|site| site.label.clone().into_owned()),
        }
    }
}

/// The one place where the code makes a call that is recorded under this name.
fn place(machine: &Machine, recorded: &str) -> Option<String> {
    let method = recorded.strip_prefix("DBOS.").map(method);
    let mut sites = machine.sites.iter().filter(|site| match &method {
        Some(method) => site.kind == SiteKind::Operation && site.callee == method.as_str(),
        None => site.kind != SiteKind::Operation && site.callee == recorded,
    });
    match (sites.next(), sites.next()) {
        (Some(site), None) => Some(format!("{}:{}", site.file, site.line)),
        _ => None,
    }
}

/// The method of the context that records a name: `setEvent` is `set_event`, `patch-by-air` is `patch`.
fn method(recorded: &str) -> String {
    if recorded.starts_with("patch-") {
        return "patch".to_owned();
    }
    let mut name = String::with_capacity(recorded.len() + 4);
    for character in recorded.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{method, place};
    use crate::machine::{Machine, SiteKind, site};

    fn machine(sites: &[(&'static str, SiteKind, u32)]) -> Machine {
        let call = |(callee, kind, line): &(&'static str, SiteKind, u32)| {
            site(callee, callee, *kind, "src/shop.rs", *line, 5)
        };
        let sites: Vec<_> = sites.iter().map(call).collect();
        let machine = serde_json::json!({
            "name": "shop", "version": "1", "code": "1", "file": "src/shop.rs", "line": 1,
            "sites": sites, "edges": [],
        });
        serde_json::from_value(machine).unwrap()
    }

    #[test]
    fn a_recorded_name_is_found_where_it_is_called_once() {
        let machine = machine(&[
            ("charge", SiteKind::Call, 3),
            ("ship", SiteKind::Call, 4),
            ("ship", SiteKind::Call, 5),
            ("set_event", SiteKind::Operation, 6),
            ("sleep", SiteKind::Call, 7),
        ]);

        let found = |name| place(&machine, name);

        assert_eq!(found("charge").as_deref(), Some("src/shop.rs:3"));
        assert_eq!(found("DBOS.setEvent").as_deref(), Some("src/shop.rs:6"));
        assert_eq!(found("ship"), None, "it is called twice");
        assert_eq!(found("DBOS.sleep"), None, "a step of that name is no sleep");
        assert_eq!(found("tidy"), None);
    }

    #[test]
    fn a_call_of_the_library_is_known_by_its_method() {
        assert_eq!(method("getEvent"), "get_event");
        assert_eq!(method("sleep"), "sleep");
        assert_eq!(method("send_bulk"), "send_bulk");
        assert_eq!(method("patch-by-air"), "patch");
    }
}
