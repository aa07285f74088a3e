//! JSON text as the pieces it is written in.

use std::borrow::Cow;

use serde::de::{Error as _, IgnoredAny};

/// A piece of a JSON document.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// One of `{}[],:`.
    Punctuation(char),
    /// The content of a string, without its escapes.
    String(Cow<'t, str>),
    /// A number, as it is written.
    Number(&'t str),
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
}

/// The tokens of one valid JSON document. Arrays and objects may nest as deep as they like: nothing here recurses.
pub(super) struct Tokens<'t> {
    document: &'t str,
    rest: &'t str,
}

/// The tokens of `json`.
///
/// Fails when `json` is not one JSON document. A string may still hold half of a surrogate pair (`"\ud800"`), which
/// the iterator finds when it comes there.
pub(super) fn tokens(json: &str) -> serde_json::Result<Tokens<'_>> {
    serde_json::from_str::<IgnoredAny>(json)?;
    Ok(Tokens {
        document: json,
        rest: json,
    })
}

impl<'t> Tokens<'t> {
    /// Takes the first `length` bytes.
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn string(&mut self) -> serde_json::Result<Token<'t>> {
        let at = self.document.len() - self.rest.len();
        let mut escaped = false;
        let inside = self.rest.bytes().skip(1);
        let length = inside
            .take_while(|byte| {
                let goes_on = escaped || *byte != b'"';
                escaped = !escaped && *byte == b'\\';
                goes_on
            })
            .count();
        let quoted = self.take(length + 2);
        if !quoted.contains('\\') {
            return Ok(Token::String(Cow::Borrowed(quoted.trim_matches('"'))));
        }
        // All that is still unknown about a string of a valid document is whether its surrogates come in pairs.
        let text = serde_json::from_str(quoted).map_err(|_| {
            serde_json::Error::custom(format!(
                "half of a surrogate pair in the string at byte {at}"
            ))
        })?;
        Ok(Token::String(Cow::Owned(text)))
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = serde_json::Result<Token<'t>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_ascii_start();
        let (token, length) = match self.rest.bytes().next()? {
            b'"' => return Some(self.string()),
            mark @ (b'{' | b'}' | b'[' | b']' | b',' | b':') => {
                (Token::Punctuation(mark.into()), 1)
            }
            b't' => (Token::Bool(true), 4),
            b'f' => (Token::Bool(false), 5),
            b'n' => (Token::Null, 4),
            _ => {
                let digit =
                    |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let length = self.rest.bytes().take_while(digit).count();
                return Some(Ok(Token::Number(self.take(length))));
            }
        };
        self.take(length);
        Some(Ok(token))
    }
}
