//! When a document must be ingested again although its file has not changed.

use crate::chunk::{CHUNKER_VERSION, ChunkOptions};
use crate::embed::Embedder;
use crate::loader::LOADER_VERSION;
use crate::normalise::NORMALISER_VERSION;

/// Names everything, apart from the file, that decides what a document's chunks and vectors are: two runs with
/// the same fingerprint make the same rows of the same file.
///
/// Thirty-two hexadecimal digits.
pub fn fingerprint(embedder: &dyn Embedder, chunk: &ChunkOptions) -> String {
    let parts = format!(
        "loader={LOADER_VERSION}\nnormaliser={NORMALISER_VERSION}\nchunker={CHUNKER_VERSION}\n\
         max_tokens={}\noverlap_tokens={}\nmodel={}\ndimension={}\n",
        chunk.max_tokens,
        chunk.overlap_tokens,
        embedder.id(),
        embedder.dimension(),
    );
    let mut digits = blake3::hash(parts.as_bytes()).to_hex().to_string();
    digits.truncate(32);
    digits
}

#[cfg(test)]
mod tests {
    use super::fingerprint;
    use crate::chunk::ChunkOptions;
    use crate::embed::HashEmbedder;

    #[test]
    fn a_fingerprint_is_the_same_for_the_same_pipeline() {
        let options = ChunkOptions::default();
        assert_eq!(
            fingerprint(&HashEmbedder::new(8), &options),
            fingerprint(&HashEmbedder::new(8), &options)
        );
    }

    #[test]
    fn another_model_or_another_chunk_size_is_another_fingerprint() {
        let options = ChunkOptions::default();
        let larger = ChunkOptions {
            max_tokens: options.max_tokens + 1,
            ..options
        };
        let base = fingerprint(&HashEmbedder::new(8), &options);
        assert_ne!(base, fingerprint(&HashEmbedder::new(9), &options));
        assert_ne!(base, fingerprint(&HashEmbedder::new(8), &larger));
    }
}
