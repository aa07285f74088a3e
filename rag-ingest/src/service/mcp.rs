//! The service as tools of an agent: the Model Context Protocol over standard input and output.
//!
//! Messages of JSON-RPC 2.0, one a line. Of the protocol this is what a server of tools needs: `initialize`, `ping`,
//! `tools/list` and `tools/call`; notifications are taken and need no answer.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Found, PartOf, Service, ServiceError};
use crate::document::Kind;
use crate::search::Request;

/// The versions of the protocol that are spoken, the newest first. What they differ in concerns nothing here.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// The longest message.
const LONGEST_LINE: u64 = 4 << 20;

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// Answers what comes in, one message after the other, until there is no more input.
///
/// # Errors
/// The input cannot be read, or the output not be written.
pub async fn serve(
    service: Arc<Service>,
    mut input: impl AsyncBufRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut input).take(LONGEST_LINE);
        if limited.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer = if line.ends_with(b"\n") || limited.limit() > 0 {
            answer(&service, &line).await
        } else {
            skip_line(&mut input).await?;
            let why = format!("the message has more than {LONGEST_LINE} bytes");
            Some(refuse(&Value::Null, INVALID_REQUEST, &why))
        };
        if let Some(answer) = answer {
            let mut text = answer.to_string();
            text.push('\n');
            output.write_all(text.as_bytes()).await?;
            output.flush().await?;
        }
    }
}

async fn skip_line(input: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<()> {
    loop {
        let part = input.fill_buf().await?;
        let end = part.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(part.len(), |end| end + 1);
        let is_done = end.is_some() || part.is_empty();
        input.consume(length);
        if is_done {
            return Ok(());
        }
    }
}

#[derive(Deserialize)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: Option<Value>,
}

/// The answer to a message; none to a notification, to an answer, or to an empty line.
async fn answer(service: &Service, line: &[u8]) -> Option<Value> {
    if line.trim_ascii().is_empty() {
        return None;
    }
    let message: Value = match serde_json::from_slice(line) {
        Ok(message) => message,
        Err(error) => return Some(refuse(&Value::Null, PARSE_ERROR, &error.to_string())),
    };
    let id = message.get("id");
    let is_id = |id: &Value| id.is_string() || id.is_number();
    let known = id.filter(|id| is_id(id)).cloned().unwrap_or(Value::Null);
    let method = message.get("method").and_then(Value::as_str);
    let is_answer = message.get("result").is_some() || message.get("error").is_some();
    let is_request = message.get("jsonrpc") == Some(&json!("2.0")) && id.is_none_or(is_id);
    let Some(method) = method.filter(|_| is_request) else {
        if is_answer && method.is_none() {
            return None;
        }
        let why = "this is no request of JSON-RPC 2.0: jsonrpc, id and method are needed";
        return Some(refuse(&known, INVALID_REQUEST, why));
    };
    id?;
    let parameters = message.get("params").cloned().unwrap_or(json!({}));
    let result = match method {
        "initialize" => Ok(initialize(&parameters)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({"tools": tools()})),
        "tools/call" => call(service, parameters).await,
        _ => Err((METHOD_NOT_FOUND, format!("there is no method `{method}`"))),
    };
    Some(match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": known, "result": result}),
        Err((code, why)) => refuse(&known, code, &why),
    })
}

fn refuse(id: &Value, code: i64, why: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}})
}

/// The version that the client asks for, if it is spoken, else the newest: then the client decides.
fn initialize(parameters: &Value) -> Value {
    let asked = parameters.get("protocolVersion").and_then(Value::as_str);
    let newest = VERSIONS.first().copied().unwrap_or_default();
    let version = asked
        .filter(|asked| VERSIONS.contains(asked))
        .unwrap_or(newest);
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "rag-ingest", "version": env!("CARGO_PKG_VERSION")},
        "instructions": "Search the documents with `search`; read more of one with `get_document`. Cite hits by their citation.",
    })
}

fn tools() -> Value {
    let kinds = Kind::ALL.map(Kind::as_str);
    let only_reads = json!({"readOnlyHint": true, "openWorldHint": false});
    json!([
        {
            "name": "search",
            "title": "Search documents",
            "description": "Finds passages in the ingested documents that answer a question, by meaning and by words. \
                Each hit has its text, a citation, and the number of its document.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "question": {"type": "string", "description": "What is asked, in plain words."},
                    "limit": {"type": "integer", "minimum": 1, "maximum": crate::search::MOST, "default": 5},
                    "mode": {"type": "string", "enum": ["hybrid", "vector", "keyword"], "default": "hybrid"},
                    "path": {"type": "array", "items": {"type": "string"},
                        "description": "Only files that fit one of these patterns: *.md, docs/**, a folder."},
                    "type": {"type": "array", "items": {"type": "string", "enum": kinds}},
                    "since": {"type": "string", "description": "Only files changed on this day or later: 2026-01-31."},
                    "until": {"type": "string", "description": "Only files changed on this day or before."},
                    "pages": {"type": "string", "description": "Only what stands on these pages: 7, or 3-9."},
                    "collection": {"type": "string"},
                },
                "required": ["question"],
            },
            "annotations": &only_reads,
        },
        {
            "name": "get_document",
            "title": "Read a document",
            "description": "Reads the text of a document, or a part of it, by the number that hits of `search` tell.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "document": {"type": "integer"},
                    "start": {"type": "integer", "minimum": 0, "default": 0, "description": "The first byte."},
                    "length": {"type": "integer", "minimum": 1, "description": "How many bytes at most; 65536 unless given."},
                    "collection": {"type": "string"},
                },
                "required": ["document"],
            },
            "annotations": &only_reads,
        },
    ])
}

/// Runs a tool. What a model can put right, wrong arguments among it, is a result with `isError`, since only results
/// are shown to it.
async fn call(service: &Service, parameters: Value) -> Result<Value, (i64, String)> {
    let call: Call =
        serde_json::from_value(parameters).map_err(|error| (INVALID_PARAMS, error.to_string()))?;
    let arguments = call.arguments.unwrap_or(json!({}));
    let done = match call.name.as_str() {
        "search" => search(service, arguments).await,
        "get_document" => document(service, arguments).await,
        other => return Err((INVALID_PARAMS, format!("there is no tool `{other}`"))),
    };
    Ok(match done {
        Ok((text, structured)) => json!({
            "content": [{"type": "text", "text": text}],
            "structuredContent": structured,
            "isError": false,
        }),
        Err(why) => json!({"content": [{"type": "text", "text": why}], "isError": true}),
    })
}

type Done = Result<(String, Value), String>;

fn wrong(error: &serde_json::Error) -> String {
    format!("the arguments cannot be read: {error}")
}

fn failed(error: &ServiceError) -> String {
    if !error.is_of_the_question() {
        tracing::warn!(%error, "a question could not be answered");
    }
    error.to_string()
}

async fn search(service: &Service, arguments: Value) -> Done {
    let of: Request = serde_json::from_value(arguments).map_err(|error| wrong(&error))?;
    let found = service.search(&of).await.map_err(|error| failed(&error))?;
    let structured = serde_json::to_value(&found).map_err(|error| error.to_string())?;
    Ok((text_of(&found), structured))
}

fn text_of(found: &Found) -> String {
    if found.hits.is_empty() {
        return "Nothing found.".to_owned();
    }
    let mut text = String::new();
    for (number, hit) in (1..).zip(&found.hits) {
        let (citation, document) = (&hit.citation, hit.document);
        text.push_str(&format!(
            "{number}. {citation} (document {document})\n{}\n\n",
            hit.text
        ));
    }
    text
}

async fn document(service: &Service, arguments: Value) -> Done {
    let of: PartOf = serde_json::from_value(arguments).map_err(|error| wrong(&error))?;
    let part = service
        .document(&of)
        .await
        .map_err(|error| failed(&error))?;
    let structured = serde_json::to_value(&part).map_err(|error| error.to_string())?;
    let (path, start, end, size) = (&part.document.path, part.start, part.end, part.size);
    let text = match &part.document.text {
        Some(text) if !text.is_empty() => {
            format!("{path}, bytes {start} to {end} of {size}\n\n{text}")
        }
        _ => format!("{path}: no text is kept of it"),
    };
    Ok((text, structured))
}
