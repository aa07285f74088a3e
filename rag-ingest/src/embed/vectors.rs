//! What every embedder's answer must satisfy.

use super::EmbedError;

/// Checks an embedder's answer: as many vectors as texts, each of the promised length, every number finite.
///
/// # Errors
///
/// The first of these that does not hold.
pub fn check(
    model: &str,
    dimension: usize,
    texts: usize,
    vectors: &[Vec<f32>],
) -> Result<(), EmbedError> {
    if vectors.len() != texts {
        return Err(EmbedError::Count {
            model: model.to_owned(),
            texts,
            vectors: vectors.len(),
        });
    }
    for (index, vector) in vectors.iter().enumerate() {
        if vector.len() != dimension {
            return Err(EmbedError::Dimension {
                model: model.to_owned(),
                index,
                expected: dimension,
                found: vector.len(),
            });
        }
        if !vector.iter().all(|number| number.is_finite()) {
            return Err(EmbedError::NotFinite {
                model: model.to_owned(),
                index,
            });
        }
    }
    Ok(())
}

/// Scales a vector to length one.
///
/// A vector of zeros, which a text without a single known word gives, becomes the first axis: a cosine with
/// it is defined, and it is near to nothing in particular.
pub fn normalise(vector: &mut [f32]) {
    let length = vector
        .iter()
        .map(|number| f64::from(*number) * f64::from(*number))
        .sum::<f64>()
        .sqrt();
    if length > 0.0 {
        for number in vector {
            *number = (f64::from(*number) / length) as f32;
        }
    } else if let Some(first) = vector.first_mut() {
        *first = 1.0;
    }
}
