use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::http::{Request, Response, Rules};
use crate::value::{Object, read_number};
use crate::visit::Work;

/// Where OpenAI listens.
const SERVICE: &str = "https://api.openai.com/v1";
/// The secret that has the key if a node says nothing.
const SECRET: &str = "OPENAI_API_KEY";
/// How often an endpoint that has no time is asked.
const ATTEMPTS: u32 = 6;
/// How long it is left alone when it does not say, the first time; then twice as long each time.
const PAUSE: Duration = Duration::from_millis(500);
/// Longer no visit waits for the next attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An endpoint that speaks as OpenAI's does.
pub(super) struct Endpoint {
    base: String,
    key: Option<String>,
    timeout: Duration,
    /// How many requests this visit made, those that were made again not counted.
    asked: u32,
}

/// What a model said.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) tokens: i64,
    pub(super) model: String,
}

impl Endpoint {
    /// The endpoint that a node means.
    ///
    /// # Errors
    /// The secret that is to be its key is not known.
    pub(super) fn of(work: &Work) -> Result<Self, Fault> {
        let said =
            |name: &str| Some(work.text(name).trim().to_owned()).filter(|said| !said.is_empty());
        let base = said("base_url").or_else(|| {
            std::env::var("OPENAI_BASE_URL")
                .ok()
                .filter(|base| !base.trim().is_empty())
        });
        let vault = &work.host().vault;
        let key = match (said("api_key"), said("credential_name")) {
            (Some(key), _) => Some(key),
            (None, Some(name)) => Some(
                vault
                    .get(&name)
                    .map_err(|error| Fault::of("SecretError", error.to_string()))?,
            ),
            // An endpoint of one's own may want none.
            (None, None) => vault.get(SECRET).ok(),
        };
        let base = base.unwrap_or_else(|| SERVICE.to_owned());
        Ok(Self {
            base: base.trim().trim_end_matches('/').to_owned(),
            key,
            timeout: work.patience("timeout", Duration::from_secs(120)),
            asked: 0,
        })
    }

    /// Lets a model go on with messages.
    ///
    /// # Errors
    /// The endpoint refuses, or has no answer.
    pub(super) fn chat(&mut self, work: &mut Work, messages: &[Value]) -> Result<Said, Fault> {
        let (message, tokens, model) = self.turn(work, messages, &[])?;
        let Some(text) = message.get("content").and_then(Value::as_str) else {
            let why = match message.get("refusal").and_then(Value::as_str) {
                Some(refusal) => format!("the model refused: {refusal}"),
                None => "there is no text in the answer of the endpoint".to_owned(),
            };
            return Err(Fault::of("LLMError", why));
        };
        Ok(Said {
            text: text.to_owned(),
            tokens,
            model,
        })
    }

    /// Lets a model go on with messages, with tools that it may call. Gives its message, what it took, and which model it was.
    ///
    /// # Errors
    /// The endpoint refuses, or has no answer.
    pub(super) fn turn(
        &mut self,
        work: &mut Work,
        messages: &[Value],
        tools: &[Value],
    ) -> Result<(Object, i64, String), Fault> {
        let mut body = Object::new();
        body.insert("model".to_owned(), work.text("model").into());
        body.insert("messages".to_owned(), messages.to_vec().into());
        if !tools.is_empty() {
            body.insert("tools".to_owned(), tools.to_vec().into());
        }
        if let Some(temperature) = work.number("temperature") {
            body.insert("temperature".to_owned(), json!(temperature));
        }
        if let Some(tokens) = work.integer("max_tokens").filter(|tokens| *tokens > 0) {
            body.insert("max_tokens".to_owned(), tokens.into());
        }
        let answer = self.ask(work, "/chat/completions", &body.into())?;
        let choice = answer.pointer("/choices/0").unwrap_or(&Value::Null);
        if choice.get("finish_reason").and_then(Value::as_str) == Some("length") {
            work.warn("the answer was cut off at `max_tokens`".to_owned());
        }
        let message = match choice.get("message") {
            Some(Value::Object(message)) => message.clone(),
            _ => Object::new(),
        };
        let model = answer.get("model").and_then(Value::as_str);
        Ok((
            message,
            tokens(&answer),
            model.unwrap_or_default().to_owned(),
        ))
    }

    /// From now on no request may take longer than this.
    pub(super) fn hurry(&mut self, left: Duration) {
        self.timeout = self.timeout.min(left);
    }

    /// The vectors of texts, and what they took.
    ///
    /// # Errors
    /// The endpoint refuses, or has not a vector for each.
    pub(super) fn embed(
        &mut self,
        work: &mut Work,
        model: &str,
        texts: &[String],
    ) -> Result<(Vec<Vec<Value>>, i64), Fault> {
        let input: Value = match texts {
            [one] => one.as_str().into(),
            several => several.into(),
        };
        let body = json!({"model": model, "input": input, "encoding_format": "float"});
        let answer = self.ask(work, "/embeddings", &body)?;
        let data = answer.get("data").and_then(Value::as_array);
        let mut vectors = vec![Vec::new(); texts.len()];
        for (place, one) in data.into_iter().flatten().enumerate() {
            // Endpoints may answer in another order.
            let place = one
                .get("index")
                .and_then(Value::as_u64)
                .map_or(place, |index| usize::try_from(index).unwrap_or(usize::MAX));
            let vector = one.get("embedding").and_then(Value::as_array);
            let vector = vector.filter(|vector| vector.iter().all(Value::is_number));
            if let (Some(slot), Some(vector)) = (vectors.get_mut(place), vector) {
                slot.clone_from(vector);
            }
        }
        if vectors.iter().any(Vec::is_empty) {
            return Err(Fault::of(
                "LLMError",
                "there is no vector in the answer of the endpoint",
            ));
        }
        Ok((vectors, tokens(&answer)))
    }

    /// Asks, and asks again as long as the endpoint says that it has no time.
    fn ask(&mut self, work: &mut Work, path: &str, body: &Value) -> Result<Value, Fault> {
        self.asked += 1;
        let key = match self.asked {
            1 => work.key().to_owned(),
            number => format!("{}/{number}", work.key()),
        };
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Idempotency-Key".to_owned(), key),
        ];
        if let Some(key) = &self.key {
            headers.push(("Authorization".to_owned(), format!("Bearer {key}")));
        }
        let end = Instant::now() + self.timeout;
        let mut pause = PAUSE;
        for attempt in 1.. {
            let request = Request {
                method: "POST".to_owned(),
                url: format!("{}{path}", self.base),
                headers: headers.clone(),
                body: body.to_string().into_bytes(),
                rules: Rules {
                    timeout: Some(
                        end.saturating_duration_since(Instant::now())
                            .max(Duration::from_millis(1)),
                    ),
                    // The key is for this endpoint, and nobody it may lead to.
                    redirects: 0,
                    ..Rules::default()
                },
            };
            let answered = request.send();
            let (wait, why) = match answered {
                Ok(response) if response.status == 429 || response.status >= 500 => {
                    let wait = retry_after(&response);
                    (wait, self.refused(response))
                }
                Ok(response) if (200..300).contains(&response.status) => return parsed(response),
                Ok(response) => return Err(self.refused(response)),
                // Nobody knows whether it got there: the key tells the endpoint that it is the same again.
                Err(fault) if fault.error_type == "ConnectionError" => (None, fault),
                Err(fault) => return Err(fault),
            };
            let wait = wait.unwrap_or(pause).min(LONGEST_PAUSE);
            if attempt >= ATTEMPTS || Instant::now() + wait >= end {
                return Err(why);
            }
            work.warn(format!("asked again after: {}", why.message));
            std::thread::sleep(wait);
            pause *= 2;
        }
        Err(Fault::of("LLMError", "the endpoint was never asked"))
    }

    /// Why the endpoint refused, in its own words; without the key, which some endpoints repeat.
    fn refused(&self, response: Response) -> Fault {
        let status = response.status;
        let said = response.text().unwrap_or_default();
        let parsed: Value = serde_json::from_str(&said).unwrap_or_default();
        let message = ["/error/message", "/error", "/message", "/detail"]
            .iter()
            .find_map(|place| parsed.pointer(place)?.as_str());
        let mut message: String = message.unwrap_or(&said).chars().take(500).collect();
        if let Some(key) = self.key.as_ref().filter(|key| key.len() >= 3) {
            message = message.replace(key.as_str(), "***");
        }
        let (class, advice) = match status {
            401 | 403 => (
                "AuthenticationError",
                "; check the key: `api_key`, `credential_name`, or rpa secret set OPENAI_API_KEY",
            ),
            404 => ("LLMError", "; check `model` and `base_url`"),
            429 => ("RateLimitError", ""),
            _ => ("LLMError", ""),
        };
        Fault::of(
            class,
            format!(
                "the endpoint {} answered HTTP {status}: {message}{advice}",
                crate::http::without_secrets(&self.base)
            ),
        )
    }
}

fn tokens(answer: &Value) -> i64 {
    answer
        .pointer("/usage/total_tokens")
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

fn parsed(response: Response) -> Result<Value, Fault> {
    let said = response.text()?;
    serde_json::from_str(&said).map_err(|error| {
        Fault::of(
            "LLMError",
            format!("the answer of the endpoint is no JSON ({error}); check `base_url`"),
        )
    })
}

/// How long the endpoint wants to be left alone: in seconds, milliseconds, or until a time.
fn retry_after(response: &Response) -> Option<Duration> {
    let header = |name: &str| {
        let mut headers = response.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    let number = |said: &str| read_number(&json!(said)).filter(|number| *number >= 0.0);
    let seconds = match header("retry-after-ms").and_then(number) {
        Some(millis) => Some(millis / 1000.0),
        None => {
            let said = header("retry-after")?;
            number(said).or_else(|| {
                let until = rfc2822::parse(said).ok()?.timestamp();
                Some((until.duration_since(Timestamp::now()).as_secs_f64()).max(0.0))
            })
        }
    };
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}
