#[cfg(feature = "llm")]
mod tool;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{Folder, Visit};
#[cfg(feature = "browser")]
use crate::browser::{BrowserState, PageNote};
use crate::fault::Fault;
#[cfg(feature = "ftp")]
use crate::ftp::FtpPlace;
use crate::host::Host;
#[cfg(any(feature = "browser", feature = "ftp"))]
use crate::record::Next;
use crate::record::{LogLine, Record};
use crate::template::Scope as _;
use crate::value::{Object, text};

/// What a node that works on the world is given. It owns all it needs, so that it can run beside the tasks.
#[derive(Debug)]
pub struct Work {
    inputs: Object,
    folder: Folder,
    host: Host,
    key: String,
    found: Value,
    /// The variable by which it goes on with what an earlier visit left.
    recalled: Option<Value>,
    /// The ports by which control can leave.
    ways: Vec<String>,
    /// How long the workflow lets a visit take.
    limit: Option<Duration>,
    #[cfg(feature = "browser")]
    browsers: Vec<BrowserState>,
    #[cfg(feature = "ftp")]
    ftp: Option<FtpPlace>,
    record: Record,
}

impl Work {
    pub(super) fn new(visit: Visit<'_>, inputs: Object, found: Value) -> Self {
        Self {
            #[cfg(feature = "browser")]
            browsers: browsers(visit),
            #[cfg(feature = "ftp")]
            ftp: ftp(visit),
            recalled: recalled(visit, &inputs),
            ways: ways(visit),
            inputs,
            folder: visit.walk.folder(),
            host: visit.host.clone(),
            key: visit.key(),
            found,
            limit: visit
                .walk
                .plan()
                .rules
                .timeout
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            record: Record::default(),
        }
    }

    /// Adds to a record what the node did.
    pub(super) fn end(self, record: &mut Record) {
        record.outputs = self.record.outputs;
        record.set = self.record.set;
        record.exit = self.record.exit;
        record.logs.extend(self.record.logs);
        record.warnings.extend(self.record.warnings);
        record.page = self.record.page;
        if self.record.next.is_some() {
            record.next = self.record.next;
        }
    }

    /// What `property` says in seconds, or else this; no longer than the workflow lets a visit take.
    pub(crate) fn patience(&self, property: &str, otherwise: Duration) -> Duration {
        let said = self.number(property).filter(|seconds| *seconds > 0.0);
        let said = said.map_or(otherwise, |seconds| {
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        });
        self.limit.map_or(said, |limit| said.min(limit))
    }

    /// What `intend` found.
    pub fn found(&self, name: &str) -> Option<&Value> {
        self.found.get(name)
    }

    /// The value of the variable that the node recalls.
    pub fn recalled(&self) -> Option<&Value> {
        self.recalled.as_ref()
    }

    /// Whether something is connected to a port by which control can leave.
    pub fn has_way(&self, exit: &str) -> bool {
        self.ways.iter().any(|way| way == exit)
    }

    /// An input, if it has a value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.inputs.get(name)
    }

    /// An input as a text; nothing is empty.
    pub fn text(&self, name: &str) -> String {
        self.get(name).map(text).unwrap_or_default()
    }

    /// An input as an integer.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(crate::value::read_integer)
    }

    /// An input as a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(crate::value::read_number)
    }

    /// Whether an input is there and true.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(crate::value::truth)
    }

    /// An input as a list; nothing is empty.
    pub fn list(&self, name: &str) -> Vec<Value> {
        match self.get(name) {
            Some(Value::Array(items)) => items.clone(),
            _ => Vec::new(),
        }
    }

    /// An input as a dict; nothing is empty.
    pub fn dict(&self, name: &str) -> Object {
        match self.get(name) {
            Some(Value::Object(map)) => map.clone(),
            _ => Object::new(),
        }
    }

    /// An input as a path; relative ones begin at the folder in which the run was started.
    ///
    /// # Errors
    /// The path is empty, or outside of the folders that the run may use.
    pub fn path(&self, name: &str) -> Result<PathBuf, Fault> {
        let path = self.text(name);
        if path.trim().is_empty() {
            return Err(Fault::value(format!("the path `{name}` is empty")));
        }
        self.host.file(&self.folder, &path)
    }

    /// A path that no input says by itself.
    ///
    /// # Errors
    /// It is outside of the folders that the run may use.
    pub fn file(&self, path: &str) -> Result<PathBuf, Fault> {
        self.host.file(&self.folder, path)
    }

    /// What the host lets a run do.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The folder in which the run was started.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// What tells this visit from all others, in this run and every other one.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Gives an output.
    pub fn give(&mut self, name: &str, value: impl Into<Value>) {
        self.record.outputs.insert(name.to_owned(), value.into());
    }

    /// Lets control leave by a port.
    pub fn leave_by(&mut self, exit: &str) {
        self.record.exit = Some(exit.to_owned());
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: Value) {
        self.record.set.insert(name.to_owned(), value);
    }

    /// Logs a line.
    pub fn log(&mut self, level: &str, text: String) {
        self.record.logs.push(LogLine {
            level: level.to_owned(),
            text,
        });
    }

    /// Tells that something is not as the author may think.
    pub fn warn(&mut self, warning: String) {
        self.record.warnings.push(warning);
    }
}

#[cfg(feature = "browser")]
impl Work {
    /// The browsers that the run has open, the one last that was launched last.
    pub(crate) fn browsers(&self) -> &[BrowserState] {
        &self.browsers
    }

    /// Tells how a browser is now. The last word on each counts.
    pub(crate) fn browse(&mut self, state: BrowserState) {
        let Some(Next::Browsers(states)) = &mut self.record.next else {
            self.record.next = Some(Next::Browsers(vec![state]));
            return;
        };
        states.retain(|known| known.id != state.id);
        states.push(state);
    }

    /// What is left to be seen of the page.
    pub(crate) fn page_note(&mut self) -> &mut PageNote {
        self.record.page.get_or_insert_default()
    }
}

#[cfg(feature = "ftp")]
impl Work {
    /// The FTP server that the branch is connected to.
    pub(crate) fn ftp(&self) -> Option<&FtpPlace> {
        self.ftp.as_ref()
    }

    /// From now on the branch is connected to this FTP server, or to none.
    pub(crate) fn connect_ftp(&mut self, place: Option<FtpPlace>) {
        self.record.next = Some(Next::Ftp(place));
    }
}

/// The FTP server of a branch, with the values of secrets.
#[cfg(feature = "ftp")]
fn ftp(visit: Visit<'_>) -> Option<FtpPlace> {
    let mut place = visit.walk.scope(visit.turn.strand).ftp().cloned()?;
    if let Ok(mask) = visit.mask() {
        let settings = place.settings.values_mut();
        settings.for_each(|value| mask.open(value));
    }
    Some(place)
}

/// The browsers of a run, with the values of secrets.
#[cfg(feature = "browser")]
fn browsers(visit: Visit<'_>) -> Vec<BrowserState> {
    let mut browsers = visit.walk.browsers().to_vec();
    if let Ok(mask) = visit.mask() {
        let settings = browsers
            .iter_mut()
            .flat_map(|browser| browser.settings.values_mut());
        settings.for_each(|value| mask.open(value));
    }
    browsers
}

fn recalled(visit: Visit<'_>, inputs: &Object) -> Option<Value> {
    let (_, node_type) = visit.known()?;
    let name = node_type.recalls?(inputs)?;
    let mut value = visit.walk.scope(visit.turn.strand).lookup(&name)?.clone();
    visit.mask().ok()?.open(&mut value);
    Some(value)
}

fn ways(visit: Visit<'_>) -> Vec<String> {
    let node = visit.walk.plan().node(visit.turn.place);
    let exits = node.map_or(&[][..], |node| node.exits.as_slice());
    exits.iter().map(|exit| exit.port.clone()).collect()
}
