//! What search and reports read.

use serde::Serialize;

use super::session::{Session, rows};
use super::{Collection, CollectionError};

/// A document and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileState {
    /// The file.
    pub path: String,
    /// The word for its state, see [`FileStatus`](crate::status::FileStatus).
    pub status: String,
    /// The step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// A word for the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How often it failed with the same content.
    pub failures: i64,
    /// When `retry` takes it again, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<i64>,
    /// The workflow that works or worked on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
}

/// The newest run of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// Its id: that of its workflow.
    pub id: String,
    /// When it was begun, in milliseconds since 1970.
    pub begun_ms: i64,
}

/// A row of [`FileState`]: folder, path, status, step, reason, error, failures, next try, workflow.
type StateRow = (
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
    Option<String>,
);

const STATE: &str = "
    SELECT s.location, d.path, d.status, d.step, d.reason, d.error, d.failures, d.retry_ms, d.workflow_id
    FROM rag_documents d JOIN rag_sources s ON s.id = d.source_id ";

fn states(rows: Vec<StateRow>) -> Vec<FileState> {
    let state = |row: StateRow| FileState {
        path: crate::discover::location_of(&row.0, &row.1)
            .display()
            .to_string(),
        status: row.2,
        step: row.3,
        reason: row.4,
        error: row.5,
        failures: row.6,
        retry_ms: row.7,
        workflow_id: row.8,
    };
    rows.into_iter().map(state).collect()
}

impl Collection {
    /// How many documents each model has vectors of, by the model's name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn models(&self, collection: &str) -> Result<Vec<(String, i64)>, CollectionError> {
        let failed = || CollectionError::statement("read the models of the collection");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        rows!(
            session,
            "SELECT model, COUNT(*) FROM rag_documents WHERE collection = $1 AND content_hash <> ''
             GROUP BY model ORDER BY 2 DESC, 1",
            collection
        )
        .map_err(failed())
    }

    /// What was found since a run began and is not in the collection, and what the run could not look at: problems
    /// without a document come last. Of two runs at once both tell all, also what the
    /// other has queued again meanwhile.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn failed_of(&self, run: &str) -> Result<Vec<FileState>, CollectionError> {
        let failed = || CollectionError::statement("read what failed");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let sql = format!(
            "{STATE} JOIN rag_runs r ON r.collection = d.collection
             WHERE r.id = $1 AND ((d.seen_ms >= r.begun_ms AND d.status IN
                ('failed', 'empty', 'unsupported', 'no_text_layer', 'encrypted', 'superseded'))
             OR (d.tried_run = $1 AND d.status = 'vanished' AND d.error IS NOT NULL)
             OR (d.status = 'queued' AND EXISTS (SELECT 1 FROM rag_history h WHERE h.document_id = d.id
                AND h.run_id = $1 AND h.status <> 'saved'))) ORDER BY d.path, d.id"
        );
        let found: Vec<StateRow> = rows!(session, &sql, run).map_err(failed())?;
        let mut files = states(found);
        let problems: Vec<(String, String, String)> = rows!(
            session,
            "SELECT s.location, p.path, p.error FROM rag_problems p JOIN rag_sources s ON s.id = p.source_id
             WHERE p.run_id = $1 ORDER BY p.path",
            run
        )
        .map_err(failed())?;
        files.extend(problems.into_iter().map(|(root, path, error)| {
            let path = crate::discover::location_of(&root, &path);
            let path = path.display().to_string();
            FileState {
                status: "failed".to_owned(),
                step: Some("discover".to_owned()),
                reason: Some("problem".to_owned()),
                error: Some(format!("{path}: {error}")),
                path,
                failures: 1,
                retry_ms: None,
                workflow_id: None,
            }
        }));
        Ok(files)
    }

    /// How many documents are in each state.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn counts(&self, collection: &str) -> Result<Vec<(String, i64)>, CollectionError> {
        let failed = || CollectionError::statement("count the documents");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        rows!(
            session,
            "SELECT status, COUNT(*) FROM rag_documents WHERE collection = $1 GROUP BY status ORDER BY status",
            collection
        )
        .map_err(failed())
    }

    /// The documents in some states, by path.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn in_state(
        &self,
        collection: &str,
        words: &[&str],
        limit: i64,
    ) -> Result<Vec<FileState>, CollectionError> {
        let failed = || CollectionError::statement("list documents");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let sql = format!(
            "{STATE} WHERE d.collection = $1 AND d.status IN {{list:$2}} ORDER BY d.path, d.id LIMIT $3"
        );
        let found: Vec<StateRow> = rows!(
            session,
            &sql,
            collection,
            super::session::list(words),
            limit
        )
        .map_err(failed())?;
        Ok(states(found))
    }

    /// The newest run of a collection.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn last_run(&self, collection: &str) -> Result<Option<LastRun>, CollectionError> {
        let failed = || CollectionError::statement("read the runs");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let found: Vec<(String, i64)> = rows!(
            session,
            "SELECT id, begun_ms FROM rag_runs WHERE collection = $1 ORDER BY begun_ms DESC, id LIMIT 1",
            collection
        )
        .map_err(failed())?;
        Ok(found
            .into_iter()
            .next()
            .map(|(id, begun_ms)| LastRun { id, begun_ms }))
    }
}

/// Files that `retry` may take, behind a number: number, folder, path, status, hash, fingerprint it was tried with,
/// attempt, workflow.
pub(crate) type Retryable = (
    i64,
    String,
    String,
    String,
    String,
    String,
    i64,
    Option<String>,
);

/// A page of files that failed and are due, and of those that this run has queued already; with `members` also of those
/// in which a file lies that failed.
pub(crate) async fn retryable(
    session: &mut Session<'_>,
    collection: &str,
    words: &[&str],
    run: &str,
    (most, due_ms, after, limit): (i64, i64, i64, i64),
    members: bool,
) -> sqlx::Result<Vec<Retryable>> {
    rows!(
        session,
        "SELECT d.id, s.location, d.path, d.status, d.file_hash, d.tried_fingerprint, d.attempt, d.workflow_id
         FROM rag_documents d JOIN rag_sources s ON s.id = d.source_id
         WHERE d.collection = $1 AND d.member_of IS NULL AND d.id > $5 AND ((d.status = 'queued' AND d.tried_run = $7) OR
            (d.status IN {list:$2} AND d.failures < $3 AND COALESCE(d.retry_ms, 0) <= $4)
            OR ($8 = 1 AND d.content_hash <> '' AND EXISTS
                (SELECT 1 FROM rag_documents m WHERE m.member_of = d.id AND m.status IN {list:$2})))
         ORDER BY d.id LIMIT $6",
        collection,
        super::session::list(words),
        most,
        due_ms,
        after,
        limit,
        run,
        i64::from(members)
    )
}
