//! The inside of a parser process: files come in on standard input, what is in them goes out on standard output.
//!
//! A request is the length of its head (four bytes, little-endian), the head in JSON, and the file. An answer is its
//! length (eight bytes, little-endian) and the outcome in JSON.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::loader::{Limits, LoadError, Loaded, parse};

/// The argument that makes the program a parser process.
pub const COMMAND: &str = "parse";

/// The head of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    path: String,
    size: usize,
    limits: Limits,
}

impl Request {
    /// A head with its length before it.
    pub(super) fn encode(path: &Path, size: usize, limits: &Limits) -> io::Result<Vec<u8>> {
        let head = serde_json::to_vec(&Self {
            path: path.display().to_string(),
            size,
            limits: *limits,
        })?;
        let length = u32::try_from(head.len()).map_err(io::Error::other)?;
        Ok([length.to_le_bytes().as_slice(), &head].concat())
    }

    /// The next request and its file; none at the end of the input.
    fn read(input: &mut impl Read) -> io::Result<Option<(Self, Vec<u8>)>> {
        let mut length = [0; 4];
        if let Err(error) = input.read_exact(&mut length) {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => Ok(None),
                _ => Err(error),
            };
        }
        let mut head = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut head)?;
        let request: Self = serde_json::from_slice(&head)?;
        let mut bytes = vec![0; request.size];
        input.read_exact(&mut bytes)?;
        Ok(Some((request, bytes)))
    }
}

/// Answers requests until the input ends.
///
/// # Errors
///
/// The output is closed, or the input is no request.
pub fn serve() -> io::Result<()> {
    // What a parser panics with is in the answer.
    std::panic::set_hook(Box::new(|_| {}));
    // A parser writes no files, and no picture of its memory when it dies.
    forbid(Resource::Fsize)?;
    forbid(Resource::Core)?;
    let (requests, queue) = mpsc::sync_channel(1);
    let reader = thread::Builder::new().name("input".to_owned());
    reader.spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(request)) = Request::read(&mut input) {
            if requests.send(request).is_err() {
                break;
            }
        }
        // Whoever asked is gone; a parser that hangs must not outlive it.
        std::process::exit(0);
    })?;
    let mut output = io::stdout().lock();
    for (request, bytes) in queue {
        limit_memory(request.limits.max_parse_memory)?;
        let outcome: Result<Loaded, LoadError> =
            parse(&PathBuf::from(request.path), &bytes, &request.limits);
        drop(bytes);
        let answer = serde_json::to_vec(&outcome)?;
        output.write_all(&(answer.len() as u64).to_le_bytes())?;
        output.write_all(&answer)?;
        output.flush()?;
    }
    Ok(())
}

fn forbid(resource: Resource) -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(setrlimit(resource, none)?)
}

fn limit_memory(bytes: u64) -> io::Result<()> {
    let now = getrlimit(Resource::Data);
    let within = now.maximum.map_or(bytes, |most| most.min(bytes));
    let limit = Rlimit {
        current: Some(within),
        maximum: now.maximum,
    };
    Ok(setrlimit(Resource::Data, limit)?)
}
