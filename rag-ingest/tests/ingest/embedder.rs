//! A model under the control of a test, and runs inside the test's process.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use durable_tests::store::Store;
use rag_ingest::discover::Rules;
use rag_ingest::embed::{EmbedError, Embedder, HashEmbedder};
use rag_ingest::loader::Limits;
use rag_ingest::pipeline::EmbedderChoice;
use rag_ingest::progress::Progress;
use rag_ingest::run::{IngestOptions, RetryOptions, Summary, ingest, retry};
use rag_ingest::workflow::MaxDelete;

/// Vectors of hashes; counts the texts it is given, and fails or does something else when it is told to.
pub struct Model {
    inner: HashEmbedder,
    id: String,
    /// How many texts it was given.
    pub texts: AtomicUsize,
    /// How many calls are refused from now on.
    pub refusals: AtomicU32,
    /// What a refusal is.
    pub refusal: Mutex<EmbedError>,
    /// Whether it says of itself that it is quick.
    pub quick: AtomicBool,
    /// What happens before an answer.
    pub meanwhile: Mutex<Box<dyn Fn() + Send>>,
}

impl Model {
    pub fn new(id: &str) -> Arc<Self> {
        Arc::new(Self {
            inner: HashEmbedder::new(16),
            id: id.to_owned(),
            texts: AtomicUsize::new(0),
            refusals: AtomicU32::new(0),
            refusal: Mutex::new(EmbedError::Model {
                model: id.to_owned(),
                texts: 0,
                why: "the key is wrong".to_owned(),
            }),
            quick: AtomicBool::new(false),
            meanwhile: Mutex::new(Box::new(|| {})),
        })
    }

    pub fn embedded(&self) -> usize {
        self.texts.load(Ordering::SeqCst)
    }
}

impl Embedder for Model {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn is_quick(&self) -> bool {
        self.quick.load(Ordering::SeqCst)
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        (self.meanwhile.lock().unwrap())();
        let refused = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if refused.is_ok() {
            return Err(self.refusal.lock().unwrap().clone());
        }
        self.texts.fetch_add(texts.len(), Ordering::SeqCst);
        self.inner.embed(texts)
    }
}

/// Ingests a folder with a model, in this process.
pub async fn run(folder: &Path, store: &Store, model: &Arc<Model>) -> Summary {
    ingest(options(folder, store, model)).await.unwrap()
}

/// A folder to ingest with a model.
pub fn options(folder: &Path, store: &Store, model: &Arc<Model>) -> IngestOptions {
    let embedder: Arc<dyn Embedder> = Arc::clone(model) as _;
    IngestOptions {
        roots: vec![folder.to_owned()],
        db: store.url().to_owned(),
        collection: "default".to_owned(),
        embedder: EmbedderChoice::Given(embedder),
        workers: 2,
        budget_micros: None,
        limits: Limits::default(),
        isolate: false,
        max_delete: MaxDelete::default(),
        rules: Rules::default(),
        progress: Progress::hidden(),
    }
}

/// Tries failed files again with a model, in this process.
pub async fn run_retry(store: &Store, model: &Arc<Model>, now: bool, all: bool) -> Summary {
    let embedder: Arc<dyn Embedder> = Arc::clone(model) as _;
    retry(RetryOptions {
        db: store.url().to_owned(),
        collection: "default".to_owned(),
        embedder: EmbedderChoice::Given(embedder),
        workers: 2,
        now,
        all,
        budget_micros: None,
        limits: Limits::default(),
        isolate: false,
        progress: Progress::hidden(),
    })
    .await
    .unwrap()
}

/// The texts of all chunks, by path.
pub async fn texts(store: &Store) -> Vec<(String, String)> {
    let rows = store
        .rows(
            "SELECT d.path, c.text FROM rag_chunks c JOIN rag_documents d ON d.id = c.document_id
             ORDER BY d.path, c.ordinal",
            &[],
        )
        .await;
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (text(&row[0]), text(&row[1])))
        .collect()
}
