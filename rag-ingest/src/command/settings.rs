//! Where the settings come from: the command line, the environment, a file, or the program.
//!
//! Every option of every command is a setting, by the name of its flag with `_` for `-`: `--max-file-size` is
//! `max_file_size` in the file and `RAG_INGEST_MAX_FILE_SIZE` in the environment. What is given there becomes the default
//! of the option, so the command line wins, then the environment, then the file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use serde::Serialize;

use super::Command;

/// The file that is read when none is named and this one is there.
const FILE: &str = "rag-ingest.toml";
const PREFIX: &str = "RAG_INGEST_";
/// What a file may say of one collection.
const COLLECTIONS: &str = "collections";

/// A setting that does not come from the command line.
#[derive(Debug, Clone)]
struct Given {
    values: Vec<String>,
    from: String,
}

/// A setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Setting {
    pub(super) name: String,
    /// Several for an option that may be given several times, none for one that is not set.
    pub(super) value: Vec<String>,
    /// `default`, `file PATH`, `environment NAME` or `flag`.
    pub(super) from: String,
}

/// The command line together with all other settings.
#[derive(Debug)]
pub(super) struct Settings {
    given: BTreeMap<String, Given>,
    command: clap::Command,
    matches: ArgMatches,
}

impl Settings {
    /// Reads the command line, the environment and the file.
    ///
    /// # Errors
    /// The file cannot be read, or names what is no setting.
    pub(super) fn read(line: Vec<OsString>) -> Result<Result<Self, clap::Error>> {
        let command = Command::command();
        let names = names(&command);
        let environment: BTreeMap<_, _> = names
            .iter()
            .filter_map(|name| {
                let variable = format!("{PREFIX}{}", name.to_uppercase());
                let value = std::env::var(&variable).ok()?;
                let from = format!("environment {variable}");
                let values = vec![value];
                Some((name.clone(), Given { values, from }))
            })
            .collect();
        let collection = said(&line, "--collection")
            .or_else(|| Some(environment.get("collection")?.values.first()?.clone()));
        let mut given = match file(&line)? {
            None => BTreeMap::new(),
            Some(path) => of_file(&path, &names, collection.as_deref())?,
        };
        given.extend(environment);
        let command = with_defaults(command, &given);
        let matched = command.clone().try_get_matches_from(line);
        Ok(matched.map(|matches| Self {
            given,
            command,
            matches,
        }))
    }

    /// The command.
    pub(super) fn command(&self) -> Result<Command, clap::Error> {
        Command::from_arg_matches(&self.matches)
            .map_err(|error| error.format(&mut self.command.clone()))
    }

    /// Every setting of the commands that ingest and search, with its value and where that comes from.
    pub(super) fn all(&self) -> Vec<Setting> {
        let mut all: BTreeMap<String, Setting> = BTreeMap::new();
        let mut matches = &self.matches;
        let mut chosen = &self.command;
        while let Some((name, inner)) = matches.subcommand() {
            matches = inner;
            let Some(found) = chosen.find_subcommand(name) else {
                break;
            };
            chosen = found;
        }
        let others = self
            .command
            .get_subcommands()
            .filter(|command| is_ours(command));
        for command in std::iter::once(chosen).chain(others) {
            for argument in command.get_arguments() {
                let Some(name) = name_of(argument) else {
                    continue;
                };
                let is_chosen = std::ptr::eq(command, chosen);
                let on_line = is_chosen
                    && matches.value_source(argument.get_id().as_str())
                        == Some(ValueSource::CommandLine);
                let value: Vec<String> = if on_line {
                    let values = matches.get_raw(argument.get_id().as_str());
                    values.into_iter().flatten().map(text).collect()
                } else {
                    argument.get_default_values().iter().map(text).collect()
                };
                let from = match self.given.get(&name) {
                    _ if on_line => "flag".to_owned(),
                    Some(given) => given.from.clone(),
                    None => "default".to_owned(),
                };
                all.entry(name.clone()).or_insert_with(|| Setting {
                    value: value.into_iter().map(|value| shown(&name, value)).collect(),
                    name,
                    from,
                });
            }
        }
        all.into_values().collect()
    }
}

fn text(value: impl AsRef<OsStr>) -> String {
    value.as_ref().to_string_lossy().into_owned()
}

/// Secrets are not shown.
fn shown(name: &str, value: String) -> String {
    if ["key", "token", "secret", "password"]
        .iter()
        .any(|word| name.ends_with(word))
    {
        return "***".to_owned();
    }
    // postgres://user:password@host
    if let Some((scheme, rest)) = value.split_once("://")
        && let Some((who, place)) = rest.rsplit_once('@')
        && let Some((user, _)) = who.split_once(':')
    {
        return format!("{scheme}://{user}:***@{place}");
    }
    value
}

/// Whether a command has settings: those for processes of the program itself, and those of the library, have none but
/// the database.
fn is_ours(command: &clap::Command) -> bool {
    !command.is_hide_set() && command.get_name() != "config"
}

/// The setting that an option is. Those that say what is done now, and not how, are none.
fn name_of(argument: &clap::Arg) -> Option<String> {
    const ACTIONS: [&str; 17] = [
        "help",
        "version",
        "config",
        "question",
        "run",
        "detach",
        "watch",
        "yes",
        "dry_run",
        "now",
        "all",
        "until_idle",
        "path",
        "type",
        "since",
        "until",
        "pages",
    ];
    let name = match argument.get_long() {
        Some(long) => long.replace('-', "_"),
        None => argument.get_id().as_str().to_owned(),
    };
    (!ACTIONS.contains(&name.as_str())).then_some(name)
}

fn names(command: &clap::Command) -> Vec<String> {
    let commands = command.get_subcommands().filter(|command| is_ours(command));
    let mut names: Vec<_> = commands
        .flat_map(|command| command.get_arguments().filter_map(name_of))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What the command line says of an option, before it is read as a whole.
fn said(line: &[OsString], option: &str) -> Option<String> {
    let mut words = line.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        if word == option {
            return words.next().map(|value| value.into_owned());
        }
        if let Some(value) = word
            .strip_prefix(option)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some(value.to_owned());
        }
    }
    None
}

fn file(line: &[OsString]) -> Result<Option<PathBuf>> {
    let named = said(line, "--config").map(PathBuf::from);
    let named = named.or_else(|| std::env::var_os("RAG_INGEST_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        if !path.exists() {
            bail!("there is no file {} with settings", path.display());
        }
        return Ok(Some(path));
    }
    Ok(Path::new(FILE).exists().then(|| PathBuf::from(FILE)))
}

fn of_file(
    path: &Path,
    names: &[String],
    collection: Option<&str>,
) -> Result<BTreeMap<String, Given>> {
    let place = || format!("the settings in {} cannot be read", path.display());
    let text = std::fs::read_to_string(path).with_context(place)?;
    let mut table: toml::Table = text.parse().with_context(place)?;
    let collections = match table.remove(COLLECTIONS) {
        None => toml::Table::new(),
        Some(toml::Value::Table(collections)) => collections,
        Some(_) => bail!(
            "`{COLLECTIONS}` in {} is no table; write [{COLLECTIONS}.NAME]",
            path.display()
        ),
    };
    let mut given = BTreeMap::new();
    add(&mut given, table, names, path, "")?;
    let of_table = given
        .get("collection")
        .and_then(|given| given.values.first().cloned());
    let collection = collection.map(str::to_owned).or(of_table);
    let collection = collection.unwrap_or_else(|| "default".to_owned());
    for (name, settings) in collections {
        let toml::Value::Table(settings) = settings else {
            bail!("`{COLLECTIONS}.{name}` in {} is no table", path.display());
        };
        // Those of others are read, too, so that a mistake is found whenever it is made.
        let mut own = BTreeMap::new();
        add(
            &mut own,
            settings,
            names,
            path,
            &format!(" [{COLLECTIONS}.{name}]"),
        )?;
        if name == collection {
            given.extend(own);
        }
    }
    Ok(given)
}

fn add(
    given: &mut BTreeMap<String, Given>,
    table: toml::Table,
    names: &[String],
    path: &Path,
    part: &str,
) -> Result<()> {
    for (name, value) in table {
        let name = name.replace('-', "_");
        if !names.contains(&name) {
            bail!(
                "{}{part} says `{name}`, which is no setting; `rag-ingest config show` lists them",
                path.display()
            );
        }
        let values = match value {
            toml::Value::Array(values) => values.iter().map(word).collect(),
            one => vec![word(&one)],
        };
        let from = format!("file {}{part}", path.display());
        given.insert(name, Given { values, from });
    }
    Ok(())
}

fn word(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(yes) => yes.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
        // Refused as the value of its option.
        toml::Value::Array(_) | toml::Value::Table(_) => String::new(),
    }
}

fn with_defaults(command: clap::Command, given: &BTreeMap<String, Given>) -> clap::Command {
    command.mut_subcommands(|command| {
        let is_config = command.get_name() == "config";
        let command = command.mut_args(|argument| with_default(argument, given));
        if !is_config {
            return command;
        }
        command.mut_subcommands(|show| {
            show.mut_args(|argument| with_default(argument.required(false), given))
        })
    })
}

fn with_default(argument: clap::Arg, given: &BTreeMap<String, Given>) -> clap::Arg {
    let Some(given) = name_of(&argument).and_then(|name| given.get(&name)) else {
        return argument;
    };
    // The description of the options lives as long as the program, and so do their defaults.
    let values = given.values.iter().map(|value| &*value.clone().leak());
    argument.required(false).default_values(values)
}
