//! The chunks that hold words.

use super::find::{ALLOWED, Allowed};
use super::session::{Session, rows};
use super::{Collection, CollectionError};

/// About how many chunks are ranked for a question, if that is enough to look for a word of it: each takes SQLite some
/// microseconds, and PostgreSQL some thirty.
const RANKED_SQLITE: i64 = 20_000;
const RANKED_POSTGRES: i64 = 5_000;

/// How many chunks hold any of the words, but no more than the limit.
const COUNT_SQLITE: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM rag_words WHERE rag_words MATCH $1 LIMIT $2)";
const COUNT_POSTGRES: &str = "
    SELECT COUNT(*) FROM (
        SELECT 1 FROM rag_chunks WHERE words @@ websearch_to_tsquery('english', $1) LIMIT $2) AS few";

/// A match in a heading counts double.
const BEST_SQLITE: &str = "
    SELECT rowid FROM rag_words WHERE rag_words MATCH $1 AND rank MATCH 'bm25(2.0, 1.0)' ORDER BY rank LIMIT $2";

const WORDS_SQLITE: &str = "
    SELECT c.id FROM rag_words
    JOIN rag_chunks c ON c.id = rag_words.rowid
    JOIN rag_documents d ON d.id = c.document_id
    WHERE rag_words MATCH $6 AND d.collection = $1 AND {allowed}
    ORDER BY bm25(rag_words, 2.0, 1.0), c.id LIMIT $7";

const WORDS_POSTGRES: &str = "
    SELECT c.id FROM rag_chunks c
    JOIN rag_documents d ON d.id = c.document_id, websearch_to_tsquery('english', $6) query
    WHERE c.words @@ query AND d.collection = $1 AND {allowed}
    ORDER BY ts_rank_cd(c.words, query, 1) DESC, c.id LIMIT $7";

/// An FTS5 or web-search query for chunks with any of the words; each is a string there, so nothing in it is syntax.
fn any_of(words: &[String], or: &str) -> String {
    let quoted: Vec<_> = words
        .iter()
        .map(|word| format!("\"{}\"", word.replace('"', "")))
        .collect();
    quoted.join(or)
}

impl Collection {
    /// The chunks that hold any of the words, the best first.
    pub(crate) async fn with_words(
        &self,
        collection: &str,
        words: &[String],
        allowed: &Allowed,
        limit: i64,
    ) -> Result<Vec<i64>, CollectionError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let failed = || CollectionError::statement("search the texts");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let words = &rare(session, words).await.map_err(failed())?;
        if !session.is_postgres()
            && allowed.is_everything()
            && only(session, collection).await.map_err(failed())?
        {
            // Without a look at the chunks the index of words gives its best at once.
            let query = any_of(words, " OR ");
            let found: Vec<(i64,)> = rows!(session, BEST_SQLITE, &query, limit).map_err(failed())?;
            return Ok(found.into_iter().map(|(id,)| id).collect());
        }
        let (sql, query) = if session.is_postgres() {
            (WORDS_POSTGRES, any_of(words, " or "))
        } else {
            (WORDS_SQLITE, any_of(words, " OR "))
        };
        let sql = sql.replace("{allowed}", ALLOWED);
        let (some, documents, first, last) = allowed.parameters();
        let found: Vec<(i64,)> = rows!(
            session, &sql, collection, some, &documents, first, last, &query, limit
        )
        .map_err(failed())?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }
}

/// Whether there is no other collection in the database.
async fn only(session: &mut Session<'_>, collection: &str) -> sqlx::Result<bool> {
    let others: Vec<(i64,)> = rows!(
        session,
        "SELECT COUNT(*) FROM rag_sources WHERE collection <> $1",
        collection
    )?;
    Ok(others.first().is_some_and(|(count,)| *count == 0))
}

/// The words that are looked for. In a small collection these are all; in a large one the rarest, and as many more as
/// stand in so few chunks that all of them can be ranked. Words that stand nearly everywhere move a rank by nearly
/// nothing, and ranking every chunk for them is what takes time.
async fn rare(session: &mut Session<'_>, words: &[String]) -> sqlx::Result<Vec<String>> {
    let (count, ranked) = match session.is_postgres() {
        true => (COUNT_POSTGRES, RANKED_POSTGRES),
        false => (COUNT_SQLITE, RANKED_SQLITE),
    };
    let newest: Vec<(i64,)> = rows!(session, "SELECT COALESCE(MAX(id), 0) FROM rag_chunks")?;
    if newest.first().is_none_or(|(newest,)| *newest <= ranked) {
        return Ok(words.to_vec());
    }
    let mut counted = Vec::with_capacity(words.len());
    for word in words {
        let query = any_of(std::slice::from_ref(word), "");
        let found: Vec<(i64,)> = rows!(session, count, query, ranked + 1)?;
        counted.push((found.first().map_or(0, |(count,)| *count), word));
    }
    Ok(rarest(counted, ranked))
}

/// The first words by the number of chunks that hold them, as long as those are few; at least one that is in any.
fn rarest(mut counted: Vec<(i64, &String)>, ranked: i64) -> Vec<String> {
    counted.sort_by_key(|(count, _)| *count);
    let mut sum = 0;
    let taken = counted.into_iter().take_while(|(count, _)| {
        let is_first = sum == 0;
        sum += count;
        is_first || sum <= ranked
    });
    taken.map(|(_, word)| word.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::rarest;

    const RANKED: i64 = 20_000;

    fn taken(counts: &[i64]) -> usize {
        let word = String::new();
        let counted = counts.iter().map(|count| (*count, &word));
        rarest(counted.collect(), RANKED).len()
    }

    #[test]
    fn rare_words_are_looked_for_and_common_ones_only_where_there_are_no_others() {
        assert_eq!(taken(&[RANKED, 5, 0, 7]), 3);
        assert_eq!(taken(&[RANKED / 2, RANKED / 2]), 2);
        assert_eq!(taken(&[RANKED + 1]), 1);
        assert_eq!(taken(&[RANKED + 1, 0, RANKED + 1]), 2);
        assert_eq!(taken(&[]), 0);
    }
}
