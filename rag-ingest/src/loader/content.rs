//! What a file holds, by its bytes first and by its name second.

use super::decode::{self, Decoded};

/// What a file holds.
#[derive(Debug)]
pub(super) enum Content {
    Pdf,
    Html(Decoded),
    Markdown(Decoded),
    Text(Decoded),
}

/// Beginnings of files that are never text, with what they are.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x7fELF", "it is a program"),
    (b"PK\x03\x04", "it is a ZIP archive or an office document"),
    (b"PK\x05\x06", "it is an empty ZIP archive"),
    (b"\x1f\x8b", "it is compressed with gzip"),
    (b"\xfd7zXZ\0", "it is compressed with xz"),
    (b"(\xb5/\xfd", "it is compressed with zstd"),
    (b"BZh", "it is compressed with bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive"),
    (b"\x89PNG", "it is a PNG picture"),
    (b"\xff\xd8\xff", "it is a JPEG picture"),
    (b"GIF8", "it is a GIF picture"),
    (b"SQLite format 3\0", "it is a SQLite database"),
    (b"\xd0\xcf\x11\xe0", "it is an old office document"),
    (b"\0asm", "it is a WebAssembly program"),
    (b"OggS", "it is an Ogg recording"),
    (b"ID3", "it is an MP3 recording"),
];

/// Recognises a file's content; the second part is what was odd about it. An error says why it is not text.
pub(super) fn recognise(
    bytes: &[u8],
    extension: &str,
) -> Result<(Content, Vec<String>), &'static str> {
    let mut warnings = Vec::new();
    if is_pdf(bytes, extension) {
        if extension != "pdf" {
            warnings.push(format!("it is a PDF, although it is named .{extension}"));
        }
        return Ok((Content::Pdf, warnings));
    }
    if let Some((_, why)) = SIGNATURES.iter().find(|(signature, _)| {
        bytes.starts_with(signature) && !std::str::from_utf8(bytes).is_ok_and(is_prose)
    }) {
        return Err(why);
    }
    let named_html = matches!(extension, "html" | "htm" | "xhtml");
    let decoded = decode::decode(bytes, named_html || starts_like_html_bytes(bytes))?;
    if decoded.damaged > 0 {
        warnings.push(format!(
            "{} byte sequences are not valid {} and were replaced",
            decoded.damaged, decoded.encoding
        ));
    }
    let looks_html = starts_like_html(&decoded.text);
    if extension == "pdf" {
        warnings.push("it is named .pdf and holds no PDF".to_owned());
    }
    let content = match extension {
        _ if named_html => Content::Html(decoded),
        "md" | "markdown" => Content::Markdown(decoded),
        _ if looks_html => {
            warnings.push(format!("it is HTML, although it is named .{extension}"));
            Content::Html(decoded)
        }
        _ => Content::Text(decoded),
    };
    Ok((content, warnings))
}

/// A PDF's mark may stand a little behind the start, but then only its name makes it more than a quotation.
fn is_pdf(bytes: &[u8], extension: &str) -> bool {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    let start = head.trim_ascii_start();
    start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .starts_with(b"%PDF-")
        || extension == "pdf" && head.windows(5).any(|window| window == b"%PDF-")
}

/// Whether the text that happens to start like a signature ("BZh", "ID3") is text all the same.
fn is_prose(text: &str) -> bool {
    !text
        .chars()
        .take(512)
        .any(|character| character.is_control() && !character.is_whitespace())
}

fn starts_like_html_bytes(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    starts_like_html(&String::from_utf8_lossy(head))
}

fn starts_like_html(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        let skipped = [("<?xml", "?>"), ("<!--", "-->")]
            .iter()
            .find_map(|(open, close)| {
                let inner = rest.strip_prefix(open)?;
                inner.split_once(close).map(|(_, after)| after.trim_start())
            });
        match skipped {
            Some(after) => rest = after,
            None => break,
        }
    }
    let head: String = rest
        .chars()
        .take(16)
        .collect::<String>()
        .to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}
