//! One spelling for texts that look the same.

pub mod compat;
mod places;

pub use self::places::SourceMap;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Changes whenever the same input may give another output: documents are then read again.
pub const NORMALISER_VERSION: u32 = 1;

/// Gives a text its one normal form:
///
/// - line ends are LF; form feeds and Unicode's line and paragraph separators count as line ends;
/// - NUL, byte order marks, soft hyphens, zero-width spaces and word joiners are gone (joiners and non-joiners
///   stay: some scripts and emoji are spelled with them);
/// - no line ends in white space, no two empty lines follow each other, no empty line opens or closes the text;
/// - characters are composed (NFC).
///
/// Normalising twice changes nothing.
pub fn normalise(text: &str) -> String {
    let unix;
    let text = if text.contains('\r') {
        unix = text.replace("\r\n", "\n").replace('\r', "\n");
        &unix
    } else {
        text
    };
    let mut lines = String::with_capacity(text.len());
    let mut line = String::new();
    let mut breaks = 0_usize;
    for raw in text.split(is_break) {
        // Most lines need no repair; those are copied as they are.
        let kept = if raw.contains(is_noise) {
            line.clear();
            line.extend(raw.chars().filter(|character| !is_noise(*character)));
            line.trim_end()
        } else {
            raw.trim_end()
        };
        if kept.is_empty() {
            breaks += 1;
            continue;
        }
        if !lines.is_empty() {
            lines.push_str(if breaks > 0 { "\n\n" } else { "\n" });
        }
        lines.push_str(kept);
        breaks = 0;
    }
    if lines.is_ascii() || is_nfc_quick(lines.chars()) == IsNormalized::Yes {
        return lines;
    }
    lines.nfc().collect()
}

fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\u{C}' | '\u{2028}' | '\u{2029}')
}

fn is_noise(character: char) -> bool {
    matches!(
        character,
        '\0' | '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn line_ends_of_every_system_become_line_feeds() {
        assert_eq!(normalise("a\r\nb\rc\u{2028}d\u{C}e"), "a\nb\nc\nd\ne");
    }

    #[test]
    fn white_space_at_line_ends_is_dropped_and_indentation_is_kept() {
        assert_eq!(normalise("  a \t\n\tb\u{A0}\n"), "  a\n\tb");
    }

    #[test]
    fn several_empty_lines_become_one() {
        assert_eq!(normalise("\n\na\n\n \n\t\nb\n\n"), "a\n\nb");
    }

    #[test]
    fn invisible_characters_are_removed() {
        assert_eq!(
            normalise("\u{FEFF}ti\0t\u{200B}le re\u{AD}sult \u{200B}"),
            "title result"
        );
    }

    #[test]
    fn letters_and_their_marks_are_composed() {
        assert_eq!(normalise("e\u{301}te\u{301}"), "\u{E9}t\u{E9}");
    }

    #[test]
    fn joiners_that_spell_words_are_kept() {
        assert_eq!(
            normalise("\u{645}\u{6CC}\u{200C}\u{62E}"),
            "\u{645}\u{6CC}\u{200C}\u{62E}"
        );
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        let messy = "\u{FEFF}\r\n a\0 \r\r\u{200B}\n\n\ne\u{301} \u{2029}\u{AD}x \u{AD}\n";
        let once = normalise(messy);
        assert_eq!(normalise(&once), once);
    }
}
