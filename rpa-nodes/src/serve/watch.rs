//! Triggers that fire when files change.
//!
//! What the system says of changes is only a reason to look. What is found is compared with what was found before, and each
//! version of a file, its time and size, starts one run under an id that has both: seen twice, or by several servers, it is
//! still one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use globset::{Glob, GlobSet, GlobSetBuilder};
use notify::{RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch as signal};

use super::settings::Settings;
use super::starter::{Started, Starter};
use super::{ServeError, ServeOptions};
use crate::run::{RunError, StartError, watched_since};
use crate::value::Object;

/// How often the folder is looked at when the system says nothing: there are file systems of which it hears nothing.
const LOOK: Duration = Duration::from_secs(10);
/// The clock of a file system runs behind by as much.
const BLUR: Duration = Duration::from_millis(20);
/// The deepest folder that is looked into.
const DEEPEST: usize = 64;

/// A folder that is watched, and which of its files count.
#[derive(Debug)]
pub(super) struct Watched {
    node: String,
    folder: PathBuf,
    patterns: GlobSet,
    ignored: GlobSet,
    created: bool,
    modified: bool,
    deleted: bool,
    moved: bool,
    recursive: bool,
    hidden: bool,
    /// How long a file has to be left alone before it counts.
    rest: Duration,
}

/// What tells a version of a file from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: Duration,
    size: u64,
}

/// A file as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    version: Version,
    /// When anything of it changed, its name and place included.
    changed: Duration,
    created: Duration,
    number: Number,
}

/// What a file keeps when it is moved: the number of its file system, and its own there.
type Number = (u64, u64);

impl Watched {
    pub(super) fn new(settings: &Settings, options: &ServeOptions) -> Result<Self, ServeError> {
        let path = settings.text("watch_path");
        let here = options.folder.to_str().unwrap_or_default();
        let folder = options.work.host.file(here, &path);
        let folder = folder.map_err(|fault| settings.refuse(fault.message))?;
        if !folder.is_dir() {
            return Err(settings.refuse(format!(
                "`watch_path`: {} is no folder; make it, or name another one",
                folder.display()
            )));
        }
        let globs = |property: &str| -> Result<GlobSet, ServeError> {
            let mut globs = GlobSetBuilder::new();
            for pattern in settings.words(property) {
                let glob = Glob::new(&pattern)
                    .map_err(|error| settings.refuse(format!("`{property}`: {error}")))?;
                globs.add(glob);
            }
            globs
                .build()
                .map_err(|error| settings.refuse(format!("`{property}`: {error}")))
        };
        let events = settings.words("events");
        let known = ["created", "modified", "deleted", "moved"];
        if let Some(other) = events.iter().find(|event| !known.contains(&event.as_str())) {
            return Err(settings.refuse(format!(
                "`events`: `{other}` is none of {}",
                known.join(", ")
            )));
        }
        let has = |event: &str| events.iter().any(|other| other == event);
        Ok(Self {
            node: settings.node.clone(),
            folder,
            patterns: globs("patterns")?,
            ignored: globs("ignore_patterns")?,
            created: has("created"),
            modified: has("modified"),
            deleted: has("deleted"),
            moved: has("moved"),
            recursive: settings.flag("recursive"),
            hidden: settings.flag("include_hidden"),
            rest: Duration::from_millis(
                u64::try_from(settings.integer("debounce_ms")).unwrap_or_default(),
            ),
        })
    }

    pub(super) fn node(&self) -> &str {
        &self.node
    }

    pub(super) fn folder(&self) -> std::path::Display<'_> {
        self.folder.display()
    }

    /// The files that count, by their path from the folder.
    fn look(&self) -> BTreeMap<String, Found> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![(self.folder.clone(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            // What cannot be listed is gone, or not for us; another look may find it.
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let path = entry.path();
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with('.') && !self.hidden {
                    continue;
                }
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if kind.is_dir() {
                    if self.recursive && depth < DEEPEST {
                        waiting.push((path, depth + 1));
                    }
                    continue;
                }
                let Ok(relative) = path.strip_prefix(&self.folder) else {
                    continue;
                };
                let matches = |globs: &GlobSet| globs.is_match(&name) || globs.is_match(relative);
                if !matches(&self.patterns) || matches(&self.ignored) {
                    continue;
                }
                if let Some(one) = Found::of(&path) {
                    found.insert(relative.to_string_lossy().into_owned(), one);
                }
            }
        }
        found
    }

    fn outputs(&self, relative: &str, event: &str, from: Option<&str>) -> Object {
        let path = self.folder.join(relative);
        let text =
            |path: Option<&Path>| path.unwrap_or(Path::new("")).to_string_lossy().into_owned();
        let name = path.file_name().map(Path::new);
        let old = from.map(|from| self.folder.join(from));
        Object::from_iter([
            ("file_path".to_owned(), text(Some(&path)).into()),
            ("file_name".to_owned(), text(name).into()),
            ("event_type".to_owned(), event.into()),
            ("directory".to_owned(), text(path.parent()).into()),
            ("old_path".to_owned(), text(old.as_deref()).into()),
        ])
    }
}

impl Found {
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;

        let metadata = std::fs::metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = since(metadata.modified().ok()?);
        let changed = Duration::new(
            u64::try_from(metadata.ctime()).unwrap_or_default(),
            u32::try_from(metadata.ctime_nsec()).unwrap_or_default(),
        );
        Some(Self {
            version: Version {
                modified,
                size: metadata.len(),
            },
            changed,
            created: metadata.created().map_or(changed, since),
            number: (metadata.dev(), metadata.ino()),
        })
    }
}

impl Version {
    fn name(self) -> String {
        format!(
            "{}.{:09}-{}",
            self.modified.as_secs(),
            self.modified.subsec_nanos(),
            self.size
        )
    }
}

/// Watches a folder until the end.
pub(super) async fn watch(mut look: Look, mut end: signal::Receiver<()>) {
    let watched = Arc::clone(&look.watched);
    let (tell, mut told) = mpsc::channel::<()>(1);
    let watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
        // One word that something changed is as good as many.
        let _ = tell.try_send(());
    });
    let mode = match watched.recursive {
        true => RecursiveMode::Recursive,
        false => RecursiveMode::NonRecursive,
    };
    let watcher = watcher.and_then(|mut watcher| {
        watcher.watch(&watched.folder, mode)?;
        Ok(watcher)
    });
    if let Err(error) = &watcher {
        tracing::warn!(folder = %watched.folder(), %error, "changes are not told; the folder is looked at every 10 s");
    }
    loop {
        let next = match look.once().await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(folder = %watched.folder(), %error, "a file could not start its workflow; it is tried again");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            _ = end.changed() => break,
            () = tokio::time::sleep(next.min(LOOK)) => {}
            Some(()) = told.recv() => {}
        }
    }
    drop(watcher);
}

/// What was seen of a folder, and what is to be made of it.
pub(super) struct Look {
    watched: Arc<Watched>,
    starter: Arc<Starter>,
    /// When it was watched for the first time, by anybody. What did not change since is not news.
    since: Duration,
    seen: Option<BTreeMap<String, Found>>,
}

impl Look {
    /// Begins to watch. When that was done for the first time is recorded, so that what changes while no server runs is seen
    /// by the next one.
    pub(super) async fn new(watched: Watched, starter: Arc<Starter>) -> Result<Self, StartError> {
        let id = format!("watch:{}", starter.prefix(&watched.node));
        let since = match watched_since(starter.durable()).id(id).await {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(RunError::Durable(error)) => return Err(error.into()),
            Err(error) => return Err(StartError::Run(error)),
        };
        Ok(Self {
            watched: Arc::new(watched),
            starter,
            since: since.saturating_sub(BLUR),
            seen: None,
        })
    }

    /// Looks at the folder, and starts a run for each file that is news. Gives when there may be something to see again.
    async fn once(&mut self) -> Result<Duration, StartError> {
        let (watched, since) = (Arc::clone(&self.watched), self.since);
        // Taken before the look: what changes meanwhile counts as just changed, however long this takes.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let found = tokio::task::spawn_blocking(move || watched.look()).await;
        let found = found.unwrap_or_default();
        let is_first = self.seen.is_none();
        let mut seen = self.seen.take().unwrap_or_else(|| {
            let old = found.iter().filter(|(_, found)| found.changed <= since);
            old.map(|(path, found)| (path.clone(), *found)).collect()
        });
        let done = self.news(now, &found, &mut seen, is_first).await;
        self.seen = Some(seen);
        done
    }

    async fn news(
        &self,
        now: Duration,
        found: &BTreeMap<String, Found>,
        seen: &mut BTreeMap<String, Found>,
        is_first: bool,
    ) -> Result<Duration, StartError> {
        let mut next = LOOK;
        let is_gone = |path: &String| !found.contains_key(path);
        // Who does not ask for moves is told of a new file, and of one that is gone.
        let missing = seen
            .iter()
            .filter(|(path, _)| self.watched.moved && is_gone(path));
        let missing: BTreeMap<Number, String> = missing
            .map(|(path, before)| (before.number, path.clone()))
            .collect();
        let mut unsettled = BTreeSet::new();
        for (path, found) in found {
            let before = seen.get(path);
            if before.is_some_and(|before| before.version == found.version) {
                continue;
            }
            // It may still be written to.
            let quiet = now.saturating_sub(found.changed);
            if quiet < self.watched.rest {
                next = next.min(self.watched.rest - quiet);
                unsettled.insert(found.number);
                continue;
            }
            let is_new = match before {
                Some(_) => false,
                None => !is_first || found.created > self.since,
            };
            let from = missing.get(&found.number).filter(|from| {
                let before = seen.get(*from);
                is_new && before.is_some_and(|before| before.version == found.version)
            });
            let (event, wanted) = match (from, is_new) {
                (Some(_), _) => ("moved", true),
                (None, true) => ("created", self.watched.created),
                (None, false) => ("modified", self.watched.modified),
            };
            if wanted {
                let from = from.map(String::as_str);
                self.start(path, found.version, event, from).await?;
            }
            if let Some(from) = from {
                seen.remove(from);
            }
            seen.insert(path.clone(), *found);
        }
        let gone: Vec<(String, Version)> = seen
            .iter()
            .filter(|(path, before)| is_gone(path) && !unsettled.contains(&before.number))
            .map(|(path, before)| (path.clone(), before.version))
            .collect();
        for (path, version) in gone {
            if self.watched.deleted {
                self.start(&path, version, "deleted", None).await?;
            }
            seen.remove(&path);
        }
        Ok(next)
    }

    async fn start(
        &self,
        path: &str,
        version: Version,
        event: &str,
        from: Option<&str>,
    ) -> Result<(), StartError> {
        let mut id = format!(
            "{}{path}@{}",
            self.starter.prefix(&self.watched.node),
            version.name()
        );
        if event == "deleted" {
            id.push_str("-deleted");
        }
        let outputs = self.watched.outputs(path, event, from);
        let node = self.starter.node();
        match self.starter.start(node, &id, outputs).await? {
            Started::New(_) => tracing::info!(id, "a file started its workflow"),
            Started::Known(_) | Started::Other => {}
        }
        Ok(())
    }
}
