//! JSON text in the portable form of DBOS.

#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use super::token::{Token, tokens};

/// The same JSON document without whitespace, and with no more escapes in its strings than JSON requires.
///
/// Numbers keep their digits as they are written, objects the order of their members. Members of the same name all
/// stay: who reads them decides, and serde_json as well as Python takes the last.
///
/// Fails when `json` is not one JSON document, or a string in it holds half of a surrogate pair.
pub(crate) fn compact(json: &str) -> serde_json::Result<String> {
    let mut out = String::with_capacity(json.len());
    for token in tokens(json)? {
        match token? {
            Token::Punctuation(mark) => out.push(mark),
            Token::String(text) => out.push_str(&Json::from(text).to_string()),
            Token::Number(digits) => out.push_str(digits),
            Token::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Token::Null => out.push_str("null"),
        }
    }
    Ok(out)
}
