use std::path::Path;

use crate::document::Kind;
use crate::loader::{Limits, LoadError, Loaded, parse};

pub(crate) const MESSAGE: &str = "From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.org>\r\nTo: a@example.org,\r\n b@example.org\r\n\
Subject: =?iso-8859-1?Q?Caf=E9_am_Hafen?=\r\nDate: Mon, 4 May 2026 10:00:00 +0200\r\nMIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n--outer\r\nContent-Type: multipart/alternative; boundary=\"inner\"\r\n\r\n\
--inner\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDer Tee hei=DFt =\r\nEarl Grey.\r\n\
--inner\r\nContent-Type: text/html\r\n\r\n<p>Der Tee</p>\r\n--inner--\r\n\
--outer\r\nContent-Type: text/markdown; name=\"../notes.md\"\r\nContent-Disposition: attachment; filename=\"../notes.md\"\r\n\
Content-Transfer-Encoding: base64\r\n\r\nIyBOb3RlcwoKQnJpbmcgc3VnYXIuCg==\r\n\
--outer\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"cat.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n\
--outer\r\nContent-Type: message/rfc822\r\n\r\nFrom: x@example.org\r\nSubject: Inside\r\nDate: Mon, 4 May 2026 09:00:00 +0200\r\n\r\nThe forwarded text.\r\n\
--outer--\r\n";

fn read(bytes: &[u8]) -> Result<Loaded, LoadError> {
    parse(Path::new("a.eml"), bytes, &Limits::default())
}

#[test]
fn headers_are_decoded_and_the_plain_body_is_taken() {
    let document = read(MESSAGE.as_bytes()).unwrap().document;
    assert_eq!(document.kind, Kind::Email);
    assert_eq!(document.title.as_deref(), Some("Caf\u{E9} am Hafen"));
    assert!(document.text.starts_with("# Caf\u{E9} am Hafen\n\nFrom: J\u{FC}rgen <juergen@example.org>\nTo: a@example.org, b@example.org\nDate: 2026-05-04"), "{}", document.text);
    assert!(
        document.text.contains("Der Tee hei\u{DF}t Earl Grey."),
        "{}",
        document.text
    );
    assert!(
        document
            .text
            .contains("Attachments: ../notes.md, cat.png, Inside.eml"),
        "{}",
        document.text
    );
}

#[test]
fn attachments_and_forwarded_messages_are_members() {
    let loaded = read(MESSAGE.as_bytes()).unwrap();
    let members: Vec<_> = loaded
        .documents()
        .filter_map(|(member, document)| Some((member?, document.kind, document.text.as_str())))
        .collect();
    assert_eq!(members.len(), 2, "{members:?}");
    assert_eq!(
        members[0],
        ("notes.md", Kind::Markdown, "# Notes\n\nBring sugar.")
    );
    assert_eq!((members[1].0, members[1].1), ("Inside.eml", Kind::Email));
    assert!(
        members[1].2.contains("The forwarded text."),
        "{}",
        members[1].2
    );
    assert!(
        loaded
            .document
            .warnings
            .iter()
            .any(|it| it.contains("../notes.md"))
    );
    assert!(
        loaded
            .document
            .warnings
            .iter()
            .any(|it| it.starts_with("1 members are hidden or of kinds"))
    );
}

#[test]
fn a_message_of_html_alone_gives_its_main_content() {
    let bytes = b"From: a@example.org\nSubject: x\nContent-Type: text/html; charset=utf-8\n\n<script>evil()</script><h2>Tea</h2><p>Hot.</p>";
    let document = read(bytes).unwrap().document;
    assert!(
        document.text.contains("## Tea\n\nHot.") && !document.text.contains("evil"),
        "{}",
        document.text
    );
}

#[test]
fn a_message_that_ends_too_early_says_so() {
    let cut = &MESSAGE.as_bytes()[..MESSAGE.len() - 60];
    let warnings = read(cut).unwrap().document.warnings;
    assert!(
        warnings
            .iter()
            .any(|it| it.contains("ends before its last part")),
        "{warnings:?}"
    );
}

#[test]
fn a_message_without_its_name_is_recognised() {
    let loaded = parse(Path::new("mail"), MESSAGE.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(loaded.document.kind, Kind::Email);
    let notes = b"To: everybody\nSubject: the picnic\n\nBring sugar.";
    let loaded = parse(Path::new("notes.txt"), notes, &Limits::default()).unwrap();
    assert_eq!(loaded.document.kind, Kind::Text);
}

#[test]
fn messages_in_messages_end_somewhere() {
    let mut message = "From: a@example.org\r\nSubject: deepest\r\n\r\nHere.\r\n".to_owned();
    for depth in 0..40 {
        message = format!(
            "From: a@example.org\r\nSubject: {depth}\r\nContent-Type: multipart/mixed; boundary=\"b{depth}\"\r\n\r\n\
             --b{depth}\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename=\"m.eml\"\r\n\r\n{message}\r\n--b{depth}--\r\n"
        );
    }
    match read(message.as_bytes()) {
        Ok(loaded) => assert!(loaded.members.len() <= 41),
        Err(error) => assert_eq!(error.reason(), "too_deep", "{error}"),
    }
}
