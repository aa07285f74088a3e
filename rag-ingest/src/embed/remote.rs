//! Models behind HTTP: services that speak like OpenAI's, and Ollama.

mod exchange;
mod key;
mod protocol;
mod refusal;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::key::Key;
pub use self::protocol::Service;

use self::exchange::Exchange;
use super::{Answer, BatchSize, EmbedError, Embedder, Rate, Terms, check, normalise};

/// What is asked to find out how long a model's vectors are.
const PROBE: &str = "dimension";

/// A model behind HTTP, and how it is used.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// How to speak to it.
    pub service: Service,
    /// Its address, up to what is behind `/embeddings` or `/api/embed`; the service's own unless given.
    pub url: Option<String>,
    /// The model's name there.
    pub model: String,
    /// The length of vectors to ask for; the model's own unless given.
    pub dimensions: Option<usize>,
    /// What the service knows its customer by.
    pub key: Option<Key>,
    /// The longest that a request takes.
    pub timeout: Duration,
    /// How much goes into a request.
    pub batch: BatchSize,
    /// How often it may be asked.
    pub rate: Rate,
    /// The price of a million tokens, in millionths of a currency.
    pub micros_per_million_tokens: i64,
}

impl RemoteOptions {
    /// A model at its service's own address, without a key, a limit or a price.
    pub fn new(service: Service, model: impl Into<String>) -> Self {
        Self {
            service,
            url: None,
            model: model.into(),
            dimensions: None,
            key: None,
            timeout: Duration::from_secs(60),
            batch: service.batch(),
            rate: Rate::default(),
            micros_per_million_tokens: 0,
        }
    }

    /// What the model is known by: the kind of its service, its name, and the length of vectors that is asked for, but
    /// not the address, which may change while the model stays.
    pub fn id(&self) -> String {
        let model = self.service.plain_name(&self.model);
        let asked = self.dimensions.map(|asked| format!("@{asked}"));
        format!(
            "{}:{model}{}",
            self.service.as_str(),
            asked.unwrap_or_default()
        )
    }

    /// How long the vectors are, if that is known without asking.
    pub fn dimension(&self) -> Option<usize> {
        self.dimensions
            .or_else(|| self.service.known_dimension(&self.model))
    }
}

/// A model behind HTTP.
#[derive(Debug)]
pub struct Remote {
    id: String,
    options: RemoteOptions,
    exchange: Exchange,
    dimension: usize,
}

impl Remote {
    /// Makes ready to ask the model. Its vectors' length is taken from the options, or from `dimension`, which somebody
    /// may remember, or the model is asked for one vector. Waits for the answer, so async code calls it beside its tasks.
    ///
    /// # Errors
    ///
    /// [`EmbedError::Setting`] if the address cannot be used; if the model is asked, whatever [`Embedder::embed`] fails
    /// with.
    pub fn open(options: RemoteOptions, dimension: Option<usize>) -> Result<Self, EmbedError> {
        let id = options.id();
        let exchange = Exchange::new(&id, &options)?;
        let known = options.dimension().or(dimension);
        let mut remote = Self {
            id,
            options,
            exchange,
            dimension: known.unwrap_or_default(),
        };
        if known.is_none() {
            let answer = remote.exchange.ask(&remote.options, &[PROBE], None)?;
            let length = answer.vectors.first().map(Vec::len);
            remote.dimension = length.filter(|length| *length > 0).ok_or_else(|| {
                let why = "it gave a vector without numbers".to_owned();
                let model = remote.id.clone();
                EmbedError::Answer { model, why }
            })?;
        }
        Ok(remote)
    }
}

impl Embedder for Remote {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(self.answer(texts)?.vectors)
    }

    fn answer(&self, texts: &[&str]) -> Result<Answer, EmbedError> {
        let mut answer = self
            .exchange
            .ask(&self.options, texts, Some(self.dimension))?;
        check(&self.id, self.dimension, texts.len(), &answer.vectors)?;
        for vector in &mut answer.vectors {
            if vector.iter().all(|number| *number == 0.0) {
                return Err(EmbedError::Answer {
                    model: self.id.clone(),
                    why: "a vector is all zeros".to_owned(),
                });
            }
            normalise(vector);
        }
        Ok(answer)
    }

    fn batch(&self) -> BatchSize {
        // More than the limit of a period could never be sent.
        let most = self.options.rate.tokens.unwrap_or(u64::MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        BatchSize {
            texts: self.options.batch.texts,
            tokens: self.options.batch.tokens.min(most),
        }
    }

    fn terms(&self) -> Option<Terms> {
        Some(Terms {
            rate: self.options.rate,
            timeout: self.options.timeout,
        })
    }

    fn micros_per_million_tokens(&self) -> i64 {
        self.options.micros_per_million_tokens
    }
}
