//! The versions of the tables, and the way from each to the next.
//!
//! A database is brought to the newest version in one transaction when it is opened. Version 1 kept each vector in
//! its chunk; version 2 keeps a vector once for all chunks with the same text; version 3 adds what services are asked
//! and paid; version 4 where chunks stand in characters and in their files.

use super::session::{Session, rows, run};
use super::{CollectionError, vectors};

/// The version that this program works with.
pub(super) const VERSION: i64 = 4;

/// Taken while the tables are made, so that two processes do not make them at once. Any number that is ours alone.
const LOCK: i64 = 0x7261_675f_736c;

const SQLITE: [&str; 4] = [
    include_str!("migrations/1.sqlite.sql"),
    include_str!("migrations/2.sqlite.sql"),
    include_str!("migrations/3.sqlite.sql"),
    include_str!("migrations/4.sqlite.sql"),
];
const POSTGRES: [&str; 4] = [
    include_str!("migrations/1.postgres.sql"),
    include_str!("migrations/2.postgres.sql"),
    include_str!("migrations/3.postgres.sql"),
    include_str!("migrations/4.postgres.sql"),
];

const EXISTS_SQLITE: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'rag_schema'";
const EXISTS_POSTGRES: &str =
    "SELECT COUNT(*) FROM (SELECT 1 WHERE to_regclass('rag_schema') IS NOT NULL) found";

/// Brings the tables to the newest version, inside a transaction that nobody else is in.
pub(super) async fn migrate(session: &mut Session<'_>) -> Result<(), CollectionError> {
    let failed = || CollectionError::statement("make the tables of the collection");
    if session.is_postgres() {
        run!(session, "SELECT pg_advisory_xact_lock($1)", LOCK).map_err(failed())?;
    }
    let found = version(session).await.map_err(failed())?;
    if found > VERSION {
        return Err(CollectionError::Newer {
            found,
            known: VERSION,
        });
    }
    for next in found + 1..=VERSION {
        upgrade(session, next).await.map_err(failed())?;
    }
    super::index::prepare(session).await.map_err(failed())
}

/// The version of the tables; 0 when there are none.
async fn version(session: &mut Session<'_>) -> sqlx::Result<i64> {
    let exists = if session.is_postgres() {
        EXISTS_POSTGRES
    } else {
        EXISTS_SQLITE
    };
    let found: Vec<(i64,)> = rows!(session, exists)?;
    if found.first().is_none_or(|(count,)| *count == 0) {
        return Ok(0);
    }
    let found: Vec<(i64,)> = rows!(session, "SELECT version FROM rag_schema")?;
    Ok(found.first().map_or(0, |(version,)| *version))
}

async fn upgrade(session: &mut Session<'_>, to: i64) -> sqlx::Result<()> {
    let index = usize::try_from(to - 1).unwrap_or(usize::MAX);
    match session {
        Session::Sqlite(connection) => {
            let sql = SQLITE.get(index).copied().unwrap_or_default();
            sqlx::raw_sql(sql).execute(&mut **connection).await?;
        }
        Session::Postgres(connection) => {
            let sql = POSTGRES.get(index).copied().unwrap_or_default();
            sqlx::raw_sql(sql).execute(&mut **connection).await?;
        }
    }
    if to == 2 {
        take_over_version_1(session).await?;
    }
    run!(session, "UPDATE rag_schema SET version = $1", to)?;
    Ok(())
}

/// Gives the documents of version 1 their sources, and their vectors the keys of their texts. The next run looks at
/// all files again, since the fingerprints differ, but embeds none of these texts again.
async fn take_over_version_1(session: &mut Session<'_>) -> sqlx::Result<()> {
    type Old = (i64, String, String, String, String);
    let documents: Vec<Old> = rows!(
        session,
        "SELECT id, collection, root, path, model FROM rag_documents_1 ORDER BY id"
    )?;
    for (id, collection, root, path, model) in documents {
        let source = super::sources::id_of(session, &collection, &root).await?;
        let new: Vec<(i64,)> = rows!(
            session,
            "INSERT INTO rag_documents (collection, source_id, path, content_hash, fingerprint, model, kind, title,
                encoding, pages, chunks, warnings, run_id, file_hash, size, mtime_ns, seen_run, seen_ms, status)
             SELECT collection, $2, $3, content_hash, fingerprint, model, kind, title, encoding, pages, chunks,
                warnings, run_id, content_hash, size, mtime_ms * 1000000, run_id, 0, 'saved'
             FROM rag_documents_1 WHERE id = $1 RETURNING id",
            id,
            source,
            &path
        )?;
        let Some((new,)) = new.into_iter().next() else {
            continue;
        };
        take_over_chunks(session, id, new, &model).await?;
    }
    join_members(session).await?;
    run!(session, "DROP TABLE rag_chunks_1")?;
    run!(session, "DROP TABLE rag_documents_1")?;
    Ok(())
}

/// Joins files that lie in a file to it: in version 1 only their paths told.
async fn join_members(session: &mut Session<'_>) -> sqlx::Result<()> {
    let file = if session.is_postgres() {
        "split_part(rag_documents.path, '!/', 1)"
    } else {
        "substr(rag_documents.path, 1, instr(rag_documents.path, '!/') - 1)"
    };
    let sql = format!(
        "UPDATE rag_documents SET member_of = f.id, size = 0 FROM (SELECT id, source_id, path FROM rag_documents) f
         WHERE rag_documents.path LIKE '%!/%' AND f.source_id = rag_documents.source_id AND f.path = {file}"
    );
    run!(session, &sql)?;
    run!(
        session,
        "UPDATE rag_documents SET members =
            (SELECT COUNT(*) FROM rag_documents m WHERE m.member_of = rag_documents.id)
         WHERE member_of IS NULL"
    )?;
    Ok(())
}

async fn take_over_chunks(
    session: &mut Session<'_>,
    old: i64,
    new: i64,
    model: &str,
) -> sqlx::Result<()> {
    let chunks: Vec<(i64, String, String, Vec<u8>)> = rows!(
        session,
        "SELECT id, heading, text, vector FROM rag_chunks_1 WHERE document_id = $1 ORDER BY ordinal",
        old
    )?;
    let mut named = None;
    for (id, heading, text, vector) in chunks {
        let heading: Vec<String> = serde_json::from_str(&heading).unwrap_or_default();
        let embedded = crate::chunk::embedding_text(&heading, &text);
        let dimension = vector.len() / 4;
        let name = vectors::model_name(model, dimension);
        let model = vectors::model(session, &name, dimension).await?;
        named = Some(name);
        let key = vectors::key_of(&embedded);
        vectors::insert(session, model, &[(key.clone(), vector)]).await?;
        run!(
            session,
            "INSERT INTO rag_chunks (document_id, ordinal, start_byte, end_byte, tokens, heading, first_page,
                last_page, text, vector_id)
             SELECT $1, c.ordinal, c.start_byte, c.end_byte, c.tokens, c.heading, c.first_page, c.last_page, c.text, v.id
             FROM rag_chunks_1 c, rag_vectors v WHERE c.id = $2 AND v.model_id = $3 AND v.text_key = $4",
            new,
            id,
            model,
            &key
        )?;
    }
    if let Some(name) = named {
        run!(
            session,
            "UPDATE rag_documents SET model = $1 WHERE id = $2",
            name,
            new
        )?;
    }
    Ok(())
}
