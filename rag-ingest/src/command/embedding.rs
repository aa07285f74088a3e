//! Which model makes the vectors, and how its service is used.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::embed::{BatchSize, Key, Rate, RemoteOptions, Service};
use crate::pipeline::EmbedderChoice;

/// Holds the key of any service.
const KEY: &str = "RAG_EMBEDDER_KEY";
/// Holds the key of OpenAI; goes nowhere else.
const OPENAI_KEY: &str = "OPENAI_API_KEY";
/// The only machine that is sent the key of OpenAI.
const OPENAI: &str = "https://api.openai.com/";

#[derive(Debug, Args)]
#[command(next_help_heading = "Embedder")]
pub(super) struct Embedding {
    /// The model that makes vectors of texts.
    #[arg(long, value_enum, default_value = "builtin")]
    embedder: Kind,
    /// The folder that holds the model, for --embedder minilm.
    #[arg(long, value_name = "FOLDER", default_value = "minilm")]
    model: PathBuf,
    /// Where the service is: https://api.openai.com/v1 or http://localhost:11434 unless given. The key of a service that
    /// asks for one is taken from the environment variable RAG_EMBEDDER_KEY (or OPENAI_API_KEY, which is sent to
    /// api.openai.com alone), and is never stored.
    #[arg(long, value_name = "URL")]
    embedder_url: Option<String>,
    /// The model's name there.
    #[arg(long, value_name = "NAME")]
    embedder_model: Option<String>,
    /// Ask for vectors of this length, of a model that offers several.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    embedder_dimensions: Option<u32>,
    /// How long one request may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    embedder_timeout: u64,
    /// The most texts in one request: 128, or 32 for Ollama, unless given. It is also what a crash repeats at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    embedder_batch: Option<u32>,
    /// The most tokens in one request: 100000, or 16000 for Ollama, unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    embedder_batch_tokens: Option<u32>,
    /// The most requests in any minute, by all workers on this database together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,
    /// The most tokens in any minute, by all workers on this database together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    tokens_per_minute: Option<u64>,
    /// The minute of these limits in seconds, for tests.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, hide = true)]
    limits_period: u64,
    /// What a million tokens cost, in any currency; `stats` and --budget count with it.
    #[arg(long, value_name = "AMOUNT", value_parser = micros)]
    embedder_price: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A table of word vectors inside the program.
    Builtin,
    /// The sentence model all-MiniLM-L6-v2, better and a thousand times slower.
    Minilm,
    /// A service that speaks like OpenAI's: OpenAI, llama.cpp, vLLM, LiteLLM and many others.
    Openai,
    /// Ollama.
    Ollama,
    /// Hashes, for tests.
    #[value(hide = true)]
    Hash,
}

impl Embedding {
    pub(super) fn choice(&self) -> Result<EmbedderChoice> {
        let service = match self.embedder {
            Kind::Builtin => return Ok(EmbedderChoice::Builtin),
            Kind::Minilm => return Ok(EmbedderChoice::MiniLm(self.model.clone())),
            Kind::Hash => return Ok(EmbedderChoice::Hash),
            Kind::Openai => Service::OpenAi,
            Kind::Ollama => Service::Ollama,
        };
        Ok(EmbedderChoice::Remote(self.remote(service)?))
    }

    fn remote(&self, service: Service) -> Result<RemoteOptions> {
        let example = match service {
            Service::OpenAi => "text-embedding-3-small",
            Service::Ollama => "nomic-embed-text",
        };
        let model = self.embedder_model.as_deref().with_context(|| {
            let service = service.as_str();
            format!("--embedder {service} needs a model: --embedder-model {example}, for example")
        })?;
        if model.trim().is_empty() {
            bail!("--embedder-model is empty; give a name, {example} for example");
        }
        let usual = RemoteOptions::new(service, model);
        let size = |given: Option<u32>, usual: usize| {
            given.map_or(usual, |given| usize::try_from(given).unwrap_or(usize::MAX))
        };
        Ok(RemoteOptions {
            dimensions: self
                .embedder_dimensions
                .and_then(|length| usize::try_from(length).ok()),
            key: self.key(service),
            url: self.embedder_url.clone(),
            timeout: Duration::from_secs(self.embedder_timeout),
            batch: BatchSize {
                texts: size(self.embedder_batch, usual.batch.texts),
                tokens: size(self.embedder_batch_tokens, usual.batch.tokens),
            },
            rate: Rate {
                requests: self.requests_per_minute,
                tokens: self.tokens_per_minute,
                period: Duration::from_secs(self.limits_period),
            },
            micros_per_million_tokens: self.embedder_price.unwrap_or_default(),
            ..usual
        })
    }

    fn key(&self, service: Service) -> Option<Key> {
        let url = self
            .embedder_url
            .as_deref()
            .unwrap_or_else(|| service.default_url());
        let is_openai = url.starts_with(OPENAI);
        Key::of_variable(KEY).or_else(|| is_openai.then(|| Key::of_variable(OPENAI_KEY)).flatten())
    }
}

/// An amount as millionths of it.
pub(super) fn micros(text: &str) -> Result<i64, String> {
    let amount: f64 = text
        .parse()
        .map_err(|_| "write an amount like 0.02".to_owned())?;
    let micros = (amount * 1e6).round();
    if !(0.0..=1e15).contains(&micros) {
        return Err("write an amount between 0 and 1000000000".to_owned());
    }
    Ok(micros as i64)
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn amounts_are_read_exactly_and_nonsense_is_refused() {
        assert_eq!(micros("0.02"), Ok(20_000));
        assert_eq!(micros("13"), Ok(13_000_000));
        for nonsense in ["", "-1", "NaN", "inf", "1e30", "two"] {
            assert!(micros(nonsense).is_err(), "{nonsense}");
        }
    }
}
