//! An embedding service on this machine, which misbehaves on command: it speaks like OpenAI's and like Ollama's, gives
//! the same vector for the same text, and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

/// The length of its vectors.
pub const DIMENSION: usize = 16;
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it does instead of answering as it should.
#[derive(Debug, Clone)]
pub enum Misdeed {
    /// Answers with this status, these headers and this body.
    Status(u16, Vec<(&'static str, String)>, Json),
    /// Answers with this body, and status 200.
    Body(String),
    /// Says nothing for so long.
    Silence(Duration),
    /// Ends the connection without a word.
    Cut,
    /// Ends the connection in the middle of its answer.
    CutInTheMiddle,
    /// Leaves out the last vector.
    OneMissing,
    /// Adds a vector.
    OneTooMany,
    /// Gives `null` in place of a number of the last vector.
    Null,
    /// Gives a number that is no number a float can be in the last vector.
    Infinite,
    /// Gives the vectors in another order, each with its index.
    Shuffled,
    /// Gives shorter vectors.
    Shorter,
    /// Gives its vectors as base64.
    Packed,
    /// Computes the answer, and keeps it until the connection ends.
    Withheld,
    /// Answers with the key it was given, as an error.
    TellKey,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// When all of it was there.
    pub at: Instant,
    /// Its path.
    pub path: String,
    /// The header that tells who asks.
    pub authorization: Option<String>,
    /// The length of vectors that was asked for.
    pub dimensions: Option<u64>,
    pub texts: Vec<String>,
    /// What it is billed; nothing for those that are refused.
    pub tokens: u64,
}

#[derive(Default)]
struct Desk {
    asked: Vec<Asked>,
    script: VecDeque<Option<Misdeed>>,
    poison: Option<String>,
}

#[derive(Default)]
struct State {
    desk: Mutex<Desk>,
    changed: Condvar,
}

impl State {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The service. It runs until the test ends.
pub struct EmbeddingServer {
    port: u16,
    state: Arc<State>,
}

impl Default for EmbeddingServer {
    fn default() -> Self {
        Self::new()
    }
}

impl EmbeddingServer {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// When no port can be had.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        let port = listener.local_addr().expect("it has an address").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A connection that ends in the middle is what some tests are about.
                std::thread::spawn(move || serve(stream, &state).unwrap_or_default());
            }
        });
        Self { port, state }
    }

    /// Its address as a service like OpenAI's.
    pub fn openai(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Its address as Ollama.
    pub fn ollama(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The arguments of `rag-ingest` that make it use this service.
    pub fn arguments(&self) -> Vec<String> {
        let arguments = ["--embedder", "openai", "--embedder-model", "test-model"];
        let mut arguments: Vec<_> = arguments.map(str::to_owned).into();
        arguments.extend(["--embedder-url".to_owned(), self.openai()]);
        let dimension = DIMENSION.to_string();
        arguments.extend(["--embedder-dimensions".to_owned(), dimension]);
        arguments
    }

    /// What it does with the next requests, one after the other; nothing stands for an answer as it should be.
    pub fn plan(&self, script: impl IntoIterator<Item = Option<Misdeed>>) {
        self.state.desk().script.extend(script);
    }

    /// Refuses every request with a text that holds this.
    pub fn refuse(&self, poison: &str) {
        self.state.desk().poison = Some(poison.to_owned());
    }

    /// Everything that it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.desk().asked.clone()
    }

    /// How often each text was paid.
    pub fn paid(&self) -> BTreeMap<String, usize> {
        let mut paid = BTreeMap::new();
        for asked in self.asked().iter().filter(|asked| asked.tokens > 0) {
            for text in &asked.texts {
                *paid.entry(text.clone()).or_default() += 1;
            }
        }
        paid
    }

    /// Waits until it was asked so often.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub fn wait_for(&self, requests: usize) {
        let desk = self.state.desk();
        let waited = self
            .state
            .changed
            .wait_timeout_while(desk, PATIENCE, |desk| desk.asked.len() < requests);
        let (desk, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            !timeout.timed_out(),
            "only {} requests came",
            desk.asked.len()
        );
    }
}

/// The tokens of a text, as this service counts them.
pub fn tokens_of(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// A vector of hashes of the words.
pub fn vector_of(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSION];
    for word in text.split(|character: char| !character.is_alphanumeric()) {
        let hash = word
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let axis = usize::try_from(hash % DIMENSION as u64).unwrap_or_default();
        if let Some(number) = vector.get_mut(axis) {
            *number += 1.0;
        }
    }
    vector
}

/// Serves one connection until it ends.
fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((path, headers, body)) = receive(&mut reader)? {
        let body: Json = serde_json::from_slice(&body).unwrap_or_default();
        let texts = body.get("input").and_then(Json::as_array).cloned();
        let texts: Vec<String> = texts
            .unwrap_or_default()
            .iter()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect();
        let (misdeed, is_poisoned) = {
            let mut desk = state.desk();
            let poison = desk.poison.clone();
            let is_poisoned =
                poison.is_some_and(|poison| texts.iter().any(|text| text.contains(&poison)));
            let misdeed = desk.script.pop_front().flatten();
            let is_paid = !is_poisoned
                && !matches!(
                    misdeed,
                    Some(
                        Misdeed::Status(..) | Misdeed::Cut | Misdeed::Silence(_) | Misdeed::TellKey
                    )
                );
            let tokens = texts.iter().map(|text| tokens_of(text)).sum();
            desk.asked.push(Asked {
                at: Instant::now(),
                path: path.clone(),
                authorization: headers.get("authorization").cloned(),
                dimensions: body.get("dimensions").and_then(Json::as_u64),
                texts: texts.clone(),
                tokens: if is_paid { tokens } else { 0 },
            });
            state.changed.notify_all();
            (misdeed, is_poisoned)
        };
        if is_poisoned {
            let refusal = json!({"error": {"message": "one input is too long", "type": "invalid_request_error",
                "param": "input", "code": null}});
            send(&mut stream, 400, &[], refusal.to_string().as_bytes())?;
            continue;
        }
        let answer = answer(&path, &texts, misdeed.as_ref());
        match misdeed {
            Some(Misdeed::Status(status, headers, body)) => {
                send(&mut stream, status, &headers, body.to_string().as_bytes())?;
            }
            Some(Misdeed::TellKey) => {
                let key = headers.get("authorization").cloned().unwrap_or_default();
                let body = json!({"error": {"message": format!("you sent {key}")}});
                send(&mut stream, 401, &[], body.to_string().as_bytes())?;
            }
            Some(Misdeed::Body(body)) => send(&mut stream, 200, &[], body.as_bytes())?,
            Some(Misdeed::Silence(length)) => {
                // Whoever asked gives up before.
                std::thread::sleep(length);
                return Ok(());
            }
            Some(Misdeed::Withheld) => {
                // Ends when the one who asked ends.
                reader.read_to_end(&mut Vec::new())?;
                return Ok(());
            }
            Some(Misdeed::Cut) => return stream.shutdown(Shutdown::Both),
            Some(Misdeed::CutInTheMiddle) => {
                let half = answer.get(..answer.len() / 2).unwrap_or_default();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                    answer.len()
                );
                stream.write_all(head.as_bytes())?;
                stream.write_all(half.as_bytes())?;
                stream.flush()?;
                return stream.shutdown(Shutdown::Both);
            }
            _ => send(&mut stream, 200, &[], answer.as_bytes())?,
        }
    }
    Ok(())
}

type Received = (String, BTreeMap<String, String>, Vec<u8>);

/// The next request of a connection: path, headers and body.
fn receive(reader: &mut impl BufRead) -> std::io::Result<Option<Received>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body)?;
    Ok(Some((path, headers, body)))
}

fn send(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> std::io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

fn answer(path: &str, texts: &[String], misdeed: Option<&Misdeed>) -> String {
    let mut vectors: Vec<Vec<Json>> = texts
        .iter()
        .map(|text| vector_of(text).into_iter().map(Json::from).collect())
        .collect();
    match misdeed {
        Some(Misdeed::OneMissing) => {
            vectors.pop();
        }
        Some(Misdeed::OneTooMany) => vectors.extend(vectors.last().cloned()),
        Some(Misdeed::Null) => spoil(&mut vectors, Json::Null),
        Some(Misdeed::Infinite) => spoil(&mut vectors, json!(1e300)),
        Some(Misdeed::Shorter) => vectors.iter_mut().for_each(|vector| {
            vector.pop();
        }),
        _ => {}
    }
    let tokens: u64 = texts.iter().map(|text| tokens_of(text)).sum();
    if path.ends_with("/api/embed") {
        let answer = json!({"model": "m", "embeddings": vectors, "prompt_eval_count": tokens});
        return answer.to_string();
    }
    let embedding = |vector: Vec<Json>| match misdeed {
        Some(Misdeed::Packed) => Json::from(packed(&vector)),
        _ => Json::from(vector),
    };
    let mut data: Vec<Json> = vectors
        .into_iter()
        .enumerate()
        .map(|(index, vector)| {
            json!({"object": "embedding", "index": index, "embedding": embedding(vector)})
        })
        .collect();
    if let Some(Misdeed::Shuffled) = misdeed {
        data.reverse();
    }
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    json!({"object": "list", "data": data, "model": "m", "usage": usage}).to_string()
}

fn spoil(vectors: &mut [Vec<Json>], with: Json) {
    if let Some(number) = vectors.last_mut().and_then(|vector| vector.last_mut()) {
        *number = with;
    }
}

/// Little-endian floats in base64.
fn packed(vector: &[Json]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let floats = vector.iter().filter_map(Json::as_f64);
    let bytes: Vec<u8> = floats
        .flat_map(|number| (number as f32).to_le_bytes())
        .collect();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three
            .iter()
            .chain(&[0, 0])
            .take(3)
            .fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = DIGITS.get(number >> (18 - 6 * place) & 63);
            let is_there = place <= three.len();
            text.push(
                digit
                    .filter(|_| is_there)
                    .map_or('=', |digit| char::from(*digit)),
            );
        }
    }
    text
}
