//! How a browser is started.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::pipe::Pipe;
use super::profile::Profile;
use super::program;
use crate::fault::Fault;
use crate::value::{Object, text, truth};

/// Descriptors 3 and 4 are where a browser speaks over pipes; the program itself takes the place of the shell.
const SHELL: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null"#;
/// A browser that is asked to end, and does not, is ended.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nothing that asks, fetches or waits for a person, and nothing that gets lost.
const QUIET: [&str; 15] = [
    "--remote-debugging-pipe",
    // Else a click is lost that comes before the first picture of a page.
    "--allow-pre-commit-input",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--password-store=basic",
    "--metrics-recording-only",
];

/// What a browser is told of the environment; all else stays here, secrets above all.
const TOLD: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "LD_LIBRARY_PATH",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// A browser that runs.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pipe: Pipe,
    child: Child,
    /// The folder that it brought; gone after it.
    _profile: Option<Profile>,
}

impl Process {
    /// Starts a browser with the settings of a node.
    pub(super) fn start(settings: &Object, limit: Duration) -> Result<Self, Fault> {
        let said = |name: &str| settings.get(name).map(text).unwrap_or_default();
        let named = said("executable_path");
        let program =
            program::find(Some(&named)).map_err(|reason| Fault::of("BrowserError", reason))?;
        let own = said("user_data_dir");
        let profile = match own.is_empty() {
            true => Some(Profile::new()?),
            false => None,
        };
        let folder = profile.as_ref().map_or(Path::new(&own), Profile::path);
        let mut command = Command::new("/bin/sh");
        command
            .env_clear()
            .envs(
                TOLD.iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .args(["-c", SHELL])
            .arg(&program)
            .args(QUIET)
            .arg(format!("--user-data-dir={}", folder.display()));
        if is_hidden(settings) {
            command.args(["--headless", "--disable-gpu", "--mute-audio"]);
        } else {
            match said("window_state").as_str() {
                "maximized" => drop(command.arg("--start-maximized")),
                "minimized" => drop(command.arg("--start-minimized")),
                _ => {}
            }
        }
        // The sandbox of Chromium does not work for root.
        if rustix::process::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        let proxy = said("proxy_server");
        if !proxy.is_empty() {
            command.arg(format!("--proxy-server={proxy}"));
        }
        let locale = said("locale");
        if !locale.is_empty() {
            command.arg(format!("--lang={locale}"));
        }
        command
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // What interrupts the run ends it in order; the browser has to be there until then.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let failed = |error: std::io::Error| Fault::file("start", &program, &error);
        let mut child = command.spawn().map_err(failed)?;
        let ends = child.stdin.take().zip(child.stdout.take());
        let Some((writer, reader)) = ends else {
            return Err(Fault::of("OSError", "the browser has no pipes"));
        };
        let process = Self {
            pipe: Pipe::new(writer, reader)?,
            child,
            _profile: profile,
        };
        let version = process
            .pipe
            .ask(None, "Browser.getVersion", json!({}), limit);
        version.map_err(|fault| {
            Fault::of(
                "BrowserError",
                format!(
                    "{} did not start as a browser: {}; start it by hand to see why",
                    program.display(),
                    fault.message
                ),
            )
        })?;
        Ok(process)
    }
}

/// Whether nobody can see it: always where there is no screen.
fn is_hidden(settings: &Object) -> bool {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    !has_screen || settings.get("headless").is_some_and(truth)
}

impl Process {
    /// Tells it to end, also under who is waiting for it.
    pub(super) fn end(&self) {
        if let Err(fault) = self.pipe.end(PATIENCE) {
            tracing::debug!(%fault, "the browser did not answer that it ends");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let end = Instant::now() + PATIENCE;
        // It keeps what it has to keep when it is told to end.
        self.end();
        while Instant::now() < end {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // Both fail only if it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
