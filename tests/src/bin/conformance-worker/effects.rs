//! What really happened: a line for each run of a step's body.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use durable_runtime::StepContext;

/// Where the lines go, if anywhere.
pub struct Effects(Option<File>);

impl Effects {
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| {
            let file = OpenOptions::new().append(true).create(true).open(path);
            file.with_context(|| format!("cannot open {}", path.display()))
        };
        path.map(open).transpose().map(Self)
    }
}

/// Writes the line of a step that begins.
pub fn note(ctx: &StepContext) -> anyhow::Result<()> {
    let effects = ctx.state::<Effects>()?;
    if let Some(mut file) = effects.0.as_ref() {
        // One write, so that the lines of several steps never mix.
        let line = format!("{} {}\n", ctx.workflow_id(), ctx.name());
        file.write_all(line.as_bytes())?;
    }
    Ok(())
}
