//! Where the characters of a normalised text stood in the file.

use serde::{Deserialize, Serialize};

use super::{is_break, is_noise};

/// From bytes of a normalised text to bytes of the file that it was made from.
///
/// Only for files whose text is kept as it is (plain text, Markdown, source code) in UTF-8, and whose characters were
/// composed already: then every byte of the text is one of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceMap {
    /// A byte of the text from which on all stand so far apart, and the byte of the file; in ascending order.
    anchors: Vec<(usize, usize)>,
}

impl SourceMap {
    /// The map of a text, by the same rules as [`normalise`](super::normalise); `skipped` bytes stand before it in the
    /// file. Nothing if `normalised` is not made of it byte by byte.
    pub fn of(text: &str, normalised: &str, skipped: usize) -> Option<Self> {
        let mut map = Self::default();
        let mut at = 0;
        let mut line = 0;
        let mut rest = normalised;
        while line < text.len() {
            let after = text.get(line..)?;
            let end = after
                .find(|c| is_break(c) || c == '\r')
                .unwrap_or(after.len());
            let raw = after.get(..end)?;
            let kept = raw.trim_end_matches(|c: char| c.is_whitespace() || is_noise(c));
            let mut is_empty = true;
            for (offset, character) in kept.char_indices().filter(|(_, c)| !is_noise(*c)) {
                if is_empty {
                    // One or two line feeds stand between lines.
                    let breaks = rest.len() - rest.trim_start_matches('\n').len();
                    (rest, at) = (rest.get(breaks..)?, at + breaks);
                    is_empty = false;
                }
                rest = rest.strip_prefix(character)?;
                map.note(at, skipped + line + offset);
                at += character.len_utf8();
            }
            let after = after.get(end..)?;
            let width = if after.starts_with("\r\n") {
                2
            } else {
                after.chars().next().map_or(0, char::len_utf8)
            };
            line += end + width;
        }
        rest.is_empty().then_some(map)
    }

    fn note(&mut self, text: usize, file: usize) {
        let is_expected = self
            .anchors
            .last()
            .is_some_and(|(text_anchor, file_anchor)| file - file_anchor == text - text_anchor);
        if !is_expected {
            self.anchors.push((text, file));
        }
    }

    /// The bytes of the file that a range of bytes of the text was made from, from its first to its last character;
    /// nothing if the range is empty.
    pub fn range(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let place = |byte: usize| {
            let after = self.anchors.partition_point(|(text, _)| *text <= byte);
            let (text, file) = self.anchors.get(after.checked_sub(1)?)?;
            Some(file + (byte - text))
        };
        (start < end).then_some(())?;
        Some((place(start)?, place(end - 1)? + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::SourceMap;
    use crate::normalise::normalise;

    /// Every word of the text stands in the file where the map says.
    fn words_are_found(file: &str, skipped: usize) {
        let text = normalise(&file[skipped..]);
        let map = SourceMap::of(&file[skipped..], &text, skipped).unwrap();
        let mut count = 0;
        for word in text.split_whitespace() {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let (from, to) = map.range(start, start + word.len()).unwrap();
            let original: String = file[from..to]
                .chars()
                .filter(|c| !super::is_noise(*c))
                .collect();
            assert_eq!(original, word, "{file:?}");
            count += 1;
        }
        assert!(count > 0);
    }

    #[test]
    fn words_are_found_in_the_file_whatever_was_dropped_around_them() {
        for file in [
            "one two\nthree\n",
            "\n\n  one \t\r\n\r\n\r\n\ttwo\rthree\u{C}four\u{2028}five  ",
            "so\u{AD}me wo\u{200B}rds\0\u{200B}\n \u{200B}\n\u{2060}\n\nmore \u{200B} \nend\u{200B}",
            "gr\u{FC}n \u{1F600}\r\nbl\u{E4}ulich\n",
        ] {
            words_are_found(file, 0);
        }
        words_are_found("\u{FEFF}one\r\n\r\ntwo", 3);
    }

    #[test]
    fn a_range_over_lines_ends_behind_its_last_character() {
        let file = "one  \r\n\r\n\r\ntwo three\r\n";
        let text = normalise(file);
        let map = SourceMap::of(file, &text, 0).unwrap();
        assert_eq!(text, "one\n\ntwo three");
        assert_eq!(map.range(0, 8), Some((0, 14)));
        assert_eq!(map.range(3, 3), None);
    }

    #[test]
    fn a_text_whose_characters_were_composed_has_none() {
        let file = "e\u{301}te\u{301}";
        assert_eq!(SourceMap::of(file, &normalise(file), 0), None);
    }

    #[test]
    fn it_is_small_where_little_was_dropped() {
        let file = "line\n".repeat(1000);
        let map = SourceMap::of(&file, &normalise(&file), 0).unwrap();
        assert_eq!(map.anchors.len(), 1);
    }
}
