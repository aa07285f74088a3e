//! Paths as text, without losing any.
//!
//! A path is a string of bytes; reports, databases and JSON want text. A path that is UTF-8 is written as it is.
//! Each byte that is not is written as U+FFFD and two hexadecimal digits, and so are the bytes of U+FFFD itself,
//! which makes the spelling reversible.

use std::path::{Path, PathBuf};

const SIGIL: char = '\u{FFFD}';

/// Writes a path.
#[cfg(unix)]
pub(crate) fn text_of(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;

    let mut text = String::new();
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            text.push_str(&format!("{SIGIL}{byte:02X}"));
        }
    };
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == SIGIL {
                escape(&mut text, SIGIL.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// Reads what [`text_of`] wrote.
#[cfg(unix)]
pub(crate) fn path_of(text: &str) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut parts = text.split(SIGIL);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.split_at_checked(2) {
            Some((digits, rest)) if let Ok(byte) = u8::from_str_radix(digits, 16) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            _ => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// Writes a path.
#[cfg(not(unix))]
pub(crate) fn text_of(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Reads what [`text_of`] wrote.
#[cfg(not(unix))]
pub(crate) fn path_of(text: &str) -> PathBuf {
    PathBuf::from(text)
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::{path_of, text_of};

    #[test]
    fn an_ordinary_path_is_written_as_it_is() {
        let path = Path::new("notes/100% caf\u{E9}.md");
        assert_eq!(text_of(path), "notes/100% caf\u{E9}.md");
    }

    #[test]
    fn every_path_can_be_read_back() {
        for bytes in [&b"a\xFFb/\xC3"[..], "x\u{FFFD}41".as_bytes(), b"new\nline"] {
            let path = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(path_of(&text_of(path)), path);
        }
    }
}
