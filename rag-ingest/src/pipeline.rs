//! What the steps of an ingestion share: the collection, the model, the limits. Given to the runtime as its state.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::chunk::ChunkOptions;
use crate::collection::{Collection, CollectionError};
use crate::desk::Desk;
use crate::discover::Walker;
use crate::embed::{
    EmbedError, Embedder, HashEmbedder, Rate, Remote, RemoteOptions, StaticEmbedder, Terms,
};
use crate::fingerprint::fingerprint;
use crate::loader::Limits;
use crate::loader::parsers::Parsers;
use crate::profile::Profile;

/// Which model makes the vectors.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum EmbedderChoice {
    /// The table that is part of the program: needs no file and no server.
    #[default]
    Builtin,
    /// The sentence model all-MiniLM-L6-v2 from this folder.
    MiniLm(PathBuf),
    /// A model behind HTTP.
    Remote(RemoteOptions),
    /// Vectors made of hashes, for tests: they say nothing about meaning.
    Hash,
    /// A model that the caller brings.
    Given(Arc<dyn Embedder>),
}

impl std::fmt::Debug for EmbedderChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Builtin => f.write_str("Builtin"),
            Self::MiniLm(folder) => f.debug_tuple("MiniLm").field(folder).finish(),
            Self::Remote(options) => f.debug_tuple("Remote").field(options).finish(),
            Self::Hash => f.write_str("Hash"),
            Self::Given(embedder) => f.debug_tuple("Given").field(&embedder.id()).finish(),
        }
    }
}

/// How documents are cut.
pub(crate) fn chunk_options(profile: Profile) -> ChunkOptions {
    ChunkOptions {
        profile,
        ..ChunkOptions::default()
    }
}

/// The parts of one ingestion.
pub struct Pipeline {
    /// Where documents are kept.
    pub collection: Collection,
    /// The model.
    pub embedder: Arc<dyn Embedder>,
    /// How large chunks are.
    pub chunks: ChunkOptions,
    /// How much one file may ask for.
    pub limits: Limits,
    /// What reads them.
    pub parsers: Parsers,
    /// Names all of this, as far as it decides what a document's rows are.
    pub fingerprint: String,
    /// The model's number in the database.
    pub(crate) model: i64,
    /// The files that are worked on.
    pub(crate) desk: Desk,
    /// Where the walk over a run's folders stands, so that the next page need not begin anew.
    pub(crate) walk: Mutex<Option<(String, Walker)>>,
}

impl Pipeline {
    /// A pipeline that reads files within some limits.
    ///
    /// # Errors
    /// The database refuses to register the model.
    pub async fn open(
        collection: Collection,
        embedder: Arc<dyn Embedder>,
        limits: Limits,
    ) -> Result<Self, CollectionError> {
        let chunks = chunk_options(limits.profile);
        let fingerprint = fingerprint(embedder.as_ref(), &chunks);
        let model = collection
            .register_model(embedder.id(), embedder.dimension())
            .await?;
        Ok(Self {
            collection,
            embedder,
            chunks,
            limits,
            parsers: Parsers::in_this_process(),
            fingerprint,
            model,
            desk: Desk::default(),
            walk: Mutex::default(),
        })
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline")
            .field("embedder", &self.embedder.id())
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// How the model's service may be used; nothing if the model costs neither time on the way nor money.
    pub(crate) fn terms(&self) -> Option<Terms> {
        let has_price = self.embedder.micros_per_million_tokens() > 0;
        self.embedder.terms().or(has_price.then_some(Terms {
            rate: Rate::default(),
            timeout: Duration::from_secs(60),
        }))
    }

    /// What so many tokens cost, in millionths of the price's currency: never less than the bill.
    pub(crate) fn price_of(&self, tokens: u64) -> i64 {
        let price = u128::try_from(self.embedder.micros_per_million_tokens()).unwrap_or_default();
        let micros = (u128::from(tokens) * price).div_ceil(1_000_000);
        i64::try_from(micros).unwrap_or(i64::MAX)
    }
}

/// An amount in whole units of its currency.
pub(crate) fn amount(micros: i64) -> String {
    let digits = format!("{}.{:06}", micros / 1_000_000, (micros % 1_000_000).abs());
    let digits = digits.trim_end_matches('0');
    digits.strip_suffix('.').unwrap_or(digits).to_owned()
}

impl EmbedderChoice {
    /// Loads the model, for the collections of a database. How long the vectors of a model behind HTTP are is
    /// remembered there, so that it need not be asked.
    ///
    /// # Errors
    /// As [`EmbedderChoice::open`], and if the database cannot be read.
    pub async fn open_for<E: From<CollectionError> + From<EmbedError>>(
        &self,
        collection: &Collection,
    ) -> Result<Arc<dyn Embedder>, E> {
        let Self::Remote(options) = self else {
            return Ok(self.open()?);
        };
        let known = match options.dimension() {
            None => collection.dimension_of(&options.id()).await?,
            known => known,
        };
        let options = options.clone();
        let id = options.id();
        // The question for the length, if it must be asked, is waited for.
        let opened = tokio::task::spawn_blocking(move || Remote::open(options, known)).await;
        let opened = opened.map_err(|error| EmbedError::Model {
            model: id,
            texts: 1,
            why: error.to_string(),
        });
        Ok(Arc::new(opened??))
    }

    /// Loads the model. A model behind HTTP whose vectors' length nobody said is asked for one vector, and waited for.
    ///
    /// # Errors
    /// Its files are missing or are not that model, or its service cannot be used.
    pub fn open(&self) -> Result<Arc<dyn Embedder>, EmbedError> {
        match self {
            Self::Builtin => Ok(Arc::new(BuiltIn)),
            Self::Hash => Ok(Arc::new(HashEmbedder::new(64))),
            Self::Remote(options) => Ok(Arc::new(Remote::open(options.clone(), None)?)),
            Self::Given(embedder) => Ok(Arc::clone(embedder)),
            #[cfg(feature = "minilm")]
            Self::MiniLm(folder) => Ok(Arc::new(crate::embed::MiniLm::open(folder)?)),
            #[cfg(not(feature = "minilm"))]
            Self::MiniLm(folder) => Err(EmbedError::ModelFile {
                path: folder.display().to_string(),
                why: "this program was built without the feature `minilm`".to_owned(),
                remedy: "build it with `--features minilm`".to_owned(),
            }),
        }
    }
}

/// The built-in table, which lives as long as the program.
struct BuiltIn;

impl Embedder for BuiltIn {
    fn id(&self) -> &str {
        StaticEmbedder::builtin().id()
    }

    fn dimension(&self) -> usize {
        StaticEmbedder::builtin().dimension()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        StaticEmbedder::builtin().embed(texts)
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn weight(&self) -> f64 {
        StaticEmbedder::builtin().weight()
    }
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_are_written_without_idle_digits() {
        let written = [0, 1, 20_000, 1_500_000, 3_000_000].map(amount);
        assert_eq!(written, ["0", "0.000001", "0.02", "1.5", "3"]);
    }
}
