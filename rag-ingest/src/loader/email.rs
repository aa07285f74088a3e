//! Messages (eml): subject, people and date, then the body; what is attached lies in the message like in a folder.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use super::container::Members;
use super::formats;
use super::html;
use super::source::Source;
use super::{LoadError, Loaded, Loader};
use crate::document::{Document, Kind};
use crate::normalise::normalise;

/// Headers of which a message without the right name must have at least two before its first empty line.
const TELLING: &[&str] = &[
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "received",
    "mime-version",
    "return-path",
    "delivered-to",
];

pub(super) struct Email;

impl Loader for Email {
    fn name(&self) -> &'static str {
        "a message"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["eml"]
    }

    fn recognises(&self, source: &Source<'_>) -> bool {
        // The parts of a message may be bytes of any kind, its headers are text.
        let named = source.has_extension(self.extensions())
            && formats::binary_signature(source.bytes()).is_none()
            && !source.head(1024).contains(&0);
        // Notes may look like a message; only files whose names say nothing are guessed.
        let guessed = || {
            source.has_extension(&["", "txt", "msg", "mht", "mhtml"])
                && telling_headers(source.head(16 << 10)) >= 3
                && source.text().is_ok()
        };
        named || guessed()
    }

    fn is_risky(&self) -> bool {
        true
    }

    fn load(&self, source: &Source<'_>) -> Result<Loaded, LoadError> {
        let message = MessageParser::default()
            .parse(source.bytes())
            .filter(|message| !message.headers().is_empty())
            .ok_or_else(|| source.corrupt("message", "it has no headers"))?;
        let mut members = Members::of(source)?;
        let mut body = head(&message);
        body.push_str(&text(&message));
        if message.parts.iter().any(|part| part.is_encoding_problem) {
            members.warn(
                "a part of it is not encoded as it says; what could not be read is missing"
                    .to_owned(),
            );
        }
        if is_cut(&message, source.bytes()) {
            members
                .warn("it ends before its last part does; what is missing is not known".to_owned());
        }
        let mut names = Vec::new();
        for (number, part) in (1..).zip(message.attachments()) {
            let name = match (part.attachment_name(), &part.body) {
                (Some(name), _) => name.to_owned(),
                (None, PartType::Message(inner)) => {
                    format!(
                        "{}.eml",
                        inner
                            .subject()
                            .unwrap_or("message")
                            .replace(['/', '\\'], "-")
                    )
                }
                (None, _) => format!("part-{number}"),
            };
            names.push(name.clone());
            let Some(path) = members.admit(&name)? else {
                continue;
            };
            match &part.body {
                PartType::Message(inner) => members.read(path, inner.raw_message())?,
                _ => members.read(path, part.contents())?,
            }
        }
        if !names.is_empty() {
            body.push_str("\n\nAttachments: ");
            body.push_str(&names.join(", "));
        }
        let document = Document {
            kind: Kind::Email,
            title: message.subject().map(normalise).filter(|it| !it.is_empty()),
            ..Document::markdown(&body)
        };
        Ok(members.finish(document))
    }
}

/// How many different headers of a message the first lines have; none if something else stands among them.
fn telling_headers(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let mut found = Vec::new();
    for line in head.lines() {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else {
            return 0;
        };
        let name = name.to_ascii_lowercase();
        if TELLING.contains(&name.as_str()) && !found.contains(&name) {
            found.push(name);
        }
    }
    found.len()
}

fn head(message: &Message<'_>) -> String {
    let mut head = String::new();
    if let Some(subject) = message.subject() {
        head.push_str(&format!("# {}\n\n", one_line(subject)));
    }
    let people = [
        ("From", message.from()),
        ("To", message.to()),
        ("Cc", message.cc()),
    ];
    for (name, address) in people {
        let listed = address.map(addresses).unwrap_or_default();
        if !listed.is_empty() {
            head.push_str(&format!("{name}: {listed}\n"));
        }
    }
    if let Some(date) = message.date() {
        head.push_str(&format!("Date: {}\n", date.to_rfc3339()));
    }
    head.push('\n');
    head
}

fn addresses(address: &Address<'_>) -> String {
    let listed = address.iter().map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{} <{address}>", one_line(name)),
        (Some(one), None) | (None, Some(one)) => one_line(one),
        (None, None) => String::new(),
    });
    let listed: Vec<_> = listed.filter(|one| !one.is_empty()).collect();
    listed.join(", ")
}

/// The body: its plain text, or what its HTML says.
fn text(message: &Message<'_>) -> String {
    let mut bodies = Vec::new();
    for part in message.text_bodies() {
        match &part.body {
            PartType::Text(text) => bodies.push(text.clone().into_owned()),
            PartType::Html(page) => bodies.push(html::convert(page).text),
            _ => {}
        }
    }
    bodies.join("\n\n")
}

/// Whether the line that closes the outermost multipart body is missing.
fn is_cut(message: &Message<'_>, bytes: &[u8]) -> bool {
    let boundary = message
        .content_type()
        .filter(|it| it.c_type.eq_ignore_ascii_case("multipart"))
        .and_then(|it| it.attribute("boundary"));
    boundary.is_some_and(|boundary| {
        let close = format!("--{boundary}--");
        !bytes
            .windows(close.len())
            .rev()
            .any(|window| window == close.as_bytes())
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(super) mod tests;
