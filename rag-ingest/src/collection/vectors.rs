//! Vectors, each kept once: by the model that made it and the text it was made of. They are the cache of embeddings
//! as well as what is searched, so that no text is embedded twice.

use std::collections::HashMap;

use super::session::{Session, list, rows, run};

/// Rows in one statement.
const A_STATEMENT: usize = 1000;

/// What a text is known by: thirty-two hexadecimal digits of its BLAKE3 hash.
pub(crate) fn key_of(text: &str) -> String {
    let mut digits = blake3::hash(text.as_bytes()).to_hex().to_string();
    digits.truncate(32);
    digits
}

/// What a model is known by: its name, and the length of its vectors. Vectors of two models are never compared.
pub(crate) fn model_name(id: &str, dimension: usize) -> String {
    format!("{id}/{dimension}")
}

/// The number of a model in the database; it is registered when it is new.
pub(crate) async fn model(
    session: &mut Session<'_>,
    name: &str,
    dimension: usize,
) -> sqlx::Result<i64> {
    for _ in 0..2 {
        let found: Vec<(i64,)> = rows!(session, "SELECT id FROM rag_models WHERE name = $1", name)?;
        if let Some((id,)) = found.first() {
            return Ok(*id);
        }
        run!(
            session,
            "INSERT INTO rag_models (name, dimension) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            name,
            i64::try_from(dimension).unwrap_or(i64::MAX)
        )?;
    }
    Err(sqlx::Error::RowNotFound)
}

/// The numbers of the vectors that are there, by the keys of their texts. On PostgreSQL they are kept from being
/// pruned until the transaction ends.
pub(crate) async fn known(
    session: &mut Session<'_>,
    model: i64,
    keys: &[String],
) -> sqlx::Result<HashMap<String, i64>> {
    let lock = if session.is_postgres() {
        " FOR KEY SHARE"
    } else {
        ""
    };
    let sql = format!(
        "SELECT text_key, id FROM rag_vectors WHERE model_id = $1 AND text_key IN {{list:$2}}{lock}"
    );
    let mut known = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(A_STATEMENT) {
        let found: Vec<(String, i64)> = rows!(session, &sql, model, list(keys))?;
        known.extend(found);
    }
    Ok(known)
}

/// Adds vectors, each with the key of its text; those that are there already stay as they are.
pub(crate) async fn insert(
    session: &mut Session<'_>,
    model: i64,
    vectors: &[(String, Vec<u8>)],
) -> sqlx::Result<()> {
    // Everybody adds in the same order, so that two transactions never wait for each other.
    let mut sorted: Vec<_> = vectors.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Session::Postgres(connection) = session {
        for part in sorted.chunks(A_STATEMENT) {
            let (keys, values): (Vec<&str>, Vec<&[u8]>) = part
                .iter()
                .map(|(key, vector)| (key.as_str(), vector.as_slice()))
                .unzip();
            sqlx::query(
                "INSERT INTO rag_vectors (model_id, text_key, vector)
                 SELECT $1, * FROM unnest($2::text[], $3::bytea[]) ON CONFLICT DO NOTHING",
            )
            .bind(model)
            .bind(keys)
            .bind(values)
            .execute(&mut **connection)
            .await?;
        }
        for part in sorted.chunks(A_STATEMENT) {
            super::index::add(session, model, part).await?;
        }
        return Ok(());
    }
    // All vectors of a model are of one length. A statement each would be two changes of threads each.
    for part in sorted.chunks(A_STATEMENT) {
        let length = part.first().map_or(0, |(_, vector)| vector.len());
        let vectors: Vec<u8> = part
            .iter()
            .flat_map(|(_, vector)| vector.iter().copied())
            .collect();
        run!(
            session,
            "INSERT INTO rag_vectors (model_id, text_key, vector)
             SELECT $1, value, substr($3, key * $4 + 1, $4) FROM json_each($2) WHERE true ON CONFLICT DO NOTHING",
            model,
            list(part.iter().map(|(key, _)| key)),
            vectors,
            i64::try_from(length).unwrap_or(i64::MAX)
        )?;
    }
    Ok(())
}
