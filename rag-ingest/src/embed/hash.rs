//! An embedder for tests.

use super::{EmbedError, Embedder, normalise};

/// Vectors made of nothing but hashes of the words: fast, deterministic, no model.
///
/// Texts that share words are near each other, which is enough to test ingestion and search without
/// depending on what a real model thinks.
#[derive(Debug, Clone)]
pub struct HashEmbedder {
    id: String,
    dimension: usize,
}

impl HashEmbedder {
    /// An embedder that gives vectors of `dimension` numbers (at least one).
    pub fn new(dimension: usize) -> Self {
        let dimension = dimension.max(1);
        Self {
            id: format!("hash-{dimension}-v1"),
            dimension,
        }
    }
}

impl Embedder for HashEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector = |text: &&str| {
            let mut vector = vec![0.0_f32; self.dimension];
            for word in text.split(|character: char| !character.is_alphanumeric()) {
                if word.is_empty() {
                    continue;
                }
                let hash = blake3::hash(word.to_lowercase().as_bytes());
                let mut number = [0; 8];
                number.copy_from_slice(hash.as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]));
                let number = u64::from_le_bytes(number);
                let axis = (number >> 1) as usize % self.dimension;
                if let Some(place) = vector.get_mut(axis) {
                    *place += if number & 1 == 0 { 1.0 } else { -1.0 };
                }
            }
            normalise(&mut vector);
            vector
        };
        Ok(texts.iter().map(vector).collect())
    }
}
