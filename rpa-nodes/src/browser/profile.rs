//! The folders that browsers keep what they know in, while they run.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fault::Fault;

const PREFIX: &str = "rpa-browser-";
/// Locked for as long as the program lives that made the folder.
const LOCK: &str = "owner";
/// The link in which a browser says who it is: `HOST-PID`.
const BROWSER: &str = "SingletonLock";
/// A folder without a lock that is older was never finished.
const UNFINISHED: Duration = Duration::from_secs(60);

/// A folder for one browser, gone with it.
#[derive(Debug)]
pub(super) struct Profile {
    path: PathBuf,
    /// Closed, and so unlocked, by the system if nobody else does.
    _lock: File,
}

impl Profile {
    /// An empty folder. Removes those whose owners are gone: what a crash left.
    pub(super) fn new() -> Result<Self, Fault> {
        let folder = std::env::temp_dir();
        sweep(&folder);
        let path = folder.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
        let failed = |error: std::io::Error| Fault::file("make", &path, &error);
        fs::create_dir(&path).map_err(failed)?;
        restrict(&path).map_err(failed)?;
        // It has its name only when it is locked.
        let draft = path.join("draft");
        let lock = File::create(&draft).map_err(failed)?;
        lock.lock().map_err(failed)?;
        fs::rename(&draft, path.join(LOCK)).map_err(failed)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// The last processes of a browser may still write; what cannot be removed now is removed by the next sweep.
fn remove(path: &Path) {
    for _ in 0..5 {
        match fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    tracing::debug!(path = %path.display(), "the folder of a browser could not be removed yet");
}

/// Removes the folders whose owners are gone, and ends browsers that did not notice.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        if is_left(&path) {
            end(&path);
            remove(&path);
        }
    }
}

fn is_left(path: &Path) -> bool {
    match File::open(path.join(LOCK)) {
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => fs::metadata(path)
            .and_then(|found| found.modified())
            .is_ok_and(|made| made.elapsed().is_ok_and(|age| age > UNFINISHED)),
    }
}

/// Ends the browser that uses a folder, if it is still there.
fn end(path: &Path) {
    let Ok(said) = fs::read_link(path.join(BROWSER)) else {
        return;
    };
    let said = said.to_string_lossy();
    let Some(id) = said
        .rsplit('-')
        .next()
        .and_then(|id| id.parse::<i32>().ok())
    else {
        return;
    };
    // The number may belong to another program by now.
    let commands = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let folder = path.as_os_str().as_encoded_bytes();
    let is_it = commands.windows(folder.len()).any(|part| part == folder);
    if is_it && let Some(process) = rustix::process::Pid::from_raw(id) {
        let killed = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        tracing::info!(id, ?killed, "ended a browser whose run is gone");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_removed_once_their_owner_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{PREFIX}left"));
        let used = folder.path().join(format!("{PREFIX}used"));
        let young = folder.path().join(format!("{PREFIX}young"));
        let other = folder.path().join("other");
        for path in [&left, &used, &young, &other] {
            fs::create_dir(path).unwrap();
        }
        File::create(left.join(LOCK)).unwrap();
        let lock = File::create(used.join(LOCK)).unwrap();
        lock.lock().unwrap();

        sweep(folder.path());

        assert!(!left.exists());
        assert!(used.exists() && young.exists() && other.exists());
    }
}
