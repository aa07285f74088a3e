//! What runs may do and know.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rpa_nodes::progress::Progress;
use rpa_nodes::secrets::{SecretFile, Vault};
use rpa_nodes::{Host, OnUncertain};

/// What a run is given beside its file.
#[derive(Debug, Clone, Args)]
pub(crate) struct HostOptions {
    /// What to do when a crash interrupted a node and nobody knows whether it did its work.
    #[arg(long, value_enum, default_value = "ask")]
    on_uncertain: Policy,
    /// Let nodes use only files in this folder. May be given several times.
    #[arg(long = "root", value_name = "FOLDER")]
    roots: Vec<PathBuf>,
    /// Let nodes start programs: shell commands and Python scripts.
    #[arg(long)]
    allow_commands: bool,
    /// A file of secrets, as `rpa secret` writes it, after the environment variables RPA_SECRET_*.
    #[arg(
        long,
        value_name = "FILE",
        env = "RPA_SECRETS",
        hide_env = true,
        default_value = "rpa-secrets.json"
    )]
    secrets: PathBuf,
    /// What becomes of dialogs, as nobody sits at a desktop.
    #[arg(long, value_enum, default_value = "refuse")]
    pub(crate) headless_policy: Headless,
    /// Tell each visit on standard error when it ends.
    #[arg(long)]
    trace: bool,
}

/// What becomes of dialogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Headless {
    /// A workflow that has some does not start.
    Refuse,
    /// They answer themselves: with their defaults, or with what `headless_answer` says.
    Answer,
}

/// How doubts are resolved.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Policy {
    /// Do it again.
    Retry,
    /// Do not do it again.
    Skip,
    /// Wait until a person answers.
    Ask,
}

impl HostOptions {
    pub(crate) fn host(&self) -> Host {
        let mut host = Host::default();
        self.apply(&mut host);
        host
    }

    fn apply(&self, host: &mut Host) {
        host.trace = self.trace;
        host.on_uncertain = match self.on_uncertain {
            Policy::Retry => OnUncertain::Retry,
            Policy::Skip => OnUncertain::Skip,
            Policy::Ask => OnUncertain::Ask,
        };
        host.roots.clone_from(&self.roots);
        host.allow_commands = self.allow_commands;
        host.vault = Vault::default().with(SecretFile::new(&self.secrets));
        if !self.trace && std::io::stderr().is_terminal() {
            // One line that is written over, and gone at the end.
            host.progress = Some(Progress::new(|moment| eprint!("\r\x1b[2K{moment}")));
        }
    }
}

/// Removes the line of progress.
pub(crate) fn end_progress() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K");
    }
}
