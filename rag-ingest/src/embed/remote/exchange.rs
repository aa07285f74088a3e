//! One request and its answer.

use std::time::Duration;

use ureq::http::{HeaderValue, Uri};
use ureq::{Agent, Proxy};

use super::super::{Answer, EmbedError};
use super::RemoteOptions;
use super::refusal::{Reply, refusal, snippet};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// The largest answer to a request of which nobody knows yet how long its vectors are.
const FIRST_ANSWER: u64 = 4 << 20;
/// What a number takes in an answer at most, and what is around the numbers of one text, in bytes.
const NUMBER: u64 = 40;
const AROUND: u64 = 16 << 10;

/// The way to a service.
#[derive(Debug)]
pub(super) struct Exchange {
    agent: Agent,
    endpoint: Uri,
    model: String,
}

impl Exchange {
    pub(super) fn new(model: &str, options: &RemoteOptions) -> Result<Self, EmbedError> {
        let endpoint = endpoint(options)?;
        let host = endpoint.host().unwrap_or_default();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The key goes to no other address than the one that was given.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(options.timeout))
            .timeout_connect(Some(CONNECT.min(options.timeout)))
            .user_agent(concat!("rag-ingest/", env!("CARGO_PKG_VERSION")))
            .proxy(if is_here(host) {
                None
            } else {
                Proxy::try_from_env()
            });
        Ok(Self {
            agent: config.build().into(),
            endpoint,
            model: model.to_owned(),
        })
    }

    /// Asks for vectors, which are not checked yet.
    pub(super) fn ask(
        &self,
        options: &RemoteOptions,
        texts: &[&str],
        dimension: Option<usize>,
    ) -> Result<Answer, EmbedError> {
        let hide = |text: &str| match &options.key {
            Some(key) => key.hide_in(text),
            None => text.to_owned(),
        };
        let body = options
            .service
            .request(&options.model, texts, options.dimensions);
        let mut request = self
            .agent
            .post(self.endpoint.clone())
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(key) = &options.key {
            let mut header =
                HeaderValue::from_str(&key.header()).map_err(|_| EmbedError::Setting {
                    why: "the key holds signs that no header may hold".to_owned(),
                    remedy: "check the environment variable that holds it".to_owned(),
                })?;
            header.set_sensitive(true);
            request = request.header("authorization", header);
        }
        let failed = |error: ureq::Error| self.trouble(&error, options);
        let mut response = request.send(body.to_string()).map_err(failed)?;
        let most = dimension.map_or(FIRST_ANSWER, |dimension| {
            let (texts, dimension) = (texts.len() as u64, dimension as u64);
            texts * (dimension * NUMBER + AROUND) + AROUND
        });
        let body = response.body_mut().with_config().limit(most).read_to_vec();
        let body = match body {
            // Why a request was refused is told in a few words, if at all.
            Err(ureq::Error::BodyExceedsLimit(_)) if !response.status().is_success() => Vec::new(),
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                return Err(self.unusable(format!("it is larger than {most} bytes")));
            }
            body => body.map_err(failed)?,
        };
        if !response.status().is_success() {
            let reply = Reply {
                status: response.status().as_u16(),
                headers: response.headers(),
                body: &body,
            };
            return Err(refusal(&self.model, options, texts.len(), &reply, hide));
        }
        options
            .service
            .answer(&body, texts.len())
            .map_err(|why| self.unusable(format!("{why} in `{}`", hide(&snippet(&body)))))
    }

    fn unusable(&self, why: String) -> EmbedError {
        EmbedError::Answer {
            model: self.model.clone(),
            why,
        }
    }

    /// No answer came. Whatever lies between may work the next time, but for an address or a certificate that is wrong.
    fn trouble(&self, error: &ureq::Error, options: &RemoteOptions) -> EmbedError {
        let place = self
            .endpoint
            .authority()
            .map_or("the service", |it| it.as_str());
        let unavailable = |why: String| EmbedError::Unavailable {
            model: self.model.clone(),
            why,
            retry_after_ms: None,
        };
        match error {
            ureq::Error::Timeout(_) => unavailable(format!(
                "{place} did not answer within {:?} (--embedder-timeout)",
                options.timeout
            )),
            ureq::Error::BadUri(_)
            | ureq::Error::Http(_)
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
            | ureq::Error::RequireHttpsOnly(_) => EmbedError::Setting {
                why: format!("no request can be sent to {place}: {error}"),
                remedy: "check --embedder-url, and the certificate of the service".to_owned(),
            },
            // A certificate that is refused comes as trouble of the connection.
            ureq::Error::Io(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
                EmbedError::Setting {
                    why: format!("no safe connection to {place} can be made: {cause}"),
                    remedy: "check --embedder-url, and the certificate of the service".to_owned(),
                }
            }
            error => unavailable(format!("{place}: {error}")),
        }
    }
}

/// Whether a host is this machine, to which no proxy leads.
fn is_here(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Where requests go: the address that was given, with the service's path behind it unless it is there.
fn endpoint(options: &RemoteOptions) -> Result<Uri, EmbedError> {
    let service = options.service;
    let url = options
        .url
        .as_deref()
        .unwrap_or_else(|| service.default_url());
    let refuse = |why: &str, remedy: &str| EmbedError::Setting {
        why: why.to_owned(),
        remedy: remedy.to_owned(),
    };
    let form = format!("write it like {}", service.default_url());
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (url, String::new()),
    };
    let base = base.trim_end_matches('/');
    if base
        .split_once("://")
        .is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@'))
    {
        return Err(refuse(
            "--embedder-url holds a name or password",
            "give the key in the environment variable RAG_EMBEDDER_KEY",
        ));
    }
    let path = if base.ends_with(service.path()) {
        ""
    } else {
        service.path()
    };
    let endpoint = format!("{base}{path}{query}");
    let endpoint: Uri = endpoint
        .parse()
        .map_err(|_| refuse("--embedder-url is no address", &form))?;
    if !matches!(endpoint.scheme_str(), Some("http" | "https")) || endpoint.host().is_none() {
        return Err(refuse("--embedder-url is no http or https address", &form));
    }
    Ok(endpoint)
}
