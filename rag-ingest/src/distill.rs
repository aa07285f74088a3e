//! Making the built-in table out of a sentence model.
//!
//! Every word piece is run through the model alone. What all pieces share is taken away (the mean, and the
//! strongest axes, which tell frequent from rare rather than one meaning from another), the axes with the least
//! to say are dropped, and frequent pieces are weighed down by how often they occur in some ordinary text.

mod axes;

use crate::embed::{EmbedError, Embedder, MiniLm, Table};
use crate::tokenizer::{CLOSE, OPEN, PIECES, Tokenizer};

/// How a table is made.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// How many of the strongest axes are dropped.
    pub dropped: usize,
    /// How many axes are kept after those.
    pub kept: usize,
    /// The frequency at which a word piece loses half of its weight.
    pub half_weight: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            dropped: 2,
            kept: 256,
            half_weight: 1e-3,
        }
    }
}

/// How often each word piece occurs in a text.
#[derive(Debug, Clone)]
pub struct Frequencies {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Frequencies {
    fn default() -> Self {
        Self {
            counts: vec![0; Tokenizer::builtin().vocabulary_size()],
            total: 0,
        }
    }
}

impl Frequencies {
    /// Counts the pieces of one more text.
    pub fn add(&mut self, text: &str) {
        for id in Tokenizer::builtin().ids(text) {
            if let Some(count) = self.counts.get_mut(id as usize) {
                *count += 1;
                self.total += 1;
            }
        }
    }

    /// How many pieces were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    fn of(&self, piece: usize) -> f64 {
        let count = self.counts.get(piece).copied().unwrap_or(0);
        count as f64 / self.total.max(1) as f64
    }
}

/// Runs the recipe; the answer is the content of the table's file.
///
/// # Errors
///
/// [`EmbedError::Model`] if the model refuses a word piece.
pub fn distill(
    model: &MiniLm,
    frequencies: &Frequencies,
    recipe: Recipe,
) -> Result<Vec<u8>, EmbedError> {
    let mut vectors: Vec<Option<Vec<f64>>> = Vec::new();
    for (id, piece) in (0_u32..).zip(PIECES.lines()) {
        // No text makes the placeholders, such as [MASK] and [unused7]: they get no say in what the axes are.
        let placeholder = piece.len() > 2 && piece.starts_with('[') && piece.ends_with(']');
        vectors.push(if placeholder {
            None
        } else {
            let vector = model
                .pool(&[OPEN, id, CLOSE])
                .map_err(|why| EmbedError::Model {
                    model: model.id().to_owned(),
                    texts: 1,
                    why: format!("word piece {piece:?}: {why}"),
                })?;
            Some(vector.into_iter().map(f64::from).collect())
        });
    }

    let axes = axes::principal(vectors.iter().flatten(), model.dimension());
    let kept: Vec<&Vec<f64>> = axes
        .directions
        .iter()
        .skip(recipe.dropped)
        .take(recipe.kept)
        .collect();
    let rows: Vec<Vec<f32>> = vectors
        .iter()
        .enumerate()
        .map(|(piece, vector)| {
            let Some(vector) = vector else {
                return vec![0.0; kept.len()];
            };
            let weight = recipe.half_weight / (recipe.half_weight + frequencies.of(piece));
            let project = |axis: &&Vec<f64>| {
                let shared = axis.iter().zip(vector).zip(&axes.mean);
                let along: f64 = shared.map(|((a, x), mean)| a * (x - mean)).sum();
                (along * weight) as f32
            };
            kept.iter().map(project).collect()
        })
        .collect();
    Ok(Table::write(&rows))
}
