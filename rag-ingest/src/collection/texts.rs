//! Normalised texts, each kept once, compressed, by what it was made of: the bytes of a file, and the loader and
//! normaliser that read them. Another chunker or model finds them here and reads no file again.

use super::session::{Session, rows, run};
use crate::loader::Loaded;

/// What is kept under a key.
pub(crate) async fn get(session: &mut Session<'_>, key: &str) -> sqlx::Result<Option<Loaded>> {
    let found: Vec<(Vec<u8>,)> =
        rows!(session, "SELECT content FROM rag_texts WHERE key = $1", key)?;
    let Some((content,)) = found.into_iter().next() else {
        return Ok(None);
    };
    unpack(&content).map(Some)
}

/// Keeps what a file gave under a key, unless it is there.
pub(crate) async fn put(session: &mut Session<'_>, key: &str, loaded: &Loaded) -> sqlx::Result<()> {
    let there: Vec<(i64,)> = rows!(session, "SELECT size FROM rag_texts WHERE key = $1", key)?;
    if !there.is_empty() {
        return Ok(());
    }
    run!(
        session,
        "INSERT INTO rag_texts (key, size, content) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING",
        key,
        i64::try_from(loaded.size()).unwrap_or(i64::MAX),
        pack(loaded)?
    )?;
    Ok(())
}

fn pack(loaded: &Loaded) -> sqlx::Result<Vec<u8>> {
    let json = serde_json::to_vec(loaded).map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok(lz4_flex::block::compress_prepend_size(&json))
}

fn unpack(content: &[u8]) -> sqlx::Result<Loaded> {
    let json = lz4_flex::block::decompress_size_prepended(content)
        .map_err(|error| sqlx::Error::Decode(error.into()))?;
    serde_json::from_slice(&json).map_err(|error| sqlx::Error::Decode(error.into()))
}

#[cfg(test)]
mod tests {
    use super::{pack, unpack};
    use crate::document::Document;
    use crate::loader::{Loaded, Member};

    #[test]
    fn a_kept_document_comes_back_as_it_was_and_takes_less_room() {
        let text = "# Steps\n\n".to_owned() + &"A step runs once. ".repeat(500);
        let loaded = Loaded {
            members: vec![Member {
                path: "a.txt".to_owned(),
                outcome: Ok(Document::plain("inside")),
            }],
            ..Document::markdown(&text).into()
        };
        let packed = pack(&loaded).unwrap();
        assert!(packed.len() < text.len() / 10, "{} bytes", packed.len());
        assert_eq!(unpack(&packed).unwrap(), loaded);
    }

    #[test]
    fn damaged_content_is_an_error() {
        assert!(unpack(b"\x10\0\0\0nonsense").is_err());
    }
}
