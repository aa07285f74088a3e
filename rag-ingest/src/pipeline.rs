//! What the steps of an ingestion share: the collection, the model, the limits. Given to the runtime as its state.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::chunk::ChunkOptions;
use crate::collection::{Collection, CollectionError};
use crate::desk::Desk;
use crate::discover::Walker;
use crate::embed::{EmbedError, Embedder, HashEmbedder, StaticEmbedder};
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

impl EmbedderChoice {
    /// Loads the model.
    ///
    /// # Errors
    /// Its files are missing or are not that model.
    pub fn open(&self) -> Result<Arc<dyn Embedder>, EmbedError> {
        match self {
            Self::Builtin => Ok(Arc::new(BuiltIn)),
            Self::Hash => Ok(Arc::new(HashEmbedder::new(64))),
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
}
