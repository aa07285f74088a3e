//! What there is in a mail.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};
use serde_json::{Value, json};

use super::imap::Stored;

/// Something that a mail has with it.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// A mail as workflows see it. Without the bodies, all but its texts.
pub(crate) fn content(mail: &Stored, with_bodies: bool) -> Value {
    let flagged = |flag: &str| {
        mail.flags
            .iter()
            .any(|known| known.eq_ignore_ascii_case(flag))
    };
    let parsed = MessageParser::default().parse(&mail.content);
    let message = parsed.as_ref();
    let people = |address: Option<&Address<'_>>| address.map(people).unwrap_or_default();
    let texts = message.filter(|_| with_bodies).map(bodies);
    let texts = texts.unwrap_or_default();
    let attached: Vec<Value> = message
        .map(|message| {
            let parts = message.attachments().enumerate();
            let parts = parts.map(|(number, part)| {
                let kind = part.content_type();
                let kind = kind.map(|kind| match kind.subtype() {
                    Some(subtype) => format!("{}/{subtype}", kind.ctype()),
                    None => kind.ctype().to_owned(),
                });
                json!({
                    "filename": name(part, number),
                    "content_type": kind.unwrap_or_else(|| "application/octet-stream".to_owned()),
                    "size": bytes(part).len(),
                })
            });
            parts.collect()
        })
        .unwrap_or_default();
    let said = |text: Option<&str>| text.unwrap_or_default().to_owned();
    json!({
        "uid": mail.uid.to_string(),
        "message_id": said(message.and_then(Message::message_id)),
        "subject": said(message.and_then(Message::subject)),
        "from": people(message.and_then(Message::from)),
        "to": people(message.and_then(Message::to)),
        "cc": people(message.and_then(Message::cc)),
        "date": message.and_then(Message::date).map(|date| date.to_rfc3339()).unwrap_or_default(),
        "body_text": texts.0,
        "body_html": texts.1,
        "has_attachments": !attached.is_empty(),
        "attachments": attached,
        "is_read": flagged("\\Seen"),
        "flags": mail.flags,
    })
}

/// The text of a mail, and its HTML if it has some.
fn bodies(message: &Message<'_>) -> (String, String) {
    let text = message.body_text(0).unwrap_or_default().into_owned();
    let html = message.html_part(0).and_then(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    });
    (text, html.unwrap_or_default())
}

/// `Ada <ada@example.org>, bob@example.org`
fn people(address: &Address<'_>) -> String {
    let people = address.iter().map(|person| {
        let address = person.address().unwrap_or_default();
        match person.name().filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} <{address}>"),
            None => address.to_owned(),
        }
    });
    people.collect::<Vec<_>>().join(", ")
}

/// All that a mail has with it. Names are names of files, without folders, each once.
pub(crate) fn attachments(content: &[u8]) -> Vec<Attached> {
    let Some(message) = MessageParser::default().parse(content) else {
        return Vec::new();
    };
    let mut attached: Vec<Attached> = Vec::new();
    for (number, part) in message.attachments().enumerate() {
        let plain = name(part, number);
        let mut name = plain.clone();
        let mut further = 1;
        while attached.iter().any(|known| known.name == name) {
            further += 1;
            name = match plain.rsplit_once('.') {
                Some((stem, ending)) => format!("{stem} ({further}).{ending}"),
                None => format!("{plain} ({further})"),
            };
        }
        attached.push(Attached {
            name,
            content: bytes(part).to_vec(),
        });
    }
    attached
}

fn bytes<'p>(part: &'p mail_parser::MessagePart<'_>) -> &'p [u8] {
    match &part.body {
        PartType::Message(inner) => inner.raw_message(),
        _ => part.contents(),
    }
}

/// What an attachment is called: what the mail says, but never another folder.
fn name(part: &mail_parser::MessagePart<'_>, number: usize) -> String {
    let said = part.attachment_name().unwrap_or_default();
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|letter| !letter.is_control()).collect();
    match name.trim() {
        "" | "." | ".." => match &part.body {
            PartType::Message(_) => format!("message-{}.eml", number + 1),
            _ => format!("attachment-{}", number + 1),
        },
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_cannot_leave_the_folder_and_do_not_replace_one_another() {
        let part = |name: &str, text: &str| {
            format!(
                "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n{text}\r\n"
            )
        };
        let mail = [
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned(),
            part("../../etc/passwd", "1"),
            part("C:\\\\x\\\\passwd", "2"),
            part("..", "3"),
            part("a.txt", "4"),
            part("a.txt", "5"),
            "--b--\r\n".to_owned(),
        ]
        .concat();
        let attached = attachments(mail.as_bytes());
        let names: Vec<&str> = attached.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(
            names,
            ["passwd", "passwd (2)", "attachment-3", "a.txt", "a (2).txt"]
        );
    }
}
