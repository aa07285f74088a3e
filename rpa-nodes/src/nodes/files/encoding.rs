//! The encodings that files have.

use std::fmt::Write as _;

use encoding_rs::Encoding;

use crate::fault::Fault;

/// The encodings that the standard of the web does not know, or knows under other names than Python.
enum Known {
    Utf8,
    /// UTF-8 with a mark in front.
    Marked,
    /// One byte a character, the same number.
    Latin1,
    /// Two bytes a unit; whether the greater one comes first, and whether a mark in front says so.
    Utf16 {
        big: bool,
        marked: bool,
    },
    Other(&'static Encoding),
}

fn find(name: &str) -> Result<Known, Fault> {
    let plain = name.trim().to_lowercase().replace(['-', '_'], "");
    let utf16 = |big, marked| Ok(Known::Utf16 { big, marked });
    let label = match plain.as_str() {
        "" | "utf8" => return Ok(Known::Utf8),
        "utf8sig" => return Ok(Known::Marked),
        "latin1" | "iso88591" | "l1" => return Ok(Known::Latin1),
        "utf16" => return utf16(false, true),
        "utf16le" => return utf16(false, false),
        "utf16be" => return utf16(true, false),
        "latin9" => "iso-8859-15",
        "cp932" | "sjis" => "shift_jis",
        "cp936" => "gbk",
        "cp949" => "euc-kr",
        "cp950" => "big5",
        "macroman" => "macintosh",
        _ => name.trim(),
    };
    let spelled = label.replace('_', "-");
    Encoding::for_label(label.as_bytes())
        .or_else(|| Encoding::for_label(spelled.as_bytes()))
        .map(Known::Other)
        .ok_or_else(|| {
            Fault::of(
                "LookupError",
                format!(
                    "the encoding `{name}` is not known; there are utf-8, utf-8-sig, utf-16, latin-1, cp1252, shift_jis, gb18030 and those that web pages have"
                ),
            )
        })
}

/// Writes a text in an encoding. `errors` says what becomes of characters that it does not have, as in Python.
pub(in crate::nodes) fn encode(
    content: &str,
    encoding: &str,
    errors: &str,
) -> Result<Vec<u8>, Fault> {
    let known = find(encoding)?;
    let one = |character: char| -> Option<Vec<u8>> {
        match known {
            Known::Latin1 => u8::try_from(u32::from(character))
                .ok()
                .map(|byte| vec![byte]),
            Known::Other(other) => {
                let mut buffer = [0; 4];
                let (bytes, _, is_lost) = other.encode(character.encode_utf8(&mut buffer));
                (!is_lost).then(|| bytes.into_owned())
            }
            _ => None,
        }
    };
    match known {
        Known::Utf8 => return Ok(content.as_bytes().to_vec()),
        Known::Marked => return Ok([b"\xef\xbb\xbf", content.as_bytes()].concat()),
        Known::Utf16 { big, marked } => {
            let mark = marked.then_some(0xfeff);
            let units = mark.into_iter().chain(content.encode_utf16());
            return Ok(units
                .flat_map(|unit: u16| match big {
                    true => unit.to_be_bytes(),
                    false => unit.to_le_bytes(),
                })
                .collect());
        }
        // Whole texts where nothing is lost: some encodings have states that go on from character to character.
        Known::Other(other) => {
            if let (bytes, _, false) = other.encode(content) {
                return Ok(bytes.into_owned());
            }
        }
        Known::Latin1 => {}
    }
    let mut bytes = Vec::with_capacity(content.len());
    for character in content.chars() {
        if let Some(written) = one(character) {
            bytes.extend(written);
            continue;
        }
        let code = u32::from(character);
        match errors {
            "ignore" => {}
            "replace" => bytes.push(b'?'),
            "xmlcharrefreplace" => bytes.extend(format!("&#{code};").into_bytes()),
            "backslashreplace" if code > 0xffff => {
                bytes.extend(format!("\\U{code:08x}").into_bytes());
            }
            "backslashreplace" if code > 0xff => {
                bytes.extend(format!("\\u{code:04x}").into_bytes())
            }
            "backslashreplace" => bytes.extend(format!("\\x{code:02x}").into_bytes()),
            _ => {
                return Err(Fault::of(
                    "UnicodeEncodeError",
                    format!(
                        "`{character}` cannot be written in {encoding}; write utf-8, or set `errors` to replace"
                    ),
                ));
            }
        }
    }
    Ok(bytes)
}

/// Reads a text in an encoding. `errors` says what becomes of bytes that mean nothing in it, as in Python.
pub(in crate::nodes) fn decode(
    bytes: Vec<u8>,
    encoding: &str,
    errors: &str,
) -> Result<String, Fault> {
    let (how, skipped) = match find(encoding)? {
        Known::Latin1 => return Ok(bytes.into_iter().map(char::from).collect()),
        Known::Utf8 => (encoding_rs::UTF_8, 0),
        Known::Marked => {
            let marked = bytes.starts_with(b"\xef\xbb\xbf");
            (encoding_rs::UTF_8, if marked { 3 } else { 0 })
        }
        Known::Utf16 { big, marked } => match bytes.get(..2) {
            Some(b"\xff\xfe") if marked => (encoding_rs::UTF_16LE, 2),
            Some(b"\xfe\xff") if marked => (encoding_rs::UTF_16BE, 2),
            _ if big => (encoding_rs::UTF_16BE, 0),
            _ => (encoding_rs::UTF_16LE, 0),
        },
        Known::Other(other) => (other, 0),
    };
    let bytes = bytes.get(skipped..).unwrap_or_default();
    if let Some(text) = how.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text.into_owned());
    }
    let lossy = || how.decode_without_bom_handling(bytes).0.into_owned();
    match errors {
        "replace" => Ok(lossy()),
        "ignore" => Ok(lossy().replace('\u{fffd}', "")),
        "backslashreplace" if how == encoding_rs::UTF_8 => Ok(escaped(bytes)),
        _ => {
            let place = match std::str::from_utf8(bytes) {
                Err(error) if how == encoding_rs::UTF_8 => {
                    format!(" (byte {})", skipped + error.valid_up_to())
                }
                _ => String::new(),
            };
            Err(Fault::of(
                "UnicodeDecodeError",
                format!(
                    "the file is not {encoding}{place}; name its encoding, or set `errors` to replace"
                ),
            ))
        }
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Nothing can fail: it is written to memory.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}
