//! Proving that a collection is whole.

mod answers;

use serde::Serialize;

use super::session::{Session, rows, run};
use super::{Collection, CollectionError, key_of, vector_of};
use crate::chunk::embedding_text;

/// How many chunks are looked up again by their own vector and words.
const ASKED: usize = 200;
/// How many chunks are read at once.
const PAGE: i64 = 1000;
/// How much of what is wrong is told one by one, of each kind.
const TOLD: usize = 20;

/// What was found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Documents that can be found.
    pub documents: i64,
    /// Their chunks.
    pub chunks: i64,
    /// Chunks that have a vector. The same number, if all is well.
    pub vectors: i64,
    /// Chunks that were looked for by their own vector and words. The words of all of them are compared on SQLite.
    pub asked: usize,
    /// What is wrong, each a sentence with what to do about it; empty if all is well.
    pub problems: Vec<String>,
}

impl Verdicts {
    fn found(&mut self, what: &str, rows: &[(String,)]) {
        for (place,) in rows.iter().take(TOLD) {
            self.problems.push(format!("{place}: {what}"));
        }
        if rows.len() > TOLD {
            let more = rows.len() - TOLD;
            self.problems.push(format!("and {more} more: {what}"));
        }
    }
}

/// What must not be there: a query for the places, and what is wrong with each.
const RULES: [(&str, &str); 8] = [
    (
        "SELECT 'chunk ' || c.id FROM rag_chunks c
         WHERE $1 <> '' AND NOT EXISTS (SELECT 1 FROM rag_documents d WHERE d.id = c.document_id)",
        "it belongs to no document; delete it, or restore the database from a copy",
    ),
    (
        "SELECT d.path FROM rag_documents d WHERE d.collection = $1 AND d.chunks <>
            (SELECT COUNT(*) FROM rag_chunks c WHERE c.document_id = d.id)",
        "it has another number of chunks than were saved; run `rag-ingest ingest` over it again",
    ),
    (
        "SELECT d.path FROM rag_documents d WHERE d.collection = $1 AND d.members <>
            (SELECT COUNT(*) FROM rag_documents m WHERE m.member_of = d.id AND m.file_hash = d.content_hash)",
        "the files in it are not those that were saved with it; run `rag-ingest ingest` over it again",
    ),
    (
        "SELECT d.path FROM rag_documents d WHERE d.collection = $1 AND d.status IN ('saved', 'renamed')
            AND d.content_hash <> d.file_hash",
        "its chunks are of another version than its file; run `rag-ingest ingest` over it again",
    ),
    (
        "SELECT d.path FROM rag_documents d WHERE d.collection = $1 AND d.content_hash = ''
            AND EXISTS (SELECT 1 FROM rag_chunks c WHERE c.document_id = d.id)",
        "it has chunks although it has no saved version; run `rag-ingest reset` and ingest again",
    ),
    (
        "SELECT d.path FROM rag_documents d JOIN rag_chunks c ON c.document_id = d.id
         WHERE d.collection = $1 GROUP BY d.id, d.path, c.ordinal HAVING COUNT(*) > 1",
        "a place in it has more than one chunk; run `rag-ingest reset` and ingest again",
    ),
    (
        "SELECT DISTINCT d.path FROM rag_documents d JOIN rag_chunks c ON c.document_id = d.id
         JOIN rag_vectors v ON v.id = c.vector_id JOIN rag_models m ON m.id = v.model_id
         WHERE d.collection = $1 AND m.name <> d.model",
        "a chunk has a vector of another model than its document; run `rag-ingest reset` and ingest again",
    ),
    (
        "SELECT d.path FROM rag_documents d WHERE d.collection = $1 AND d.text_key IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM rag_texts t WHERE t.key = d.text_key)",
        "its text is not kept; run `rag-ingest reset` and ingest again",
    ),
];

/// A chunk as it is checked: number, path, headings, text, key, vector, length of the model's vectors.
type Row = (i64, String, String, String, String, Vec<u8>, i64);

impl Collection {
    /// Checks that every chunk belongs to a document at its current content, that none is doubled or without its
    /// vector, that each vector is the one of the chunk's text and has the length of its model, and that chunks are
    /// found by their own vector and their own words. Reads page by page, from one consistent state on SQLite.
    ///
    /// # Errors
    /// The database cannot be read. What is wrong with the collection is no error: see [`Verdicts::problems`].
    pub async fn verify(&self, collection: &str) -> Result<Verdicts, CollectionError> {
        let failed = || CollectionError::statement("verify the collection");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let mut verdicts = Verdicts::default();
        for (rule, what) in RULES {
            let found: Vec<(String,)> = rows!(session, rule, collection).map_err(failed())?;
            verdicts.found(what, &found);
        }
        count(session, collection, &mut verdicts)
            .await
            .map_err(failed())?;
        if verdicts.chunks != verdicts.vectors {
            verdicts.problems.push(format!(
                "{} chunks have {} vectors; run `rag-ingest reset` and ingest again",
                verdicts.chunks, verdicts.vectors
            ));
        }
        let sample = check_chunks(session, collection, &mut verdicts)
            .await
            .map_err(failed())?;
        verdicts.asked = sample.len();
        let lost = answers::lost(session, collection, &sample)
            .await
            .map_err(failed())?;
        verdicts.found(answers::REMEDY, &lost);
        if session.is_postgres() {
            let missing = answers::missing(session, collection);
            verdicts.found(answers::MISSING, &missing.await.map_err(failed())?);
            ask(session, &sample, &mut verdicts)
                .await
                .map_err(failed())?;
        } else {
            drop(look);
            self.compare_words(&mut verdicts).await?;
        }
        Ok(verdicts)
    }

    /// Has SQLite compare its index of words with the chunks.
    async fn compare_words(&self, verdicts: &mut Verdicts) -> Result<(), CollectionError> {
        let failed = || CollectionError::statement("check the index of words");
        let mut transaction = self.begin().await.map_err(failed())?;
        let session = &mut transaction.session();
        let compared = run!(
            session,
            "INSERT INTO rag_words (rag_words, rank) VALUES ('integrity-check', 1)"
        );
        if let Err(error) = compared {
            verdicts.problems.push(format!(
                "the index of words does not fit the chunks ({error}); run `rag-ingest reset` and ingest again"
            ));
        }
        Ok(())
    }
}

/// Asks PostgreSQL for some chunks by a word of their own.
async fn ask(
    session: &mut Session<'_>,
    sample: &[i64],
    verdicts: &mut Verdicts,
) -> sqlx::Result<()> {
    for id in sample {
        let found: Vec<(i64,)> = rows!(
            session,
            "SELECT a.id FROM rag_chunks a WHERE a.id = $1 AND (length(a.words) = 0 OR EXISTS
                (SELECT 1 FROM rag_chunks b WHERE b.id = a.id
                 AND b.words @@ quote_literal((tsvector_to_array(a.words))[1])::tsquery))",
            *id
        )?;
        if found.is_empty() {
            verdicts.problems.push(format!(
                "chunk {id}: its own words do not find it; run `REINDEX INDEX rag_chunks_words`"
            ));
        }
    }
    Ok(())
}

async fn count(
    session: &mut Session<'_>,
    collection: &str,
    verdicts: &mut Verdicts,
) -> sqlx::Result<()> {
    let counted: Vec<(i64, i64, i64)> = rows!(
        session,
        "SELECT (SELECT COUNT(*) FROM rag_documents d WHERE d.collection = $1 AND d.content_hash <> ''),
            (SELECT COUNT(*) FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id WHERE d.collection = $1),
            (SELECT COUNT(*) FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id
             JOIN rag_vectors v ON v.id = c.vector_id WHERE d.collection = $1)",
        collection
    )?;
    if let Some((documents, chunks, vectors)) = counted.first() {
        verdicts.documents = *documents;
        verdicts.chunks = *chunks;
        verdicts.vectors = *vectors;
    }
    Ok(())
}

/// Checks every vector against its text; gives some chunks from all over the collection.
async fn check_chunks(
    session: &mut Session<'_>,
    collection: &str,
    verdicts: &mut Verdicts,
) -> sqlx::Result<Vec<i64>> {
    let every = usize::try_from(verdicts.chunks).unwrap_or(0) / ASKED + 1;
    let (mut after, mut seen) = (0_i64, 0_usize);
    let mut sample = Vec::new();
    let (mut foreign, mut broken) = (Vec::new(), Vec::new());
    loop {
        let page: Vec<Row> = rows!(
            session,
            "SELECT c.id, d.path, c.heading, c.text, v.text_key, v.vector, m.dimension
             FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id
             JOIN rag_vectors v ON v.id = c.vector_id JOIN rag_models m ON m.id = v.model_id
             WHERE d.collection = $1 AND c.id > $2 ORDER BY c.id LIMIT $3",
            collection,
            after,
            PAGE
        )?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.0;
        for (id, path, heading, text, key, vector, dimension) in page {
            let headings: Vec<String> = serde_json::from_str(&heading).unwrap_or_default();
            if key_of(&embedding_text(&headings, &text)) != key {
                foreign.push((format!("{path}, chunk {id}"),));
            }
            let numbers = vector_of(&vector);
            let is_whole = i64::try_from(vector.len()).is_ok_and(|bytes| bytes == dimension * 4);
            // A vector of length one is nearest to itself; one that is not finite has no length.
            let length: f32 = numbers.iter().map(|number| number * number).sum();
            if !is_whole || !(0.99..1.01).contains(&length) {
                broken.push((format!("{path}, chunk {id}"),));
            }
            if seen.is_multiple_of(every) {
                sample.push(id);
            }
            seen += 1;
        }
    }
    verdicts.found(
        "its vector is that of another text; run `rag-ingest reset`, `rag-ingest prune`, and ingest again",
        &foreign,
    );
    verdicts.found(
        "its vector has the wrong dimension or is not of length one; run `rag-ingest reset`, `rag-ingest prune`, and ingest again",
        &broken,
    );
    Ok(sample)
}
