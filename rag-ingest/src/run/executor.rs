//! Who this process is among those that share a database.
//!
//! Each needs an id of its own. A process that is started again after a crash should have the id of the one that
//! crashed: then it takes up at once what that one left unfinished, and nobody waits for a lease to run out. So ids are
//! kept in files, as many for a database as processes of this machine ever ran on it at once, and a process has the id
//! in the first file that nobody has locked. The operating system unlocks the file of a process that is killed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// So many processes of one machine can share a database.
const PLACES: u32 = 1024;
/// The length of an id.
const LENGTH: usize = 16;

/// The id of this process, until it is dropped.
#[derive(Debug)]
pub(super) struct Executor {
    id: Option<String>,
    place: Option<(PathBuf, File)>,
}

impl Executor {
    /// The id of a process that serves a database.
    pub(super) fn of(db: &str) -> Self {
        let is_given = std::env::var_os("DBOS__VMID").is_some_and(|id| !id.is_empty());
        if is_given {
            // Who starts the processes says who they are.
            return Self {
                id: None,
                place: None,
            };
        }
        let name = name_of(db);
        let claimed = folders().find_map(|folder| claim(&folder, &name).ok());
        let Some((id, path, file)) = claimed else {
            tracing::info!(
                "no id of this process can be kept, so after a crash its work waits for the end of its lease"
            );
            return Self {
                id: Some(new_id()),
                place: None,
            };
        };
        Self {
            id: Some(id),
            place: Some((path, file)),
        }
    }

    /// The id, unless the environment gives one.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl Drop for Executor {
    /// An orderly end leaves nothing unfinished under this id, so it is not needed again. Somebody may have opened the
    /// file and lock it next; nobody else finds it then, so the id is theirs alone.
    fn drop(&mut self) {
        if let Some((path, _)) = &self.place
            && let Err(error) = fs::remove_file(path)
        {
            tracing::debug!(%error, "the id of this process stays behind");
        }
    }
}

/// Where ids may be kept.
fn folders() -> impl Iterator<Item = PathBuf> {
    let given = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty());
    let state = given("XDG_STATE_HOME").map(PathBuf::from);
    let home = given("HOME").map(|home| Path::new(&home).join(".local/state"));
    let all = [state, home, Some(std::env::temp_dir())];
    all.into_iter()
        .flatten()
        .map(|folder| folder.join("rag-ingest"))
}

/// The same for all processes on a database.
fn name_of(db: &str) -> String {
    let place = match db.strip_prefix("sqlite://") {
        None => db.to_owned(),
        Some(path) => std::path::absolute(path).map_or_else(
            |_| path.to_owned(),
            |path| path.to_string_lossy().into_owned(),
        ),
    };
    let mut name = blake3::hash(place.as_bytes()).to_hex().to_string();
    name.truncate(LENGTH);
    name
}

fn new_id() -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(LENGTH);
    id
}

/// Locks the first place that is free, and gives the id in it.
fn claim(folder: &Path, name: &str) -> io::Result<(String, PathBuf, File)> {
    fs::create_dir_all(folder)?;
    for place in 1..=PLACES {
        let path = folder.join(format!("{name}-{place}"));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut id = String::new();
        file.read_to_string(&mut id)?;
        // New, or its process was killed while it wrote.
        if id.len() != LENGTH {
            id = new_id();
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(id.as_bytes())?;
        }
        return Ok((id, path, file));
    }
    Err(io::Error::other(
        "all places for processes of this machine are taken",
    ))
}

#[cfg(test)]
mod tests {
    use super::{claim, name_of};

    #[test]
    fn two_processes_at_once_have_two_ids_and_one_after_another_has_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let claim = || claim(folder.path(), &name_of("postgres://db/rag")).unwrap();
        let (first, _, first_lock) = claim();
        let (second, _, second_lock) = claim();
        assert_ne!(first, second);
        drop(first_lock);
        let (third, _, third_lock) = claim();
        assert_eq!(third, first);
        drop((second_lock, third_lock));
    }

    #[test]
    fn an_id_that_was_not_written_to_its_end_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let name = name_of("sqlite://rag.db");
        std::fs::write(folder.path().join(format!("{name}-1")), "abc").unwrap();
        let (id, path, _lock) = claim(folder.path(), &name).unwrap();
        assert_eq!(id.len(), 16);
        assert_eq!(std::fs::read_to_string(path).unwrap(), id);
    }

    #[test]
    fn a_file_is_the_same_database_however_its_path_is_written() {
        let here = std::env::current_dir().unwrap();
        let absolute = format!("sqlite://{}/rag.db", here.display());
        assert_eq!(name_of("sqlite://rag.db"), name_of(&absolute));
        assert_ne!(name_of("sqlite://rag.db"), name_of("sqlite://other.db"));
    }
}
