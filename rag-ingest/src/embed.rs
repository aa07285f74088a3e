//! Turning texts into vectors.

mod failure;
mod hash;
#[cfg(feature = "minilm")]
mod minilm;
mod remote;
mod table;
mod terms;
mod vectors;

pub use self::failure::EmbedError;
pub use self::hash::HashEmbedder;
#[cfg(feature = "minilm")]
pub use self::minilm::MiniLm;
pub use self::remote::{Key, Remote, RemoteOptions, Service};
pub use self::table::StaticEmbedder;
#[cfg(feature = "minilm")]
pub(crate) use self::table::Table;
pub use self::terms::{Answer, BatchSize, Rate, Terms};
pub use self::vectors::{check, normalise};

/// A model that gives every text a direction in space, near to the texts that mean the same.
///
/// The same texts give the same vectors, whatever they are batched with; a model that runs in this program gives them
/// bit for bit: a step that is run again after a crash must not move anything.
pub trait Embedder: Send + Sync {
    /// A stable name of the model and its version. Two embedders with the same id give the same vectors.
    fn id(&self) -> &str;

    /// The length of every vector.
    fn dimension(&self) -> usize;

    /// One vector of length one for each text, in the texts' order.
    ///
    /// # Errors
    ///
    /// Whatever stops the model, and any answer that is not one finite vector of the right length a text.
    /// [`EmbedError::is_transient`] tells whether trying again can help.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// The same, with what the model says it has read.
    ///
    /// # Errors
    ///
    /// As [`Embedder::embed`].
    fn answer(&self, texts: &[&str]) -> Result<Answer, EmbedError> {
        Ok(Answer {
            vectors: self.embed(texts)?,
            tokens: None,
        })
    }

    /// How much is given to it at once.
    fn batch(&self) -> BatchSize {
        BatchSize::default()
    }

    /// Whether making a vector takes less time than writing it down. What such a model makes of the last batch is then
    /// not recorded before its document is saved: a crash makes it again.
    fn is_quick(&self) -> bool {
        false
    }

    /// How its service may be used; nothing for a model that runs in this program.
    fn terms(&self) -> Option<Terms> {
        None
    }

    /// How much its ranking counts in a hybrid search, where that of the words counts 1.
    fn weight(&self) -> f64 {
        1.0
    }

    /// What a million word pieces cost, in millionths of a currency; nothing, unless somebody sends a bill.
    fn micros_per_million_tokens(&self) -> i64 {
        0
    }
}

#[cfg(test)]
mod tests;
