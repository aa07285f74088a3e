//! When a document must be ingested again although its file has not changed.

use crate::chunk::{CHUNKER_VERSION, ChunkOptions};
use crate::embed::Embedder;
use crate::loader::LOADER_VERSION;
use crate::normalise::NORMALISER_VERSION;
use crate::profile::Profile;

/// Names everything, apart from the file, that decides what a document's chunks and vectors are: two runs with
/// the same fingerprint make the same rows of the same file.
///
/// Thirty-two hexadecimal digits.
pub fn fingerprint(embedder: &dyn Embedder, chunk: &ChunkOptions) -> String {
    let parts = format!(
        "{}chunker={CHUNKER_VERSION}\nmax_tokens={}\noverlap_tokens={}\nmodel={}\ndimension={}\n",
        reading(chunk.profile),
        chunk.max_tokens,
        chunk.overlap_tokens,
        embedder.id(),
        embedder.dimension(),
    );
    digits(&parts)
}

/// The key of the text that is read from a file: its bytes, its extensions (of `a.txt.gz` both), which break ties between
/// kinds as a name without any does (`Makefile`), and the loader and normaliser. Whoever changes only the chunker or the model finds the text under the same key.
///
/// Thirty-two hexadecimal digits.
pub fn text_key(hash: &str, path: &str, profile: Profile) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name
        .split_once('.')
        .map_or(name, |(_, extension)| extension);
    let parts = format!(
        "{}extension={}\nhash={hash}\n",
        reading(profile),
        extension.to_lowercase()
    );
    digits(&parts)
}

fn reading(profile: Profile) -> String {
    let reading = format!("loader={LOADER_VERSION}\nnormaliser={NORMALISER_VERSION}\n");
    match profile {
        Profile::Structure => reading,
        other => format!("{reading}profile={}\n", other.as_str()),
    }
}

fn digits(parts: &str) -> String {
    let mut digits = blake3::hash(parts.as_bytes()).to_hex().to_string();
    digits.truncate(32);
    digits
}

#[cfg(test)]
mod tests {
    use super::fingerprint;
    use crate::chunk::ChunkOptions;
    use crate::embed::HashEmbedder;
    use crate::profile::Profile;

    fn text_key(hash: &str, path: &str) -> String {
        super::text_key(hash, path, Profile::Structure)
    }

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
        let compat = ChunkOptions {
            profile: Profile::Compat,
            ..options
        };
        assert_ne!(base, fingerprint(&HashEmbedder::new(8), &compat));
    }

    #[test]
    fn a_text_is_known_by_its_bytes_and_its_kind_and_not_by_its_name() {
        let other = super::text_key("h", "a.txt", Profile::Compat);
        assert_ne!(text_key("h", "a.txt"), other);
        assert_eq!(text_key("h", "a/b.txt"), text_key("h", "c.TXT"));
        assert_ne!(text_key("h", "a.txt"), text_key("h", "a.md"));
        assert_ne!(text_key("h", "a.txt"), text_key("i", "a.txt"));
        assert_ne!(text_key("h", "a.txt.gz"), text_key("h", "a.md.gz"));
        assert_ne!(text_key("h", "Makefile"), text_key("h", "notes"));
    }
}
