//! Folders that are kept in step with a collection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::event::{EventKind, ModifyKind, RemoveKind};
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::{Engine, IngestOptions, RunError, Summary, one_run, roots};
use crate::discover::is_candidate;

/// After a change it waits until nothing has changed for so long, but not for ever.
const QUIET: Duration = Duration::from_millis(800);
const LONGEST: Duration = Duration::from_secs(20);

/// Ingests, and again whenever something changes under the roots, until the program is asked to end. Events of the
/// operating system may get lost, so all is listed anew after `every` whatever happens. `told` hears of every run.
///
/// # Errors
/// As [`ingest`](super::ingest) for the first run. A later one that fails is logged, and made good by the next.
pub async fn watch(
    options: IngestOptions,
    every: Duration,
    mut told: impl FnMut(&Summary),
) -> Result<(), RunError> {
    let roots = roots(&options)?;
    let changed = Arc::new(Notify::new());
    // Before the first run, so that nothing changes unnoticed between the two.
    let _watcher = watcher(&options, &roots, &changed);
    let engine = Engine::launch(
        &options.db,
        &options.embedder,
        options.workers,
        (options.limits, options.isolate),
        Some((&options.collection, options.budget_micros)),
    )
    .await?;
    let work = async |engine: &Engine| {
        let summary = one_run(engine, &options, &roots).await?;
        told(&summary);
        loop {
            tokio::select! {
                () = changed.notified() => settle(&changed).await,
                () = tokio::time::sleep(every) => {}
            }
            match one_run(engine, &options, &roots).await {
                Ok(summary) => told(&summary),
                Err(error) => {
                    tracing::warn!(%error, "this time nothing was ingested; it is tried again")
                }
            }
        }
    };
    match engine
        .until_interrupted(&options.collection, &options.progress, work)
        .await
    {
        Err(RunError::Interrupted) => Ok(()),
        ended => ended,
    }
}

/// Waits until the changes are over for the moment.
async fn settle(changed: &Notify) {
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        tokio::select! {
            () = changed.notified() => {}
            () = tokio::time::sleep(QUIET) => return,
        }
    }
}

/// Watches the roots; what cannot be watched is found by the next listing.
fn watcher(
    options: &IngestOptions,
    roots: &[String],
    changed: &Arc<Notify>,
) -> Option<RecommendedWatcher> {
    let changed = Arc::clone(changed);
    let database = options.db.strip_prefix("sqlite://").map(PathBuf::from);
    let database = database.and_then(|path| std::path::absolute(path).ok());
    let bases: Vec<PathBuf> = roots.iter().map(PathBuf::from).collect();
    let told = move |event: notify::Result<Event>| {
        let matters = match &event {
            Ok(event) => matters(event, &bases, database.as_deref()),
            // Something happened that cannot be told.
            Err(_) => true,
        };
        if matters {
            changed.notify_one();
        }
    };
    // What lies behind links is found by the next listing, if links are followed at all.
    let config = Config::default().with_follow_symlinks(false);
    let mut watcher = match RecommendedWatcher::new(told, config) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "changes cannot be watched; they are found by the next listing");
            return None;
        }
    };
    for root in roots {
        if let Err(error) = watcher.watch(Path::new(root), RecursiveMode::Recursive) {
            tracing::warn!(root, %error, "not all of it can be watched; the rest is found by the next listing");
        }
    }
    Some(watcher)
}

/// Whether an event may be that of a document. The collection's own writes are none, if it lies among the documents.
fn matters(event: &Event, roots: &[PathBuf], database: Option<&Path>) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    if event.need_rescan() {
        return true;
    }
    let is_gone = matches!(
        event.kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    let is_folder = matches!(event.kind, EventKind::Remove(RemoveKind::Folder));
    event.paths.iter().any(|path| {
        let is_database = database.is_some_and(|database| {
            let name = |path: &Path| {
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned())
            };
            path.parent() == database.parent()
                && name(path)
                    .zip(name(database))
                    .is_some_and(|(path, name)| path.starts_with(&name))
        });
        let below = roots
            .iter()
            .find_map(|root| path.strip_prefix(root).ok())
            .unwrap_or(path);
        let is_ignore_file = below.ends_with(".gitignore") || below.ends_with(".ragignore");
        let is_hidden = below
            .components()
            .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
        let may_be = is_candidate(path)
            || is_folder
            || path.is_dir()
            || (is_gone && path.extension().is_none());
        !is_database && (is_ignore_file || (!is_hidden && may_be))
    })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use notify::Event;
    use notify::event::{AccessKind, CreateKind, EventKind, ModifyKind, RemoveKind};

    use super::matters;

    fn happened(kind: EventKind, path: &str) -> bool {
        let roots = [PathBuf::from("/docs")];
        let event = Event::new(kind).add_path(PathBuf::from(path));
        matters(&event, &roots, Some(Path::new("/docs/rag-ingest.db")))
    }

    #[test]
    fn documents_that_come_change_and_go_matter() {
        assert!(happened(
            EventKind::Create(CreateKind::File),
            "/docs/a/b.md"
        ));
        assert!(happened(EventKind::Modify(ModifyKind::Any), "/docs/b.pdf"));
        assert!(happened(EventKind::Remove(RemoveKind::File), "/docs/b.txt"));
        assert!(happened(EventKind::Remove(RemoveKind::Folder), "/docs/a"));
        assert!(happened(
            EventKind::Modify(ModifyKind::Any),
            "/docs/.ragignore"
        ));
    }

    #[test]
    fn the_database_hidden_files_and_mere_looks_do_not() {
        let write = EventKind::Modify(ModifyKind::Any);
        assert!(!happened(write, "/docs/rag-ingest.db-wal"));
        assert!(!happened(write, "/docs/.git/index"));
        assert!(!happened(write, "/docs/picture.png"));
        assert!(!happened(EventKind::Access(AccessKind::Any), "/docs/a.md"));
    }
}
