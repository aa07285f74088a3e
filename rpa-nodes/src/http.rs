//! Requests over HTTP.

mod form;
mod url;

use std::io::Read;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use encoding_rs::Encoding;
use rustls::crypto::ring::default_provider;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, Proxy};

pub(crate) use self::form::Form;
pub(crate) use self::url::build;
use crate::fault::Fault;

/// Longer answers belong into a file.
const LONGEST_TEXT: u64 = 256 * 1024 * 1024;

/// The certificates that the system trusts, read once.
static TRUSTED: LazyLock<Vec<Certificate<'static>>> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    found
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect()
});

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) rules: Rules,
}

/// How it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) timeout: Option<Duration>,
    pub(crate) verifies: bool,
    pub(crate) redirects: u32,
    pub(crate) proxy: Option<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(30)),
            verifies: true,
            redirects: 10,
            proxy: None,
        }
    }
}

/// What was answered, before its body is read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    body: Body,
}

impl Request {
    /// Whether a header is given already.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// Asks. An answer that tells a failure is an answer.
    ///
    /// # Errors
    /// Nothing was answered: nobody may know then whether the request was served.
    pub(crate) fn send(&self) -> Result<Response, Fault> {
        let agent = self.rules.agent()?;
        let mut request = ureq::http::Request::builder()
            .method(self.method.as_str())
            .uri(self.url.trim());
        for (name, value) in &self.headers {
            request = request.header(name.trim(), value.as_str());
        }
        let wrong =
            |error: ureq::http::Error| Fault::value(format!("the request cannot be made: {error}"));
        let answered = match self.body.is_empty() {
            true => agent.run(request.body(()).map_err(wrong)?),
            false => agent.run(request.body(self.body.clone()).map_err(wrong)?),
        };
        let response = answered.map_err(|error| self.unanswered(&error))?;
        let (head, body) = response.into_parts();
        let headers = head.headers.iter().map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
        Ok(Response {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body,
        })
    }

    fn unanswered(&self, error: &ureq::Error) -> Fault {
        let class = match error {
            ureq::Error::Timeout(_) => "TimeoutError",
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => "ValueError",
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "SSLError",
            _ => "ConnectionError",
        };
        Fault::of(
            class,
            format!("{} {}: {error}", self.method, without_secrets(&self.url)),
        )
    }
}

impl Rules {
    fn agent(&self) -> Result<Agent, Fault> {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
            .disable_verification(!self.verifies)
            .root_certs(RootCerts::new_with_certs(&TRUSTED));
        let proxy = match self
            .proxy
            .as_deref()
            .map(str::trim)
            .filter(|proxy| !proxy.is_empty())
        {
            Some(proxy) => Some(
                Proxy::new(proxy)
                    .map_err(|error| Fault::value(format!("the proxy cannot be used: {error}")))?,
            ),
            None => Proxy::try_from_env(),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(self.timeout)
            .max_redirects(self.redirects)
            .max_redirects_will_error(self.redirects > 0)
            .proxy(proxy)
            .user_agent(concat!("rpa/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build());
        Ok(config.build().new_agent())
    }
}

impl Response {
    /// The body as a text, in the encoding that the server says; UTF-8 unless it says one. What is no text in it is
    /// `\u{fffd}`.
    ///
    /// # Errors
    /// It breaks off, or is too long.
    pub(crate) fn text(self) -> Result<String, Fault> {
        let encoding = self
            .body
            .charset()
            .and_then(|name| Encoding::for_label(name.as_bytes()))
            .unwrap_or(encoding_rs::UTF_8);
        let read = self.body.into_with_config().limit(LONGEST_TEXT);
        let bytes = read.read_to_vec().map_err(|error| {
            Fault::of(
                "ConnectionError",
                format!("the answer cannot be read: {error}"),
            )
        })?;
        Ok(encoding.decode(&bytes).0.into_owned())
    }

    /// The body, to be read bit by bit.
    pub(crate) fn reader(self) -> impl Read {
        self.body.into_reader()
    }
}

/// A URL in a message: keys and passwords stand in queries and before hosts.
pub(crate) fn without_secrets(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    match plain.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/{path}")
        }
        None => plain.to_owned(),
    }
}
