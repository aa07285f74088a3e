//! The spelling of rag-101, byte for byte, for the profile `compat`.

/// Gives a text the form that rag-101 gives it:
///
/// - NUL is gone;
/// - every run of white space that is no line feed is one space, so CR LF is a space and a line feed;
/// - three line feeds and more are two, but not where spaces stand between them;
/// - no white space opens or closes the text.
///
/// Byte order marks, zero-width spaces, ligatures and marks that stand apart from their letters stay.
pub fn normalise(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    let mut feeds = 0;
    let mut in_space = false;
    for character in text.chars().filter(|character| *character != '\0') {
        if character == '\n' {
            feeds += 1;
            in_space = false;
            if feeds <= 2 {
                spelled.push('\n');
            }
            continue;
        }
        feeds = 0;
        if is_space(character) {
            if !in_space {
                spelled.push(' ');
            }
            in_space = true;
            continue;
        }
        in_space = false;
        spelled.push(character);
    }
    strip(&spelled).to_owned()
}

/// A text without white space around it, as Python strips it.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// White space as Python sees it: that of Unicode, and four separators that Unicode calls controls.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1C}'..='\u{1F}')
}

#[cfg(test)]
mod tests {
    use super::normalise;

    /// Computed with the original function.
    const GOLDEN: [(&str, &str); 17] = [
        ("", ""),
        ("x\0y", "xy"),
        ("hello\tworld", "hello world"),
        ("a\u{A0}\u{2003}b", "a b"),
        ("a\u{2028}b", "a b"),
        ("a\u{B}b\u{C}c", "a b c"),
        ("a\r\nb", "a \nb"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\n \n \nb", "a\n \n \nb"),
        ("a\r\n\r\n\r\nb", "a \n \n \nb"),
        ("  \n\n  ", ""),
        ("\u{FEFF}title", "\u{FEFF}title"),
        ("a\u{200B}b", "a\u{200B}b"),
        ("e\u{301}", "e\u{301}"),
        ("re-\nsult", "re-\nsult"),
        ("a\u{1C}\u{1F}\u{85}\u{202F}\u{205F}\u{3000}b", "a b"),
        ("\u{FB01}", "\u{FB01}"),
    ];

    #[test]
    fn texts_are_spelled_as_the_original_spells_them() {
        for (text, spelled) in GOLDEN {
            assert_eq!(normalise(text), spelled, "{text:?}");
        }
    }
}
