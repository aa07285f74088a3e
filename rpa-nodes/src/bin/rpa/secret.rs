//! `rpa secret`: the file of secrets.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use rpa_nodes::secrets::SecretFile;

use crate::command::Outcome;

pub(crate) const HELP: &str = "\
Examples:
  printf %s \"$TOKEN\" | rpa secret set token
  rpa secret list

A workflow names it {{$secret:token}}. Values are sealed with the key of this machine and user: RPA_KEY (32 bytes in base64),
or the file RPA_KEY_FILE, or ~/.config/rpa/key, which is made when it is first needed.";

#[derive(Debug, Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    action: Action,
    /// The file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "RPA_SECRETS",
        hide_env = true,
        default_value = "rpa-secrets.json"
    )]
    secrets: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep the text on standard input as a secret.
    Set {
        /// What it is called.
        name: String,
    },
    /// List the names of secrets.
    List,
    /// Forget a secret.
    Remove {
        /// What it is called.
        name: String,
    },
}

pub(crate) fn secret(options: &Secret, output: &mut impl Write) -> anyhow::Result<Outcome> {
    let file = SecretFile::new(&options.secrets);
    match &options.action {
        Action::Set { name } => {
            let value = io::read_to_string(io::stdin())
                .context("cannot read the secret from standard input")?;
            // What a line of a terminal ends with is no part of it.
            let value = value.strip_suffix('\n').unwrap_or(&value);
            if value.is_empty() {
                bail!("the secret is empty; give it on standard input");
            }
            file.set(name, value)?;
        }
        Action::List => {
            for name in file.names()? {
                writeln!(output, "{name}")?;
            }
        }
        Action::Remove { name } => {
            if !file.remove(name)? {
                bail!("there is no secret `{name}`; `rpa secret list` lists all");
            }
        }
    }
    Ok(Outcome::Done)
}
