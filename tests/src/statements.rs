//! Which statements a program sends to its database, as the database's side tells it.
//!
//! PostgreSQL: the server's own log of a connection, of which it sends a copy to the client (`log_statement` and
//! `client_min_messages` are set in the URL, so the role has to be allowed to set them, as a superuser is). It has every
//! BEGIN and COMMIT. SQLite has no log: there it is what the driver's thread ran, and the number of commits is the
//! counter in the shared memory of the write-ahead log, which SQLite itself keeps.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durable_runtime::{Builder, Durable};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, EnteredSpan, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::logs;
use crate::store::Store;

/// How long nothing is run before it counts as quiet.
const QUIET: Duration = Duration::from_millis(300);
/// Where the PostgreSQL driver hands on what the server logs.
const SERVER: &str = "sqlx::postgres::notice";
/// Where the SQLite driver says what it ran.
const DRIVER: &str = "sqlx::query";
/// The spans of watches.
const WATCH: &str = module_path!();

/// What a process does besides its work: leases, timers, schedules, queues without work, notifications, and the look at
/// what is awaited once a second.
const BESIDE: [&str; 8] = [
    "lease",
    "listen",
    "look",
    "notify",
    "queues",
    "schedules",
    "settings",
    "timers",
];

/// By which words a statement is known: the first that fit. Without `dbos.` before the tables.
const NAMES: [(&str, &str); 27] = [
    ("BEGIN", "BEGIN"),
    ("COMMIT", "COMMIT"),
    ("ROLLBACK", "ROLLBACK"),
    ("LISTEN", "listen"),
    ("pg_notify", "notify"),
    ("durable_executors", "lease"),
    ("min(due)", "timers"),
    ("FROM workflow_schedules", "schedules"),
    ("served.name", "queues"),
    ("plan_cache_mode", "settings"),
    ("PRAGMA", "settings"),
    ("INSERT INTO workflow_status", "start"),
    ("INSERT INTO workflow_input", "input"),
    ("WITH chosen", "claim"),
    ("INSERT INTO operation_outputs", "step"),
    ("completed_at =", "completion"),
    ("INSERT INTO workflow_output", "output"),
    ("INTO workflow_events_history", "event history"),
    ("INTO workflow_events", "event"),
    ("FROM workflow_events", "read event"),
    (
        "SELECT workflow_uuid FROM workflow_status WHERE workflow_uuid IN",
        "destination",
    ),
    ("UPDATE notifications", "take message"),
    ("INTO notifications", "message"),
    ("FROM notifications", "look for message"),
    ("FROM operation_outputs WHERE workflow_uuid IN", "history"),
    ("INTO payments", "payment"),
    ("COALESCE(o.output", "look"),
];

static SEEN: LazyLock<Mutex<HashMap<u64, Vec<String>>>> = LazyLock::new(Mutex::default);

fn seen() -> MutexGuard<'static, HashMap<u64, Vec<String>>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches the statements of everything that runs on this thread, as long as it lives.
pub struct Watch {
    number: u64,
    url: String,
    counter: Option<Counter>,
    _span: EnteredSpan,
}

impl Watch {
    /// Begins to watch. The runtime of the test has to have this thread alone, and the program under test has to be
    /// opened with [`Self::open`].
    pub fn of(store: &Store) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        logs::keep();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let says = if store.is_postgres() { SERVER } else { DRIVER };
        let mut url = store.url().to_owned();
        if store.is_postgres() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str("options[log_statement]=all&options[client_min_messages]=log");
        }
        Self {
            number,
            url,
            counter: store.path().map(Counter::of),
            _span: tracing::trace_span!(target: WATCH, "watch", number, says).entered(),
        }
    }

    /// As [`Store::open`].
    pub fn open(&self) -> Builder {
        Durable::open(&self.url).executor_id("worker").version("1")
    }

    /// Forgets what was seen until now.
    pub fn forget(&self) {
        seen().remove(&self.number);
    }

    /// Begins to count anew.
    pub fn begin(&mut self) {
        self.forget();
        if let Some(counter) = &mut self.counter {
            counter.begin();
        }
    }

    /// Waits until the program does nothing by itself any more, as after its launch, and begins anew.
    pub async fn quiet(&mut self) {
        let count = || seen().get(&self.number).map_or(0, Vec::len);
        let mut before = usize::MAX;
        // Nothing tells that nothing follows.
        while before != count() {
            before = count();
            tokio::time::sleep(QUIET).await;
        }
        self.begin();
    }

    /// The statements since then, in order, by name: what serves the work, and not the process beside it.
    pub fn statements(&self) -> Vec<String> {
        let seen = seen();
        let all = seen.get(&self.number).into_iter().flatten();
        all.filter(|name| !BESIDE.contains(&name.as_str()))
            .cloned()
            .collect()
    }

    /// How many transactions were committed that wrote something for the work.
    pub fn commits(&self) -> usize {
        let seen = seen();
        let all = seen
            .get(&self.number)
            .into_iter()
            .flatten()
            .map(String::as_str);
        match &self.counter {
            Some(counter) => counter.commits() - all.filter(|name| *name == "lease").count(),
            None => commits(all),
        }
    }
}

/// The commits of one connection after the other: a statement outside a transaction is one, unless it only reads.
fn commits<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    let (mut commits, mut open) = (0, false);
    for name in names {
        match name {
            "BEGIN" => open = true,
            "COMMIT" => {
                open = false;
                commits += 1;
            }
            "ROLLBACK" => open = false,
            _ if BESIDE.contains(&name) || open => {}
            "history" | "read event" | "look for message" => {}
            _ => commits += 1,
        }
    }
    commits
}

/// The number of commits, which SQLite keeps in the header of the index of its write-ahead log.
struct Counter {
    index: PathBuf,
    before: u32,
}

impl Counter {
    fn of(database: PathBuf) -> Self {
        let mut index = database.into_os_string();
        index.push("-shm");
        Self {
            index: index.into(),
            before: 0,
        }
    }

    fn begin(&mut self) {
        self.before = Self::read(&self.index);
    }

    fn commits(&self) -> usize {
        let commits = Self::read(&self.index).wrapping_sub(self.before);
        usize::try_from(commits).expect("a count fits")
    }

    /// Bytes 8 to 11, in the order of the machine.
    fn read(index: &Path) -> u32 {
        let mut counter = [0; 4];
        let mut file = std::fs::File::open(index).expect("the database is open, in WAL mode");
        file.seek(SeekFrom::Start(8))
            .expect("the index has a header");
        file.read_exact(&mut counter)
            .expect("the index has a header");
        u32::from_ne_bytes(counter)
    }
}

/// What is kept with the span of a watch: its number, and who says what is run.
struct Watched {
    number: u64,
    says: String,
}

/// Keeps the statements of watches.
pub(crate) struct Statements;

impl Statements {
    /// What it needs to see.
    pub(crate) fn wanted() -> Targets {
        Targets::new()
            .with_target(SERVER, LevelFilter::TRACE)
            .with_target(DRIVER, LevelFilter::DEBUG)
            .with_target(WATCH, LevelFilter::TRACE)
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Statements {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let (Some(span), Some(number)) = (context.span(id), said.number) {
            let says = said.says;
            span.extensions_mut().insert(Watched { number, says });
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let said_by = event.metadata().target();
        let watch = |span: tracing_subscriber::registry::SpanRef<'_, S>| {
            let extensions = span.extensions();
            let watched = extensions.get::<Watched>()?;
            Some((watched.number, watched.says == said_by))
        };
        let watch = context
            .event_scope(event)
            .and_then(|mut spans| spans.find_map(watch));
        let Some((number, true)) = watch else {
            return;
        };
        let mut said = Said::default();
        event.record(&mut said);
        if let Some(statement) = said.statement(said_by) {
            seen().entry(number).or_default().push(name_of(&statement));
        }
    }
}

/// The fields of a span or event.
#[derive(Default)]
struct Said {
    number: Option<u64>,
    says: String,
    message: String,
    summary: String,
    full: String,
}

impl Said {
    /// The statement that was run; none where something else is said.
    fn statement(self, said_by: &str) -> Option<String> {
        if said_by == SERVER {
            let (kind, statement) = self.message.split_once(": ")?;
            let is_run = kind == "statement" || kind.starts_with("execute ");
            return is_run.then(|| statement.to_owned());
        }
        // The transactions of a store's file are told by its counter, and those of the test itself are none of them.
        let is_bound = ["BEGIN", "COMMIT", "ROLLBACK"]
            .iter()
            .any(|bound| self.summary.starts_with(bound));
        let text = if self.full.is_empty() {
            self.summary
        } else {
            self.full
        };
        (!is_bound).then_some(text)
    }
}

impl Visit for Said {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "number" {
            self.number = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "says" => self.says = value.to_owned(),
            "message" => self.message = value.to_owned(),
            "summary" => self.summary = value.to_owned(),
            "db.statement" => self.full = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// What tells the parts of a statement that writes records on PostgreSQL. The part of ends writes the last steps too.
const PARTS: [(&str, &str); 4] = [
    ("started AS (", "start"),
    ("owned AS (", "step"),
    ("ended AS (", "end"),
    ("claimed AS (", "claim"),
];

/// The name of a statement; its text when it has none.
fn name_of(statement: &str) -> String {
    let text = statement.replace("dbos.", "");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = PARTS.iter().filter(|(words, _)| text.contains(words));
    let parts: Vec<_> = parts.map(|(_, name)| *name).collect();
    if !parts.is_empty() {
        return parts.join(" and ");
    }
    let name = NAMES.iter().find(|(words, _)| text.contains(words));
    name.map_or(text.clone(), |(_, name)| (*name).to_owned())
}
