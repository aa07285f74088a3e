//! What is sent to a service and what comes back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Answer, BatchSize};

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// As OpenAI's API for embeddings, which many servers speak: llama.cpp, vLLM, Text Embeddings Inference, LiteLLM.
    OpenAi,
    /// Ollama's own API.
    Ollama,
}

impl Service {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Ollama => "ollama",
        }
    }

    /// Its address unless another is given.
    pub fn default_url(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Ollama => "http://localhost:11434",
        }
    }

    /// The part of the address behind that.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/embeddings",
            Self::Ollama => "/api/embed",
        }
    }

    /// What goes into one request: less than OpenAI takes (2,048 texts, 300,000 tokens), and what a model on an
    /// ordinary machine answers within the usual time.
    pub fn batch(self) -> BatchSize {
        match self {
            Self::OpenAi => BatchSize {
                texts: 128,
                tokens: 100_000,
            },
            Self::Ollama => BatchSize {
                texts: 32,
                tokens: 16_000,
            },
        }
    }

    /// A model's name without what says nothing.
    pub(super) fn plain_name(self, model: &str) -> &str {
        match self {
            Self::OpenAi => model,
            Self::Ollama => model.strip_suffix(":latest").unwrap_or(model),
        }
    }

    /// The length of the vectors of well-known models.
    pub(super) fn known_dimension(self, model: &str) -> Option<usize> {
        match (self, model) {
            (Self::OpenAi, "text-embedding-3-small" | "text-embedding-ada-002") => Some(1536),
            (Self::OpenAi, "text-embedding-3-large") => Some(3072),
            _ => None,
        }
    }

    /// The body of a request.
    pub(super) fn request(self, model: &str, texts: &[&str], dimensions: Option<usize>) -> Value {
        let mut body = match self {
            Self::OpenAi => json!({"model": model, "input": texts, "encoding_format": "float"}),
            // A text that is too long is refused, and not cut in silence.
            Self::Ollama => json!({"model": model, "input": texts, "truncate": false}),
        };
        if let (Some(dimensions), Some(body)) = (dimensions, body.as_object_mut()) {
            body.insert("dimensions".to_owned(), dimensions.into());
        }
        body
    }

    /// Reads the body of an answer to so many texts, and puts the vectors into the texts' order.
    pub(super) fn answer(self, body: &[u8], texts: usize) -> Result<Answer, String> {
        match self {
            Self::OpenAi => {
                let answer: OpenAi = parse(body)?;
                let tokens = answer.usage.and_then(|usage| {
                    let tokens = usage.prompt_tokens.or(usage.total_tokens);
                    tokens.filter(|tokens| *tokens > 0)
                });
                let vectors = in_order(answer.data, texts)?;
                Ok(Answer { vectors, tokens })
            }
            Self::Ollama => {
                let answer: Ollama = parse(body)?;
                let vectors = answer.embeddings.into_iter().map(plain).collect();
                let tokens = answer.prompt_eval_count.filter(|tokens| *tokens > 0);
                Ok(Answer { vectors, tokens })
            }
        }
    }
}

#[derive(Deserialize)]
struct OpenAi {
    data: Vec<Item>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Numbers,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Ollama {
    embeddings: Vec<Vec<Option<f32>>>,
    prompt_eval_count: Option<u64>,
}

/// A vector as numbers, or as their bytes. A number that JSON cannot say comes as null.
#[derive(Deserialize)]
#[serde(untagged)]
enum Numbers {
    Plain(Vec<Option<f32>>),
    Packed(String),
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn plain(numbers: Vec<Option<f32>>) -> Vec<f32> {
    let number = |number: Option<f32>| number.unwrap_or(f32::NAN);
    numbers.into_iter().map(number).collect()
}

fn unpack(packed: &str) -> Result<Vec<f32>, String> {
    let bytes = STANDARD.decode(packed).map_err(|error| error.to_string())?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(format!(
            "a vector of {} bytes is no list of floats",
            bytes.len()
        ));
    }
    Ok(numbers.iter().copied().map(f32::from_le_bytes).collect())
}

/// Each vector at the place that it says it is for. What cannot be placed is an error, but one too many or too few is
/// left to be counted.
fn in_order(items: Vec<Item>, texts: usize) -> Result<Vec<Vec<f32>>, String> {
    let count = items.len();
    let says_where = items.iter().any(|item| item.index.is_some());
    let mut places: Vec<Option<Vec<f32>>> = Vec::new();
    places.resize_with(count, || None);
    for (place, item) in items.into_iter().enumerate() {
        let place = if says_where {
            item.index
                .ok_or("a vector does not say which text it is for")?
        } else {
            place
        };
        let vector = match item.embedding {
            Numbers::Plain(numbers) => plain(numbers),
            Numbers::Packed(packed) => unpack(&packed)?,
        };
        if count != texts {
            // Where it belongs does not matter any more.
            continue;
        }
        let slot = places
            .get_mut(place)
            .ok_or_else(|| format!("a vector is for text {place} of {texts}"))?;
        if slot.replace(vector).is_some() {
            return Err(format!("two vectors are for text {place}"));
        }
    }
    Ok(places.into_iter().map(Option::unwrap_or_default).collect())
}
