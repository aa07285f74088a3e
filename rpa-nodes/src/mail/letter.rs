//! A mail that is to be sent.

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Mailboxes, MultiPart, SinglePart};

use crate::fault::Fault;

/// Message-IDs that would be longer are shortened: lines of mails may not be long.
const LONGEST_ID: usize = 180;

/// What a mail is made of.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
    pub(crate) cc: Vec<Mailbox>,
    pub(crate) bcc: Vec<Mailbox>,
    pub(crate) reply_to: Vec<Mailbox>,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) is_html: bool,
    /// `high`, `normal` or `low`.
    pub(crate) priority: String,
    /// Whether the sender wants to know that it was read.
    pub(crate) wants_receipt: bool,
    pub(crate) enclosed: Vec<Enclosed>,
}

/// Something that goes with a mail.
#[derive(Debug)]
pub(crate) struct Enclosed {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// The people that a text names: `Ada <ada@example.org>, bob@example.org`.
///
/// # Errors
/// Somebody has no address, or the text would become several lines of the mail.
pub(crate) fn people(name: &str, said: &str) -> Result<Vec<Mailbox>, Fault> {
    one_line(name, said)?;
    let said = said.replace(';', ",");
    let said = said.trim().trim_matches(',').trim();
    if said.is_empty() {
        return Ok(Vec::new());
    }
    let people: Mailboxes = said.parse().map_err(|error| {
        Fault::value(format!(
            "`{name}` is not a list of addresses ({error}): {said}; write `Ada <ada@example.org>, bob@example.org`"
        ))
    })?;
    Ok(people.into_iter().collect())
}

/// What goes into the head of a mail is one line: with a line break, somebody else could write further ones.
pub(crate) fn one_line(name: &str, said: &str) -> Result<(), Fault> {
    match said.chars().any(char::is_control) {
        false => Ok(()),
        true => Err(Fault::value(format!(
            "`{name}` holds a line break or another control character, which could add lines to the head of the mail; remove it"
        ))),
    }
}

/// The Message-ID of a visit: always the same, so that whoever gets the mail twice can tell.
pub(crate) fn message_id(visit: &str, from: &Mailbox) -> String {
    let mut written = String::new();
    for byte in visit.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/' | b'#' | b'~' => {
                written.push(char::from(byte));
            }
            _ => written.push_str(&format!("%{byte:02X}")),
        }
    }
    if written.len() > LONGEST_ID {
        let digest = ring::digest::digest(&ring::digest::SHA256, visit.as_bytes());
        written = digest
            .as_ref()
            .iter()
            .map(|it| format!("{it:02x}"))
            .collect();
    }
    format!("<{written}@{}>", from.email.domain())
}

impl Letter {
    /// The mail as it goes over the wire, and whom it goes to.
    ///
    /// # Errors
    /// It goes to nobody, or something would become several lines of its head.
    pub(crate) fn message(self) -> Result<Message, Fault> {
        one_line("subject", &self.subject)?;
        let wrong = |error: lettre::error::Error| Fault::value(format!("the mail: {error}"));
        let mut builder = Message::builder()
            .message_id(Some(self.id))
            .date_now()
            .subject(self.subject);
        if self.wants_receipt {
            builder = builder.raw_header(raw(
                "Disposition-Notification-To",
                self.from.email.to_string(),
            )?);
        }
        builder = builder.from(self.from);
        for person in self.to {
            builder = builder.to(person);
        }
        for person in self.cc {
            builder = builder.cc(person);
        }
        for person in self.bcc {
            builder = builder.bcc(person);
        }
        for person in self.reply_to {
            builder = builder.reply_to(person);
        }
        for (name, value) in match self.priority.as_str() {
            "high" => [("X-Priority", "1"), ("Importance", "High")].as_slice(),
            "low" => [("X-Priority", "5"), ("Importance", "Low")].as_slice(),
            _ => &[],
        } {
            builder = builder.raw_header(raw(name, (*value).to_owned())?);
        }
        let body = match self.is_html {
            true => SinglePart::html(self.body),
            false => SinglePart::plain(self.body),
        };
        if self.enclosed.is_empty() {
            return builder.singlepart(body).map_err(wrong);
        }
        let mut parts = MultiPart::mixed().singlepart(body);
        for enclosed in self.enclosed {
            one_line("attachments", &enclosed.name)?;
            let kind = ContentType::parse(kind(&enclosed.name))
                .map_err(|error| Fault::value(format!("the mail: {error}")))?;
            parts = parts.singlepart(Attachment::new(enclosed.name).body(enclosed.content, kind));
        }
        builder.multipart(parts).map_err(wrong)
    }
}

fn raw(name: &str, value: String) -> Result<HeaderValue, Fault> {
    let name = HeaderName::new_from_ascii(name.to_owned())
        .map_err(|error| Fault::value(format!("the mail: {error}")))?;
    Ok(HeaderValue::new(name, value))
}

/// What a file is, by the ending of its name.
fn kind(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
        "txt" | "log" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "xml" => "application/xml",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "zip" => "application/zip",
        "ics" => "text/calendar",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_mail_is_that_of_its_visit_whatever_the_run_is_called() {
        let from: Mailbox = "Ada <ada@example.org>".parse().unwrap();
        let id = |visit: &str| message_id(visit, &from);
        assert_eq!(id("monday/send/1"), "<monday/send/1@example.org>");
        assert_eq!(
            id("a b>\r\n@ü.x/s/1"),
            "<a%20b%3E%0D%0A%40%C3%BC%2Ex/s/1@example.org>"
        );
        let long = id(&format!("{}/s/1", "x".repeat(500)));
        assert_eq!(long.len(), 64 + "<@example.org>".len());
        assert_ne!(long, id(&format!("{}/s/2", "x".repeat(500))));
    }

    #[test]
    fn lines_that_a_value_would_add_to_the_head_are_refused() {
        for said in ["a@b.org\r\nBcc: c@d.org", "a@b.org\nX: y", "a@b.org\u{0}"] {
            let fault = people("to_email", said).unwrap_err();
            assert_eq!(fault.error_type, "ValueError");
            assert!(
                fault.message.contains("`to_email` holds a line break"),
                "{fault}"
            );
        }
        assert!(people("to_email", "nobody").is_err());
        let two = people("to_email", "Ada <a@b.org>; c@d.org,").unwrap();
        assert_eq!(two.len(), 2);
    }
}
