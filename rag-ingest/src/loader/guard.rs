//! A parser's panic is a finding about its file.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::thread;

use super::LoadError;

/// Hostile files nest deeply; parsers get a stack that a thread of a server would not have.
const STACK_BYTES: usize = 32 << 20;

/// Runs a parser on a thread with a large stack.
pub(super) fn with_room<T: Send>(
    path: &Path,
    work: impl FnOnce() -> Result<T, LoadError> + Send,
) -> Result<T, LoadError> {
    let name = path.display().to_string();
    thread::scope(|scope| {
        let parser = thread::Builder::new()
            .name("parser".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || caught(&name, work));
        match parser {
            Ok(parser) => parser
                .join()
                .unwrap_or_else(|panic| Err(crashed(&name, panic.as_ref()))),
            Err(error) => Err(LoadError::io(path, &error)),
        }
    })
}

/// Runs a parser and makes an error of its panic.
pub(super) fn caught<T>(
    name: &str,
    work: impl FnOnce() -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(crashed(name, panic.as_ref())))
}

fn crashed(name: &str, panic: &(dyn Any + Send)) -> LoadError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    LoadError::Crashed {
        path: name.to_owned(),
        why: message.unwrap_or("it panicked").to_owned(),
    }
}
