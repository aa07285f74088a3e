//! A server that is a Python program: it says lines, and is told lines.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a test waits for a line.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, which ends with this.
pub struct Script {
    process: Child,
    tells: ChildStdin,
    lines: Receiver<String>,
    /// Where it listens.
    pub port: u16,
}

impl Script {
    /// Starts a program in `tests/src` and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
        let mut process = Command::new(python())
            .arg(path)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let stdout = process.stdout.take().expect("it is piped");
        let tells = process.stdin.take().expect("it is piped");
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The test may be over.
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut script = Self {
            process,
            tells,
            lines,
            port: 0,
        };
        script.port = script
            .wait("listening")
            .parse()
            .expect("it listens on a port");
        script
    }

    /// Waits until it says a line that begins with this word. Gives the rest of the line.
    ///
    /// # Panics
    ///
    /// When it does not for a long time.
    pub fn wait(&self, word: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("it never says `{word}`"));
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// What it said up to now that nobody waited for: the rest of each line that begins with this word.
    pub fn said(&mut self, word: &str) -> Vec<String> {
        // What it says before it says this was said before.
        let mut said = Vec::new();
        writeln!(self.tells, "listen").expect("it listens");
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("it answers");
            if line == "heard listen" {
                return said;
            }
            said.extend(line.strip_prefix(word).map(|rest| rest.trim().to_owned()));
        }
    }

    /// Tells it a line, and waits until it heard it.
    ///
    /// # Panics
    ///
    /// When it has ended.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.tells, "{line}").expect("it listens");
        let word = line.split(' ').next().unwrap_or_default();
        self.wait(&format!("heard {word}"));
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The Python that knows what packages of the system bring.
fn python() -> PathBuf {
    match std::env::var_os("SERVERS_PYTHON") {
        Some(named) => named.into(),
        None if Path::new("/usr/bin/python3").exists() => "/usr/bin/python3".into(),
        None => "python3".into(),
    }
}
