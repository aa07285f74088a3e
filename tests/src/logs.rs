//! What the programs under test log, kept for tests that ask for it.

use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use serde_json::Value as Json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

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

/// Keeps the warnings and errors of this process from now on.
///
/// # Panics
///
/// When something else of the process keeps its events already.
pub fn keep() {
    KEEPING.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new("warn"))
            .with_writer(Kept)
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
