//! Nodes that ask over HTTP.
//!
//! **After a crash.** GET, HEAD and OPTIONS only read. PUT and DELETE leave the server the same when they are done twice, and
//! are done again. Of POST and PATCH nobody knows whether the server got them: `on_uncertain` decides. All that write carry
//! the header `Idempotency-Key`, the same each time: a server that knows it does the work once.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::files::write_from;
use crate::catalogue::{Effect, Kind, NodeType};
use crate::fault::Fault;
use crate::http::{Form, Request, Response, Rules, build};
use crate::value::{Object, Path, text};
use crate::visit::{Call, Work};

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const ACTIONS: &[&str] = &[
    "GET Request",
    "POST Request",
    "PUT Request",
    "PATCH Request",
    "DELETE Request",
    "Download File",
    "Upload File",
    "Configure Auth",
];
const SCHEMES: &[&str] = &["Bearer", "Basic", "ApiKey"];
/// Answers that may be others the next time.
const PASSING: [u16; 4] = [429, 502, 503, 504];

pub(super) fn types() -> Vec<NodeType> {
    let asks = |node_type: NodeType| {
        node_type
            .input("headers", Kind::Any)
            .property("verify_ssl", Kind::Boolean, true)
            .optional("proxy", Kind::Text)
            .property("retry_count", Kind::Integer, 0)
    };
    let answers = |node_type: NodeType| {
        node_type
            .output("response_body", Kind::Text)
            .output("response_json", Kind::Any)
            .output("status_code", Kind::Integer)
            .output("response_headers", Kind::Dict)
            .output("success", Kind::Boolean)
            .output("error", Kind::Text)
            .port("response", "response_body")
    };
    let downloads = |node_type: NodeType| {
        node_type
            .output("file_path", Kind::Text)
            .output("file_size", Kind::Integer)
    };
    vec![
        answers(asks(NodeType::work(
            "HttpRequestNode",
            Effect::Once,
            "Asks over HTTP. An answer that tells a failure (404, 500) is an answer, with `success` false; no answer fails the \
             node. What writes has the header `Idempotency-Key`.",
            |work| {
                let method = work.text("method");
                request(work, &method)
            },
        )))
        .reads_if(|config| reads(&config.get("method").map_or_else(|| "GET".to_owned(), text)))
        .doubtful_if(|work| is_doubtful(&work.text("method")))
        .needs("url", Kind::Text)
        .input_or("method", Kind::Choice(METHODS), "GET")
        .input("body", Kind::Any)
        .input("params", Kind::Any)
        .input_or("timeout", Kind::Float, json!(30.0))
        .property("follow_redirects", Kind::Boolean, true)
        .property("max_redirects", Kind::Integer, 10)
        .property("content_type", Kind::Text, "application/json")
        .property("retry_delay", Kind::Float, json!(1.0))
        .optional("response_encoding", Kind::Text),
        downloads(asks(NodeType::work(
            "HttpDownloadFileNode",
            Effect::Writes,
            "Downloads a file: it is there as a whole, or as it was.",
            download,
        )))
        .needs("url", Kind::Text)
        .needs("save_path", Kind::Text)
        .input_or("timeout", Kind::Float, json!(300.0))
        .input("allow_internal_urls", Kind::Boolean)
        .property("overwrite", Kind::Boolean, true)
        .property("retry_delay", Kind::Float, json!(2.0))
        .property("chunk_size", Kind::Integer, 8192)
        .output("success", Kind::Boolean)
        .output("error", Kind::Text),
        answers(asks(NodeType::work(
            "HttpUploadFileNode",
            Effect::Once,
            "Uploads a file as a form, with POST.",
            upload,
        )))
        .doubtful_if(|_| true)
        .needs("url", Kind::Text)
        .needs("file_path", Kind::Text)
        .input_or("field_name", Kind::Text, "file")
        .input("extra_fields", Kind::Any)
        .input_or("timeout", Kind::Float, json!(300.0))
        .input("allow_internal_urls", Kind::Boolean)
        .property("retry_delay", Kind::Float, json!(2.0)),
        downloads(answers(asks(NodeType::work(
            "HttpSuperNode",
            Effect::Once,
            "All of the HTTP nodes in one: `action` says which.",
            act,
        ))))
        .reads_if(|config| {
            let action = config.get("action").map_or_else(|| "GET Request".to_owned(), text);
            reads(action.split(' ').next().unwrap_or_default()) || action.to_lowercase().starts_with("configure")
        })
        .doubtful_if(|work| matches!(work.text("action").as_str(), "POST Request" | "PATCH Request" | "Upload File"))
        .property("action", Kind::Choice(ACTIONS), "GET Request")
        .input("url", Kind::Text)
        .input("params", Kind::Any)
        .input("body", Kind::Any)
        .property("content_type", Kind::Text, "application/json")
        .property("timeout", Kind::Float, json!(30.0))
        .property("retry_delay", Kind::Float, json!(1.0))
        .property("follow_redirects", Kind::Boolean, true)
        .property("max_redirects", Kind::Integer, 10)
        .input("save_path", Kind::Text)
        .input("file_path", Kind::Text)
        .property("field_name", Kind::Text, "file")
        .input("extra_fields", Kind::Any)
        .property("create_dirs", Kind::Boolean, true)
        .property("overwrite", Kind::Boolean, true)
        .property("auth_type", Kind::Choice(&["bearer", "basic", "api_key"]), "bearer")
        .input("token", Kind::Text)
        .input("username", Kind::Text)
        .input("password", Kind::Text)
        .property("api_key_name", Kind::Text, "X-API-Key")
        .output("auth_headers", Kind::Dict),
        NodeType::compute("SetHttpHeadersNode", "Adds headers to those of another node.", headers)
            .input("base_headers", Kind::Any)
            .input("header_name", Kind::Text)
            .input("header_value", Kind::Text)
            .input("headers_json", Kind::Any)
            .output("headers", Kind::Dict),
        NodeType::compute("HttpAuthNode", "Adds what a server wants to know of who asks to the headers.", auth)
            .input("credential_name", Kind::Text)
            .input_or("auth_type", Kind::Choice(SCHEMES), "Bearer")
            .input("token", Kind::Text)
            .input("username", Kind::Text)
            .input("password", Kind::Text)
            .input_or("api_key_name", Kind::Text, "X-API-Key")
            .input("base_headers", Kind::Any)
            .output("headers", Kind::Dict),
        NodeType::compute("BuildUrlNode", "Puts a URL together from a base, a path and a query.", |call| {
            let query = pairs(call.get("params"))?;
            let url = build(&call.text("base_url"), &call.text("path"), &query);
            call.give("url", url);
            Ok(())
        })
        .needs("base_url", Kind::Text)
        .input("path", Kind::Text)
        .input("params", Kind::Any)
        .output("url", Kind::Text),
        NodeType::compute("ParseJsonResponseNode", "Takes a part out of JSON, by a path like `$.data[0].name`.", parse)
            .input("json_data", Kind::Any)
            .input("path", Kind::Text)
            .input("default", Kind::Any)
            .output("value", Kind::Any)
            .output("success", Kind::Boolean)
            .output("error", Kind::Text),
    ]
}

fn reads(method: &str) -> bool {
    matches!(
        method.trim().to_ascii_uppercase().as_str(),
        "GET" | "HEAD" | "OPTIONS"
    )
}

fn is_doubtful(method: &str) -> bool {
    matches!(
        method.trim().to_ascii_uppercase().as_str(),
        "POST" | "PATCH"
    )
}

fn act(work: &mut Work) -> Result<(), Fault> {
    match work.text("action").as_str() {
        "POST Request" => request(work, "POST"),
        "PUT Request" => request(work, "PUT"),
        "PATCH Request" => request(work, "PATCH"),
        "DELETE Request" => request(work, "DELETE"),
        "Download File" => download(work),
        "Upload File" => upload(work),
        "Configure Auth" => {
            let headers = authorized(&|name| work.text(name), pairs(work.get("headers"))?)?;
            work.give("auth_headers", headers);
            work.give("success", true);
            Ok(())
        }
        _ => request(work, "GET"),
    }
}

/// Names and values: a dict, or a text of one.
fn pairs(given: Option<&Value>) -> Result<Object, Fault> {
    match given {
        None | Some(Value::Null) => Ok(Object::new()),
        Some(Value::String(said)) if said.trim().is_empty() => Ok(Object::new()),
        Some(value) => match Kind::Dict.coerce(value.clone())? {
            Value::Object(map) => Ok(map),
            _ => Ok(Object::new()),
        },
    }
}

fn ask(
    work: &Work,
    method: &str,
    body: Vec<u8>,
    content_type: Option<String>,
) -> Result<Request, Fault> {
    let url = work.text("url");
    if url.trim().is_empty() {
        return Err(Fault::value("there is no URL; set `url`"));
    }
    let mut request = Request {
        method: method.trim().to_ascii_uppercase(),
        url: build(&url, "", &pairs(work.get("params"))?),
        headers: Vec::new(),
        body,
        rules: rules(work),
    };
    for (name, value) in pairs(work.get("headers"))? {
        request.headers.push((name, text(&value)));
    }
    if let Some(content_type) = content_type
        && !request.body.is_empty()
        && !request.has_header("content-type")
    {
        request
            .headers
            .push(("Content-Type".to_owned(), content_type));
    }
    if !reads(&request.method) && !request.has_header("idempotency-key") {
        request
            .headers
            .push(("Idempotency-Key".to_owned(), work.key().to_owned()));
    }
    Ok(request)
}

fn rules(work: &Work) -> Rules {
    let timeout = work.number("timeout").filter(|seconds| *seconds > 0.0);
    let follows = work.get("follow_redirects").is_none() || work.flag("follow_redirects");
    let redirects = work
        .integer("max_redirects")
        .and_then(|count| u32::try_from(count).ok());
    Rules {
        timeout: timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        verifies: work.flag("verify_ssl"),
        redirects: if follows { redirects.unwrap_or(10) } else { 0 },
        proxy: work.get("proxy").map(text),
    }
}

/// Sends a request, again as often as the node says when the server cannot answer.
fn send(work: &mut Work, request: &Request) -> Result<Response, Fault> {
    let mut left = work.integer("retry_count").unwrap_or(0);
    let pause = work.number("retry_delay").unwrap_or(1.0).clamp(0.0, 3600.0);
    loop {
        let answered = request.send();
        let may_pass = match &answered {
            Ok(response) => PASSING.contains(&response.status),
            Err(fault) => fault.error_type != "ValueError",
        };
        if left <= 0 || !may_pass {
            return answered;
        }
        let why = match &answered {
            Ok(response) => format!("HTTP {}", response.status),
            Err(fault) => fault.to_string(),
        };
        work.warn(format!("asked again after: {why}"));
        left -= 1;
        std::thread::sleep(Duration::from_secs_f64(pause));
    }
}

fn request(work: &mut Work, method: &str) -> Result<(), Fault> {
    let (body, content_type) = match work.get("body") {
        None | Some(Value::Null) => (Vec::new(), None),
        Some(Value::String(said)) => (said.clone().into_bytes(), Some(work.text("content_type"))),
        Some(Value::Object(fields)) if work.text("content_type").contains("form-urlencoded") => {
            let form = build("", "", fields);
            let form = form.trim_start_matches('?').to_owned();
            (form.into_bytes(), Some(work.text("content_type")))
        }
        Some(other) => (
            other.to_string().into_bytes(),
            Some(work.text("content_type")),
        ),
    };
    let request = ask(work, method, body, content_type)?;
    let response = send(work, &request)?;
    answer(work, response)
}

fn answer(work: &mut Work, response: Response) -> Result<(), Fault> {
    let (status, headers) = (response.status, response.headers.clone());
    let body = response.text()?;
    let parsed: Value = serde_json::from_str(&body).unwrap_or_default();
    let headers: Object = headers
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let success = (200..400).contains(&status);
    work.give("response_body", body);
    work.give("response_json", parsed);
    work.give("status_code", status);
    work.give("response_headers", headers);
    work.give("success", success);
    work.give(
        "error",
        if success {
            String::new()
        } else {
            format!("HTTP {status}")
        },
    );
    Ok(())
}

fn download(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("save_path")?;
    if !work.flag("overwrite") && path.exists() {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(Fault::file("download to", &path, &exists));
    }
    let request = ask(work, "GET", Vec::new(), None)?;
    let response = send(work, &request)?;
    if !(200..300).contains(&response.status) {
        return Err(Fault::of(
            "ConnectionError",
            format!("the server answered HTTP {}", response.status),
        ));
    }
    let size = write_from(&path, &mut response.reader(), true)?;
    let path = std::path::absolute(&path).unwrap_or(path);
    work.give("file_path", path.display().to_string());
    work.give("file_size", size);
    work.give("success", true);
    work.give("error", "");
    Ok(())
}

fn upload(work: &mut Work) -> Result<(), Fault> {
    let path = work.path("file_path")?;
    let content = std::fs::read(&path).map_err(|error| Fault::file("read", &path, &error))?;
    let mut form = Form::new(format!("rpa-{}", uuid::Uuid::new_v4().simple()));
    for (name, value) in pairs(work.get("extra_fields"))? {
        form.field(&name, &text(&value));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    form.file(&work.text("field_name"), &name, &content);
    let (content_type, body) = form.end();
    let request = ask(work, "POST", body, Some(content_type))?;
    let response = send(work, &request)?;
    answer(work, response)
}

fn headers(call: &mut Call<'_>) -> Result<(), Fault> {
    let mut headers = pairs(call.get("base_headers"))?;
    headers.extend(pairs(call.get("headers_json"))?);
    let name = call.text("header_name");
    if !name.trim().is_empty() {
        headers.insert(name.trim().to_owned(), call.text("header_value").into());
    }
    call.give("headers", headers);
    Ok(())
}

fn auth(call: &mut Call<'_>) -> Result<(), Fault> {
    let headers = authorized(&|name| call.text(name), pairs(call.get("base_headers"))?)?;
    call.give("headers", headers);
    Ok(())
}

fn authorized(said: &dyn Fn(&str) -> String, mut headers: Object) -> Result<Object, Fault> {
    let missing = |what: &str| {
        Fault::value(format!(
            "there is no `{what}`; set it, as {{{{$secret:NAME}}}} for instance"
        ))
    };
    let token = said("token");
    match said("auth_type")
        .to_lowercase()
        .replace(['_', '-'], "")
        .as_str()
    {
        "basic" => {
            let name = said("username");
            if name.is_empty() {
                return Err(missing("username"));
            }
            let pair = BASE64_STANDARD.encode(format!("{name}:{}", said("password")));
            headers.insert("Authorization".to_owned(), format!("Basic {pair}").into());
        }
        _ if token.is_empty() => return Err(missing("token")),
        "apikey" => {
            headers.insert(said("api_key_name"), token.into());
        }
        _ => {
            headers.insert("Authorization".to_owned(), format!("Bearer {token}").into());
        }
    }
    Ok(headers)
}

fn parse(call: &mut Call<'_>) -> Result<(), Fault> {
    let data = match call.value("json_data") {
        Value::String(said) => serde_json::from_str(&said)
            .map_err(|error| Fault::value(format!("`json_data` is not JSON: {error}")))?,
        other => other,
    };
    let said = call.text("path");
    let plain = said.trim().trim_start_matches('$').trim_start_matches('.');
    let found = match plain.is_empty() {
        true => Some(data.clone()),
        // A path begins with a name; that of the whole is made up.
        false => {
            let whole = match plain.starts_with('[') {
                true => format!("data{plain}"),
                false => format!("data.{plain}"),
            };
            let path = Path::parse(&whole)
                .ok_or_else(|| Fault::value(format!("the path `{said}` cannot be read")))?;
            path.follow(&data).cloned()
        }
    };
    call.give("success", found.is_some());
    call.give(
        "error",
        if found.is_some() {
            String::new()
        } else {
            format!("there is nothing at `{said}`")
        },
    );
    let value = found.unwrap_or_else(|| call.value("default"));
    call.give("value", value);
    Ok(())
}
