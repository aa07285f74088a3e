use std::fmt;

use serde::{Deserialize, Serialize};

/// How the code of a workflow differs from what a run of it has recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Divergence {
    /// The run.
    pub workflow_id: String,
    /// The workflow's name, after its class if it has one: `class/name`.
    pub workflow: String,
    /// The number of the call within the workflow, from 1.
    pub position: i32,
    /// The name that is recorded there.
    pub recorded: String,
    /// The number of the run's last record.
    pub last_position: i32,
    /// The code that made the record, where a version was launched that has it.
    pub recorded_by: Option<RecordedCode>,
    /// What the code does now.
    pub now: CodeNow,
    /// The application version of this program.
    pub version: String,
    /// The hash of the workflow's code in this program.
    pub code: String,
}

/// The code that made a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedCode {
    /// The application version that it was launched in.
    pub version: String,
    /// The hash of the workflow's code in it.
    pub code: String,
    /// Where that code makes the recorded call, `file:line`, when there is one such place.
    pub place: Option<String>,
}

/// What the code does where something else is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeNow {
    /// It makes another call.
    Call {
        /// The name under which that would be recorded.
        name: String,
        /// Where it stands: `file:line:column`.
        place: String,
        /// Its place in the structure of the workflow, where the macro saw it.
        site: Option<String>,
    },
    /// The workflow ends.
    End {
        /// After so many calls.
        calls: i32,
        /// The error that it ends with, if it does not succeed.
        error: Option<String>,
        /// Where the workflow stands: `file:line`.
        place: String,
    },
}

impl Divergence {
    /// True when the record was made by the same code, so that the code cannot have been changed since.
    fn is_same_code(&self) -> bool {
        let code = self.recorded_by.as_ref().map(|by| &by.code);
        code == Some(&self.code)
    }

    /// Why it happened, as far as one can tell.
    fn cause(&self) -> &'static str {
        match &self.recorded_by {
            Some(_) if self.is_same_code() => {
                "The code of the workflow is the same as when this was recorded. So something else than the results of \
                 its calls decides which calls it makes (a clock, a random number, the environment, the order of a hash \
                 map); or it is a function that the workflow calls, and that was changed."
            }
            Some(_) => "The code of the workflow was changed after this was recorded.",
            None => {
                "The code of the workflow was changed after this was recorded; or something else than the results of its \
                 calls decides which calls it makes (a clock, a random number, the environment, the order of a hash map)."
            }
        }
    }

    fn patch(&self) -> String {
        let (id, next) = (&self.workflow_id, self.last_position.saturating_add(1));
        let again = format!(
            "a run that this error has ended goes on with `client.rewind(\"{id}\").to_step({next}).start()`"
        );
        match self.recorded.strip_prefix("DBOS.patch-") {
            Some(patch) => format!(
                "patch: keep `ctx.patch(\"{patch}\")`, or `ctx.deprecate_patch(\"{patch}\")` in its place, until no run \
                 is left that has this record; {again}"
            ),
            None => format!(
                "patch: keep the old way for runs that came this far, `if ctx.patch(\"some name\") {{ new code }} else \
                 {{ old code }}`; {again}"
            ),
        }
    }

    fn pin(&self) -> String {
        match &self.recorded_by {
            Some(by) if by.version != self.version => format!(
                "pin: let a program of version `{}` go on until its runs are through, beside this one",
                by.version
            ),
            _ => "pin: give the changed code an application version of its own, and let a program with the old code go \
                  on until its runs are through"
                .to_owned(),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workflow_id: id,
            workflow,
            position,
            recorded,
            ..
        } = self;
        write!(
            f,
            "workflow `{workflow}` ({id}) does not do what it did before: at position {position} `{recorded}` was \
             recorded, and "
        )?;
        match &self.now {
            CodeNow::Call { name, place, .. } => write!(f, "now `{name}` is called at {place}")?,
            CodeNow::End { calls, .. } => {
                let calls = match calls {
                    1 => "1 call".to_owned(),
                    calls => format!("{calls} calls"),
                };
                write!(f, "the workflow now ends after {calls}")?;
            }
        }
        write!(f, "\n  recorded: position {position}, `{recorded}`")?;
        match &self.recorded_by {
            Some(by) => {
                if let Some(place) = &by.place {
                    write!(f, " at {place}")?;
                }
                write!(f, ", by version `{}` (code {})", by.version, by.code)?;
            }
            None => f.write_str(", by a version that is not known here")?,
        }
        f.write_str("\n  now:      ")?;
        match &self.now {
            CodeNow::Call { name, place, site } => {
                write!(f, "position {position}, `{name}` at {place}")?;
                if let Some(site) = site {
                    write!(f, " (site `{site}`)")?;
                }
            }
            CodeNow::End { error, place, .. } => {
                write!(f, "the end of the workflow at {place}")?;
                if let Some(error) = error {
                    write!(f, ", with the error `{error}`")?;
                }
            }
        }
        write!(
            f,
            ", in version `{}` (code {})\n{}\nWhat you can do:\n  {}\n  fork:  let it do the rest anew, with the code as it \
             is, in a run of its own: `client.fork(\"{id}\").from_step({position}).start()`\n  {}",
            self.version,
            self.code,
            self.cause(),
            self.patch(),
            self.pin().replacen("pin:", "pin:  ", 1),
        )
    }
}
