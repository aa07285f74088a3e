//! Pages that people see.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::listen::Answer;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;padding:0 1em}label{display:block;margin-top:1em}\
    input:not([type=checkbox]),select,textarea{width:100%;box-sizing:border-box;padding:.4em;font:inherit}\
    button{margin-top:1.5em;padding:.5em 1.5em;font:inherit}.wrong{color:#b00020}.mine{text-align:right}\
    #log p{white-space:pre-wrap}";

/// A page with a title, and HTML in it; the policy says what the page may do.
pub(super) fn page(status: StatusCode, title: &str, inside: &str, policy: &str) -> Answer {
    let title = escaped(title);
    let page = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>{inside}</body></html>"
    );
    let mut answer = Response::new(Full::new(Bytes::from(page)));
    *answer.status_mut() = status;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(policy) {
        answer
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// A text in HTML, as a part of an attribute too.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
