//! What the programs under test log, kept for tests that ask for it.

use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use serde_json::Value as Json;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::statements::Statements;

static LINES: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);
static KEEPING: Once = Once::new();

struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// Keeps the warnings and errors of this process from now on, and the statements of those who watch them.
///
/// # Panics
///
/// When something else of the process keeps its events already.
pub fn keep() {
    KEEPING.call_once(|| {
        let lines = tracing_subscriber::fmt::layer().json().with_writer(Kept);
        tracing_subscriber::registry()
            .with(lines.with_filter(EnvFilter::new("warn")))
            .with(Statements.with_filter(Statements::wanted()))
            .init();
    });
}

/// The messages of a target about a workflow, in order.
///
/// # Panics
///
/// When a line is no JSON.
pub fn about(target: &str, workflow_id: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&lines);
    let events = text
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("a logged line is JSON"));
    events
        .filter(|event| event["target"] == target)
        .filter(|event| event["fields"]["workflow_id"] == workflow_id)
        .map(|event| {
            event["fields"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}
